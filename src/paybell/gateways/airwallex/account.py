"""What Airwallex says of transfers (money that the merchant sends out of its wallet) and of customers.

A transfer stands in ``data`` itself, other objects in ``data.object``. What leaves the wallet is ``amount_payer_pays``
of ``source_currency``: the fee is in it where the payer pays it.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.metadata import said
from paybell.gateways.kit.payloads import Record, details, ident, text, time_to_ms
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact
from paybell.model.money import to_minor

_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    **dict.fromkeys(("IN_APPROVAL", "SCHEDULED", "OVERDUE", "PROCESSING", "SENT"), PayoutStatus.CREATED),
    "CANCELLATION_REQUESTED": PayoutStatus.CREATED,
    "PAID": PayoutStatus.PAID,
    "CANCELLED": PayoutStatus.CANCELED,
    "FAILED": PayoutStatus.FAILED,
}


class Transfer(Struct):
    """Money to a beneficiary."""

    id: object = None
    status: str | None = None
    amount_payer_pays: object = None
    source_currency: str | None = None
    failure_reason: str | None = None


class TransferEvent(Struct):
    """An event of a transfer."""

    data: Transfer | None = None
    created_at: str | None = None


class Customer(Struct):
    """Who pays."""

    id: object = None
    first_name: str | None = None
    last_name: str | None = None
    business_name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    metadata: object = None
    updated_at: str | None = None


class _CustomerData(Struct):
    object: Customer | None = None


class CustomerEvent(Struct):
    """An event of a customer."""

    data: _CustomerData | None = None
    created_at: str | None = None


def transfer(event: TransferEvent, received_at_ms: int) -> Fact | None:
    """Where a transfer stands; None for a status that is unknown."""
    thing = event.data or Transfer()
    status = _STATUSES.get(text(thing.status))
    if status is None:
        return None
    currency = currency_code(thing.source_currency)
    return accounts.payout(
        ident(thing.id, "the transfer's id"),
        status,
        at_ms=_time(event.created_at, received_at_ms),
        money=(to_minor(thing.amount_payer_pays, currency), currency),
        why=details(failure_message=text(thing.failure_reason)),
    )


def customer(event: CustomerEvent, name: str, received_at_ms: int) -> Fact | None:
    """What is known of a customer; None where the event holds none. Its name alone says that it was deleted."""
    thing = event.data.object if event.data else None
    if thing is None:
        return None
    customer_id = ident(thing.id, "the customer's id")
    called = " ".join(filter(None, (thing.first_name, thing.last_name)))
    who = details(
        customer_id=customer_id,
        customer_email=text(thing.email),
        customer_name=text(called or thing.business_name),
        customer_phone=text(thing.phone_number),
    )
    return accounts.customer(
        customer_id,
        at_ms=_time(event.created_at or thing.updated_at, received_at_ms),
        who={**who, **said(noted(thing.metadata))},
        deleted=name == "customer.deleted",
    )


def noted(metadata: object) -> Record:
    """The merchant's metadata, where it is an object."""
    return metadata if isinstance(metadata, dict) else {}


def _time(value: str | None, otherwise_ms: int) -> int:
    return time_to_ms(value, "a time of the event") if value else otherwise_ms
