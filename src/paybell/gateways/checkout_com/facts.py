"""What Checkout.com's events say: the name what happened, the data to which payment and by which action."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.amounts import currency_code, to_iso
from paybell.gateways.kit.metadata import expected, said
from paybell.gateways.kit.payloads import Record, details, ident, text, time_to_ms
from paybell.model.fact import Fact, Kind

EXPONENTS: Final[Mapping[str, int]] = {"CLP": 2}
"""Chilean pesos come in hundredths, which ISO 4217 does not have."""

_OPERATIONS: Final[Mapping[str, Kind]] = {
    "payment_pending": Kind.PROCESSING,
    "payment_approved": Kind.AUTHORIZED,
    "payment_declined": Kind.FAILED,
    "payment_authentication_failed": Kind.FAILED,
    "payment_captured": Kind.CAPTURED,
    "payment_refund_pending": Kind.REFUND_PENDING,
    "payment_refunded": Kind.REFUND_SUCCEEDED,
    "payment_refund_declined": Kind.REFUND_FAILED,
}
_ENDS: Final[Mapping[str, Kind]] = {
    "payment_voided": Kind.VOIDED,
    "payment_canceled": Kind.CANCELED,
    "payment_expired": Kind.EXPIRED,
}
_DISPUTES: Final[Mapping[str, str]] = {
    "dispute_received": "open",
    "dispute_evidence_required": "open",
    "dispute_evidence_submitted": "open",
    "dispute_evidence_acknowledged_by_scheme": "open",
    "dispute_arbitration_sent_to_scheme": "open",
    "dispute_canceled": "closed",
    "dispute_resolved": "closed",
    "dispute_won": "won",
    "dispute_arbitration_won": "won",
    "dispute_accepted": "lost",
    "dispute_expired": "lost",
    "dispute_lost": "lost",
    "dispute_arbitration_lost": "lost",
}
_ATTEMPTS: Final = frozenset({Kind.PROCESSING, Kind.AUTHORIZED, Kind.FAILED})
"""Their amount is the payment's own."""


class _Customer(Struct, frozen=True):
    id: str | None = None
    email: str | None = None
    name: str | None = None


class _Data(Struct, frozen=True):
    id: str | None = None
    action_id: str | None = None
    payment_id: str | None = None
    amount: int | str | None = None
    currency: str | None = None
    reference: str | None = None
    response_code: str | None = None
    response_summary: str | None = None
    reason_code: str | None = None
    customer: _Customer | None = None
    metadata: object = None


class Event(Struct, frozen=True):
    """A workflow event; those of card issuing have no ``data``."""

    type: str
    data: _Data = _Data()
    created_on: str | None = None
    timestamp: str | None = None


def read(event: Event) -> tuple[Fact, ...]:
    """The facts of an event; none where it moves no payment."""
    data = event.data
    if event.type in _DISPUTES:
        words = details(status=_DISPUTES[event.type], reason=text(data.reason_code))
        ref = ident(data.id, "the dispute's id")
        return (_fact(event, data.payment_id, Kind.DISPUTE_STATUS, ref, words),)
    if event.type in _ENDS:
        return (_fact(event, data.id, _ENDS[event.type], "", {}),)
    kind = _OPERATIONS.get(event.type)
    if kind is None:
        return ()
    failed = details(failure_code=text(data.response_code), failure_message=text(data.response_summary))
    ref = ident(data.action_id or data.id, "action_id")
    told = _fact(event, data.id, kind, ref, failed if kind is Kind.FAILED else {})
    if kind not in _ATTEMPTS:
        return (told,)
    wish = expected(told.aggregate, _noted(data), told.at_ms)
    return (_fact(event, data.id, Kind.PAYMENT_CREATED, "", _customer(data)), told, *wish)


def _noted(data: _Data) -> Record:
    return data.metadata if isinstance(data.metadata, dict) else {}


def _fact(event: Event, aggregate: object, kind: Kind, ref: str, detail: Mapping[str, str]) -> Fact:
    data, has_amount = (
        event.data,
        event.data.amount is not None and kind not in {Kind.FAILED, Kind.CANCELED, Kind.EXPIRED},
    )
    currency = currency_code(data.currency) if has_amount else ""
    return Fact(
        aggregate=ident(aggregate, "the payment's id"),
        kind=kind,
        ref=ref,
        at_ms=time_to_ms(event.created_on or event.timestamp, "created_on"),
        amount_minor=to_iso(data.amount, currency, EXPONENTS) if has_amount else None,
        currency=currency,
        detail=detail,
    )


def _customer(data: _Data) -> dict[str, str]:
    customer = data.customer or _Customer()
    known = details(
        order_id=text(data.reference),
        customer_id=text(customer.id),
        customer_email=text(customer.email),
        customer_name=text(customer.name),
    )
    return {**known, **said(_noted(data))}
