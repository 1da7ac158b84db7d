"""Facts of what an account has beside payments: payouts, subscriptions, invoices, customers (``model/account.py``)."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit.payloads import details
from paybell.model.account import CustomerStatus, InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact, Kind

_PAYOUTS: Final[Mapping[PayoutStatus, Kind]] = {
    PayoutStatus.CREATED: Kind.PAYOUT_CREATED,
    PayoutStatus.PAID: Kind.PAYOUT_PAID,
    PayoutStatus.CANCELED: Kind.PAYOUT_CANCELED,
    PayoutStatus.FAILED: Kind.PAYOUT_FAILED,
}
_NOBODY: Final[Mapping[str, str]] = {}


def payout(
    aggregate: str, status: PayoutStatus, *, at_ms: int, money: tuple[int, str], why: Mapping[str, str] = _NOBODY
) -> Fact:
    """Where a payout of ``money`` (minor units, currency) stands; ``why`` has ``failure_code``, ``failure_message``."""
    amount_minor, currency = money
    return Fact(
        aggregate=aggregate,
        kind=_PAYOUTS[status],
        at_ms=at_ms,
        amount_minor=amount_minor,
        currency=currency,
        detail=why,
    )


def subscription(
    aggregate: str,
    status: SubscriptionStatus,
    *,
    at_ms: int,
    plan: str,
    period_end_ms: int = 0,
    ends_at_ms: int = 0,
    cancel_at_period_end: bool = False,
    who: Mapping[str, str] = _NOBODY,
) -> Fact:
    """How a subscription stands; ``who`` has details of the customer, and ``product`` and ``user_id`` of metadata."""
    said = details(
        status=str(status),
        plan=plan,
        period_end_ms=_moment(period_end_ms),
        ends_at_ms=_moment(ends_at_ms),
        cancel_at_period_end="true" if cancel_at_period_end else "",
    )
    return Fact(aggregate=aggregate, kind=Kind.SUBSCRIPTION_STATE, at_ms=at_ms, detail={**who, **said})


def invoice(
    aggregate: str,
    status: InvoiceStatus,
    *,
    at_ms: int,
    money: tuple[int, str],
    subscription_id: str = "",
    plan: str = "",
    period_end_ms: int = 0,
    who: Mapping[str, str] = _NOBODY,
) -> Fact:
    """How an invoice over ``money`` (minor units, currency) stands, and what period of which subscription it is for."""
    said = details(status=str(status), subscription_id=subscription_id, plan=plan, period_end_ms=_moment(period_end_ms))
    amount_minor, currency = money
    return Fact(
        aggregate=aggregate,
        kind=Kind.INVOICE_STATE,
        at_ms=at_ms,
        amount_minor=amount_minor,
        currency=currency,
        detail={**who, **said},
    )


def customer(aggregate: str, *, at_ms: int, who: Mapping[str, str], deleted: bool = False) -> Fact:
    """What the gateway knows of a customer."""
    status = CustomerStatus.DELETED if deleted else CustomerStatus.ACTIVE
    detail = {**who, "status": str(status)}
    return Fact(aggregate=aggregate, kind=Kind.CUSTOMER_STATE, at_ms=at_ms, detail=detail)


def _moment(at_ms: int) -> str:
    return str(at_ms) if at_ms > 0 else ""
