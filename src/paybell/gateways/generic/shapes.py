"""The fields of Paybell's own envelope that are read."""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit.payloads import decoder


class Customer(Struct, frozen=True):
    """Who pays."""

    id: str = ""
    email: str = ""
    name: str = ""
    phone: str = ""


class Failure(Struct, frozen=True):
    """Why it failed."""

    code: str = ""
    message: str = ""


class Refund(Struct, frozen=True, rename="camel"):
    """The refund that an event is about."""

    gateway_refund_id: str
    status: str
    amount_minor: int


class Dispute(Struct, frozen=True, rename="camel"):
    """The dispute that an event is about."""

    gateway_dispute_id: str
    status: str
    amount_minor: int


class Data(Struct, frozen=True, kw_only=True, rename="camel"):
    """A payment as Paybell tells it."""

    payment_id: str
    status: str
    amount_minor: int
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str | None = None
    order_id: str | None = None
    livemode: bool | None = None
    customer: Customer | None = None
    failure: Failure | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None


class Envelope(Struct, frozen=True):
    """One event."""

    event: str
    timestamp: str
    data: Data


ENVELOPE: Final = decoder(Envelope)
