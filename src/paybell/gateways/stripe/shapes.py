"""The fields of Stripe's objects that are read, and nothing else of them (its OpenAPI description, and older versions).

Stripe writes a reference as an id, or expanded as the object itself.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw, Struct

from paybell.gateways.kit.payloads import decoder


class Named(Struct, frozen=True):
    """An expanded object of which only the id matters."""

    id: str | None = None


Reference = str | Named | None


class Contact(Struct, frozen=True):
    """Who pays, as entered or as billed."""

    email: str | None = None
    name: str | None = None
    phone: str | None = None


class Payer(Struct, frozen=True, kw_only=True):
    """What objects say of the order and of who pays."""

    client_reference_id: str | None = None
    metadata: Mapping[str, object] | None = None
    customer: Reference = None
    receipt_email: str | None = None
    billing_details: Contact | None = None
    customer_details: Contact | None = None
    created: int | None = None


class Part(Struct, frozen=True, kw_only=True):
    """The charge that a refund or a dispute is about, where it is expanded."""

    id: str | None = None
    payment_intent: Reference = None


class Refund(Struct, frozen=True, kw_only=True):
    """``re_…``."""

    id: str
    payment_intent: Reference = None
    charge: str | Part | None = None
    currency: str | None = None
    amount: object = None
    status: str | None = None
    reason: str | None = None
    failure_reason: str | None = None


class Movement(Struct, frozen=True, kw_only=True):
    """What a dispute did to the account's balance: below zero what was taken; ``fee`` comes off it besides."""

    amount: int
    currency: str
    created: int | None = None
    fee: int = 0


class Dispute(Struct, frozen=True, kw_only=True):
    """``dp_…``."""

    id: str
    payment_intent: Reference = None
    charge: str | Part | None = None
    currency: str | None = None
    amount: object = None
    status: str | None = None
    reason: str | None = None
    balance_transactions: tuple[Movement | str, ...] | None = None


class Refunds(Struct, frozen=True):
    """The refunds that old versions nest in a charge."""

    data: tuple[Refund, ...] = ()


class Charge(Payer, frozen=True, kw_only=True):
    """``ch_…``; of one that is nested perhaps only the id."""

    id: str
    payment_intent: Reference = None
    currency: str | None = None
    amount: object = None
    amount_captured: object = None
    amount_refunded: object = None
    status: str | None = None
    captured: bool | None = None
    refunded: bool | None = None
    refunds: Refunds | None = None
    dispute: str | Dispute | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    invoice: Reference = None


class Charges(Struct, frozen=True):
    """The charges that old versions nest in an intent."""

    data: tuple[Charge, ...] = ()


class Failure(Struct, frozen=True, kw_only=True):
    """Why the last try of an intent failed."""

    charge: Reference = None
    code: str | None = None
    message: str | None = None


class Intent(Payer, frozen=True, kw_only=True):
    """``pi_…``."""

    id: str
    currency: str | None = None
    amount: object = None
    amount_capturable: object = None
    amount_received: object = None
    status: str | None = None
    capture_method: str | None = None
    cancellation_reason: str | None = None
    latest_charge: str | Charge | None = None
    charges: Charges | None = None
    last_payment_error: Failure | None = None
    invoice: Reference = None


class Session(Payer, frozen=True, kw_only=True):
    """``cs_…``."""

    id: str
    payment_intent: Reference = None
    invoice: Reference = None
    subscription: Reference = None


class Kind(Struct, frozen=True):
    """An object's type, read before its fields."""

    object: str | None = None


class Data(Struct, frozen=True):
    """The object as it stands there."""

    object: Raw = Raw()


class Event(Struct, frozen=True, kw_only=True):
    """The envelope. Its id is read by itself, when the request is judged."""

    object: str | None = None
    type: str | None = None
    created: int | None = None
    livemode: bool | None = None
    data: Data | None = None


EVENT: Final = decoder(Event)
IDENTITY: Final = decoder(Named)
KIND: Final = decoder(Kind)
INTENT: Final = decoder(Intent)
SESSION: Final = decoder(Session)
CHARGE: Final = decoder(Charge)
REFUND: Final = decoder(Refund)
DISPUTE: Final = decoder(Dispute)
