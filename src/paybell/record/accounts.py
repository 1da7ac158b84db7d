"""What the facts of a payout, subscription, invoice or customer add up to: pure functions of the whole set.

See docs/decisions/0013. A register's last word is the newest by (the gateway's time, rank of the status, content).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar

from msgspec.structs import replace

from paybell.model.account import (
    AccountState,
    CustomerState,
    CustomerStatus,
    InvoiceState,
    InvoiceStatus,
    PayoutState,
    PayoutStatus,
    SubscriptionState,
    SubscriptionStatus,
)
from paybell.model.fact import Fact, Kind, Subject
from paybell.record.projection import CUSTOMER, FAILURE, details

Status = TypeVar("Status", bound=StrEnum)

_PAYOUTS: Final[Mapping[Kind, PayoutStatus]] = {
    Kind.PAYOUT_CREATED: PayoutStatus.CREATED,
    Kind.PAYOUT_PAID: PayoutStatus.PAID,
    Kind.PAYOUT_CANCELED: PayoutStatus.CANCELED,
    Kind.PAYOUT_FAILED: PayoutStatus.FAILED,
}
_DIGITS_MAX: Final = 15


def project_item(subject: Subject, facts: Iterable[Fact]) -> AccountState:
    """Fold all facts of one account item (at least one) into its state; the same for every order of the same set."""
    listed = list(facts)
    told = [fact for fact in listed if fact.kind is not Kind.CORRECTED]
    return replace(_PROJECTIONS[subject](told), version=len(listed))


def _payout(facts: Sequence[Fact]) -> PayoutState:
    ordered = sorted(facts, key=_content)
    largest = max(ordered, key=lambda fact: (fact.amount_minor or 0, fact.at_ms, fact.currency))
    ranks = list(PayoutStatus)
    return PayoutState(
        status=max((_PAYOUTS[fact.kind] for fact in facts), key=ranks.index),
        amount_minor=largest.amount_minor or 0,
        currency=largest.currency,
        failure=details(ordered, FAILURE),
        changed_at_ms=ordered[-1].at_ms,
    )


def _subscription(facts: Sequence[Fact]) -> SubscriptionState:
    ordered = _by_time(facts, SubscriptionStatus)
    last = ordered[-1]
    status = SubscriptionStatus(last.detail["status"])
    return SubscriptionState(
        status=status,
        plan=_newest(ordered, "plan"),
        product=_newest(ordered, "product"),
        period_end_ms=_moment(_newest(ordered, "period_end_ms")),
        ends_at_ms=_moment(last.detail.get("ends_at_ms", "")),
        cancel_at_period_end=last.detail.get("cancel_at_period_end") == "true",
        unpaid_since_ms=_since(ordered, SubscriptionStatus.PAST_DUE) if status is SubscriptionStatus.PAST_DUE else 0,
        customer=details(ordered, CUSTOMER),
        changed_at_ms=_since(ordered, status) if status is SubscriptionStatus.CANCELED else last.at_ms,
    )


def _invoice(facts: Sequence[Fact]) -> InvoiceState:
    ordered = _by_time(facts, InvoiceStatus)
    last = ordered[-1]
    return InvoiceState(
        status=InvoiceStatus(last.detail["status"]),
        amount_minor=last.amount_minor or 0,
        currency=last.currency,
        subscription_id=_newest(ordered, "subscription_id"),
        plan=_newest(ordered, "plan"),
        product=_newest(ordered, "product"),
        period_end_ms=_moment(_newest(ordered, "period_end_ms")),
        customer=details(ordered, CUSTOMER),
        changed_at_ms=last.at_ms,
    )


def _customer(facts: Sequence[Fact]) -> CustomerState:
    ordered = _by_time(facts, CustomerStatus)
    last = ordered[-1]
    return CustomerState(
        status=CustomerStatus(last.detail["status"]),
        customer=details(ordered, CUSTOMER),
        changed_at_ms=last.at_ms,
    )


_PROJECTIONS: Final[Mapping[Subject, Callable[[Sequence[Fact]], AccountState]]] = {
    Subject.PAYOUT: _payout,
    Subject.SUBSCRIPTION: _subscription,
    Subject.INVOICE: _invoice,
    Subject.CUSTOMER: _customer,
}


def _by_time(facts: Iterable[Fact], statuses: type[Status]) -> list[Fact]:
    """Of one moment, the status of higher rank is the later one."""
    ranks = {str(status): rank for rank, status in enumerate(statuses)}
    return sorted(facts, key=lambda fact: (fact.at_ms, ranks[fact.detail["status"]], _content(fact)))


def _content(fact: Fact) -> tuple[object, ...]:
    return (fact.at_ms, fact.kind, fact.amount_minor or 0, fact.currency, tuple(sorted(fact.detail.items())))


def _since(ordered: Sequence[Fact], status: StrEnum) -> int:
    """When the last run of that status began."""
    since = ordered[-1].at_ms
    for fact in reversed(ordered):
        if fact.detail["status"] != status:
            break
        since = fact.at_ms
    return since


def _newest(ordered: Sequence[Fact], name: str) -> str:
    return next((value for fact in reversed(ordered) if (value := fact.detail.get(name, ""))), "")


def _moment(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else 0
