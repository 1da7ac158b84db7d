"""What Mollie says about a payment, its refunds and its chargebacks.

Sources: Mollie's API reference (get payment, get refund, get chargeback) and the responses its PHP SDK is tested with.
A charged back payment stays ``paid``; only its chargebacks tell, and they are decided from their start. A payment that
was authorized first is captured by its captures, in parts or whole; any other one at once, under its own id.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.kit.metadata import expected, said
from paybell.gateways.kit.payloads import Record, details, ident, ident_or_none, text, time_to_ms
from paybell.gateways.mollie.shapes import Address, Chargeback, Embedded, FailureDetails, Money, Payment, Reason, Refund
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("queued", "pending", "processing"), Kind.REFUND_PENDING),
    "refunded": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("failed", "canceled"), Kind.REFUND_FAILED),
}


def facts_of(payment: Payment) -> tuple[tuple[Fact, ...], str]:
    """Facts, and what in it is unknown, in words."""
    ident(payment.id, "the payment's id")
    embedded = payment.embedded or Embedded()
    known, problem = _status(payment)
    refunds = [fact for refund in embedded.refunds for fact in refund_facts(refund, payment.id)]
    chargebacks = [fact for each in embedded.chargebacks for fact in chargeback_facts(each, payment.id)]
    unknown = [problem, *(_unknown(refund) for refund in embedded.refunds)]
    return (_created(payment), *known, *_belongs(payment), *refunds, *chargebacks), "; ".join(filter(None, unknown))


def refund_facts(refund: Refund, payment_id: str) -> list[Fact]:
    """How the refund stands; nothing for a status that is unknown."""
    kind = _REFUND_KINDS.get(refund.status)
    ref = ident(refund.id, "the refund's id")
    return [] if kind is None else [_money(payment_id, kind, ref, refund.created_at, refund.amount)]


def chargeback_facts(chargeback: Chargeback, payment_id: str) -> list[Fact]:
    """Money that is gone, and perhaps has come back."""
    reason = chargeback.reason or Reason()
    why = details(reason=text(reason.code) or text(reason.description))
    ref = ident(chargeback.id, "the chargeback's id")
    gone_at, back_at, amount = chargeback.created_at, chargeback.reversed_at, chargeback.amount
    gone = _money(payment_id, Kind.DISPUTE_WITHDRAWN, ref, gone_at, amount)
    if back_at is None:
        return [_money(payment_id, Kind.DISPUTE_STATUS, ref, gone_at, amount, {"status": "lost", **why}), gone]
    won = _money(payment_id, Kind.DISPUTE_STATUS, ref, back_at, amount, {"status": "won", **why})
    return [won, gone, _money(payment_id, Kind.DISPUTE_REINSTATED, ref, back_at, amount)]


def decisive(payment: Payment) -> Sequence[object]:
    """What makes one answer differ from another."""
    embedded = payment.embedded or Embedded()
    captured = payment.amount_captured
    return (
        [payment.id, payment.status, payment.amount.value, payment.amount.currency, captured and captured.value],
        sorted([it.id, it.status or "", it.amount.value] for it in embedded.captures),
        sorted([refund.id, refund.status, refund.amount.value] for refund in embedded.refunds),
        sorted([it.id, it.amount.value, it.reversed_at or ""] for it in embedded.chargebacks),
    )


def _created(payment: Payment) -> Fact:
    address = payment.billing_address or Address()
    detail = details(
        order_id=text(payment.order_id) or _order_in(payment.metadata),
        customer_id=ident_or_none(payment.customer_id, "customerId"),
        customer_email=text(address.email),
        customer_phone=text(address.phone),
        method=text(payment.method),
    )
    detail |= said(_metadata(payment))
    return _money(payment.id, Kind.PAYMENT_CREATED, "", payment.created_at, payment.amount, detail)


def _belongs(payment: Payment) -> list[Fact]:
    """Its subscription, and what it should come to."""
    at_ms = time_to_ms(payment.created_at, "createdAt")
    subscription = ident_or_none(payment.subscription_id, "subscriptionId")
    return [
        *link(payment.id, subscription, LinkType.SUBSCRIPTION, at_ms),
        *expected(payment.id, _metadata(payment), at_ms),
    ]


def _metadata(payment: Payment) -> Record:
    """Any JSON; a text of one's own says nothing here."""
    return payment.metadata if isinstance(payment.metadata, dict) else {}


