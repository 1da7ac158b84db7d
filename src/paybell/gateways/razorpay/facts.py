"""What Razorpay's payments, refunds and disputes say is true; the rest stands in ``account.py``."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import metadata
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.links import link
from paybell.gateways.kit.options import Options
from paybell.gateways.kit.payloads import Record, details, first_text, ident, ident_or_none, seconds_to_ms, text
from paybell.gateways.razorpay import account
from paybell.gateways.razorpay.shapes import Dispute, Payload, Payment, Refund, Thing
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "created": Kind.REFUND_PENDING,
    "pending": Kind.REFUND_PENDING,
    "processed": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
}
_DISPUTE_STATUSES: Final[Mapping[str, str]] = {
    "open": "open",
    "under_review": "open",
    "action_required": "open",
    "won": "won",
    "lost": "lost",
    "closed": "closed",
}
_INQUIRY_PHASES: Final = frozenset({"retrieval", "fraud"})
"""Phases of a dispute that move no money yet."""

_HOME: Final = "INR"
"""The currency of fees, where a payment does not say that it was converted."""


class _Teller(Struct, frozen=True):
    """Whose payment, when, and in what currency."""

    aggregate: str
    at_ms: int
    currency: str

    def fact(self, kind: Kind, ref: str, amount: object, detail: Mapping[str, str]) -> Fact:
        minor = None if amount is None else to_iso(amount, self.currency, ISO_EXPONENTS)
        currency = "" if amount is None else self.currency
        return Fact(
            aggregate=self.aggregate,
            kind=kind,
            ref=ref,
            at_ms=self.at_ms,
            amount_minor=minor,
            currency=currency,
            detail=detail,
        )


def read_payload(payload: Payload, at: int | None, options: Options) -> tuple[tuple[Fact, ...], str]:
    """Facts of every entity, at the event's time; and why there are none, where there are none."""
    payment, refund, dispute = payload.payment.entity, payload.refund.entity, payload.dispute.entity
    of_payments: list[tuple[str, Thing | None]] = [("payment", payment), ("refund", refund), ("dispute", dispute)]
    of_account = account.things(payload)
    named = [(name, each) for name, each in of_payments if each] + of_account
    if not named:
        return (), "it carries nothing that is read: no payment, refund, dispute, payout, subscription or invoice"
    facts = [*_payment(payload, at, options), *_refund(refund, at), *_dispute(dispute, at)]
    facts += [fact for _, each in of_account for fact in account.facts(each, at)]
    statuses = ", ".join(f"{name} {text(each.status)!r}" for name, each in named)
    return tuple(facts), "" if facts else f"its status is unknown: {statuses}"


def _teller(entity: Thing, aggregate: str | None, at: int | None) -> _Teller:
    at_ms = seconds_to_ms(entity.created_at if at is None else at, "created_at")
    return _Teller(ident(aggregate, "the payment's id"), at_ms, currency_code(entity.currency))


def _payment(payload: Payload, at: int | None, options: Options) -> list[Fact]:
    payment, refund = payload.payment.entity, payload.refund.entity
    status = _payment_status(_teller(payment, payment.id, at), payment, refund) if payment else None
    if payment is None or status is None:
        return []
    started = _teller(payment, payment.id, payment.created_at or at)
    said = _notes(payment, payload, options)
    created = started.fact(Kind.PAYMENT_CREATED, "", payment.amount, {**_customer(payment), **metadata.said(said)})
    expected = metadata.expected(started.aggregate, said, started.at_ms)
    return [created, *status, *expected, *_belongs(payment, payload, started.at_ms)]


def _notes(payment: Payment, payload: Payload, options: Options) -> Record:
    """A payment's notes may be its buyer's, set by the checkout in the browser; an order's are the merchant's."""
    order = payload.order.entity
    of_order = order.notes if order and isinstance(order.notes, dict) else {}
    return {**metadata.believed(payment.notes, options), **of_order}


def _belongs(payment: Payment, payload: Payload, at_ms: int) -> list[Fact]:
    """The invoice that it pays, and the subscription that it was charged for."""
    subscription = payload.subscription.entity
    sub_id = ident(subscription.id, "the subscription's id") if subscription else ""
    return [
        *link(payment.id, ident_or_none(payment.invoice_id, "invoice_id"), LinkType.INVOICE, at_ms),
        *link(payment.id, sub_id, LinkType.SUBSCRIPTION, at_ms),
    ]


def _payment_status(tell: _Teller, payment: Payment, refund: Refund | None) -> list[Fact] | None:
    ref = tell.aggregate
    match payment.status:
        case "created":
            return []
        case "authorized":
            return [tell.fact(Kind.AUTHORIZED, ref, payment.amount, {})]
        case "captured" | "refunded":
            captured = tell.fact(Kind.CAPTURED, ref, payment.amount, {})
            return [captured, *_fee(captured, payment), *_refunded_total(tell, payment, refund)]
        case "failed":
            code = first_text(payment.error_reason, payment.error_code)
            failure = details(failure_code=code, failure_message=text(payment.error_description))
            return [tell.fact(Kind.FAILED, ref, None, failure)]
        case _:
            return None


def _fee(captured: Fact, payment: Payment) -> list[Fact]:
    """What Razorpay keeps, its tax included; not of a payment in a currency that is not the account's."""
    if captured.currency != (payment.base_currency or _HOME):
        return []
    minor = partial(to_iso, currency=captured.currency, exponents=ISO_EXPONENTS)
    return fee(captured, lambda: minor(payment.fee or 0), lambda: minor(payment.tax or 0))


def _refunded_total(tell: _Teller, payment: Payment, refund: Refund | None) -> list[Fact]:
    # The total counts a refund from its start: beside one that is not processed it would say too much, for ever.
    total = payment.amount_refunded
    unsure = refund and refund.status != "processed"
    return [] if unsure or not total else [tell.fact(Kind.REFUNDED_TOTAL, "", total, {})]


def _refund(refund: Refund | None, at: int | None) -> list[Fact]:
    kind = _REFUND_KINDS.get(text(refund.status)) if refund else None
    if refund is None or kind is None:
        return []
    tell = _teller(refund, refund.payment_id, at)
    return [tell.fact(kind, ident(refund.id, "the refund's id"), refund.amount, {})]


def _dispute(dispute: Dispute | None, at: int | None) -> list[Fact]:
    status = _DISPUTE_STATUSES.get(text(dispute.status)) if dispute else None
    if dispute is None or status is None:
        return []
    if status == "open" and text(dispute.phase) in _INQUIRY_PHASES:
        status = "warning"
    tell, ref = _teller(dispute, dispute.payment_id, at), ident(dispute.id, "the dispute's id")
    detail = details(status=status, reason=text(dispute.reason_code))
    told = tell.fact(Kind.DISPUTE_STATUS, ref, dispute.amount, detail)
    if status != "lost" or not dispute.amount_deducted:
        return [told]
    return [told, tell.fact(Kind.DISPUTE_WITHDRAWN, ref, dispute.amount_deducted, {})]


def _customer(payment: Payment) -> dict[str, str]:
    return details(
        order_id=text(payment.order_id),
        customer_id=text(payment.customer_id),
        customer_email=text(payment.email),
        customer_phone=text(payment.contact),
        method=text(payment.method),
    )
