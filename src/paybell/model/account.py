"""What a gateway's account has beside payments: payouts, subscriptions, invoices, customers.

State, recomputable from facts. What the facts of each say in their ``detail`` (texts only):

- payout: ``failure_code``, ``failure_message``.
- subscription: ``status`` (:class:`SubscriptionStatus`), ``plan`` (the gateway's id of what is subscribed to),
  ``period_end_ms`` (until when it is paid or on trial, in milliseconds since 1970), ``ends_at_ms`` (when it ends or
  ended), ``cancel_at_period_end`` (``true``).
- invoice: ``status`` (:class:`InvoiceStatus`), ``subscription_id``, ``plan``, ``period_end_ms``.
- customer: ``status`` (``active``, ``deleted``).
- all but payouts: the customer's details, as in facts of payments, and ``product``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from paybell.model.fact import Subject


class PayoutStatus(StrEnum):
    """Rank order: a payout can fail after it was paid."""

    CREATED = "created"
    PAID = "paid"
    CANCELED = "canceled"
    FAILED = "failed"


class SubscriptionStatus(StrEnum):
    """Rank order for what is said of one moment."""

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAUSED = "paused"
    PAST_DUE = "past_due"
    CANCELED = "canceled"


class InvoiceStatus(StrEnum):
    """Rank order for what is said of one moment. ``failed``: a try to collect it failed."""

    OPEN = "open"
    FAILED = "failed"
    VOID = "void"
    PAID = "paid"


class CustomerStatus(StrEnum):
    """Rank order for what is said of one moment."""

    ACTIVE = "active"
    DELETED = "deleted"


class PayoutState(Struct, frozen=True, kw_only=True, tag="payout"):
    """Money that the gateway sends to the bank; ``amount_minor`` of ``currency``."""

    status: PayoutStatus
    amount_minor: int
    currency: str
    failure: Mapping[str, str] = {}
    version: int = 0
    changed_at_ms: int = 0


class SubscriptionState(Struct, frozen=True, kw_only=True, tag="subscription"):
    """What is paid for again and again. Times in milliseconds since 1970, 0 where nothing says.

    ``unpaid_since_ms`` is when it went past due, if it is; ``canceled_at_ms`` when that was said, if it is canceled.
    """

    status: SubscriptionStatus
    plan: str = ""
    product: str = ""
    period_end_ms: int = 0
    ends_at_ms: int = 0
    cancel_at_period_end: bool = False
    unpaid_since_ms: int = 0
    customer: Mapping[str, str] = {}
    version: int = 0
    changed_at_ms: int = 0


class InvoiceState(Struct, frozen=True, kw_only=True, tag="invoice"):
    """What a customer owes, perhaps for a period of a subscription."""

    status: InvoiceStatus
    amount_minor: int
    currency: str
    subscription_id: str = ""
    plan: str = ""
    product: str = ""
    period_end_ms: int = 0
    customer: Mapping[str, str] = {}
    version: int = 0
    changed_at_ms: int = 0


class CustomerState(Struct, frozen=True, kw_only=True, tag="customer"):
    """Who pays, as the gateway's own customer object says."""

    status: CustomerStatus
    customer: Mapping[str, str] = {}
    version: int = 0
    changed_at_ms: int = 0


AccountState = PayoutState | SubscriptionState | InvoiceState | CustomerState


State = TypeVar("State", bound=Struct)


class AccountItem(Struct, frozen=True, kw_only=True):
    """A payout, subscription, invoice or customer as stored: its identity and its state."""

    id: str
    subject: Subject
    organisation_id: str
    source_id: str
    gateway: str
    gateway_id: str
    livemode: bool
    state: AccountState
    created_at_ms: int
    updated_at_ms: int


def of_subject(item: AccountItem, kind: type[State]) -> State:
    """Its state as what it is; ``TypeError`` for an item of another subject."""
    if not isinstance(item.state, kind):
        raise TypeError(f"{item.id} is a {item.subject}")
    return item.state
