"""What one payment, subscription or invoice says that its customer may use: pure functions of its facts."""

from collections.abc import Iterable, Mapping
from typing import Final

from paybell.model.account import AccountItem, InvoiceState, SubscriptionState
from paybell.model.entitlement import Billed, Bought, Grant, Money, Says, Subscribed, holder
from paybell.model.fact import Fact, Kind
from paybell.model.payment import Match, Payment, PaymentStatus

_MONEY: Final[Mapping[PaymentStatus, Money]] = {
    PaymentStatus.COMPLETED: Money.KEPT,
    PaymentStatus.PARTIALLY_REFUNDED: Money.KEPT,
    PaymentStatus.DISPUTED: Money.KEPT,
    PaymentStatus.REFUNDED: Money.REFUNDED,
    PaymentStatus.CHARGED_BACK: Money.CHARGED_BACK,
}
"""Others have not been sold."""
_CAPTURES: Final = frozenset({Kind.CAPTURED, Kind.CAPTURED_TOTAL})


def grant_of_payment(payment: Payment, facts: Iterable[Fact]) -> Grant | None:
    """None unless it was sold, for what was expected, to somebody, for something."""
    state = payment.state
    money = _MONEY.get(state.status)
    is_for = state.product or state.invoice_id or state.subscription_id
    if money is None or not is_for or state.match not in {None, Match.EXACT}:
        return None
    says = Bought(
        money=money,
        at_ms=min((it.at_ms for it in facts if it.kind in _CAPTURES), default=state.started_at_ms),
        product=state.product,
        invoice_id=state.invoice_id,
        subscription_id=state.subscription_id,
        who=state.customer,
    )
    return _granted(payment, says)


def grant_of_item(item: AccountItem) -> Grant | None:
    """None unless it is a subscription, or an invoice of one, of somebody."""
    match item.state:
        case SubscriptionState() as state:
            return _granted(
                item,
                Subscribed(
                    subscription_id=item.gateway_id,
                    status=state.status,
                    plan=state.plan,
                    product=state.product,
                    period_end_ms=state.period_end_ms,
                    ends_at_ms=state.ends_at_ms,
                    cancel_at_period_end=state.cancel_at_period_end,
                    unpaid_since_ms=state.unpaid_since_ms,
                    changed_at_ms=state.changed_at_ms,
                    who=state.customer,
                ),
            )
        case InvoiceState() as state if state.subscription_id:
            return _granted(
                item,
                Billed(
                    invoice_id=item.gateway_id,
                    subscription_id=state.subscription_id,
                    status=state.status,
                    at_ms=state.changed_at_ms,
                    plan=state.plan,
                    product=state.product,
                    period_end_ms=state.period_end_ms,
                    who=state.customer,
                ),
            )
        case _:
            return None


def _granted(subject: Payment | AccountItem, says: Says) -> Grant | None:
    customer = holder(says.who)
    if not customer:
        return None
    return Grant(
        subject_id=subject.id,
        organisation_id=subject.organisation_id,
        source_id=subject.source_id,
        customer=customer,
        says=says,
    )
