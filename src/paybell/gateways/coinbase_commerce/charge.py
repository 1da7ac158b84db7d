"""Coinbase Commerce's charges as facts."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.errors import MalformedPayload
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.fact import Fact, Kind
from paybell.model.money import EXPONENTS, to_minor

_KINDS: Final[Mapping[str, Kind | None]] = {
    "NEW": None,
    "SIGNED": Kind.PROCESSING,
    "PENDING": Kind.PROCESSING,
    "COMPLETED": Kind.CAPTURED,
    "RESOLVED": Kind.CAPTURED,
    "UNRESOLVED": Kind.REQUIRES_ACTION,
    "FAILED": Kind.FAILED,
    "EXPIRED": Kind.EXPIRED,
    "CANCELED": Kind.CANCELED,
    "PENDING_REFUND": Kind.CAPTURED,
    "REFUNDED": Kind.CAPTURED,
}
_REFUNDS: Final = {"PENDING_REFUND": Kind.REFUND_PENDING, "REFUNDED": Kind.REFUND_SUCCEEDED}
_WITHOUT_REF: Final = frozenset({Kind.EXPIRED, Kind.CANCELED})


class _Money(Struct, frozen=True):
    amount: str
    currency: str


class _Local(Struct, frozen=True):
    local: _Money | None = None


class _Payment(Struct, frozen=True):
    status: str | None = None
    value: _Local | None = None


class _Step(Struct, frozen=True):
    status: str
    time: str
    context: object = None


class Charge(Struct, frozen=True):
    """The fields of a charge that are read."""

    code: str | None = None
    created_at: str | None = None
    pricing: _Local | None = None
    payments: tuple[_Payment, ...] = ()
    timeline: tuple[_Step, ...] = ()
    metadata: object = None


def facts(charge: Charge) -> tuple[tuple[Fact, ...], str]:
    """What the charge says of itself, or why it says nothing."""
    if not charge.timeline:
        return (), "the charge has no timeline, so its status is unknown"
    last = charge.timeline[-1]
    status = last.status.replace(" ", "_")
    if status not in _KINDS:
        return (), f"the status {payloads.text(status)!r} is unknown"
    code, at_ms = payloads.ident(charge.code, "the charge's code"), payloads.time_to_ms(last.time, "its time")
    kind, created = _KINDS[status], _created(charge, code, at_ms)
    if kind is None:
        return (created,), ""
    if kind is not Kind.CAPTURED:
        detail = payloads.details(failure_code=payloads.text(last.context)) if kind is Kind.FAILED else {}
        ref = "" if kind in _WITHOUT_REF else code
        return (created, Fact(aggregate=code, kind=kind, ref=ref, at_ms=at_ms, detail=detail)), ""
    paid, currency = _paid(charge, status)
    captured = Fact(aggregate=code, kind=kind, ref=code, at_ms=at_ms, amount_minor=paid, currency=currency)
    if status not in _REFUNDS:
        return (created, captured), ""
    return (created, captured, replace(captured, kind=_REFUNDS[status], ref=f"{code}:refund")), ""


def _created(charge: Charge, code: str, at_ms: int) -> Fact:
    asked, currency = _price(charge)
    if charge.created_at is not None:
        at_ms = payloads.time_to_ms(charge.created_at, "created_at")
    return Fact(
        aggregate=code,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=asked,
        currency=currency,
        detail=_customer(charge),
    )


def _price(charge: Charge) -> tuple[int | None, str]:
    """What is asked, where the price is set in money of a country."""
    price = charge.pricing.local if charge.pricing else None
    if price is None or price.currency.upper() not in EXPONENTS:
        return None, ""
    currency = currency_code(price.currency)
    return to_minor(price.amount, currency), currency


def _paid(charge: Charge, status: str) -> tuple[int, str]:
    """What came: the confirmed payments' worth; of a charge that was simply paid, else the price."""
    worth = [each.value.local for each in charge.payments if _confirmed(each) and each.value and each.value.local]
    price = charge.pricing.local if charge.pricing else None
    found = worth or ([price] if price and status == "COMPLETED" else [])
    if not found:
        raise MalformedPayload("the charge is paid, but neither its price nor its payments say how much")
    currency = currency_code(found[0].currency)
    if any(each.currency != found[0].currency for each in found):
        raise MalformedPayload("the charge's payments are worth money of several currencies")
    return sum(to_minor(each.amount, currency) for each in found), currency


def _confirmed(payment: _Payment) -> bool:
    return (payment.status or "").upper() == "CONFIRMED"


def _customer(charge: Charge) -> dict[str, str]:
    given = charge.metadata if isinstance(charge.metadata, dict) else {}
    return payloads.details(
        order_id=payloads.text(given.get("order_id")),
        customer_id=payloads.text(given.get("customer_id")),
        customer_name=payloads.first_text(given.get("customer_name"), given.get("name")),
        customer_email=payloads.text(given.get("email")),
    )
