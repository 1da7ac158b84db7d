"""``paybell payouts``, ``subscriptions``, ``invoices`` and ``customers``."""

from typing import Annotated

import typer

from paybell.app.erasures import erase_customer, find_customer, names_of, weigh
from paybell.cli.shared import OUT, After, AsJson, Database, Limit, desk, printable, show_json, show_rows, work
from paybell.cli.views import account_item_view, erasure_view, timeline_view
from paybell.errors import NotFound
from paybell.model.account import AccountItem
from paybell.model.fact import Subject
from paybell.ports import PageQuery, Store
from paybell.record.timelines import item_timeline

_MONEY = {"amount": "amount", "currency": "currency"}
_COLUMNS = {
    Subject.PAYOUT: _MONEY,
    Subject.SUBSCRIPTION: {"plan": "plan", "period end": "periodEnd", "customer": "customer"},
    Subject.INVOICE: {**_MONEY, "subscription": "gatewaySubscriptionId", "customer": "customer"},
    Subject.CUSTOMER: {"customer": "customer"},
}


def _commands(subject: Subject, help_text: str) -> typer.Typer:
    """``list`` and ``show`` of one subject."""
    app = typer.Typer(no_args_is_help=True, help=help_text)
    columns = {"id": "id", "gateway id": "gatewayId", "gateway": "gateway", "status": "status", **_COLUMNS[subject]}

    @app.command("list", help=f"List the {subject}s, newest first.")
    def list_(
        status: Annotated[str, typer.Option(help="Only those of this status.")] = "",
        *,
        limit: Limit = 50,
        after: After = "",
        database: Database = None,
        json: AsJson = False,
    ) -> None:
        found = work(_list({"subject": str(subject), "status": status}, limit, after, database))
        show_rows(found, columns, json=json)

    @app.command("show", help=f"Show one {subject} and everything that happened to it.")
    def show(
        name: Annotated[str, typer.Argument(help="Our id or the gateway's.")],
        *,
        database: Database = None,
        json: AsJson = False,
    ) -> None:
        found, timeline = work(_show(subject, name, database), missing=f"paybell {subject}s list")
        if json:
            show_json({**found, "timeline": timeline})
            return
        for field, value in found.items():
            if value not in (None, "", {}):
                OUT.print(f"{field:22}{printable(value)}")
        OUT.print()
        for entry in timeline:
            OUT.print(f"{entry['at']}  {entry['kind']!s:13}{printable(entry['text'])}")

    return app


payouts = _commands(Subject.PAYOUT, "Money that gateways send to the bank.")
subscriptions = _commands(Subject.SUBSCRIPTION, "What is paid for again and again.")
invoices = _commands(Subject.INVOICE, "What customers owe.")
customers = _commands(Subject.CUSTOMER, "Who pays.")


@customers.command("erase")
def erase(
    customer: Annotated[
        str, typer.Argument(help="Our id (cus_…), the gateway's, the e-mail address, or your own name (userId).")
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what names the customer.")] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Take a customer's personal data out of all that is kept, for good; amounts, ledger, hashes and ids stay."""
    shown = work(_erase(customer, database, dry_run=dry_run), missing="paybell payments list")
    if json:
        show_json(shown)
        return
    what = "would be erased" if dry_run else "erased"
    OUT.print(
        f"{what}: {shown['paymentCount']} payments, {shown['notificationCount']} notifications, "
        f"{shown['messageCount']} messages"
    )
    if shown["othersCount"]:
        OUT.print(f"{shown['othersCount']} further payments have the same e-mail address under another name: name it")


async def _erase(name: str, database: str | None, *, dry_run: bool) -> dict[str, object]:
    async with desk(database) as at:
        found = await find_customer(at.store, at.organisation.id, name)
        if not found.payments and not found.items:
            raise NotFound(f"nothing names a customer {name[:64]!r}")
        if dry_run:
            return erasure_view(await weigh(at.store, at.organisation.id, found), found.others_count)
        with at.changing("customer_erase", *names_of(found)):
            erased = await erase_customer(at.store, at.clock, at.organisation.id, found)
        return erasure_view(erased, found.others_count)


async def _list(filters: dict[str, str], limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters=filters)
        return [account_item_view(it) for it in (await at.store.account_item_page(query)).data]


async def _show(subject: Subject, name: str, database: str | None) -> tuple[dict[str, object], list[dict[str, object]]]:
    async with desk(database) as at:
        item = await find_item(at.store, at.organisation.id, subject, name)
        timeline = await item_timeline(at.store, at.organisation.id, subject, item.id)
        return account_item_view(item), [timeline_view(it) for it in timeline]


async def find_item(store: Store, organisation_id: str, subject: Subject, name: str) -> AccountItem:
    """By our id or the gateway's."""
    try:
        return await store.account_item_get(organisation_id, subject, name)
    except NotFound:
        filters = {"subject": str(subject), "gateway_id": name}
        found = (
            await store.account_item_page(PageQuery(organisation_id=organisation_id, limit=1, filters=filters))
        ).data
        if not found:
            raise
        return found[0]
