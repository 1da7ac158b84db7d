"""``paybell deliveries``."""

from typing import Annotated

import typer

from paybell.cli import dead_letters, replays
from paybell.cli.shared import After, AsJson, Database, Limit, desk, show_rows, work
from paybell.cli.views import delivery_view, endpoint_state_view
from paybell.model.delivery import DeliveryState
from paybell.ports import PageQuery

app = typer.Typer(no_args_is_help=True, help="Messages on their way to endpoints.")
_COLUMNS = {
    "delivery": "id",
    "event type": "eventType",
    "endpoint": "endpointId",
    "state": "state",
    "tries": "attemptCount",
    "due": "dueAt",
    "last error": "lastError",
}

_STATE_COLUMNS = {
    "endpoint": "endpointId",
    "breaker": "breaker",
    "since": "breakerSince",
    "held until": "heldUntil",
    "reason": "reason",
    "at once": "concurrency",
    "failing since": "failingSince",
    "failures": "failureCount",
    "waiting": "waitingCount",
}
_WAITING_MAX = 10_000


@app.command("list")
def list_(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    *,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the deliveries, newest first."""
    found = work(_list(str(state or ""), limit, after, database))
    show_rows(found, _COLUMNS, json=json)


@app.command()
def endpoints(*, database: Database = None, json: AsJson = False) -> None:
    """List the endpoints that are not well: what they are spared, until when and why."""
    show_rows(work(_endpoints(database)), _STATE_COLUMNS, json=json)


app.command("dead")(dead_letters.dead)
app.command("replay")(replays.replay)


async def _endpoints(database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        mine = {it.id for it in await at.store.endpoint_list(at.organisation.id)}
        sick = [it for it in await at.store.endpoint_state_list() if it.endpoint_id in mine]
        count = at.store.delivery_waiting_count
        return [endpoint_state_view(it, await count(it.endpoint_id, count_max=_WAITING_MAX)) for it in sick]


async def _list(state: str, limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters={"state": state})
        return [delivery_view(delivery) for delivery in (await at.store.delivery_page(query)).data]
