"""Lemon Squeezy's orders and subscription invoices as facts."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.model.fact import Fact, Kind

_INVOICE: Final = "subscription-invoice:"
_PAID: Final = frozenset({"paid", "refunded", "partial_refund"})
_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_PAID, Kind.CAPTURED),
    "pending": Kind.PROCESSING,
    "failed": Kind.FAILED,
    "void": Kind.CANCELED,
}
_WITHOUT_REF: Final = frozenset({Kind.CANCELED})


class Attributes(Struct, frozen=True):
    """Of an order or an invoice; amounts are whole numbers of the smallest unit."""

    status: object = None
    currency: object = None
    total: object = None
    refunded: object = None
    refunded_amount: object = None
    refunded_at: object = None
    created_at: object = None
    updated_at: object = None
    billing_reason: object = None
    identifier: object = None
    customer_id: object = None
    user_name: object = None
    user_email: object = None
    test_mode: object = None


class Data(Struct, frozen=True):
    """A JSON:API resource."""

    type: str
    id: str | int
    attributes: Attributes


class Meta(Struct, frozen=True):
    """What the event says of itself."""

    event_name: object = None
    test_mode: object = None
    custom_data: object = None


class Event(Struct, frozen=True):
    """The whole body."""

    meta: Meta
    data: Data


EVENT: Final = payloads.decoder(Event)


def of_event(event: Event, name: str, received_at_ms: int) -> tuple[tuple[Fact, ...], str]:
    """Facts, or why there are none. The name decides one thing: an invoice that waits says not that it was tried."""
    own, found = payloads.ident(event.data.id, "data.id"), event.data.attributes
    status = payloads.text(found.status)
    kind = _KINDS.get(status)
    match event.data.type:
        case "orders":
            payment_id = own
        case "subscription-invoices" if found.billing_reason == "initial":
            return (), "a subscription's first payment is its order's: subscribe to order_created and order_refunded"
        case "subscription-invoices":
            payment_id = _INVOICE + own
            kind = Kind.FAILED if status == "pending" and name == "subscription_payment_failed" else kind
        case _:
            return (), f"{payloads.text(event.data.type)} are no payments"
    if kind is None:
        return (), f"the status {status!r} is unknown"
    return _facts(event, payment_id, kind, received_at_ms), ""


def _facts(event: Event, payment_id: str, kind: Kind, received_at_ms: int) -> tuple[Fact, ...]:
    found = event.data.attributes
    currency = currency_code(found.currency)
    total = to_iso(found.total, currency, ISO_EXPONENTS)
    changed_ms = _time(found.updated_at, received_at_ms)

    def fact(kind: Kind, ref: str, amount: int | None, at_ms: int, detail: Mapping[str, str]) -> Fact:
        of = "" if amount is None else currency
        return Fact(
            aggregate=payment_id, kind=kind, ref=ref, at_ms=at_ms, amount_minor=amount, currency=of, detail=detail
        )

    created = fact(Kind.PAYMENT_CREATED, "", total, _time(found.created_at, changed_ms), _customer(event))
    amount = total if kind is Kind.CAPTURED else None
    status = fact(kind, "" if kind in _WITHOUT_REF else payment_id, amount, changed_ms, {})
    refunded = _refunded(found, total, currency) if kind is Kind.CAPTURED else 0
    if not refunded:
        return created, status
    refunded_ms = _time(found.refunded_at, changed_ms)
    return created, status, fact(Kind.REFUND_SUCCEEDED, f"{payment_id}:refund", refunded, refunded_ms, {})


def _refunded(found: Attributes, total: int, currency: str) -> int:
    if found.refunded_amount is None:  # older payloads have only the word
        return total if found.refunded is True or found.status == "refunded" else 0
    return to_iso(found.refunded_amount, currency, ISO_EXPONENTS)


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "a time of the object")


def _customer(event: Event) -> dict[str, str]:
    found, custom = event.data.attributes, event.meta.custom_data
    own_order = custom.get("order_id") if isinstance(custom, dict) else None
    return payloads.details(
        order_id=payloads.first_text(own_order, found.identifier),
        customer_id=payloads.ident_or_none(found.customer_id, "customer_id"),
        customer_name=payloads.text(found.user_name),
        customer_email=payloads.text(found.user_email),
    )
