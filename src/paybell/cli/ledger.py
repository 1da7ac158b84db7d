"""``paybell ledger``."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from paybell.cli.books import beancount, csv_lines
from paybell.cli.shared import After, AsJson, Database, Desk, Limit, desk, show_rows, work
from paybell.cli.views import balance_view, posting_view
from paybell.model.ledger import Account, Balance, Posting
from paybell.ports import PageQuery

app = typer.Typer(no_args_is_help=True, help="Where the money is: double-entry postings.")
_PAGE_ROWS = 250
_BALANCES = {
    "source": "source",
    "currency": "currency",
    "account": "account",
    "type": "type",
    "debits": "debit",
    "credits": "credit",
    "balance": "balance",
}
_POSTINGS = {
    "posting": "id",
    "payment": "paymentId",
    "kind": "kind",
    "ref": "ref",
    "reversal": "reversal",
    "from": "credit",
    "to": "debit",
    "amount": "amount",
    "currency": "currency",
    "posted": "postedAt",
}


class Form(StrEnum):
    """What a ledger is exported as."""

    BEANCOUNT = "beancount"
    CSV = "csv"


@app.command("balances")
def balances(*, database: Database = None, json: AsJson = False) -> None:
    """Show the trial balance: every account's sums, by source and currency."""
    found = work(_balances(database))
    show_rows(found, _BALANCES, json=json)


@app.command("postings")
def postings(
    payment: Annotated[str, typer.Option(help="Only postings of this payment (pay_…).")] = "",
    account: Annotated[Account | None, typer.Option(help="Only postings into or out of this account.")] = None,
    *,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List the postings, newest first."""
    filters = {"payment_id": payment, "account": str(account or "")}
    found = work(_postings(filters, limit, after, database))
    show_rows(found, _POSTINGS, json=json)


@app.command("export")
def export(
    form: Annotated[Form, typer.Option("--format", help="beancount or csv.")] = Form.BEANCOUNT,
    *,
    database: Database = None,
) -> None:
    """Write the whole ledger to standard output."""
    found, sources = work(_everything(database))
    lines = beancount(found, sources) if form is Form.BEANCOUNT else csv_lines(found, sources)
    for line in lines:
        sys.stdout.write(line + "\n")


async def _balances(database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        found = await at.store.ledger_balances(at.organisation.id)
        names = await _names(at, {balance.source_id for balance in found})
        return [_named(balance, names) for balance in found]


def _named(balance: Balance, names: Mapping[str, str]) -> dict[str, object]:
    return {"source": names[balance.source_id], **balance_view(balance)}


async def _postings(filters: dict[str, str], limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters=filters)
        return [posting_view(posting) for posting in (await at.store.posting_page(query)).data]


async def _everything(database: str | None) -> tuple[list[Posting], Mapping[str, str]]:
    async with desk(database) as at:
        found: list[Posting] = []
        iterator = ""
        while True:
            query = PageQuery(organisation_id=at.organisation.id, limit=_PAGE_ROWS, iterator=iterator)
            page = await at.store.posting_page(query)
            found += page.data
            if page.done:
                return found, await _names(at, {posting.source_id for posting in found})
            iterator = page.iterator


async def _names(at: Desk, source_ids: set[str]) -> Mapping[str, str]:
    found = {source_id: await at.store.source_get(source_id) for source_id in source_ids}
    return {source_id: source_id if source is None else source.uid for source_id, source in found.items()}
