"""What Square's objects say: a payment, a refund, a dispute."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.gateways.square import account
from paybell.model.fact import Fact, Kind

_REFUNDS: Final[Mapping[str, Kind]] = {
    "PENDING": Kind.REFUND_PENDING,
    "COMPLETED": Kind.REFUND_SUCCEEDED,
    "REJECTED": Kind.REFUND_FAILED,
    "FAILED": Kind.REFUND_FAILED,
}
_DISPUTES: Final[Mapping[str, str]] = {
    "INQUIRY_EVIDENCE_REQUIRED": "warning",
    "INQUIRY_PROCESSING": "warning",
    "INQUIRY_CLOSED": "closed",
    "EVIDENCE_REQUIRED": "open",
    "PROCESSING": "open",
    "WON": "won",
    "LOST": "lost",
    "ACCEPTED": "lost",
}

Found = tuple[tuple[Fact, ...], str]


class Money(Struct, frozen=True):
    """Minor units of ISO 4217."""

    amount: int | None = None
    currency: str | None = None


class _Timeline(Struct, frozen=True):
    authorized_at: str | None = None
    captured_at: str | None = None
    voided_at: str | None = None


class _Error(Struct, frozen=True):
    code: str | None = None
    detail: str | None = None


class _Card(Struct, frozen=True):
    card_payment_timeline: _Timeline | None = None
    errors: list[_Error] | None = None


class _Fee(Struct, frozen=True):
    """Added after the capture; an ``ADJUSTMENT`` may follow later."""

    type: str | None = None
    amount_money: Money = Money()


class Payment(Struct, frozen=True):
    """A payment; ``total_money`` is with the tip."""

    id: str
    status: str
    created_at: str
    updated_at: str
    total_money: Money | None = None
    amount_money: Money | None = None
    refunded_money: Money | None = None
    processing_fee: list[_Fee] | None = None
    card_details: _Card | None = None
    order_id: str | None = None
    customer_id: str | None = None
    buyer_email_address: str | None = None
    source_type: str | None = None


class Refund(Struct, frozen=True):
    """A refund; ``payment_id`` is missing where it belongs to no payment of Square's."""

    id: str
    status: str
    updated_at: str
    amount_money: Money
    payment_id: str | None = None


class _Disputed(Struct, frozen=True):
    payment_id: str | None = None


class Dispute(Struct, frozen=True):
    """A dispute; older events call its id ``dispute_id`` beside ``id``."""

    state: str
    updated_at: str
    amount_money: Money
    id: str | None = None
    dispute_id: str | None = None
    disputed_payment: _Disputed = _Disputed()
    reason: str | None = None


class Things(Struct, frozen=True):
    """What ``data.object`` may hold."""

    payment: Payment | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None
    payout: account.Payout | None = None
    subscription: account.Subscription | None = None
    invoice: account.Invoice | None = None
    customer: account.Customer | None = None


def read(things: Things, event: str, at: object) -> Found:
    """The facts of an event's object, or why it has none; ``event`` is its name, ``at`` its time."""
    if things.payment is not None:
        return _payment(things.payment)
    if things.refund is not None:
        return _refund(things.refund)
    if things.dispute is not None:
        return _dispute(things.dispute)
    return _account(things, event, at)


def _account(things: Things, event: str, at: object) -> Found:
    if things.payout is not None:
        return account.payout(things.payout, at)
    if things.subscription is not None:
        return account.subscription(things.subscription, at)
    if things.invoice is not None:
        return account.invoice(things.invoice, event)
    if things.customer is not None:
        return account.customer(things.customer, event, at)
    return (), "it carries nothing that is read"


def _fact(aggregate: object, kind: Kind, ref: str, at: str, money: Money | None, **detail: str) -> Fact:
    currency = currency_code(money.currency) if money else ""
    return Fact(
        aggregate=ident(aggregate, "the payment's id"),
        kind=kind,
        ref=ref,
        at_ms=time_to_ms(at, "the object's time"),
        amount_minor=to_iso(money.amount, currency, ISO_EXPONENTS) if money else None,
        currency=currency,
        detail=details(**detail),
    )


def _payment(payment: Payment) -> Found:
    status = _status(payment)
    if status is None:
        return (), f"the payment's status {text(payment.status)!r} is unknown"
    asked = payment.total_money or payment.amount_money
    customer = {"customer_id": text(payment.customer_id), "customer_email": text(payment.buyer_email_address)}
    words = {**customer, "order_id": text(payment.order_id), "method": text(payment.source_type).lower()}
    started = _fact(payment.id, Kind.PAYMENT_CREATED, "", payment.created_at, asked, **words)
    return (started, status, *_refunded(payment), *_fees(payment, status)), ""


def _status(payment: Payment) -> Fact | None:
    card = payment.card_details or _Card()
    times = card.card_payment_timeline or _Timeline()
    money, ref = payment.total_money or payment.amount_money, ident(payment.id, "the payment's id")
    match payment.status:
        case "PENDING":
            return _fact(ref, Kind.PROCESSING, ref, payment.created_at, None)
        case "APPROVED":
            return _fact(ref, Kind.AUTHORIZED, ref, times.authorized_at or payment.updated_at, money)
        case "COMPLETED":
            return _fact(ref, Kind.CAPTURED, ref, times.captured_at or payment.updated_at, money)
        case "CANCELED":
            return _fact(ref, Kind.CANCELED, "", times.voided_at or payment.updated_at, None)
        case "FAILED":
            error = (card.errors or [_Error()])[0]
            words = {"failure_code": text(error.code), "failure_message": text(error.detail)}
            return _fact(ref, Kind.FAILED, ref, payment.updated_at, None, **words)
        case _:
            return None


def _refunded(payment: Payment) -> tuple[Fact, ...]:
    if payment.refunded_money is None or not payment.refunded_money.amount:
        return ()
    return (_fact(payment.id, Kind.REFUNDED_TOTAL, "", payment.updated_at, payment.refunded_money),)


def _fees(payment: Payment, captured: Fact) -> list[Fact]:
    """What Square keeps at first; an adjustment may lower it, which no fact can say."""
    said = [it.amount_money for it in payment.processing_fee or () if it.type == "INITIAL"]
    if captured.kind is not Kind.CAPTURED or any(it.currency != captured.currency for it in said):
        return []
    return fee(captured, lambda: sum(to_iso(it.amount, captured.currency, ISO_EXPONENTS) for it in said))


def _refund(refund: Refund) -> Found:
    kind = _REFUNDS.get(refund.status)
    if kind is None:
        return (), f"the refund's status {text(refund.status)!r} is unknown"
    if not refund.payment_id:
        return (), "the refund belongs to no payment"
    ref = ident(refund.id, "the refund's id")
    return (_fact(refund.payment_id, kind, ref, refund.updated_at, refund.amount_money),), ""


def _dispute(dispute: Dispute) -> Found:
    status = _DISPUTES.get(dispute.state)
    if status is None:
        return (), f"the dispute's state {text(dispute.state)!r} is unknown"
    ref = ident(dispute.id or dispute.dispute_id, "the dispute's id")
    words = {"status": status, "reason": text(dispute.reason)}
    at, money = dispute.updated_at, dispute.amount_money
    return (_fact(dispute.disputed_payment.payment_id, Kind.DISPUTE_STATUS, ref, at, money, **words),), ""
