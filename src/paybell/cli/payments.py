"""``paybell payments``."""

from typing import Annotated

import typer

from paybell.app.rebuilds import rebuild_payments
from paybell.cli.shared import OUT, After, AsJson, Database, Limit, desk, printable, show_json, show_rows, work
from paybell.cli.views import difference_view, payment_view, timeline_view
from paybell.errors import NotFound
from paybell.model.payment import Payment, PaymentStatus
from paybell.ports import PageQuery, Store
from paybell.record.rebuild import Difference

app = typer.Typer(no_args_is_help=True)
_COLUMNS = {
    "payment": "id",
    "gateway's id": "gatewayPaymentId",
    "order": "orderId",
    "status": "status",
    "amount": "amount",
    "currency": "currency",
    "version": "version",
    "updated": "updatedAt",
}
_DIFFERENCES = {
    "payment": "id",
    "gateway's id": "gatewayPaymentId",
    "differs in": "fields",
    "postings": "postingCount",
}


@app.command("list")
def list_(
    status: Annotated[PaymentStatus | None, typer.Option(help="Only payments of this status.")] = None,
    order: Annotated[str, typer.Option(help="Only payments of this order.")] = "",
    gateway_payment_id: Annotated[
        str, typer.Option("--gateway-id", help="Only the payment with this gateway id.")
    ] = "",
    *,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the payments, newest first."""
    filters = {"status": str(status or ""), "order_id": order, "gateway_payment_id": gateway_payment_id}
    found = work(_list(filters, limit, after, database))
    show_rows(found, _COLUMNS, json=json)


@app.command("show")
def show(
    payment: Annotated[str, typer.Argument(help="Our id (pay_…) or the gateway's.")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Show a payment and everything that happened to it."""
    found, timeline = work(_show(payment, database), missing="paybell payments list")
    if json:
        show_json({**found, "timeline": timeline})
        return
    for name, value in found.items():
        if value not in (None, (), {}):
            OUT.print(f"{name:18}{printable(value)}")
    OUT.print()
    for entry in timeline:
        OUT.print(f"{entry['at']}  {entry['kind']!s:13}{printable(entry['text'])}")


@app.command("rebuild")
def rebuild(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what differs; status 1 if anything does.")
    ] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Fold every payment again from its facts, and post what the ledger lacks. Nobody is told of it."""
    count, found = work(_rebuild(database, dry_run=dry_run))
    shown = [difference_view(it) for it in found]
    if json:
        show_json({"paymentCount": count, "differences": shown})
    else:
        show_rows(shown, _DIFFERENCES, json=False)
        OUT.print(f"{count} payments looked at, {len(found)} {'differ' if dry_run else 'put right'}")
    if dry_run and found:
        raise typer.Exit(1)


async def _rebuild(database: str | None, *, dry_run: bool) -> tuple[int, list[Difference]]:
    async with desk(database) as at:
        count, found = 0, list[Difference]()
        async for looked_at, differing in rebuild_payments(at.store, at.clock, at.organisation.id, dry_run=dry_run):
            count += looked_at
            found += differing
        return count, found


async def _list(filters: dict[str, str], limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        page = await at.store.payment_page(
            PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters=filters)
        )
        return [payment_view(payment) for payment in page.data]


async def _show(name: str, database: str | None) -> tuple[dict[str, object], list[dict[str, object]]]:
    async with desk(database) as at:
        payment = await _find(at.store, at.organisation.id, name)
        timeline = await at.store.payment_timeline(at.organisation.id, payment.id)
        return payment_view(payment), [timeline_view(entry) for entry in timeline]


async def _find(store: Store, organisation_id: str, name: str) -> Payment:
    try:
        return await store.payment_get(organisation_id, name)
    except NotFound:
        query = PageQuery(organisation_id=organisation_id, limit=1, filters={"gateway_payment_id": name})
        found = (await store.payment_page(query)).data
        if not found:
            raise
        return found[0]
