"""The fields of Cashfree's events that are read."""

from msgspec import Struct


class Order(Struct):
    """The order of a payment or of a link; the status is in a link only."""

    order_id: str | int
    order_amount: object
    order_currency: str | None = None
    transaction_status: str | None = None
    order_tags: object = None


class Payment(Struct):
    """One attempt to pay an order."""

    cf_payment_id: str | int
    payment_status: str
    payment_amount: object
    payment_currency: str
    payment_time: str | None = None
    payment_message: str | None = None
    payment_group: str | None = None
    is_captured: bool | None = None


class Customer(Struct):
    """Who pays."""

    customer_id: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_phone: str | None = None


class Error(Struct):
    """Why an attempt failed."""

    error_code: str | None = None
    error_description: str | None = None


class PaymentData(Struct):
    """The data of ``PAYMENT_*``."""

    order: Order
    payment: Payment
    customer_details: Customer | None = None
    error_details: Error | None = None


class Refund(Struct):
    """A refund that the merchant asked for."""

    cf_refund_id: str | int
    order_id: str | int
    refund_amount: object
    refund_currency: str
    refund_status: str
    processed_at: str | None = None


class RefundData(Struct):
    """The data of ``REFUND_*``."""

    refund: Refund


class Dispute(Struct):
    """A dispute in one of its stages."""

    dispute_id: str | int
    dispute_status: str
    dispute_amount: object
    dispute_amount_currency: str | None = None
    reason_code: str | int | None = None
    reason_description: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class DisputeOrder(Struct):
    """The order that is disputed."""

    order_id: str | int
    order_currency: str | None = None
    payment_currency: str | None = None


class DisputeData(Struct):
    """The data of ``DISPUTE_*``."""

    dispute: Dispute
    order_details: DisputeOrder


class LinkData(Struct):
    """The data of ``PAYMENT_LINK_EVENT``."""

    link_currency: str
    link_status: str | None = None
    order: Order | None = None


class Settlement(Struct):
    """What is paid to the merchant's bank, in rupees."""

    settlement_id: str | int
    amount_settled: object
    reason: object = None


class SettlementData(Struct):
    """The data of ``SETTLEMENT_*``."""

    settlement: Settlement


class Subscription(Struct):
    """A subscription; ``subscription_tags`` are the merchant's."""

    subscription_id: str
    subscription_status: str
    subscription_tags: object = None


class SubscriptionData(Struct):
    """The data of ``SUBSCRIPTION_STATUS_CHANGED``."""

    subscription_details: Subscription
    customer_details: Customer | None = None
    plan_details: object = None
