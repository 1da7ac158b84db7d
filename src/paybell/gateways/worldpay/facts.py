"""What the events of Worldpay say.

An event names its payment only by the ``transactionReference`` that the merchant chose, so that is the payment's id
here: it must be another one for every payment. A partial settlement or refund has a ``reference`` of its own.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import ident, ident_or_none
from paybell.model.fact import Fact, Kind

_KINDS: Final[Mapping[str, Kind]] = {
    "sentForAuthorization": Kind.PROCESSING,
    "authorized": Kind.AUTHORIZED,
    "refused": Kind.FAILED,
    "error": Kind.FAILED,
    "sentForSettlement": Kind.CAPTURED,
    "settled": Kind.CAPTURED,
    "settlementFailed": Kind.CAPTURE_REVERSED,
    "settlementRejected": Kind.CAPTURE_REVERSED,
    "cancelled": Kind.CANCELED,
    "cancelledByCustomer": Kind.CANCELED,
    "expired": Kind.EXPIRED,
    "requestExpired": Kind.EXPIRED,
    "sentForRefund": Kind.REFUND_PENDING,
    "refunded": Kind.REFUND_SUCCEEDED,
    "refundFailed": Kind.REFUND_FAILED,
}
_WHOLE: Final = frozenset({Kind.CANCELED, Kind.EXPIRED, Kind.CAPTURED_TOTAL})
_WITHOUT_AMOUNT: Final = frozenset({Kind.FAILED, Kind.CANCELED, Kind.EXPIRED, Kind.CAPTURE_REVERSED})
_ATTEMPTS: Final = frozenset({Kind.PROCESSING, Kind.AUTHORIZED, Kind.FAILED})


class _Amount(Struct, frozen=True):
    value: int | None = None
    currencyCode: str | None = None  # noqa: N815 - their spelling


class Details(Struct, frozen=True):
    """What happened; ``octReference`` is there where it happened to a payout."""

    classification: str | None = None
    type: str | None = None
    transactionReference: str | None = None  # noqa: N815 - their spelling
    reference: str | None = None
    octReference: str | None = None  # noqa: N815 - their spelling
    amount: _Amount | None = None


class Event(Struct, frozen=True):
    """One event."""

    eventTimestamp: str  # noqa: N815 - their spelling
    eventDetails: Details  # noqa: N815 - their spelling


def read(event: Details, at_ms: int) -> tuple[Fact, ...]:
    """The facts of an event; none where it moves no payment."""
    if event.classification == "chargeback":
        is_known = event.type == "informationRequested"
        return (_fact(event, at_ms, Kind.DISPUTE_STATUS, {"status": "open"}),) if is_known else ()
    kind = None if event.octReference or event.classification != "payment" else _KINDS.get(event.type or "")
    if kind is None:
        return ()
    if event.type == "settled" and not event.reference:
        kind = Kind.CAPTURED_TOTAL  # of which settlement is not said, and adding it again would count it twice
    told = _fact(event, at_ms, kind, {})
    return (_fact(event, at_ms, Kind.PAYMENT_CREATED, {}), told) if kind in _ATTEMPTS and event.amount else (told,)


def _fact(event: Details, at_ms: int, kind: Kind, detail: Mapping[str, str]) -> Fact:
    aggregate = ident(event.transactionReference, "transactionReference")
    amount = None if kind in _WITHOUT_AMOUNT else event.amount
    currency = currency_code(amount.currencyCode) if amount else ""
    own_ref = ident_or_none(event.reference, "reference") or aggregate
    started = kind is Kind.PAYMENT_CREATED
    return Fact(
        aggregate=aggregate,
        kind=kind,
        ref="" if started or kind in _WHOLE else own_ref,
        at_ms=at_ms,
        amount_minor=to_iso(amount.value, currency, ISO_EXPONENTS) if amount else None,
        currency=currency,
        detail={"order_id": aggregate} if started else detail,
    )
