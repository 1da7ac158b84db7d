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
    invoice_id: object = None
    notes: object = None
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


class Order(Struct, frozen=True, kw_only=True):
    """``order_…``, which the merchant's server made."""

    notes: object = None


class Payout(Thing, frozen=True, kw_only=True):
    """``pout_…`` of RazorpayX, and settlements (``setl_…``), which have no currency."""

    failure_reason: object = None
    status_details: object = None


class Subscription(Thing, frozen=True, kw_only=True):
    """``sub_…``."""

    plan_id: object = None
    customer_id: object = None
    current_end: int | None = None
    ended_at: int | None = None
    notes: object = None


class Invoice(Thing, frozen=True, kw_only=True):
    """``inv_…``."""

    customer_id: object = None
    customer_details: object = None
    order_id: object = None
    subscription_id: object = None
    billing_end: int | None = None
    notes: object = None


class InPayment(Struct, frozen=True):
    """The payment in its wrapping."""

    entity: Payment | None = None


class InRefund(Struct, frozen=True):
    """The refund in its wrapping."""

    entity: Refund | None = None


class InDispute(Struct, frozen=True):
    """The dispute in its wrapping."""

    entity: Dispute | None = None


class InOrder(Struct, frozen=True):
    """The order in its wrapping."""

    entity: Order | None = None


class InPayout(Struct, frozen=True):
    """The payout, or the settlement, in its wrapping."""

    entity: Payout | None = None


class InSubscription(Struct, frozen=True):
    """The subscription in its wrapping."""

    entity: Subscription | None = None


class InInvoice(Struct, frozen=True):
    """The invoice in its wrapping."""

    entity: Invoice | None = None


class Payload(Struct, frozen=True):
    """Snapshots of the entities that an event is about."""

    payment: InPayment = InPayment()
    refund: InRefund = InRefund()
    dispute: InDispute = InDispute()
    order: InOrder = InOrder()
    payout: InPayout = InPayout()
    settlement: InPayout = InPayout()
    subscription: InSubscription = InSubscription()
    invoice: InInvoice = InInvoice()


class Event(Struct, frozen=True):
    """The envelope."""

    event: str | None = None
    created_at: int | None = None
    payload: Payload = Payload()


EVENT: Final = decoder(Event)