def _order_in(metadata: object) -> str:
    order = metadata.get("order_id") if isinstance(metadata, dict) else None
    return str(order) if isinstance(order, int) and abs(order) < 10**18 else text(order)


def _status(payment: Payment) -> tuple[list[Fact], str]:
    authorized = _authorized(payment)
    captured = _captured(payment)
    match payment.status:
        case "open" | "authorized" | "paid":
            return [*authorized, *captured], ""
        case "pending":
            return [_plain(payment, Kind.PROCESSING, payment.created_at)], ""
        case "canceled":
            return [*authorized, *captured, _plain(payment, Kind.CANCELED, payment.canceled_at)], ""
        case "expired":
            return [*authorized, *captured, _plain(payment, Kind.EXPIRED, payment.expired_at)], ""
        case "failed":
            return [*authorized, _failed(payment)], ""
        case _:
            return [], f"the payment's status {text(payment.status)[:40]!r} is unknown"


def _authorized(payment: Payment) -> list[Fact]:
    if payment.authorized_at is None and payment.status != "authorized":
        return []
    at = payment.authorized_at or payment.created_at
    return [_money(payment.id, Kind.AUTHORIZED, payment.id, at, payment.amount)]


def _captured(payment: Payment) -> list[Fact]:
    at = payment.paid_at or payment.authorized_at or payment.created_at
    total = _taken(payment)
    if payment.authorized_at is None and total == payment.amount:
        return [_money(payment.id, Kind.CAPTURED, payment.id, at, total)]
    done = [it for it in (payment.embedded or Embedded()).captures if it.status == "succeeded"]
    captures = [
        _money(payment.id, Kind.CAPTURED, ident(it.id, "the capture's id"), it.created_at, it.amount) for it in done
    ]
    return [*captures, *([_money(payment.id, Kind.CAPTURED_TOTAL, "", at, total)] if total else ())]


def _taken(payment: Payment) -> Money | None:
    """What was captured so far; all of it where the payment is paid and does not say less."""
    total = payment.amount_captured
    if total is not None and 0 < total.minor < payment.amount.minor:
        return total
    return payment.amount if payment.status == "paid" else None


def _failed(payment: Payment) -> Fact:
    why = payment.details or FailureDetails()
    detail = details(failure_code=text(why.reason), failure_message=text(why.message))
    return _plain(payment, Kind.FAILED, payment.failed_at, payment.id, detail)


def _plain(
    payment: Payment, kind: Kind, at: str | None, ref: str = "", detail: Mapping[str, str] | None = None
) -> Fact:
    at_ms = time_to_ms(at or payment.created_at, "the payment's time")
    return Fact(aggregate=payment.id, kind=kind, ref=ref, at_ms=at_ms, detail=detail or {})


def _money(  # noqa: PLR0917 - as a fact reads
    payment_id: str, kind: Kind, ref: str, at: str, amount: Money, detail: Mapping[str, str] | None = None
) -> Fact:
    return Fact(
        aggregate=payment_id,
        kind=kind,
        ref=ref,
        at_ms=time_to_ms(at, "a time"),
        amount_minor=amount.minor,
        currency=currency_code(amount.currency),
        detail=detail or {},
    )


def _unknown(refund: Refund) -> str:
    return "" if refund.status in _REFUND_KINDS else f"the refund's status {text(refund.status)[:40]!r} is unknown"
