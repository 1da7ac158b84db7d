"""What Cashfree's payments, refunds, disputes and payment links say. Amounts are decimal major units."""

from collections.abc import Mapping
from typing import Final

import msgspec

from paybell.gateways.cashfree import account
from paybell.gateways.cashfree.shapes import Customer, DisputeData, Error, LinkData, PaymentData, Refund, RefundData
from paybell.gateways.kit import metadata
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import Record, child, decoder, details, first_text, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_KINDS: Final[Mapping[str, Kind]] = {
    "SUCCESS": Kind.CAPTURED,
    **dict.fromkeys(("FAILED", "USER_DROPPED", "CANCELLED"), Kind.FAILED),
    **dict.fromkeys(("PENDING", "FLAGGED"), Kind.PROCESSING),
    "NOT_ATTEMPTED": Kind.PAYMENT_CREATED,
}
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "SUCCESS": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("PENDING", "ONHOLD"), Kind.REFUND_PENDING),
    **dict.fromkeys(("FAILED", "CANCELLED"), Kind.REFUND_FAILED),
}
_DISPUTE_ENDINGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("_CREATED", "_DOCS_RECEIVED", "_UNDER_REVIEW"), "open"),
    "_MERCHANT_WON": "won",
    **dict.fromkeys(("_MERCHANT_LOST", "_MERCHANT_ACCEPTED", "_INSUFFICIENT_EVIDENCE"), "lost"),
    "_CLOSED": "closed",
}
_RETRIEVAL: Final = "RETRIEVAL_"
"""A dispute's stage in which no money moves."""


_PAYMENT: Final = decoder(PaymentData)
_REFUND: Final = decoder(RefundData)
_DISPUTE: Final = decoder(DisputeData)
_LINK: Final = decoder(LinkData)
_STATUS_CHANGES: Final = frozenset({"SUBSCRIPTION_STATUS_CHANGED", "SUBSCRIPTION_STATUS_CHANGE"})
"""As the versions from 2025 and from 2023 call it."""


def of(name: str, data: bytes, at_ms: int) -> Parsed:
    """Facts of an event that came at ``at_ms``."""
    if name.startswith("PAYMENT_LINK_"):
        return _of_link(name, read(_LINK, data), at_ms)
    if name.startswith("PAYMENT_FORM_"):
        return Parsed(event=name, reason="the payment behind a form has a webhook of its own")
    if name.startswith("PAYMENT_"):
        return _of_payment(name, read(_PAYMENT, data), at_ms)
    if name.startswith("REFUND_"):
        return _of_refund(name, read(_REFUND, data).refund, at_ms)
    if name.startswith("DISPUTE_"):
        return _of_dispute(name, read(_DISPUTE, data), at_ms)
    if name.startswith("AUTO_REFUND_"):
        return Parsed(event=name, reason="an automatic refund returns what a failed attempt took: it was never counted")
    if name.startswith("SETTLEMENT_"):
        return account.of_settlement(name, data, at_ms)
    if name in _STATUS_CHANGES:
        return account.of_subscription(name, data, at_ms)
    return Parsed(event=name, reason="it tells of nothing that is read")


def time(value: str | None, otherwise_ms: int) -> int:
    """A time that may be missing."""
    return time_to_ms(value, "a time") if value else otherwise_ms


def _parsed(name: str, facts: tuple[Fact, ...], status: str) -> Parsed:
    return Parsed(event=name, facts=facts, reason="" if facts else f"its status {text(status)!r} is unknown")


def _of_payment(name: str, data: PaymentData, at_ms: int) -> Parsed:
    payment, kind = data.payment, _KINDS.get(data.payment.payment_status)
    if kind is None:
        return _parsed(name, (), payment.payment_status)
    currency = currency_code(data.order.order_currency or payment.payment_currency)
    started = Fact(
        aggregate=ident(data.order.order_id, "the order's id"),
        kind=Kind.PAYMENT_CREATED,
        at_ms=time(payment.payment_time, at_ms),
        amount_minor=to_minor(data.order.order_amount, currency),
        currency=currency,
        detail=_detail(data),
    )
    attempt = () if kind is Kind.PAYMENT_CREATED else (_attempt(data, kind, started),)
    expected = metadata.expected(started.aggregate, _tags(data), started.at_ms)
    return _parsed(name, (started, *attempt, *expected), payment.payment_status)


