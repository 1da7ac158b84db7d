"""Orders of Mercado Pago's Orders API: the order is the payment, its payments are the attempts at it.

Sources: mercadopago.com ("Get order", "Order status", "Transaction status"). Amounts are decimal texts.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_COUNTRIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("AR", "ARG"), "ARS"),
    **dict.fromkeys(("BR", "BRA"), "BRL"),
    **dict.fromkeys(("CL", "CHL"), "CLP"),
    **dict.fromkeys(("CO", "COL"), "COP"),
    **dict.fromkeys(("MX", "MEX"), "MXN"),
    **dict.fromkeys(("PE", "PER"), "PEN"),
    **dict.fromkeys(("UY", "URY"), "UYU"),
}
"""Mercado Pago's countries: an order that names no currency is in that of its country."""
_ENDS: Final[Mapping[str, Kind]] = {"canceled": Kind.CANCELED, "cancelled": Kind.CANCELED, "expired": Kind.EXPIRED}
_CAME: Final = frozenset({"processed", "refunded", "charged_back"})
_CHARGEBACKS: Final[Mapping[str, str]] = {"settled": "lost", "reimbursed": "won"}
_ATTEMPTS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(_CAME, Kind.CAPTURED),
    "failed": Kind.FAILED,
    "processing": Kind.PROCESSING,
    "action_required": Kind.REQUIRES_ACTION,
}
_REFUNDS: Final[Mapping[str, Kind]] = {
    "processed": Kind.REFUND_SUCCEEDED,
    "processing": Kind.REFUND_PENDING,
    "failed": Kind.REFUND_FAILED,
}
_OPEN: Final = frozenset({"created", "processing", "action_required"})


class _Method(Struct, frozen=True):
    id: object = None


class Payment(Struct, frozen=True):
    """One attempt (``PAY…``)."""

    id: str
    status: str
    status_detail: object = None
    amount: object = None
    payment_method: _Method | None = None


class Refund(Struct, frozen=True):
    """One refund (``REF…``)."""

    id: str
    status: str
    amount: object = None


class Transactions(Struct, frozen=True):
    """What was done about the order."""

    payments: tuple[Payment, ...] | None = None
    refunds: tuple[Refund, ...] | None = None


class _Order(Struct, frozen=True):
    id: str
    status: str
    transactions: Transactions
    total_amount: object = None
    currency: object = None
    country_code: object = None
    external_reference: object = None
    created_date: object = None
    last_updated_date: object = None


_ORDER: Final = payloads.decoder(_Order)


def read(body: bytes, received_at_ms: int) -> Parsed:
    """Facts about an order; not final while it is open."""
    found = payloads.read(_ORDER, body)
    order_id = payloads.ident(found.id, "the order's id")
    given = found.currency or _COUNTRIES.get(payloads.text(found.country_code).upper())
    if given is None:
        return Parsed(event="order", reason="the order names neither a currency nor a country that is known")
    currency, changed_ms = currency_code(given), _time(found.last_updated_date, received_at_ms)
    created = Fact(
        aggregate=order_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=_time(found.created_date, changed_ms),
        amount_minor=to_minor(found.total_amount, currency),
        currency=currency,
        detail=payloads.details(order_id=payloads.text(found.external_reference)),
    )
    payments, refunds = found.transactions.payments or (), found.transactions.refunds or ()
    attempts = [fact for each in payments if (fact := _attempt(each, created, changed_ms))]
    disputes = [_dispute(each, created, changed_ms) for each in payments if each.status == "charged_back"]
    returned = [fact for each in refunds if (fact := _refund(each, created, changed_ms))]
    end = _ENDS.get(found.status)
    ended = [Fact(aggregate=order_id, kind=end, at_ms=changed_ms)] if end else []
    facts = (created, *attempts, *disputes, *returned, *ended)
    return Parsed(event="order", facts=facts, final=found.status not in _OPEN)


def said(body: bytes) -> list[list[str]]:
    """What decides about an order, for a key."""
    found = payloads.read(_ORDER, body)
    payments, refunds = found.transactions.payments or (), found.transactions.refunds or ()
    said = [[each.id, each.status, str(each.status_detail), str(each.amount)] for each in payments]
    return sorted([*said, *([each.id, each.status, str(each.amount)] for each in refunds)])


def _attempt(payment: Payment, created: Fact, at_ms: int) -> Fact | None:
    detail = payloads.text(payment.status_detail)
    held = payment.status == "action_required" and detail == "waiting_capture"
    kind = Kind.AUTHORIZED if held else _ATTEMPTS.get(payment.status)
    if kind is None:
        return None
    with_amount = kind in {Kind.CAPTURED, Kind.AUTHORIZED}
    return Fact(
        aggregate=created.aggregate,
        kind=kind,
        ref=payloads.ident(payment.id, "a payment's id"),
        at_ms=at_ms,
        amount_minor=to_minor(payment.amount, created.currency) if with_amount else None,
        currency=created.currency if with_amount else "",
        detail=payloads.details(
            failure_code=detail if kind is Kind.FAILED else "",
            method=payloads.text(payment.payment_method.id) if payment.payment_method else "",
        ),
    )


def _dispute(payment: Payment, created: Fact, at_ms: int) -> Fact:
    detail = payloads.text(payment.status_detail)
    return Fact(
        aggregate=created.aggregate,
        kind=Kind.DISPUTE_STATUS,
        ref=payloads.ident(payment.id, "a payment's id"),
        at_ms=at_ms,
        amount_minor=to_minor(payment.amount, created.currency),
        currency=created.currency,
        detail=payloads.details(status=_CHARGEBACKS.get(detail, "open"), reason=detail),
    )


def _refund(refund: Refund, created: Fact, at_ms: int) -> Fact | None:
    kind = _REFUNDS.get(refund.status)
    if kind is None:
        return None
    return Fact(
        aggregate=created.aggregate,
        kind=kind,
        ref=payloads.ident(refund.id, "a refund's id"),
        at_ms=at_ms,
        amount_minor=to_minor(refund.amount, created.currency),
        currency=created.currency,
    )


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "a time of the order")
