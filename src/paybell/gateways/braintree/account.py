"""What Braintree says of a subscription, and of money that it sends to the merchant's bank (a disbursement)."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.braintree.node import Node, Notice
from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact
from paybell.model.money import to_minor

_DAY_MS: Final = 86_400_000
_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "pending": SubscriptionStatus.INCOMPLETE,
    "active": SubscriptionStatus.ACTIVE,
    "past due": SubscriptionStatus.PAST_DUE,
    **dict.fromkeys(("canceled", "expired"), SubscriptionStatus.CANCELED),
}
_SUCCESS: Final[Mapping[str, PayoutStatus]] = {"true": PayoutStatus.PAID, "false": PayoutStatus.FAILED}


def subscription(node: Node, notice: Notice) -> list[Fact]:
    """How a subscription stands; nothing for a status that is unknown. It is paid through a day, that one included."""
    status = _STATUSES.get(node.text("status").lower())
    if status is None:
        return []
    if status is SubscriptionStatus.ACTIVE and _on_trial(node):
        status = SubscriptionStatus.TRIALING
    through = node.text("paid-through-date")
    newest = node.element.find("transactions/transaction")
    told = accounts.subscription(
        ident(node.text("id"), "the subscription's id"),
        status,
        at_ms=time_to_ms(notice.at, "the notification's time"),
        plan=text(node.text("plan-id")),
        period_end_ms=time_to_ms(through, "paid-through-date") + _DAY_MS if through else 0,
        who={} if newest is None else Node(newest, notice).customer(),
    )
    return [told]


def _on_trial(node: Node) -> bool:
    return node.text("trial-period") == "true" and node.text("current-billing-cycle") == "0"


def disbursement(node: Node, notice: Notice) -> list[Fact]:
    """Money that was sent to the bank, or could not be."""
    status = _SUCCESS.get(node.text("success"))
    if status is None:
        return []
    currency = currency_code(node.text("merchant-account/currency-iso-code"))
    told = accounts.payout(
        ident(node.text("id"), "the disbursement's id"),
        status,
        at_ms=time_to_ms(notice.at, "the notification's time"),
        money=(to_minor(node.text("amount"), currency), currency),
        why=details(failure_message=text(node.text("exception-message"))),
    )
    return [told]
