"""Lemon Squeezy's orders and subscription invoices as facts."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import metadata, payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.links import link
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import Record
from paybell.gateways.lemonsqueezy import account
from paybell.gateways.lemonsqueezy.shapes import Attributes, Event
from paybell.model.alias import LinkType
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


def of_event(event: Event, name: str, options: Options, received_at_ms: int) -> tuple[tuple[Fact, ...], str]:
    """Facts, or why there are none. The name decides one thing: an invoice that waits says not that it was tried."""
    own, found = payloads.ident(event.data.id, "data.id"), event.data.attributes
    said = metadata.believed(event.meta.custom_data, options)
    at_ms = _time(found.updated_at, received_at_ms)
    match event.data.type:
        case "orders":
            facts = _order(event, own, said, at_ms)
        case "subscription-invoices":
            facts = _invoice(event, name, said, at_ms)
        case "subscriptions":
            facts = account.subscription(own, found, _who(event, said), at_ms)
        case _:
            return (), f"{payloads.text(event.data.type)} are nothing that is read"
    return tuple(facts), "" if facts else f"the status {payloads.text(found.status)!r} is unknown"


def _order(event: Event, payment_id: str, said: Record, at_ms: int) -> list[Fact]:
    kind = _KINDS.get(payloads.text(event.data.attributes.status))
    return [] if kind is None else _facts(event, payment_id, kind, said, at_ms)


def _invoice(event: Event, name: str, said: Record, at_ms: int) -> list[Fact]:
    """A subscription's invoice, and the payment that a renewal is; the first one's is its order's."""
    own, found = payloads.ident(event.data.id, "data.id"), event.data.attributes
    tried = name == "subscription_payment_failed"
    told = account.invoice(own, found, _who(event, said), at_ms, tried=tried)
    status = payloads.text(found.status)
    kind = Kind.FAILED if status == "pending" and tried else _KINDS.get(status)
    if found.billing_reason == "initial" or kind is None:
        return told
    payment = _facts(event, _INVOICE + own, kind, said, at_ms)
    started_ms = payment[0].at_ms
    subscription_id = payloads.ident_or_none(found.subscription_id, "subscription_id")
    return [
        *payment,
        *link(_INVOICE + own, own, LinkType.INVOICE, started_ms),
        *link(_INVOICE + own, subscription_id, LinkType.SUBSCRIPTION, started_ms),
        *told,
    ]


def _facts(event: Event, payment_id: str, kind: Kind, said: Record, changed_ms: int) -> list[Fact]:
    found = event.data.attributes
    currency = currency_code(found.currency)
    total = to_iso(found.total, currency, ISO_EXPONENTS)

    def fact(kind: Kind, ref: str, amount: int | None, at_ms: int, detail: Mapping[str, str]) -> Fact:
        of = "" if amount is None else currency
        return Fact(
            aggregate=payment_id, kind=kind, ref=ref, at_ms=at_ms, amount_minor=amount, currency=of, detail=detail
        )

    created_ms = _time(found.created_at, changed_ms)
    created = fact(Kind.PAYMENT_CREATED, "", total, created_ms, _customer(event, said))
    expected = metadata.expected(payment_id, said, created_ms)
    amount = total if kind is Kind.CAPTURED else None
    status = fact(kind, "" if kind in _WITHOUT_REF else payment_id, amount, changed_ms, {})
    refunded = _refunded(found, total, currency) if kind is Kind.CAPTURED else 0
    if not refunded:
        return [created, status, *expected]
    refunded_ms = _time(found.refunded_at, changed_ms)
    refund = fact(Kind.REFUND_SUCCEEDED, f"{payment_id}:refund", refunded, refunded_ms, {})
    return [created, status, refund, *expected]


def _refunded(found: Attributes, total: int, currency: str) -> int:
    if found.refunded_amount is None:  # older payloads have only the word
        return total if found.refunded is True or found.status == "refunded" else 0
    return to_iso(found.refunded_amount, currency, ISO_EXPONENTS)


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "a time of the object")


def _customer(event: Event, said: Record) -> dict[str, str]:
    custom = event.meta.custom_data
    own_order = custom.get("order_id") if isinstance(custom, dict) else None
    order = payloads.details(order_id=payloads.first_text(own_order, event.data.attributes.identifier))
    return {**order, **_who(event, said)}


def _who(event: Event, said: Record) -> dict[str, str]:
    found = event.data.attributes
    return payloads.details(
        customer_id=payloads.ident_or_none(found.customer_id, "customer_id"),
        customer_name=payloads.text(found.user_name),
        customer_email=payloads.text(found.user_email),
        **metadata.said(said),
    )
