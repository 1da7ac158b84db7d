"""``paybell payments``."""

from typing import Annotated

import typer

from paybell.app.expectations import expect
from paybell.app.rebuilds import Wish, rebuild_payments
from paybell.cli.shared import OUT, After, AsJson, Database, Limit, desk, printable, show_json, show_rows, work
from paybell.cli.views import difference_view, expectation_view, payment_view, timeline_view
from paybell.errors import ConfigurationError, NotFound
from paybell.model.expectation import ORDER_CHARS_MAX, Expectation, check_expected
from paybell.model.money import to_major, to_minor
from paybell.model.payment import Payment, PaymentStatus
from paybell.model.text import is_storable
from paybell.ports import PageQuery, Said, Store
from paybell.record.rebuild import Difference
from paybell.record.timelines import payment_timeline

app = typer.Typer(no_args_is_help=True, help="Payments.")
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
    "facts added": "factsAdded",
    "facts dropped": "factsDropped",
}


DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what differs; status 1 if anything does.")]
Tell = Annotated[bool, typer.Option("--tell", help="Tell subscribers what changed.")]


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


@app.command("expect")
def expect_(
    order: Annotated[str, typer.Argument(help="The order's id, as its payments name it.")],
    amount: Annotated[str, typer.Argument(help="In the currency's major unit, such as 19.99.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217, such as USD.")],
    *,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Say what an order should pay, before or after it pays. A payment of another amount is flagged and told of."""
    said = work(_expect(order, amount, currency.upper(), database))
    if json:
        show_json(expectation_view(said))
        return
    it = said.expectation
    before = "" if said.is_new else ", as it was"
    OUT.print(
        printable(f"order {it.order_id} should pay {to_major(it.amount_minor, it.currency)} {it.currency}{before}")
    )


@app.command("rebuild")
def rebuild(
    *,
    dry_run: DryRun = False,
    tell: Tell = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Fold everything again from its facts, and post what the ledger lacks. Nobody is told of it unless asked."""
    _again(Wish(dry_run=dry_run, tell=tell), database, json=json)


@app.command("renormalise")
def renormalise(
    *,
    dry_run: DryRun = False,
    tell: Tell = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Derive all facts again from raw notifications, as after an upgrade. Nobody is told unless asked."""
    _again(Wish(dry_run=dry_run, tell=tell, renormalise=True), database, json=json)


def _again(wish: Wish, database: str | None, *, json: bool) -> None:
    count, found = work(_rebuild(database, wish))
    shown = [difference_view(it) for it in found]
    if json:
        show_json({"count": count, "differences": shown})
    else:
        show_rows(shown, _DIFFERENCES, json=False)
        OUT.print(f"{count} looked at, {len(found)} {'differ' if wish.dry_run else 'put right'}")
    if wish.dry_run and found:
        raise typer.Exit(1)


async def _expect(order_id: str, amount: str, currency: str, database: str | None) -> Said:
    if not order_id or len(order_id) > ORDER_CHARS_MAX or not is_storable(order_id):
        raise ConfigurationError(f"an order's id has 1 to {ORDER_CHARS_MAX} characters, none of them NUL")
    amount_minor = check_expected(to_minor(amount, currency), currency)
    async with desk(database) as at:
        wish = Expectation(
            organisation_id=at.organisation.id,
            order_id=order_id,
            amount_minor=amount_minor,
            currency=currency,
            created_at_ms=at.clock.now_ms(),
        )
        with at.changing("expectation_create", order_id, fields=("orderId", "amount", "currency")):
            return await expect(at.store, at.clock, wish)


async def _rebuild(database: str | None, wish: Wish) -> tuple[int, list[Difference]]:
    async with desk(database) as at:
        count, found = 0, list[Difference]()
        with at.changing("payment_renormalise" if wish.renormalise else "payment_rebuild"):
            async for looked_at, differing in rebuild_payments(at.store, at.clock, at.organisation.id, wish):
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
        timeline = await payment_timeline(at.store, at.organisation.id, payment.id)
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
