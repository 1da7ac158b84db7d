"""What GoCardless' API answers about a payout, a subscription or a customer.

Like payments, none of them tells when it came to stand so: it is dated by the moment of the answer.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.gocardless.money import minor_of
from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.metadata import said
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact

_PAYOUT_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "pending": PayoutStatus.CREATED,
    "paid": PayoutStatus.PAID,
    "bounced": PayoutStatus.FAILED,
}
_SUBSCRIPTION_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "pending_customer_approval": SubscriptionStatus.INCOMPLETE,
    "active": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    **dict.fromkeys(("customer_approval_denied", "finished", "cancelled"), SubscriptionStatus.CANCELED),
}


class Payout(Struct):
    """Money to the merchant's bank account."""

    id: str
    amount: int | str
    currency: str
    status: str = ""


class Subscription(Struct):
    """Payments that come again and again. GoCardless has no plans, and tells no customer of it."""

    id: str
    status: str = ""
    end_date: str | None = None
    metadata: dict[str, str] = {}


class Customer(Struct):
    """Who pays."""

    id: str
    email: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    company_name: str | None = None
    phone_number: str | None = None
    metadata: dict[str, str] = {}


def payout(thing: Payout, at_ms: int) -> Fact | None:
    """Where a payout stands; None for a status that is unknown."""
    status, currency = _PAYOUT_STATUSES.get(thing.status), currency_code(thing.currency)
    money = (minor_of(thing.amount, currency), currency)
    return None if status is None else accounts.payout(ident(thing.id, "the id"), status, at_ms=at_ms, money=money)


def subscription(thing: Subscription, at_ms: int) -> Fact | None:
    """How a subscription stands; None for a status that is unknown."""
    status = _SUBSCRIPTION_STATUSES.get(thing.status)
    if status is None:
        return None
    ends = thing.end_date if status is not SubscriptionStatus.CANCELED else None
    return accounts.subscription(
        ident(thing.id, "the subscription's id"),
        status,
        at_ms=at_ms,
        plan="",
        ends_at_ms=time_to_ms(ends, "end_date") if ends else 0,
        who=said(thing.metadata),
    )


def customer(thing: Customer, at_ms: int) -> Fact:
    """What is known of a customer."""
    customer_id = ident(thing.id, "the customer's id")
    name = " ".join(filter(None, (thing.given_name, thing.family_name)))
    who = details(
        customer_id=customer_id,
        customer_email=text(thing.email),
        customer_name=text(name or thing.company_name),
        customer_phone=text(thing.phone_number),
    )
    return accounts.customer(customer_id, at_ms=at_ms, who={**who, **said(thing.metadata)})
