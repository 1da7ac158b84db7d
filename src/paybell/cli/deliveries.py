"""``paybell deliveries``."""

from typing import Annotated

import typer

from paybell.cli.shared import After, AsJson, Database, Limit, desk, show_rows, work
from paybell.cli.views import delivery_view
from paybell.model.delivery import DeliveryState
from paybell.ports import PageQuery

app = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "delivery": "id",
    "event type": "eventType",
    "endpoint": "endpointId",
    "state": "state",
    "tries": "attemptCount",
    "due": "dueAt",
    "last error": "lastError",
}


@app.callback()
def deliveries() -> None:
    """Messages on their way to endpoints."""


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


async def _list(state: str, limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters={"state": state})
        return [delivery_view(delivery) for delivery in (await at.store.delivery_page(query)).data]
