"""Entitlements: what a customer may use, by what, and until when."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from paybell.model.account import InvoiceStatus, SubscriptionStatus

DAY_MS: Final = 86_400_000
GRACE_DAYS: Final = 7
SUSPENDED_DAYS: Final = 23
DAYS_MAX: Final = 36_500


class EntitlementState(StrEnum):
    """Best first. ``granted`` and ``grace`` may use it; ``suspended`` may again once it is paid."""

    GRANTED = "granted"
    GRACE = "grace"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Reason(StrEnum):
    """Why it is so."""

    PAID = "paid"
    TRIAL = "trial"
    UNPAID = "unpaid"
    LAPSED = "lapsed"
    PAUSED = "paused"
    CANCELED = "canceled"
    ENDED = "ended"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"
    REPLACED = "replaced"


class OnRefund(StrEnum):
    """What a full refund, or a lost dispute, does."""

    REVOKE = "revoke"
    END_OF_PERIOD = "end_of_period"
    NONE = "none"


class Product(Struct, frozen=True, kw_only=True):
    """What a merchant sells, and its policy. ``plans`` are gateways' ids of prices or plans that are of it.

    ``duration_days`` is how long one purchase lasts, 0 for ever; of a subscription its periods decide.
    """

    organisation_id: str
    uid: str
    name: str = ""
    plans: tuple[str, ...] = ()
    duration_days: int = 0
    grace_days: int = GRACE_DAYS
    suspended_days: int = SUSPENDED_DAYS
    on_refund: OnRefund = OnRefund.REVOKE
    created_at_ms: int = 0
    updated_at_ms: int = 0


class Money(StrEnum):
    """What became of the money of a purchase."""

    KEPT = "kept"
    REFUNDED = "refunded"
    CHARGED_BACK = "charged_back"


class Bought(Struct, frozen=True, kw_only=True, tag="bought"):
    """A payment that was sold: for a product, or for an invoice or a subscription."""

    money: Money
    at_ms: int
    product: str = ""
    invoice_id: str = ""
    subscription_id: str = ""
    who: Mapping[str, str] = {}


class Subscribed(Struct, frozen=True, kw_only=True, tag="subscribed"):
    """A subscription as it stands."""

    subscription_id: str
    status: SubscriptionStatus
    plan: str = ""
    product: str = ""
    period_end_ms: int = 0
    ends_at_ms: int = 0
    cancel_at_period_end: bool = False
    unpaid_since_ms: int = 0
    changed_at_ms: int = 0
    who: Mapping[str, str] = {}


class Billed(Struct, frozen=True, kw_only=True, tag="billed"):
    """An invoice for a period of a subscription."""

    invoice_id: str
    subscription_id: str
    status: InvoiceStatus
    at_ms: int
    plan: str = ""
    product: str = ""
    period_end_ms: int = 0
    who: Mapping[str, str] = {}


Says = Bought | Subscribed | Billed


class CustomerKey(Struct, frozen=True, order=True):
    """A customer at one source: the gateway's id of it, else the e-mail address in lower case."""

    organisation_id: str
    source_id: str
    customer: str


class Grant(Struct, frozen=True, kw_only=True):
    """What one payment, subscription or invoice says that its customer may use."""

    subject_id: str
    organisation_id: str
    source_id: str
    customer: str
    says: Says

    @property
    def key(self) -> CustomerKey:
        """Whose it is."""
        return CustomerKey(self.organisation_id, self.source_id, self.customer)


class Entitlement(Struct, frozen=True, kw_only=True):
    """What a customer may use of one product. ``until_ms`` is when it ends or gets worse, None for no known time.

    ``due_at_ms`` is when time alone will change it; None for never. ``who`` has what is known of the customer.
    """

    id: str
    organisation_id: str
    source_id: str
    gateway: str
    livemode: bool
    customer: str
    product: str
    state: EntitlementState
    reason: Reason
    until_ms: int | None = None
    due_at_ms: int | None = None
    who: Mapping[str, str] = {}
    version: int = 0
    created_at_ms: int = 0
    updated_at_ms: int = 0

    @property
    def key(self) -> CustomerKey:
        """Whose it is."""
        return CustomerKey(self.organisation_id, self.source_id, self.customer)

    @property
    def allowed(self) -> bool:
        """Whether the customer may use it."""
        return self.state in {EntitlementState.GRANTED, EntitlementState.GRACE}


def holder(who: Mapping[str, str]) -> str:
    """What a customer is called: by the gateway's id, else by e-mail; '' for nobody."""
    return who.get("id", "") or who.get("email", "").lower()
