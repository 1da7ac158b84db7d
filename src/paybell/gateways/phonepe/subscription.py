"""What PhonePe's API answers about a subscription (developer.phonepe.com, "Check Subscription Status").

It is known by the merchant's own id, as the orders that are charged for it name it. The answer names no time but the
end of the mandate, no plan and no period: it counts from when it was told here.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, payloads
from paybell.model.account import SubscriptionStatus
from paybell.model.fact import Fact, Parsed

BEFORE: Final = "subscription:"
"""What stands before the id in the subject of a question."""

SETUP: Final = "SUBSCRIPTION_SETUP"
"""The order that starts a subscription: PhonePe has no event that says that one is active."""

_STATES: Final[Mapping[str, SubscriptionStatus]] = {
    "ACTIVATION_IN_PROGRESS": SubscriptionStatus.INCOMPLETE,
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "PAUSED": SubscriptionStatus.PAUSED,
    **dict.fromkeys(("CANCELLED", "REVOKED", "EXPIRED", "FAILED"), SubscriptionStatus.CANCELED),
}
_OPEN: Final = frozenset({"ACTIVATION_IN_PROGRESS"})


class Answer(Struct, frozen=True, rename="camel"):
    """A subscription's status."""

    state: str
    merchant_subscription_id: str


class Flow(Struct, frozen=True, rename="camel"):
    """What an order is for."""

    type: str | None = None
    merchant_subscription_id: str | None = None


DECODER: Final = payloads.decoder(Answer)


def read(body: bytes, subscription_id: str, received_at_ms: int) -> Parsed:
    """How the subscription asked for stands; not final while it changes."""
    found = payloads.read(DECODER, body)
    if found.merchant_subscription_id != subscription_id:
        return Parsed(reason="the answer is about another subscription", final=False)
    status = _STATES.get(found.state)
    if status is None:
        return Parsed(reason=f"the state {payloads.text(found.state)!r} is unknown, or one on its way", final=False)
    fact = _fact(subscription_id, status, received_at_ms)
    return Parsed(event="subscription.status", facts=(fact,), final=found.state not in _OPEN)


def started(flow: Flow, at_ms: int) -> list[Fact]:
    """That a subscription is active, of the order that sets it up and is through."""
    if flow.type != SETUP or not flow.merchant_subscription_id:
        return []
    return [_fact(flow.merchant_subscription_id, SubscriptionStatus.ACTIVE, at_ms)]


def key(subject: str, body: bytes) -> tuple[str, str, str]:
    """What decides."""
    found = payloads.read(DECODER, body)
    return subject, found.merchant_subscription_id, found.state


def _fact(subscription_id: str, status: SubscriptionStatus, at_ms: int) -> Fact:
    return accounts.subscription(
        payloads.ident(subscription_id, "merchantSubscriptionId"), status, at_ms=at_ms, plan=""
    )
