"""Lemon Squeezy's subscriptions and their invoices as facts.

A subscription that is ``cancelled`` is valid until it ends, and only then ``expired``. While it is past due or unpaid,
``renews_at`` is the time of the next try.
"""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import accounts, payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.lemonsqueezy.shapes import Attributes
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.fact import Fact

_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "on_trial": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "cancelled": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "expired": SubscriptionStatus.CANCELED,
}
_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    "pending": InvoiceStatus.OPEN,
    "paid": InvoiceStatus.PAID,
    "refunded": InvoiceStatus.PAID,
    "partial_refund": InvoiceStatus.PAID,
    "void": InvoiceStatus.VOID,
}


def subscription(own: str, found: Attributes, who: Mapping[str, str], at_ms: int) -> list[Fact]:
    """How a subscription stands; its plan is its variant. Nothing where its status is unknown."""
    status = _SUBSCRIPTIONS.get(payloads.text(found.status))
    if status is None:
        return []
    return [
        accounts.subscription(
            own,
            status,
            at_ms=at_ms,
            plan=payloads.ident_or_none(found.variant_id, "variant_id"),
            period_end_ms=_period_end_ms(found),
            ends_at_ms=_moment(found.ends_at),
            cancel_at_period_end=found.status == "cancelled",
            who=who,
        )
    ]


def invoice(own: str, found: Attributes, who: Mapping[str, str], at_ms: int, *, tried: bool) -> list[Fact]:
    """How a subscription's invoice stands; one that waits and was ``tried`` failed."""
    status = _INVOICES.get(payloads.text(found.status))
    if status is None:
        return []
    if tried and status is InvoiceStatus.OPEN:
        status = InvoiceStatus.FAILED
    currency = currency_code(found.currency)
    return [
        accounts.invoice(
            own,
            status,
            at_ms=at_ms,
            money=(to_iso(found.total, currency, ISO_EXPONENTS), currency),
            subscription_id=payloads.ident_or_none(found.subscription_id, "subscription_id"),
            who=who,
        )
    ]


def _moment(value: object) -> int:
    return 0 if value is None else payloads.time_to_ms(value, "a time of the object")


def _period_end_ms(found: Attributes) -> int:
    match found.status:
        case "on_trial":
            return _moment(found.trial_ends_at)
        case "active":
            return _moment(found.renews_at)
        case "cancelled":
            return _moment(found.ends_at)
        case _:
            return 0
