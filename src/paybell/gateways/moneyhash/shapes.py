"""The fields of MoneyHash's events that are read (its documents, "Webhook types"), and nothing else of them.

An event about an intent has it under ``data``, with its transactions inside and amounts beside their currency; one
about a transaction has intent and transaction side by side, and amounts as objects.
"""

from typing import Final

from msgspec import Struct

from paybell.gateways.kit.payloads import decoder


class Money(Struct, frozen=True):
    """In major units."""

    value: object
    currency: str


class Status(Struct, frozen=True):
    """One step of an operation."""

    value: str | None = None
    created: str | None = None
    code: str | None = None
    message: str | None = None


class Operation(Struct, frozen=True, kw_only=True):
    """A purchase, authorisation, capture, void or refund of a transaction."""

    id: str
    type: str
    status: str
    amount: Money
    latest_status: Status | None = None
    statuses: tuple[Status, ...] = ()


class Billing(Struct, frozen=True):
    """Who pays."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone_number: str | None = None


class Method(Struct, frozen=True):
    """``CARD`` and so on."""

    type: str | None = None


class Transaction(Struct, frozen=True, kw_only=True):
    """One attempt at paying an intent; ``type`` is only in events about it."""

    created: str
    id: str | None = None
    type: str | None = None
    operations: tuple[Operation, ...] = ()
    billing_data: Billing | None = None
    merchant_reference: str | None = None
    payment_method_details: Method | None = None


class Asked(Struct, frozen=True, kw_only=True):
    """An intent beside its transaction."""

    id: str
    created: str
    amount: Money
    custom_fields: object = None


class Intent(Struct, frozen=True, kw_only=True):
    """An intent with its transactions inside."""

    id: str
    created: str
    amount: object
    amount_currency: str
    status: str
    type: str | None = None
    is_live: bool | None = None
    custom_fields: object = None
    merchant_reference: str | None = None
    billing_data: Billing | None = None
    active_transaction: Transaction | None = None
    transactions_history: tuple[Transaction, ...] = ()


class Data(Struct, frozen=True):
    """Where events about intents have theirs."""

    intent: Intent | None = None


class Event(Struct, frozen=True, kw_only=True):
    """The envelope of both kinds."""

    type: str | None = None
    intent_type: str | None = None
    data: Data | None = None
    intent: Asked | None = None
    transaction: Transaction | None = None


EVENT: Final = decoder(Event)
