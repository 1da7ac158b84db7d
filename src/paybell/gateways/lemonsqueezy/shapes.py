"""The fields of Lemon Squeezy's events that are read, and nothing else."""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads


class Attributes(Struct, frozen=True):
    """Of an order, an invoice or a subscription; amounts are whole numbers of the smallest unit."""

    status: object = None
    currency: object = None
    total: object = None
    refunded: object = None
    refunded_amount: object = None
    refunded_at: object = None
    created_at: object = None
    updated_at: object = None
    billing_reason: object = None
    identifier: object = None
    customer_id: object = None
    user_name: object = None
    user_email: object = None
    test_mode: object = None
    subscription_id: object = None
    variant_id: object = None
    trial_ends_at: object = None
    renews_at: object = None
    ends_at: object = None


class Data(Struct, frozen=True):
    """A JSON:API resource."""

    type: str
    id: str | int
    attributes: Attributes


class Meta(Struct, frozen=True):
    """What the event says of itself."""

    event_name: object = None
    test_mode: object = None
    custom_data: object = None


class Event(Struct, frozen=True):
    """The whole body."""

    meta: Meta
    data: Data


EVENT: Final = payloads.decoder(Event)