def _tags(data: PaymentData) -> Record:
    """What the merchant's server said of the order."""
    return child({"tags": data.order.order_tags}, "tags")


def _attempt(data: PaymentData, kind: Kind, started: Fact) -> Fact:
    ref, payment = ident(data.payment.cf_payment_id, "cf_payment_id"), data.payment
    if kind is not Kind.CAPTURED:
        detail = _failure(data) if kind is Kind.FAILED else {}
        return Fact(aggregate=started.aggregate, kind=kind, ref=ref, at_ms=started.at_ms, detail=detail)
    currency = currency_code(payment.payment_currency)
    return Fact(
        aggregate=started.aggregate,
        kind=Kind.AUTHORIZED if payment.is_captured is False else kind,
        ref=ref,
        at_ms=started.at_ms,
        amount_minor=to_minor(payment.payment_amount, currency),
        currency=currency,
    )


def _detail(data: PaymentData) -> dict[str, str]:
    who = data.customer_details or Customer()
    return details(
        order_id=text(str(data.order.order_id)),
        customer_id=text(who.customer_id),
        customer_name=text(who.customer_name),
        customer_email=text(who.customer_email),
        customer_phone=text(who.customer_phone),
        method=text(data.payment.payment_group),
        **metadata.said(_tags(data)),
    )


def _failure(data: PaymentData) -> dict[str, str]:
    error = data.error_details or Error()
    return details(
        failure_code=first_text(error.error_code, data.payment.payment_status.lower()),
        failure_message=first_text(error.error_description, data.payment.payment_message),
    )


def _of_refund(name: str, refund: Refund, at_ms: int) -> Parsed:
    kind = _REFUND_KINDS.get(refund.refund_status)
    if kind is None:
        return _parsed(name, (), refund.refund_status)
    currency = currency_code(refund.refund_currency)
    fact = Fact(
        aggregate=ident(refund.order_id, "the order's id"),
        kind=kind,
        ref=ident(refund.cf_refund_id, "cf_refund_id"),
        at_ms=time(refund.processed_at, at_ms),
        amount_minor=to_minor(refund.refund_amount, currency),
        currency=currency,
    )
    return _parsed(name, (fact,), refund.refund_status)


def _of_dispute(name: str, data: DisputeData, at_ms: int) -> Parsed:
    dispute, order = data.dispute, data.order_details
    status = _dispute_status(dispute.dispute_status)
    if not status:
        return _parsed(name, (), dispute.dispute_status)
    currency = currency_code(dispute.dispute_amount_currency or order.payment_currency or order.order_currency)
    fact = Fact(
        aggregate=ident(order.order_id, "the order's id"),
        kind=Kind.DISPUTE_STATUS,
        ref=ident(dispute.dispute_id, "the dispute's id"),
        at_ms=time(dispute.updated_at or dispute.created_at, at_ms),
        amount_minor=to_minor(dispute.dispute_amount, currency),
        currency=currency,
        detail=details(status=status, reason=first_text(dispute.reason_description, dispute.reason_code)),
    )
    return _parsed(name, (fact,), dispute.dispute_status)


def _dispute_status(words: str) -> str:
    """Stage and status stand in one word: ``CHARGEBACK_MERCHANT_WON``."""
    status = next((found for ending, found in _DISPUTE_ENDINGS.items() if words.endswith(ending)), "")
    if not words.startswith(_RETRIEVAL) or not status:
        return status
    return "warning" if status == "open" else "closed"


def _of_link(name: str, data: LinkData, at_ms: int) -> Parsed:
    """A link's order has payment webhooks of its own, so here its amount is a total to check and never one to add."""
    order = data.order
    if order is None or order.transaction_status != "SUCCESS":
        return Parsed(event=name, reason="the link was not paid; a payment that failed has its own webhook")
    currency = currency_code(order.order_currency or data.link_currency)
    started = Fact(
        aggregate=ident(order.order_id, "the order's id"),
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=to_minor(order.order_amount, currency),
        currency=currency,
        detail=details(order_id=text(str(order.order_id))),
    )
    return _parsed(name, (started, msgspec.structs.replace(started, kind=Kind.CAPTURED_TOTAL, detail={})), "")
