"""The fields of Gr4vy's events that are read (its SDKs' ``transaction.md`` and ``refund.md``), and nothing else."""

from typing import Final

from msgspec import Raw, Struct

from paybell.gateways.kit.payloads import decoder


class Billing(Struct, frozen=True):
    """Who pays."""

    first_name: str | None = None
    last_name: str | None = None
    email_address: str | None = None
    phone_number: str | None = None


class Buyer(Struct, frozen=True):
    """The stored buyer, or what was given for one payment."""

    id: str | None = None
    external_identifier: str | None = None
    billing_details: Billing | None = None


class Method(Struct, frozen=True):
    """``card`` and so on."""

    method: str | None = None


class Transaction(Struct, frozen=True, kw_only=True):
    """A payment, with what was authorized, captured and refunded of it so far, in minor units."""

    id: str
    status: str
    currency: str
    amount: object
    authorized_amount: object = None
    captured_amount: object = None
    refunded_amount: object = None
    external_identifier: str | None = None
    metadata: object = None
    buyer: Buyer | None = None
    payment_method: Method | None = None
    error_code: str | None = None
    raw_response_description: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """One refund of a transaction."""

    id: str
    transaction_id: str
    status: str
    currency: str
    amount: object
    reason: str | None = None
    updated_at: str | None = None


class Kind(Struct, frozen=True):
    """What a target is, read before its fields."""

    type: str


class Event(Struct, frozen=True, kw_only=True):
    """The envelope; the target as it stands there."""

    created_at: str
    target: Raw
    name: str | None = None
    environment: str | None = None


class Identity(Struct, frozen=True):
    """The envelope's id, read when the request is judged."""

    id: str


EVENT: Final = decoder(Event)
IDENTITY: Final = decoder(Identity)
KIND: Final = decoder(Kind)
TRANSACTION: Final = decoder(Transaction)
REFUND: Final = decoder(Refund)
