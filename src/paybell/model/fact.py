"""A fact: one thing a notification, or an answer of a gateway's API, says is true."""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

_CANONICAL = msgspec.msgpack.Encoder(order="deterministic")
DIGEST_BYTES: Final = 16


class Kind(StrEnum):
    """What a fact is about; ``ref`` names the operation (see each group)."""

    # ref: attempt id, or '' where the gateway has none
    PAYMENT_CREATED = "payment_created"
    PROCESSING = "processing"
    REQUIRES_ACTION = "requires_action"
    FAILED = "failed"
    # ref: authorisation, capture or charge id
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    CAPTURE_REVERSED = "capture_reversed"
    # no ref: one of each per payment
    CAPTURED_TOTAL = "captured_total"
    REFUNDED_TOTAL = "refunded_total"
    CANCELED = "canceled"
    VOIDED = "voided"
    EXPIRED = "expired"
    # ref: refund id
    REFUND_PENDING = "refund_pending"
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"
    # ref: dispute id; detail has `status`: warning, open, won, lost or closed
    DISPUTE_STATUS = "dispute_status"
    # ref: dispute id; amount: what was taken, or given back
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"
    # ref: what it was charged for; amount: all of it; detail may have `tax_minor` (in it) and `of` = dispute
    FEE = "fee"
    # ref: another id; detail has `type`, which says whether it is of this payment alone (model/alias.py)
    LINK = "link"
    # ref: the order's id, '' where the payment's own metadata says it; amount: what the merchant says it should pay
    EXPECTED = "expected"
    # ref: the digest of a fact that no notification says any more, at its time; it only keeps the version from falling
    CORRECTED = "corrected"
    # of a payout; no ref; amount: what is paid out
    PAYOUT_CREATED = "payout_created"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_FAILED = "payout_failed"
    PAYOUT_CANCELED = "payout_canceled"
    # of a subscription, an invoice or a customer; no ref; detail says how it stands (model/account.py)
    SUBSCRIPTION_STATE = "subscription_state"
    INVOICE_STATE = "invoice_state"
    CUSTOMER_STATE = "customer_state"


class Subject(StrEnum):
    """What a fact may be of."""

    PAYMENT = "payment"
    PAYOUT = "payout"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    CUSTOMER = "customer"


_SUBJECTS: Final[Mapping[Kind, Subject]] = {
    Kind.PAYOUT_CREATED: Subject.PAYOUT,
    Kind.PAYOUT_PAID: Subject.PAYOUT,
    Kind.PAYOUT_FAILED: Subject.PAYOUT,
    Kind.PAYOUT_CANCELED: Subject.PAYOUT,
    Kind.SUBSCRIPTION_STATE: Subject.SUBSCRIPTION,
    Kind.INVOICE_STATE: Subject.INVOICE,
    Kind.CUSTOMER_STATE: Subject.CUSTOMER,
}


def subject_of(kind: Kind) -> Subject:
    """What facts of that kind are of."""
    return _SUBJECTS.get(kind, Subject.PAYMENT)


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that is true of a payment, or of another subject.

    ``aggregate`` is the gateway's own id of the payment (payout, subscription …); '' in what the merchant said of an
    order, which names no id of a gateway. ``at_ms`` is the gateway's time in milliseconds (many have ticks of one
    second), never ours, but for what the merchant said. ``amount_minor`` and ``currency`` go together;
    ``amount_minor`` is None where the fact has no amount. ``detail`` holds texts only, non-empty: ``order_id``,
    ``customer_id``, ``customer_email``, ``customer_name``, ``customer_phone``, ``failure_code``, ``failure_message``,
    ``method``, ``status`` (disputes), ``reason``, ``conflict`` …; ``user_id`` and ``product`` where the merchant's
    metadata says who pays and for what. Those of subscriptions, invoices and customers stand in ``model/account.py``.

    A fact is a value: two with the same content are one fact, whoever reported it. A set of facts merges by union.
    """

    aggregate: str
    kind: Kind
    ref: str = ""
    at_ms: int
    amount_minor: int | None = None
    currency: str = ""
    detail: Mapping[str, str] = {}

    def digest(self) -> bytes:
        """Sixteen bytes that are equal for equal facts and different for different ones."""
        return blake2b(_CANONICAL.encode(self), digest_size=DIGEST_BYTES).digest()


class Parsed(Struct, frozen=True, kw_only=True):
    """What a gateway's module read in a notification.

    ``event`` is the gateway's own name for it ('' where it has none). No facts means *unmapped*, and ``reason``
    says why in words: stored, visible, and replayable after an upgrade. ``livemode`` is None where the payload
    does not say; ``final`` is False where an API's answer says that it is worth asking again.
    """

    event: str = ""
    facts: tuple[Fact, ...] = ()
    reason: str = ""
    livemode: bool | None = None
    final: bool = True
