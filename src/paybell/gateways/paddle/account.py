"""Paddle's payouts, subscriptions and customers as facts (developer.paddle.com, the pages of their webhooks)."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, metadata, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.options import Options
from paybell.gateways.paddle.money import minor
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact

Found = tuple[tuple[Fact, ...], str]

_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {"unpaid": PayoutStatus.CREATED, "paid": PayoutStatus.PAID}
_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "trialing": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "past_due": SubscriptionStatus.PAST_DUE,
    "paused": SubscriptionStatus.PAUSED,
    "canceled": SubscriptionStatus.CANCELED,
}
_CUSTOMERS: Final[Mapping[str, bool]] = {"active": False, "archived": True}
"""Whether it counts as deleted."""


class _Payout(Struct, frozen=True):
    id: str
    status: str
    amount: object
    currency_code: str


class _Price(Struct, frozen=True):
    id: object = None


class _Item(Struct, frozen=True):
    price: _Price | None = None


class _Period(Struct, frozen=True):
    ends_at: object = None


class _Change(Struct, frozen=True):
    action: object = None
    effective_at: object = None


class _Subscription(Struct, frozen=True):
    id: str
    status: str
    items: tuple[_Item, ...] | None = None
    current_billing_period: _Period | None = None
    scheduled_change: _Change | None = None
    canceled_at: object = None
    customer_id: object = None
    custom_data: object = None


class _Customer(Struct, frozen=True):
    id: str
    status: str
    name: object = None
    email: object = None
    custom_data: object = None


_PAYOUT: Final = payloads.decoder(_Payout)
_SUBSCRIPTION: Final = payloads.decoder(_Subscription)
_CUSTOMER: Final = payloads.decoder(_Customer)


def payout(body: bytes, at_ms: int) -> Found:
    """Where a payout stands; Paddle tells of no failures."""
    found = payloads.read(_PAYOUT, body)
    status = _PAYOUTS.get(found.status)
    if status is None:
        return (), _unknown("payout", found.status)
    currency = currency_code(found.currency_code)
    money = minor(found.amount, currency), currency
    return (accounts.payout(payloads.ident(found.id, "the payout's id"), status, at_ms=at_ms, money=money),), ""


def subscription(body: bytes, at_ms: int, options: Options) -> Found:
    """How a subscription stands; its plan is its first price."""
    found = payloads.read(_SUBSCRIPTION, body)
    status = _SUBSCRIPTIONS.get(found.status)
    if status is None:
        return (), _unknown("subscription", found.status)
    change = found.scheduled_change
    ending = change is not None and change.action == "cancel"
    fact = accounts.subscription(
        payloads.ident(found.id, "the subscription's id"),
        status,
        at_ms=at_ms,
        plan=_plan(found),
        period_end_ms=_period_end_ms(found),
        ends_at_ms=_time(change.effective_at if change and ending else found.canceled_at),
        cancel_at_period_end=ending,
        who=_who(found.customer_id, found.custom_data, options),
    )
    return (fact,), ""


def customer(body: bytes, at_ms: int, options: Options) -> Found:
    """Who pays; an archived customer is deleted."""
    found = payloads.read(_CUSTOMER, body)
    deleted = _CUSTOMERS.get(found.status)
    if deleted is None:
        return (), _unknown("customer", found.status)
    customer_id = payloads.ident(found.id, "the customer's id")
    known = payloads.details(customer_name=payloads.text(found.name), customer_email=payloads.text(found.email))
    who = {**_who(customer_id, found.custom_data, options), **known}
    return (accounts.customer(customer_id, at_ms=at_ms, who=who, deleted=deleted),), ""


def _plan(found: _Subscription) -> str:
    price = found.items[0].price if found.items else None
    return payloads.ident_or_none(price.id, "the price's id") if price else ""


def _period_end_ms(found: _Subscription) -> int:
    # A subscription is past due in a new period that is not paid: that one's end says nothing of what is.
    period = found.current_billing_period
    return 0 if period is None or found.status == "past_due" else _time(period.ends_at)


def _who(customer_id: object, custom_data: object, options: Options) -> dict[str, str]:
    said = metadata.said(metadata.believed(custom_data, options))
    return payloads.details(customer_id=payloads.text(customer_id), **said)


def _time(value: object) -> int:
    return 0 if value is None else payloads.time_to_ms(value, "a time of the subscription")


def _unknown(what: str, status: str) -> str:
    return f"a {what}'s status {payloads.text(status)!r} is unknown"
