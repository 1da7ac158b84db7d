"""What Xendit's API answers about a payout (its docs: "Get payout by id", of the second and of the third version).

A payout of the third version may change the currency on its way: what leaves the balance is what is told.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact, Parsed
from paybell.model.money import to_minor

KINDS: Final = frozenset({"payout", "v3_payout"})
"""Kinds of subjects that are payouts."""

_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "ACCEPTED": PayoutStatus.CREATED,
    "REQUESTED": PayoutStatus.CREATED,
    "PENDING": PayoutStatus.CREATED,
    "SUCCEEDED": PayoutStatus.PAID,
    "CANCELLED": PayoutStatus.CANCELED,
    "FAILED": PayoutStatus.FAILED,
    "REVERSED": PayoutStatus.FAILED,
}


class Payout(Struct, frozen=True):
    """A payout of either version."""

    status: str | None = None
    id: str | None = None
    payout_id: str | None = None
    amount: object = None
    currency: str | None = None
    source_amount: object = None
    source_currency: str | None = None
    failure_code: object = None
    created: str | None = None
    updated: str | None = None


DECODER: Final = payloads.decoder(Payout)


def read(found: Payout, kind: str, payout_id: str, received_at_ms: int) -> Parsed:
    """Where the payout asked for stands; not final while it is on its way."""
    if payout_id not in {found.id, found.payout_id}:
        return Parsed(event=kind, reason="the answer is about another payout", final=False)
    status = _STATUSES.get(found.status or "")
    if status is None:
        return Parsed(event=kind, reason=f"its status is unknown: {payloads.text(found.status)!r}")
    fact = _fact(found, status, payout_id, received_at_ms)
    return Parsed(event=f"{kind}: {found.status}", facts=(fact,), final=status is not PayoutStatus.CREATED)


def _fact(found: Payout, status: PayoutStatus, payout_id: str, received_at_ms: int) -> Fact:
    own = found.source_currency is None
    currency = currency_code(found.currency if own else found.source_currency)
    at = found.updated or found.created
    return accounts.payout(
        payloads.ident(payout_id, "the payout's id"),
        status,
        at_ms=payloads.time_to_ms(at, "a time of the payout") if at else received_at_ms,
        money=(to_minor(found.amount if own else found.source_amount, currency), currency),
        why=payloads.details(failure_code=payloads.text(found.failure_code)),
    )
