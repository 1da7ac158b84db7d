"""The fields of Paystack's events that are read."""

import msgspec
from msgspec import Struct


class Customer(Struct):
    """Who pays."""

    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    customer_code: str | None = None


class Transaction(Struct):
    """A payment."""

    reference: str
    status: str
    amount: int
    currency: str
    created_at: str
    paid_at: str | None = None
    requested_amount: int | None = None
    fees: object = None
    channel: str | None = None
    gateway_response: str | None = None
    domain: str | None = None
    customer: Customer | None = None
    metadata: object = None


class Refund(Struct):
    """A refund; it has no id of its own."""

    status: str
    transaction_reference: str
    amount: int | str
    currency: str
    refund_reference: str | int | None = None
    domain: str | None = None


class Dispute(Struct):
    """A dispute with the payment it is about."""

    id: int | str
    status: str
    created_at: str
    transaction: Transaction
    currency: str | None = None
    refund_amount: int | None = None
    resolution: str | None = None
    resolved_at: str | None = msgspec.field(default=None, name="resolvedAt")
    category: str | None = None
    domain: str | None = None


class Transfer(Struct):
    """Money that leaves the balance; its times are spelled in two ways."""

    transfer_code: str
    status: str
    amount: int
    currency: str
    updated_at: str | None = None
    updated_too: str | None = msgspec.field(default=None, name="updatedAt")
    gateway_response: object = None
    domain: str | None = None


class Subscription(Struct):
    """A subscription; within an invoice it has neither plan nor customer."""

    subscription_code: str
    status: str
    next_payment_date: str | None = None
    plan: object = None
    customer: Customer | None = None
    domain: str | None = None


class Paying(Struct):
    """The transaction of an invoice; empty where it failed."""

    reference: object = None
    currency: str | None = None


class Invoice(Struct):
    """What a subscription's period costs."""

    invoice_code: str
    status: str
    amount: int
    created_at: str
    period_end: str | None = None
    subscription: Subscription | None = None
    transaction: Paying | None = None
    customer: Customer | None = None
    domain: str | None = None


class PaymentRequest(Struct):
    """An invoice that the merchant wrote."""

    request_code: str
    status: str
    amount: int
    currency: str
    metadata: object = None
    domain: str | None = None
