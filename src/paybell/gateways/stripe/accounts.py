"""Stripe's payouts, customers and subscriptions as facts."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import accounts, metadata
from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import details, ident, seconds_to_ms, text
from paybell.gateways.stripe.billing_shapes import Customer, Payout, Subscribed, Subscription
from paybell.gateways.stripe.pieces import Found, customer, id_of
from paybell.model.account import PayoutStatus, SubscriptionStatus

_PAYOUT_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "pending": PayoutStatus.CREATED,
    "in_transit": PayoutStatus.CREATED,
    "paid": PayoutStatus.PAID,
    "canceled": PayoutStatus.CANCELED,
    "failed": PayoutStatus.FAILED,
}
_SUBSCRIPTION_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "incomplete": SubscriptionStatus.INCOMPLETE,
    "incomplete_expired": SubscriptionStatus.CANCELED,
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "unpaid": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.CANCELED,
}


def read_payout(payout: Payout, at_ms: int) -> Found:
    """Money on its way to the merchant's bank."""
    status = _PAYOUT_STATUSES.get(text(payout.status))
    if status is None:
        return Found(reason=f"a payout's status {text(payout.status)!r} is unknown")
    if payout.amount is not None and payout.amount < 0:
        return Found(reason="a payout below zero takes money from the bank, to settle a balance below zero")
    currency = currency_code(payout.currency)
    told = accounts.payout(
        ident(payout.id, "the payout's id"),
        status,
        at_ms=at_ms,
        money=(to_iso(payout.amount, currency, STRIPE_EXPONENTS), currency),
        why=details(failure_code=text(payout.failure_code), failure_message=text(payout.failure_message)),
    )
    return Found(facts=(told,))


def read_customer(thing: Customer, event: str, at_ms: int) -> Found:
    """Who pays. That a customer was deleted stands in the event's name alone."""
    aggregate = ident(thing.id, "the customer's id")
    who = details(
        customer_id=aggregate,
        customer_email=text(thing.email),
        customer_name=text(thing.name),
        customer_phone=text(thing.phone),
    )
    who = {**who, **metadata.said(thing.metadata or {})}
    return Found(facts=(accounts.customer(aggregate, at_ms=at_ms, who=who, deleted=event == "customer.deleted"),))


def read_subscription(thing: Subscription, at_ms: int) -> Found:
    """How a subscription stands. A pause of its collection alone takes nothing from the customer, and is no pause."""
    status = _SUBSCRIPTION_STATUSES.get(text(thing.status))
    if status is None:
        return Found(reason=f"a subscription's status {text(thing.status)!r} is unknown")
    items = thing.items.data if thing.items else ()
    told = accounts.subscription(
        ident(thing.id, "the subscription's id"),
        status,
        at_ms=at_ms,
        plan=_plan(thing, items),
        period_end_ms=_period_end_ms(thing, items),
        ends_at_ms=_moment(thing.ended_at if thing.ended_at is not None else thing.cancel_at),
        cancel_at_period_end=thing.cancel_at_period_end is True,
        who=customer(thing),
    )
    return Found(facts=(told,))


def _plan(thing: Subscription, items: tuple[Subscribed, ...]) -> str:
    """The price of the first item; older versions have one plan for all."""
    first = items[0] if items else Subscribed()
    what = "the price's id"
    return id_of(first.price, what) or id_of(first.plan, what) or id_of(thing.plan, what)


def _period_end_ms(thing: Subscription, items: tuple[Subscribed, ...]) -> int:
    if thing.status == "trialing" and thing.trial_end is not None:
        return _moment(thing.trial_end)
    if thing.current_period_end is not None:
        return _moment(thing.current_period_end)
    return max((_moment(it.current_period_end) for it in items), default=0)


def _moment(value: int | None) -> int:
    return 0 if value is None else seconds_to_ms(value, "a subscription's time")
