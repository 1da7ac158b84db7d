"""``paybell entitlements``."""

from typing import Annotated

import typer

from paybell.cli.shared import After, AsJson, Database, Limit, desk, show_rows, work
from paybell.cli.views import entitlement_view
from paybell.model.entitlement import EntitlementState
from paybell.ports import PageQuery

app = typer.Typer(no_args_is_help=True, help="What customers may use.")
_COLUMNS = {
    "customer": "customer",
    "product": "product",
    "state": "state",
    "reason": "reason",
    "until": "until",
    "version": "version",
}


@app.command("list")
def list_(
    product: Annotated[str, typer.Option(help="Only those of this product.")] = "",
    state: Annotated[EntitlementState | None, typer.Option(help="Only those of this state.")] = None,
    *,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List what customers may use, newest first."""
    filters = {"product": product, "state": str(state or "")}
    found = work(_list(filters, limit, after, database))
    show_rows(found, _COLUMNS, json=json)


@app.command("show")
def show(
    customer: Annotated[str, typer.Argument(help="A gateway's id, an e-mail address, or your own name (userId).")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show what one customer may use; status 1 if it is nothing."""
    found = work(_show(customer, database))
    show_rows(found, _COLUMNS, json=json)
    if not any(it["allowed"] for it in found):
        raise typer.Exit(1)


async def _list(filters: dict[str, str], limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters=filters)
        return [entitlement_view(it) for it in (await at.store.entitlement_page(query)).data]


async def _show(customer: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        return [entitlement_view(it) for it in await at.store.entitlement_of(at.organisation.id, customer)]
