"""The fields of Razorpay's events that are read (razorpay/markdown-docs, ``webhooks/*.md``), and nothing else."""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit.payloads import decoder


class Thing(Struct, frozen=True, kw_only=True):
    """What every entity says."""

    id: str
    status: str | None = None
    currency: str | None = None
    amount: object = None
    created_at: int | None = None


class Payment(Thing, frozen=True, kw_only=True):
    """``pay_…``."""

    amount_refunded: object = None
    fee: object = None
    tax: object = None
    base_currency: str | None = None
    order_id: str | None = None
    customer_id: str | None = None
    email: str | None = None
    contact: str | int | None = None
    method: str | None = None
    error_code: str | None = None
    error_reason: str | None = None
    error_description: str | None = None


class Refund(Thing, frozen=True, kw_only=True):
    """``rfnd_…``."""

    payment_id: str | None = None


class Dispute(Thing, frozen=True, kw_only=True):
    """``disp_…``."""

    payment_id: str | None = None
    amount_deducted: object = None
    phase: str | None = None
    reason_code: str | None = None


class InPayment(Struct, frozen=True):
    """The payment in its wrapping."""

    entity: Payment | None = None


class InRefund(Struct, frozen=True):
    """The refund in its wrapping."""

    entity: Refund | None = None


class InDispute(Struct, frozen=True):
    """The dispute in its wrapping."""

    entity: Dispute | None = None


class Payload(Struct, frozen=True):
    """Snapshots of the entities that an event is about."""

    payment: InPayment = InPayment()
    refund: InRefund = InRefund()
    dispute: InDispute = InDispute()


class Event(Struct, frozen=True):
    """The envelope."""

    event: str | None = None
    created_at: int | None = None
    payload: Payload = Payload()


EVENT: Final = decoder(Event)
