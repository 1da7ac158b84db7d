"""The fields that are read of Stripe's payouts, customers, subscriptions and invoices.

Version 2025-03-31 moved a subscription's period to its items, and an invoice's subscription under ``parent``.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit.payloads import decoder
from paybell.gateways.stripe.shapes import Payer, Reference


class Payout(Struct, frozen=True, kw_only=True):
    """``po_…``."""

    id: str
    currency: str | None = None
    amount: int | None = None
    status: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None


class Customer(Struct, frozen=True, kw_only=True):
    """``cus_…``."""

    id: str
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    metadata: Mapping[str, object] | None = None


class Subscribed(Struct, frozen=True, kw_only=True):
    """One thing that a subscription is to."""

    price: Reference = None
    plan: Reference = None
    current_period_end: int | None = None


class Items(Struct, frozen=True):
    """All that a subscription is to."""

    data: tuple[Subscribed, ...] = ()


class Subscription(Payer, frozen=True, kw_only=True):
    """``sub_…``."""

    id: str
    status: str | None = None
    items: Items | None = None
    plan: Reference = None
    current_period_end: int | None = None
    trial_end: int | None = None
    cancel_at: int | None = None
    cancel_at_period_end: bool | None = None
    ended_at: int | None = None


class Period(Struct, frozen=True):
    """What time a line is for."""

    end: int | None = None


class OfSubscription(Struct, frozen=True, kw_only=True):
    """Which subscription an invoice, or a line of it, is for."""

    subscription: Reference = None
    metadata: Mapping[str, object] | None = None


class Parent(Struct, frozen=True, kw_only=True):
    """What an invoice, or a line of it, comes from."""

    subscription_details: OfSubscription | None = None
    subscription_item_details: OfSubscription | None = None
    invoice_item_details: OfSubscription | None = None


class PriceDetails(Struct, frozen=True):
    """Where newer versions name a line's price."""

    price: Reference = None


class Pricing(Struct, frozen=True):
    """What a line's amount comes from."""

    price_details: PriceDetails | None = None


class Line(Struct, frozen=True, kw_only=True):
    """One line of an invoice; below zero where it credits time that was not used."""

    amount: int | None = None
    period: Period | None = None
    subscription: Reference = None
    parent: Parent | None = None
    price: Reference = None
    plan: Reference = None
    pricing: Pricing | None = None
    metadata: Mapping[str, object] | None = None


class Lines(Struct, frozen=True):
    """The lines that an event holds: the first ten."""

    data: tuple[Line, ...] = ()


class Invoice(Payer, frozen=True, kw_only=True):
    """``in_…``; ``payment_intent``, ``charge`` and ``subscription`` in older versions only."""

    id: str | None = None
    currency: str | None = None
    amount_due: object = None
    status: str | None = None
    attempted: bool | None = None
    payment_intent: Reference = None
    charge: Reference = None
    subscription: Reference = None
    subscription_details: OfSubscription | None = None
    parent: Parent | None = None
    lines: Lines | None = None
    customer_email: str | None = None
    customer_name: str | None = None
    customer_phone: str | None = None


class Paying(Struct, frozen=True, kw_only=True):
    """What pays an invoice."""

    payment_intent: Reference = None
    charge: Reference = None


class InvoicePayment(Struct, frozen=True, kw_only=True):
    """``inpay_…``: how newer versions say which payment is for which invoice."""

    invoice: Reference = None
    payment: Paying | None = None
    created: int | None = None


PAYOUT: Final = decoder(Payout)
CUSTOMER: Final = decoder(Customer)
SUBSCRIPTION: Final = decoder(Subscription)
INVOICE: Final = decoder(Invoice)
INVOICE_PAYMENT: Final = decoder(InvoicePayment)
