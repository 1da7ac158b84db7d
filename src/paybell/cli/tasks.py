"""``paybell tasks``."""

from typing import Annotated, Final

import msgspec
import typer

from paybell.cli.shared import After, AsJson, Database, Limit, desk, show_json, show_rows, work
from paybell.model.task import Task
from paybell.ports import PageQuery
from paybell.replay.requests import progress

app = typer.Typer(no_args_is_help=True, help="Background tasks that run, and those that have ended.")
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
LIST: Final = "paybell tasks list"
"""What shows them."""


Id = Annotated[str, typer.Argument(help="The task's id.")]


@app.command("list")
def list_(*, limit: Limit = 50, after: After = "", database: Database = None, json: AsJson = False) -> None:
    """List the tasks, newest first."""
    show_rows(work(_list(limit, after, database)), _COLUMNS, json=json)


@app.command()
def show(task: Id, *, database: Database = None, json: AsJson = False) -> None:
    """Show one task; with --json also what came out of it."""
    found = work(_get(task, database), missing=LIST)
    if json:
        show_json(task_view(found) | {"result": msgspec.json.decode(found.result) if found.result else None})
    else:
        show_rows([task_view(found)], _COLUMNS, json=False)


@app.command()
def cancel(task: Id, *, database: Database = None, json: AsJson = False) -> None:
    """End a task where it is; what it has done stays so."""
    show_rows([work(_cancel(task, database), missing=LIST)], _COLUMNS, json=json)


async def _list(limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        page = await at.store.task_page(PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after))
        return [task_view(it) for it in page.data]


async def _get(task: str, database: str | None) -> Task:
    async with desk(database) as at:
        return await at.store.task_get(at.organisation.id, task)


async def _cancel(task: str, database: str | None) -> dict[str, object]:
    async with desk(database) as at:
        return task_view(await at.store.task_cancel(at.organisation.id, task, now_ms=at.clock.now_ms()))


def task_view(it: Task) -> dict[str, object]:
    """A task."""
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
