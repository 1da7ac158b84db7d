"""``paybell tasks``, and ``paybell deliveries replay``, which begins one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
import typer

from paybell.app.replays import WISHES
from paybell.cli.shared import After, AsJson, Database, Desk, Limit, desk, show_json, show_rows, work
from paybell.errors import ConfigurationError, Conflict
from paybell.model.endpoint import Endpoint
from paybell.model.task import Asked, Task, TaskKind
from paybell.ports import PageQuery, TaskNew
from paybell.replay.requests import RUNNING_MAX, Requests, progress

app = typer.Typer(no_args_is_help=True)
_COLUMNS: Final = {
    "task": "id",
    "what": "task",
    "state": "state",
    "progress": "progress",
    "found": "found",
    "sent": "sent",
    "skipped": "skipped",
    "endpoint": "endpointId",
    "why": "reason",
}
_MISSING: Final = "paybell tasks list"


class What(StrEnum):
    """What is sent once more."""

    FAILED = "failed"
    MISSING = "missing"
    ALL = "all"


_KINDS: Final = {
    What.FAILED: TaskKind.RECOVER,
    What.MISSING: TaskKind.REPLAY_MISSING,
    What.ALL: TaskKind.BULK_REPLAY,
}
Id = Annotated[str, typer.Argument(help="The task's id.")]


@app.callback()
def tasks() -> None:
    """Background tasks that run, and those that have ended."""


@app.command("list")
def list_(*, limit: Limit = 50, after: After = "", database: Database = None, json: AsJson = False) -> None:
    """List the tasks, newest first."""
    show_rows(work(_list(limit, after, database)), _COLUMNS, json=json)


@app.command()
def show(task: Id, *, database: Database = None, json: AsJson = False) -> None:
    """Show one task; with --json also what came out of it."""
    found = work(_get(task, database), missing=_MISSING)
    if json:
        show_json(_view(found) | {"result": msgspec.json.decode(found.result) if found.result else None})
    else:
        show_rows([_view(found)], _COLUMNS, json=False)


@app.command()
def cancel(task: Id, *, database: Database = None, json: AsJson = False) -> None:
    """End a task where it is; what it has done stays so."""
    show_rows([work(_cancel(task, database), missing=_MISSING)], _COLUMNS, json=json)


def replay(
    application: Annotated[str, typer.Argument(help="The application's id or uid.")],
    endpoint: Annotated[str, typer.Argument(help="The endpoint's id or uid.")],
    *,
    since: Annotated[str, typer.Option(help="Messages made from then on, such as 2024-06-26T11:08:07Z.")],
    until: Annotated[str, typer.Option(help="Messages made before; else now.")] = "",
    what: Annotated[What, typer.Option(help="failed, missing or all.")] = What.FAILED,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many, and start nothing.")] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Send messages to an endpoint once more, as a task that a server works on."""
    shown = work(_replay((application, endpoint), (since, until), _KINDS[what], dry_run=dry_run, database=database))
    if json:
        show_json(shown)
    elif dry_run:
        rest = "" if shown["complete"] else "; there are more, which were not counted"
        typer.echo(f"{shown['found']} messages, of which {shown['skipped']} could not be sent now{rest}")
    else:
        typer.echo(f"{shown['id']} has begun: `{_MISSING}` shows how far it is")


async def _list(limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        page = await at.store.task_page(PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after))
        return [_view(it) for it in page.data]


async def _get(task: str, database: str | None) -> Task:
    async with desk(database) as at:
        return await at.store.task_get(at.organisation.id, task)


async def _cancel(task: str, database: str | None) -> dict[str, object]:
    async with desk(database) as at:
        return _view(await at.store.task_cancel(at.organisation.id, task, now_ms=at.clock.now_ms()))


async def _replay(
    names: tuple[str, str], times: tuple[str, str], kind: TaskKind, *, dry_run: bool, database: str | None
) -> dict[str, object]:
    async with desk(database) as at:
        endpoint = await _endpoint(at, *names)
        since, until = times
        until_ms = _time_ms(until, "--until") if until else at.clock.now_ms()
        requests = Requests(at.store, at.clock, WISHES)
        task = requests.task(kind, Asked(since_ms=_time_ms(since, "--since"), until_ms=until_ms), endpoint)
        if dry_run:
            it = await requests.count(task, endpoint)
            return {"found": it.sent + it.skipped, "skipped": it.skipped, "complete": it.complete}
        await at.store.task_create(TaskNew(task=task, running_max=RUNNING_MAX))
        return _view(task)


async def _endpoint(at: Desk, application: str, name: str) -> Endpoint:
    found = await at.store.application_lookup(at.organisation.id, application)
    endpoint = await at.store.endpoint_lookup(at.organisation.id, found.id, name)
    if endpoint.disabled:
        raise Conflict(f"endpoint {endpoint.id} is disabled: switch it on first")
    return endpoint


def _time_ms(text: str, option: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} must be a time such as 2024-06-26T11:08:07Z, not {text!r}") from None
    if at.tzinfo is None:
        raise ConfigurationError(f"{option} needs its zone: write {text}Z for UTC")
    return int(at.timestamp() * 1000)


def _view(it: Task) -> dict[str, object]:
    return {
        "id": it.id,
        "task": str(it.kind),
        "state": str(it.state),
        "progress": progress(it),
        "found": it.found,
        "sent": it.done,
        "skipped": it.skipped,
        "endpointId": it.endpoint_id,
        "reason": it.reason,
    }
