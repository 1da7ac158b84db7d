"""Paddle's adjustments as facts: refunds and chargebacks (developer.paddle.com, "Adjustments").

A chargeback, its warning and its reversal are adjustments with ids of their own; they are one dispute of the
transaction. A chargeback comes when the money has been taken: it is lost until it is reversed.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.paddle.money import minor
from paybell.model.fact import Fact, Kind

_REFUNDS: Final[Mapping[str, Kind]] = {
    "pending_approval": Kind.REFUND_PENDING,
    "approved": Kind.REFUND_SUCCEEDED,
    "rejected": Kind.REFUND_FAILED,
    "reversed": Kind.REFUND_FAILED,
}
_DISPUTES: Final[Mapping[str, str]] = {
    "chargeback_warning": "warning",
    "chargeback": "lost",
    "chargeback_reverse": "won",
}


class _Totals(Struct, frozen=True):
    total: object = None


class _Adjustment(Struct, frozen=True):
    id: str
    action: str
    status: str
    transaction_id: str
    currency_code: str
    totals: _Totals
    reason: object = None
    created_at: object = None
    updated_at: object = None


_ADJUSTMENT: Final = payloads.decoder(_Adjustment)


def facts(body: bytes, at_ms: int) -> tuple[tuple[Fact, ...], str]:
    """A refund by its status, a chargeback by its action; a credit moves no money to the customer."""
    found = payloads.read(_ADJUSTMENT, body)
    payment_id = payloads.ident(found.transaction_id, "transaction_id")
    if found.action == "refund" and found.status in _REFUNDS:
        ref = payloads.ident(found.id, "the adjustment's id")
        return (_fact(found, _REFUNDS[found.status], ref, "", at_ms),), ""
    if found.action in _DISPUTES and found.status in {"approved", "reversed"}:
        status = "won" if found.status == "reversed" else _DISPUTES[found.action]
        ref = f"{payment_id}:chargeback"
        told = _fact(found, Kind.DISPUTE_STATUS, ref, status, at_ms)
        return (told, *(_fact(found, kind, ref, "", at_ms) for kind in _funds(found))), ""
    if found.action in {"credit", "credit_reverse"}:
        return (), "a credit reduces what is owed; no money goes back"
    return (), f"an adjustment's action {payloads.text(found.action)!r} with {payloads.text(found.status)!r} is unknown"


def _funds(found: _Adjustment) -> tuple[Kind, ...]:
    """A chargeback took the money, a reversal gives it back; of one that is reversed itself, both are true."""
    if found.action == "chargeback_reverse":
        return (Kind.DISPUTE_REINSTATED,)
    if found.action != "chargeback":
        return ()
    return (Kind.DISPUTE_WITHDRAWN, *((Kind.DISPUTE_REINSTATED,) if found.status == "reversed" else ()))


def _fact(found: _Adjustment, kind: Kind, ref: str, status: str, at_ms: int) -> Fact:
    currency = currency_code(found.currency_code)
    changed = found.updated_at if found.updated_at is not None else found.created_at
    return Fact(
        aggregate=found.transaction_id,
        kind=kind,
        ref=ref,
        at_ms=at_ms if changed is None else payloads.time_to_ms(changed, "a time of the adjustment"),
        amount_minor=minor(found.totals.total, currency),
        currency=currency,
        detail=payloads.details(status=status, reason=payloads.text(found.reason)),
    )
