"""The ledger: postings, and what they add up to."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field, WithJsonSchema

from paybell.model.ledger import ACCOUNT_TYPES, Account, AccountType, Balance, EntryKind, Posting
from paybell.model.money import to_major
from paybell.web.api.caller import Caller, Calling, Filter, Paging, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, when

router = keyed_router("ledger")

Currency = Annotated[str, Query(pattern=r"^([A-Z]{3})?$", description="ISO 4217, in upper case.")]
Major = Annotated[Decimal, WithJsonSchema({"type": "number"})]


class PostingOut(Shape):
    """An amount out of ``credit`` into ``debit``. A ``reversal`` undoes the one with its ``no``."""

    id: str
    payment_id: str
    source: Annotated[str, Field(description="The source's uid; its id once it is deleted.")]
    source_id: str
    kind: EntryKind
    ref: Annotated[str, Field(description="The gateway's id of the operation.")]
    no: int
    line_no: int
    reversal: bool
    debit: Account
    credit: Account
    amount: Major
    amount_minor: int
    currency: str
    at: Annotated[Time, Field(description="The gateway's time of the operation.")]
    posted_at: Time


class BalanceOut(Shape):
    """An account's sums. ``balance`` is debits less credits: what was earned or is owed is below zero."""

    source: str
    source_id: str
    currency: str
    account: Account
    type: AccountType
    debit_minor: int
    credit_minor: int
    balance_minor: int
    balance: Major


class TotalOut(Shape):
    """All accounts of one currency: a ledger that balances has both sides equal."""

    currency: str
    debit_minor: int
    credit_minor: int


class TrialBalanceOut(Shape):
    """Every account that has postings, and the totals of each currency."""

    data: list[BalanceOut]
    totals: list[TotalOut]


@router.get("/ledger/posting", response_model=PageOut[PostingOut])
async def posting_list(  # noqa: PLR0917 - filters come by name
    caller: Calling,
    paging: Paging,
    payment: Filter = "",
    source: Filter = "",
    currency: Currency = "",
    account: Account | None = None,
) -> Response:
    """Postings, newest first; ``source`` is an id or uid, ``account`` either side."""
    query = paging.query(
        payment_id=payment,
        source_id=await caller.source_id(source),
        currency=currency,
        account=account or "",
    )
    page = await caller.store.posting_page(query)
    names = await _names(caller, {posting.source_id for posting in page.data})
    shown = [_show(posting, names) for posting in page.data]
    return exact(PageOut[PostingOut](data=shown, **page_ends(page)))


@router.get("/ledger/balance", response_model=TrialBalanceOut)
async def balance_list(caller: Calling, source: Filter = "", currency: Currency = "") -> Response:
    """The trial balance: every account's sums, by source and currency."""
    source_id = await caller.source_id(source)
    found = [
        balance
        for balance in await caller.store.ledger_balances(caller.organisation_id)
        if source_id in {"", balance.source_id} and currency in {"", balance.currency}
    ]
    names = await _names(caller, {balance.source_id for balance in found})
    totals = [
        TotalOut(
            currency=code,
            debit_minor=sum(it.debit_minor for it in found if it.currency == code),
            credit_minor=sum(it.credit_minor for it in found if it.currency == code),
        )
        for code in sorted({balance.currency for balance in found})
    ]
    return exact(TrialBalanceOut(data=[_show_balance(balance, names) for balance in found], totals=totals))


async def _names(caller: Caller, source_ids: set[str]) -> Mapping[str, str]:
    found = {source_id: await caller.store.source_get(source_id) for source_id in source_ids}
    return {source_id: source_id if source is None else source.uid for source_id, source in found.items()}


def _show(posting: Posting, names: Mapping[str, str]) -> PostingOut:
    return PostingOut(
        id=posting.id,
        payment_id=posting.payment_id,
        source=names[posting.source_id],
        source_id=posting.source_id,
        kind=posting.kind,
        ref=posting.ref,
        no=posting.no,
        line_no=posting.line_no,
        reversal=posting.reversal,
        debit=posting.debit,
        credit=posting.credit,
        amount=to_major(posting.amount_minor, posting.currency),
        amount_minor=posting.amount_minor,
        currency=posting.currency,
        at=when(posting.at_ms),
        posted_at=when(posting.posted_at_ms),
    )


def _show_balance(balance: Balance, names: Mapping[str, str]) -> BalanceOut:
    return BalanceOut(
        source=names[balance.source_id],
        source_id=balance.source_id,
        currency=balance.currency,
        account=balance.account,
        type=ACCOUNT_TYPES[balance.account],
        debit_minor=balance.debit_minor,
        credit_minor=balance.credit_minor,
        balance_minor=balance.balance_minor,
        balance=to_major(balance.balance_minor, balance.currency),
    )
