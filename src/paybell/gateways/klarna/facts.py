"""What Klarna's notifications say of a payment request or of a payment transaction.

A payment request that is COMPLETED has been approved by the customer, and no more: money is authorised with the payment
transaction that the merchant makes then. Requests and transactions have ids of their own; a notification that has both
is told under the transaction's, and joins them. So a request's own authorisation has no amount: it would count twice.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.links import link
from paybell.gateways.kit.payloads import details, first_text, ident, ident_or_none, text
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_REQUEST_KINDS: Final[Mapping[str, Kind]] = {
    "SUBMITTED": Kind.PAYMENT_CREATED,
    "PREPARED": Kind.PAYMENT_CREATED,
    "IN_PROGRESS": Kind.REQUIRES_ACTION,
    "PENDING_CONFIRMATION": Kind.PROCESSING,
    "COMPLETED": Kind.PROCESSING,
    "AUTHORIZED": Kind.AUTHORIZED,
    "DECLINED": Kind.FAILED,
    "CANCELED": Kind.CANCELED,
    "EXPIRED": Kind.EXPIRED,
}
_TRANSACTION_KINDS: Final[Mapping[str, Kind]] = {
    "AUTHORIZED": Kind.AUTHORIZED,
    "EXPIRED": Kind.EXPIRED,
}
"""Of a transaction's other states, COMPLETED is told by its captures, and CLOSED cancels what was still authorised."""

_WITHOUT_REF: Final = frozenset({Kind.PAYMENT_CREATED, Kind.CANCELED, Kind.EXPIRED})
_WITH_AMOUNT: Final = frozenset({Kind.PAYMENT_CREATED, Kind.AUTHORIZED})


class Metadata(Struct, frozen=True):
    """About the notification itself."""

    event_type: str | None = None
    event_id: str | None = None
    occurred_at: str | None = None
    live: bool | str | None = None


class _Capture(Struct, frozen=True):
    payment_capture_id: str | None = None
    amount: int | None = None


class Payload(Struct, frozen=True):
    """A payment request or a payment transaction."""

    payment_request_id: str | None = None
    payment_transaction_id: str | None = None
    payment_request_reference: str | None = None
    payment_transaction_reference: str | None = None
    state: str | None = None
    previous_state: str | None = None
    state_reason: str | None = None
    amount: int | None = None
    currency: str | None = None
    payment_captures: list[_Capture] | None = None


class Event(Struct, frozen=True):
    """One notification."""

    metadata: Metadata | None = None
    payload: Payload = Payload()


def read(payload: Payload, at_ms: int) -> tuple[Fact, ...]:
    """The facts of a payload; none where its state says nothing new of money."""
    if payload.payment_transaction_id:
        return _transaction(payload, at_ms)
    kind = _REQUEST_KINDS.get(payload.state or "") if payload.payment_request_id else None
    return () if kind is None else _told(payload, at_ms, payload.payment_request_id, kind)


def _transaction(payload: Payload, at_ms: int) -> tuple[Fact, ...]:
    aggregate, state = payload.payment_transaction_id, payload.state or ""
    kind = _TRANSACTION_KINDS.get(state)
    if state == "CLOSED" and payload.previous_state == "AUTHORIZED":
        kind = Kind.CANCELED
    told = () if kind is None else _told(payload, at_ms, aggregate, kind)
    captured = [_captured(payload, each, at_ms) for each in payload.payment_captures or () if each.amount is not None]
    if not told and not captured:
        return ()
    request = ident_or_none(payload.payment_request_id, "payment_request_id")
    return (*told, *captured, *link(ident(aggregate, "the payment's id"), request, LinkType.REQUEST, at_ms))


def _told(payload: Payload, at_ms: int, aggregate: object, kind: Kind) -> tuple[Fact, ...]:
    ref = "" if kind in _WITHOUT_REF else ident(aggregate, "the payment's id")
    amount = payload.amount if kind in _WITH_AMOUNT else None
    own = amount if payload.payment_transaction_id or kind is not Kind.AUTHORIZED else None
    told = _fact(payload, at_ms, aggregate, kind, ref, amount=own)
    if kind is not Kind.AUTHORIZED or amount is None:
        return (told,)
    return _fact(payload, at_ms, aggregate, Kind.PAYMENT_CREATED, "", amount=amount), told


def _captured(payload: Payload, capture: _Capture, at_ms: int) -> Fact:
    ref = ident(capture.payment_capture_id, "payment_capture_id")
    return _fact(payload, at_ms, payload.payment_transaction_id, Kind.CAPTURED, ref, amount=capture.amount)


def _fact(payload: Payload, at_ms: int, aggregate: object, kind: Kind, ref: str, *, amount: int | None) -> Fact:
    currency = "" if amount is None else currency_code(payload.currency)
    reference = first_text(payload.payment_transaction_reference, payload.payment_request_reference)
    return Fact(
        aggregate=ident(aggregate, "the payment's id"),
        kind=kind,
        ref=ref,
        at_ms=at_ms,
        amount_minor=None if amount is None else to_iso(amount, currency, ISO_EXPONENTS),
        currency=currency,
        detail=details(order_id=reference) if kind is Kind.PAYMENT_CREATED else _why(payload, kind),
    )


def _why(payload: Payload, kind: Kind) -> dict[str, str]:
    return details(failure_code=text(payload.state_reason)) if kind is Kind.FAILED else {}
