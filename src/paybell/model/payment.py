"""A payment: state, always recomputable from its facts."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class PaymentStatus(StrEnum):
    """Where a payment stands, decided from totals and open operations."""

    CREATED = "created"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    AUTHORIZED = "authorized"
    PARTIALLY_CAPTURED = "partially_captured"
    COMPLETED = "completed"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class RefundStatus(StrEnum):
    """Rank order: a later one wins, whatever arrived first (a refund can fail after it succeeded)."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


class DisputeStatus(StrEnum):
    """``warning`` is an inquiry that moved no money; ``closed`` is one that ended without a loss."""

    WARNING = "warning"
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class Match(StrEnum):
    """How what was captured compares with what was expected; each but ``exact`` is a flag of that name, too."""

    EXACT = "exact"
    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    CURRENCY_MISMATCH = "currency_mismatch"


class RefundState(Struct, frozen=True, kw_only=True):
    """One refund of a payment, under the gateway's id."""

    ref: str
    status: RefundStatus
    amount_minor: int


class DisputeState(Struct, frozen=True, kw_only=True):
    """One dispute of a payment, under the gateway's id."""

    ref: str
    status: DisputeStatus
    amount_minor: int


class PaymentState(Struct, frozen=True, kw_only=True):
    """What all facts of one payment add up to. Amounts in minor units of ``currency``.

    ``amount_minor`` is what was to be paid (else what was authorized or captured). ``flags`` are what an operator
    should look at: ``conflict`` (two reports of one operation disagree), ``incomplete`` (only a child, such as a
    refund, is known), ``needs_fetch`` (a running total says that an operation is missing), ``currency_conflict``, and
    how it missed what was expected (:class:`Match`): ``expected_minor`` of ``expected_currency``, 0 where nothing was.
    ``aliases`` are the gateway's other ids of it, by name. ``product`` is what the merchant's metadata says is bought;
    ``invoice_id`` and ``subscription_id`` are the gateway's ids of what it pays.
    """

    status: PaymentStatus
    amount_minor: int
    currency: str
    authorized_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    disputed_minor: int = 0
    order_id: str = ""
    customer: Mapping[str, str] = {}
    failure: Mapping[str, str] = {}
    refunds: tuple[RefundState, ...] = ()
    disputes: tuple[DisputeState, ...] = ()
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    expected_minor: int = 0
    expected_currency: str = ""
    product: str = ""
    invoice_id: str = ""
    subscription_id: str = ""
    version: int = 0
    started_at_ms: int = 0
    changed_at_ms: int = 0

    @property
    def match(self) -> Match | None:
        """How it compares with what was expected; None where nothing was, or nothing is decided."""
        missed = next((it for it in Match if it in self.flags), None)
        is_exact = missed is None and 0 < self.expected_minor == self.captured_minor
        return Match.EXACT if is_exact else missed


class Payment(Struct, frozen=True, kw_only=True):
    """A payment as stored: its identity and its state. The gateway's other ids of it are its state's aliases."""

    id: str
    organisation_id: str
    source_id: str
    gateway: str
    gateway_payment_id: str
    livemode: bool
    state: PaymentState
    created_at_ms: int
    updated_at_ms: int
