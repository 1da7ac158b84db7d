"""What Razorpay's payouts, settlements, subscriptions and invoices say is true."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import accounts, metadata
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import child, details, first_text, ident, ident_or_none, seconds_to_ms, text
from paybell.gateways.razorpay.shapes import Invoice, Payload, Payout, Subscription, Thing
from paybell.model.account import InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact

_HOME: Final = "INR"
"""The currency of settlements, which name none."""

_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {
    "pending": PayoutStatus.CREATED,
    "queued": PayoutStatus.CREATED,
    "scheduled": PayoutStatus.CREATED,
    "processing": PayoutStatus.CREATED,
    "processed": PayoutStatus.PAID,
    "rejected": PayoutStatus.CANCELED,
    "cancelled": PayoutStatus.CANCELED,
    "failed": PayoutStatus.FAILED,
    "reversed": PayoutStatus.FAILED,
}
_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "created": SubscriptionStatus.INCOMPLETE,
    "authenticated": SubscriptionStatus.INCOMPLETE,
    "active": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "pending": SubscriptionStatus.PAST_DUE,
    "halted": SubscriptionStatus.PAST_DUE,
    "cancelled": SubscriptionStatus.CANCELED,
    "completed": SubscriptionStatus.CANCELED,
    "expired": SubscriptionStatus.CANCELED,
}
_PAID_FOR: Final = frozenset({"active", "paused", "completed"})
"""In the other states the current period is one that is not paid."""

_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    "draft": InvoiceStatus.OPEN,
    "issued": InvoiceStatus.OPEN,
    "partially_paid": InvoiceStatus.OPEN,
    "paid": InvoiceStatus.PAID,
    "cancelled": InvoiceStatus.VOID,
    "expired": InvoiceStatus.VOID,
    "deleted": InvoiceStatus.VOID,
}


def things(payload: Payload) -> list[tuple[str, Thing]]:
    """What the payload has that is told of here, by name."""
    found: list[tuple[str, Thing | None]] = [
        ("payout", payload.payout.entity),
        ("settlement", payload.settlement.entity),
        ("subscription", payload.subscription.entity),
        ("invoice", payload.invoice.entity),
    ]
    return [(name, each) for name, each in found if each]


def facts(thing: Thing, at: int | None) -> list[Fact]:
    """How one of them stands, at the event's time; nothing where its status is unknown."""
    at_ms = seconds_to_ms(thing.created_at if at is None else at, "created_at")
    match thing:
        case Payout():
            return _payout(thing, at_ms)
        case Subscription():
            return _subscription(thing, at_ms)
        case Invoice():
            return _invoice(thing, at_ms)
        case _:
            return []


def _payout(payout: Payout, at_ms: int) -> list[Fact]:
    status = _PAYOUTS.get(text(payout.status))
    if status is None:
        return []
    reason = payout.status_details if isinstance(payout.status_details, dict) else {}
    message = first_text(payout.failure_reason, reason.get("description"))
    why = details(failure_code=text(reason.get("reason")), failure_message=message)
    ended = status in {PayoutStatus.FAILED, PayoutStatus.CANCELED}
    money = _money(payout, currency_code(payout.currency or _HOME))
    return [
        accounts.payout(ident(payout.id, "the payout's id"), status, at_ms=at_ms, money=money, why=why if ended else {})
    ]


def _subscription(found: Subscription, at_ms: int) -> list[Fact]:
    status = _SUBSCRIPTIONS.get(text(found.status))
    if status is None:
        return []
    who = details(customer_id=text(found.customer_id), **_said(found.notes))
    return [
        accounts.subscription(
            ident(found.id, "the subscription's id"),
            status,
            at_ms=at_ms,
            plan=ident_or_none(found.plan_id, "plan_id"),
            period_end_ms=_moment(found.current_end) if found.status in _PAID_FOR else 0,
            ends_at_ms=_moment(found.ended_at),
            who=who,
        )
    ]


def _invoice(found: Invoice, at_ms: int) -> list[Fact]:
    status = _INVOICES.get(text(found.status))
    if status is None:
        return []
    return [
        accounts.invoice(
            ident(found.id, "the invoice's id"),
            status,
            at_ms=at_ms,
            money=_money(found, currency_code(found.currency)),
            subscription_id=ident_or_none(found.subscription_id, "subscription_id"),
            period_end_ms=_moment(found.billing_end),
            who=_buyer(found),
        )
    ]


def _buyer(found: Invoice) -> dict[str, str]:
    buyer = child({"buyer": found.customer_details}, "buyer")
    return details(
        order_id=text(found.order_id),
        customer_id=text(found.customer_id),
        customer_name=text(buyer.get("name")),
        customer_email=text(buyer.get("email")),
        customer_phone=text(buyer.get("contact")),
        **_said(found.notes),
    )


def _said(notes: object) -> dict[str, str]:
    """Only the merchant's server, or its dashboard, gives these notes."""
    return metadata.said(child({"notes": notes}, "notes"))


def _money(thing: Thing, currency: str) -> tuple[int, str]:
    return to_iso(thing.amount, currency, ISO_EXPONENTS), currency


def _moment(seconds: int | None) -> int:
    return 0 if seconds is None else seconds_to_ms(seconds, "a time")
