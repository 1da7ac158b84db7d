"""``paybell notifications``."""

from typing import Annotated

import typer

from paybell.cli.shared import OUT, After, AsJson, Database, Limit, desk, fail, printable, show_json, show_rows, work
from paybell.cli.views import notification_view, time_text
from paybell.model.notification import NotificationState
from paybell.ports import NotificationView, PageQuery

app = typer.Typer(no_args_is_help=True, help="Webhook requests as they came.")
_COLUMNS = {
    "notification": "id",
    "received": "receivedAt",
    "origin": "origin",
    "event": "event",
    "state": "state",
    "reason": "reason",
}


@app.command("list")
def list_(
    state: Annotated[NotificationState | None, typer.Option(help="Only those in this state.")] = None,
    *,
    refused: Annotated[bool, typer.Option("--refused", help="Samples of refused requests instead.")] = False,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the notifications, newest first."""
    if refused and state is not None:
        fail("give either --state or --refused: what was refused has no state")
    if refused:
        found = work(_refused(limit, after, database))
        columns = {name: name for name in ("id", "refusedAt", "sourceId", "reason", "detail")}
    else:
        found, columns = work(_list(str(state or ""), limit, after, database)), _COLUMNS
    show_rows(found, columns, json=json)


@app.command("show")
def show(
    notification: Annotated[str, typer.Argument(help="Its id (ntf_…).")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show a notification as it came."""
    view = work(_get(notification, database), missing="paybell notifications list")
    body = view.notification.body.decode("utf-8", "backslashreplace")
    found = {**notification_view(view), "headers": [list(pair) for pair in view.notification.headers], "body": body}
    if json:
        show_json(found)
        return
    for name, value in found.items():
        OUT.print(f"{name:14}{printable(value)}")


@app.command("replay")
def replay(
    notification: Annotated[str, typer.Argument(help="Its id (ntf_…).")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Have a notification read again, as after an upgrade; what it told before is not told twice."""
    view = work(_replay(notification, database), missing="paybell notifications list")
    if json:
        show_json(notification_view(view))
    else:
        OUT.print(f"{view.notification.id} is {view.status.state}: the running server takes it within a second")


async def _list(state: str, limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters={"state": state})
        return [notification_view(view) for view in (await at.store.notification_page(query)).data]


async def _refused(limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after)
        return [
            {
                "id": it.id,
                "refusedAt": time_text(it.refused_at_ms),
                "sourceId": it.source_id,
                "reason": it.reason,
                "detail": it.detail,
            }
            for it in (await at.store.refusal_page(query)).data
        ]


async def _get(notification_id: str, database: str | None) -> NotificationView:
    async with desk(database) as at:
        return await at.store.notification_get(at.organisation.id, notification_id)


async def _replay(notification_id: str, database: str | None) -> NotificationView:
    async with desk(database) as at:
        now_ms = at.clock.now_ms()
        with at.changing("notification_replay", notification_id):
            return await at.store.notification_replay(at.organisation.id, notification_id, now_ms=now_ms)
