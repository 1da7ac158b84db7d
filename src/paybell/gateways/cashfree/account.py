"""What Cashfree's settlements and subscriptions say (cashfree.com/docs, settlement and subscription webhooks).

A subscription's payments have webhooks of another shape, which no document at hand shows whole: they are not read.
"""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.cashfree.shapes import Customer, SettlementData, SubscriptionData
from paybell.gateways.kit import accounts, metadata
from paybell.gateways.kit.payloads import child, decoder, details, ident, ident_or_none, read, text
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.fact import Parsed
from paybell.model.money import to_minor

_HOME: Final = "INR"
"""The currency of settlements, which name none."""

_SETTLEMENTS: Final[Mapping[str, PayoutStatus]] = {
    "SETTLEMENT_INITIATED": PayoutStatus.CREATED,
    "SETTLEMENT_SUCCESS": PayoutStatus.PAID,
    "SETTLEMENT_FAILED": PayoutStatus.FAILED,
    "SETTLEMENT_REVERSED": PayoutStatus.FAILED,
}
_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    **dict.fromkeys(("INITIALIZED", "BANK_APPROVAL_PENDING"), SubscriptionStatus.INCOMPLETE),
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "ON_HOLD": SubscriptionStatus.PAST_DUE,
    **dict.fromkeys(("PAUSED", "CUSTOMER_PAUSED"), SubscriptionStatus.PAUSED),
    **dict.fromkeys(
        ("CANCELLED", "CUSTOMER_CANCELLED", "COMPLETED", "EXPIRED", "LINK_EXPIRED"), SubscriptionStatus.CANCELED
    ),
}

_SETTLEMENT: Final = decoder(SettlementData)
_SUBSCRIPTION: Final = decoder(SubscriptionData)


def of_settlement(name: str, data: bytes, at_ms: int) -> Parsed:
    """Where a settlement stands, as its event says: the words of its own status are not documented."""
    status = _SETTLEMENTS.get(name)
    if status is None:
        return Parsed(event=name, reason="of settlements, it is none of the four events that are known")
    found = read(_SETTLEMENT, data).settlement
    fact = accounts.payout(
        ident(found.settlement_id, "settlement_id"),
        status,
        at_ms=at_ms,
        money=(to_minor(found.amount_settled, _HOME), _HOME),
        why=details(failure_message=text(found.reason)) if status is PayoutStatus.FAILED else {},
    )
    return Parsed(event=name, facts=(fact,))


def of_subscription(name: str, data: bytes, at_ms: int) -> Parsed:
    """How a subscription stands; it is known by the merchant's own id."""
    found = read(_SUBSCRIPTION, data)
    own = found.subscription_details
    status = _SUBSCRIPTIONS.get(own.subscription_status.replace(" ", "_"))
    if status is None:
        return Parsed(event=name, reason=f"its status {text(own.subscription_status)!r} is unknown")
    buyer, tags = found.customer_details or Customer(), child({"tags": own.subscription_tags}, "tags")
    who = details(
        customer_name=text(buyer.customer_name),
        customer_email=text(buyer.customer_email),
        customer_phone=text(buyer.customer_phone),
        **metadata.said(tags),
    )
    plan = ident_or_none(child({"plan": found.plan_details}, "plan").get("plan_id"), "plan_id")
    fact = accounts.subscription(ident(own.subscription_id, "subscription_id"), status, at_ms=at_ms, plan=plan, who=who)
    return Parsed(event=name, facts=(fact,))
