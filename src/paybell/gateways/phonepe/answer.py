"""What PhonePe's API answers about an order or a refund (developer.phonepe.com, "Order status", "Refund status").

Only the state at the top decides (PhonePe's own advice). An order is paid by one of its attempts. Amounts are paise.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, to_iso
from paybell.gateways.kit.links import link
from paybell.gateways.phonepe import subscription
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed

_CURRENCY: Final = "INR"
_ATTEMPTS: Final[Mapping[str, Kind]] = {"FAILED": Kind.FAILED, "PENDING": Kind.PROCESSING}
_STATES: Final = frozenset({"COMPLETED", "FAILED", "PENDING", "EXPIRED"})
_REFUNDS: Final[Mapping[str, Kind]] = {
    "PENDING": Kind.REFUND_PENDING,
    "ACCEPTED": Kind.REFUND_PENDING,
    "CONFIRMED": Kind.REFUND_PENDING,
    "COMPLETED": Kind.REFUND_SUCCEEDED,
    "FAILED": Kind.REFUND_FAILED,
}


class _Attempt(Struct, frozen=True, rename="camel"):
    transaction_id: str
    state: str
    amount: object = None
    timestamp: object = None
    payment_mode: object = None
    error_code: object = None
    detailed_error_code: object = None


class _Answer(Struct, frozen=True, rename="camel"):
    state: str
    amount: object
    order_id: object = None
    merchant_order_id: object = None
    original_merchant_order_id: object = None
    refund_id: object = None
    timestamp: object = None
    error_code: object = None
    detailed_error_code: object = None
    payment_details: tuple[_Attempt, ...] | None = None
    payment_flow: subscription.Flow | None = None


_ANSWER: Final = payloads.decoder(_Answer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str, received_at_ms: int) -> Parsed:
    """Facts about the order, the refund or the subscription asked for; not final while it is open."""
    if subject.startswith(subscription.BEFORE):
        return subscription.read(body, subject.removeprefix(subscription.BEFORE), received_at_ms)
    found = payloads.read(_ANSWER, body)
    if found.original_merchant_order_id:
        return _refund(found, received_at_ms)
    if not subject:
        raise MalformedPayload("an answer without its question: the order asked about is unknown")
    if found.merchant_order_id not in (None, "", subject):
        return Parsed(reason="the answer is about another order", final=False)
    if found.state not in _STATES:
        return Parsed(reason=f"the state {payloads.text(found.state)!r} is unknown", final=False)
    facts = tuple(_order(found, subject, received_at_ms))
    return Parsed(event="order.status", facts=facts, final=found.state != "PENDING")


def key(subject: str, body: bytes) -> str:
    """A key that changes when the state, the amount or an attempt does."""
    if subject.startswith(subscription.BEFORE):
        return "poll:" + sha256(_ENCODER.encode(subscription.key(subject, body))).hexdigest()
    found = payloads.read(_ANSWER, body)
    attempts = sorted([each.transaction_id, each.state, str(each.amount)] for each in found.payment_details or ())
    said = [subject, found.state, str(found.amount), str(found.refund_id), attempts]
    return "poll:" + sha256(_ENCODER.encode(said)).hexdigest()


def _refund(found: _Answer, received_at_ms: int) -> Parsed:
    kind = _REFUNDS.get(found.state)
    if kind is None:
        return Parsed(reason=f"the refund's state {payloads.text(found.state)!r} is unknown", final=False)
    fact = Fact(
        aggregate=payloads.ident(found.original_merchant_order_id, "originalMerchantOrderId"),
        kind=kind,
        ref=payloads.ident(found.refund_id, "refundId"),
        at_ms=_time(found.timestamp, received_at_ms),
        amount_minor=to_iso(found.amount, _CURRENCY, ISO_EXPONENTS),
        currency=_CURRENCY,
        detail=payloads.details(reason=payloads.first_text(found.detailed_error_code, found.error_code)),
    )
    return Parsed(event="refund.status", facts=(fact,), final=kind is not Kind.REFUND_PENDING)


def _order(found: _Answer, payment_id: str, received_at_ms: int) -> list[Fact]:
    total = to_iso(found.amount, _CURRENCY, ISO_EXPONENTS)
    times = [_time(each.timestamp, received_at_ms) for each in found.payment_details or ()] or [received_at_ms]
    created = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=min(times),
        amount_minor=total,
        currency=_CURRENCY,
        detail={"order_id": payment_id},
    )
    paid = found.state == "COMPLETED"
    facts = [created, *(_attempt(each, payment_id, received_at_ms, paid=paid) for each in found.payment_details or ())]
    if paid and not any(fact.kind is Kind.CAPTURED for fact in facts):
        facts.append(msgspec.structs.replace(created, kind=Kind.CAPTURED_TOTAL, at_ms=max(times), detail={}))
    if found.state == "FAILED" and not any(fact.kind is Kind.FAILED for fact in facts):
        detail = _failure(found.detailed_error_code, found.error_code)
        facts.append(Fact(aggregate=payment_id, kind=Kind.FAILED, ref=payment_id, at_ms=max(times), detail=detail))
    if found.state == "EXPIRED":
        facts.append(Fact(aggregate=payment_id, kind=Kind.EXPIRED, at_ms=max(times)))
    if flow := found.payment_flow:
        subscription_id = payloads.ident_or_none(flow.merchant_subscription_id, "merchantSubscriptionId")
        facts += link(payment_id, subscription_id, LinkType.SUBSCRIPTION, min(times))
        facts += subscription.started(flow, max(times)) if paid else []
    return facts


def _attempt(attempt: _Attempt, payment_id: str, received_at_ms: int, *, paid: bool) -> Fact:
    """An attempt that is through counts only in an order that is: else its money goes back by itself."""
    captured = paid and attempt.state == "COMPLETED"
    kind = Kind.CAPTURED if captured else _ATTEMPTS.get(attempt.state, Kind.PROCESSING)
    failure = _failure(attempt.detailed_error_code, attempt.error_code) if kind is Kind.FAILED else {}
    return Fact(
        aggregate=payment_id,
        kind=kind,
        ref=payloads.ident(attempt.transaction_id, "transactionId"),
        at_ms=_time(attempt.timestamp, received_at_ms),
        amount_minor=to_iso(attempt.amount, _CURRENCY, ISO_EXPONENTS) if captured else None,
        currency=_CURRENCY if captured else "",
        detail={**failure, **payloads.details(method=payloads.text(attempt.payment_mode))},
    )


def _failure(*codes: object) -> dict[str, str]:
    return payloads.details(failure_code=payloads.first_text(*codes))


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "timestamp")
