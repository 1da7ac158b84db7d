"""What we tell of payouts, subscriptions and invoices: which event types a change calls for, and its data. Pure."""

from collections.abc import Mapping
from typing import Final, assert_never

from paybell.model.account import (
    AccountItem,
    AccountState,
    CustomerState,
    InvoiceState,
    InvoiceStatus,
    PayoutState,
    PayoutStatus,
    SubscriptionState,
    SubscriptionStatus,
)
from paybell.model.moment import rfc3339
from paybell.model.money import to_major
from paybell.record.messages import Transition

_OF_PAYOUT: Final[Mapping[PayoutStatus, str]] = {
    PayoutStatus.CREATED: "payout.created",
    PayoutStatus.PAID: "payout.paid",
    PayoutStatus.CANCELED: "payout.failed",
    PayoutStatus.FAILED: "payout.failed",
}
_OF_INVOICE: Final[Mapping[InvoiceStatus, str]] = {
    InvoiceStatus.PAID: "invoice.paid",
    InvoiceStatus.FAILED: "invoice.payment_failed",
}
_OF_SUBSCRIPTION: Final[Mapping[SubscriptionStatus, str]] = {
    SubscriptionStatus.PAST_DUE: "subscription.past_due",
    SubscriptionStatus.CANCELED: "subscription.canceled",
}
_RUNNING: Final = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})


def item_transitions(before: AccountState | None, after: AccountState) -> tuple[Transition, ...]:
    """What there is to tell of a change, if anything."""
    match after:
        case PayoutState(status=payout):
            told = _OF_PAYOUT[payout] if before is None or before.status != payout else ""
        case InvoiceState(status=invoice):
            told = _OF_INVOICE.get(invoice, "") if before is None or before.status != invoice else ""
        case SubscriptionState():
            told = _of_subscription(before, after)
        case CustomerState():
            told = ""
        case _:
            assert_never(after)
    return (Transition(told),) if told else ()


def _of_subscription(before: AccountState | None, after: SubscriptionState) -> str:
    """It is created when it first runs, and renewed when its period ends later than it did."""
    known = before if isinstance(before, SubscriptionState) else None
    if after.status in _OF_SUBSCRIPTION:
        is_new = known is None or known.status != after.status
        return _OF_SUBSCRIPTION[after.status] if is_new else ""
    if after.status not in _RUNNING:
        return ""
    if known is None or known.status is SubscriptionStatus.INCOMPLETE:
        return "subscription.created"
    return "subscription.renewed" if 0 < known.period_end_ms < after.period_end_ms else ""


def item_data(item: AccountItem) -> dict[str, object]:
    """An account item as told to subscribers, its ids under the name of its subject: ``payoutId``."""
    subject = str(item.subject)
    return {
        f"{subject}Id": item.id,
        "status": item.state.status,
        **account_data(item.state),
        "version": item.state.version,
        "gateway": item.gateway,
        f"gateway{subject.capitalize()}Id": item.gateway_id,
        "livemode": item.livemode,
    }


def account_data(state: AccountState) -> dict[str, object]:
    """What is its subject's own."""
    match state:
        case PayoutState():
            return {**_money(state), "failure": state.failure or None}
        case InvoiceState():
            return {
                **_money(state),
                "gatewaySubscriptionId": state.subscription_id or None,
                "plan": state.plan or None,
                "product": state.product or None,
                "periodEnd": moment(state.period_end_ms),
                "customer": state.customer or None,
            }
        case SubscriptionState():
            return {
                "plan": state.plan or None,
                "product": state.product or None,
                "periodEnd": moment(state.period_end_ms),
                "endsAt": moment(state.ends_at_ms),
                "cancelAtPeriodEnd": state.cancel_at_period_end,
                "customer": state.customer or None,
            }
        case CustomerState():
            return {"customer": state.customer or None}
        case _:
            assert_never(state)


def _money(state: PayoutState | InvoiceState) -> dict[str, object]:
    return {
        "amount": to_major(state.amount_minor, state.currency),
        "currency": state.currency,
        "amountMinor": state.amount_minor,
    }


def moment(at_ms: int) -> str | None:
    """A time that may be missing."""
    return rfc3339(at_ms) if at_ms else None
