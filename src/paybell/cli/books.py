"""The ledger in the forms that bookkeeping reads: beancount and CSV. Pure."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from paybell.cli.views import posting_view
from paybell.model.ledger import ACCOUNT_TYPES, Account, AccountType, Posting
from paybell.model.money import to_major

_ROOTS: Final[Mapping[AccountType, str]] = {
    AccountType.ASSET: "Assets",
    AccountType.LIABILITY: "Liabilities",
    AccountType.INCOME: "Income",
    AccountType.EXPENSE: "Expenses",
}
_UNFIT: Final = re.compile(r"[^A-Za-z0-9-]+")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_OPENED: Final = "1970-01-01"
CSV_COLUMNS: Final = (
    "id",
    "postedAt",
    "at",
    "source",
    "paymentId",
    "kind",
    "ref",
    "no",
    "reversal",
    "debit",
    "credit",
    "amount",
    "amountMinor",
    "currency",
)


def beancount(postings: Sequence[Posting], sources: Mapping[str, str]) -> Iterator[str]:
    """A beancount file, line by line: every account opened, then a transaction per posting, oldest first.

    ``sources`` gives each source's own name. The format is that of beancount's language syntax, version 3.
    """
    yield 'option "title" "Paybell"'
    yield ""
    used = sorted({(account_name(side, it, sources)) for it in postings for side in (it.debit, it.credit)})
    for name in used:
        yield f"{_OPENED} open {name}"
    for posting in sorted(postings, key=lambda it: (it.at_ms, it.id)):
        yield ""
        yield from _transaction(posting, sources)


def _transaction(posting: Posting, sources: Mapping[str, str]) -> Iterator[str]:
    date = datetime.fromtimestamp(posting.at_ms / 1000, UTC).date().isoformat()
    amount = to_major(posting.amount_minor, posting.currency)
    what = f"{'reversal of ' if posting.reversal else ''}{posting.kind} {posting.ref}".strip()
    yield f"{date} * {_text(posting.payment_id)} {_text(what)}"
    yield f"  posting: {_text(posting.id)}"
    yield f"  {account_name(posting.debit, posting, sources)}  {amount} {posting.currency}"
    yield f"  {account_name(posting.credit, posting, sources)}  -{amount} {posting.currency}"


def account_name(account: Account, posting: Posting, sources: Mapping[str, str]) -> str:
    """``Assets:Shop-1a2b3c4d:Clearing``: the end of the source's id keeps sources of like names apart."""
    uid = _UNFIT.sub("-", sources.get(posting.source_id, "")).strip("-") or "Source"
    part = "".join(word.capitalize() for word in account.split("_"))
    return f"{_ROOTS[ACCOUNT_TYPES[account]]}:{uid[0].upper()}{uid[1:]}-{posting.source_id[-8:]}:{part}"


def csv_lines(postings: Iterable[Posting], sources: Mapping[str, str]) -> Iterator[str]:
    """CSV (RFC 4180) with a header; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    yield _row(CSV_COLUMNS)
    for posting in postings:
        view = {**posting_view(posting), "source": sources.get(posting.source_id, posting.source_id)}
        yield _row([_cell(view[name]) for name in CSV_COLUMNS])


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _text(text: str) -> str:
    """A beancount string: what it cannot hold is left out."""
    kept = "".join(mark for mark in text if mark.isprintable())
    return '"{}"'.format(kept.replace("\\", "\\\\").replace('"', '\\"'))
