"""What Recurly's API answers about a subscription, an invoice or an account.

Source: Recurly's API reference (v2021-02-25). Each is told at the time of its last change. A subscription is active
while it is on trial or an invoice of it is past due: the invoice says so. One that is ``canceled`` is valid until it
expires.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, metadata, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.fact import Fact
from paybell.model.money import to_minor

_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "future": SubscriptionStatus.INCOMPLETE,
    "pending": SubscriptionStatus.INCOMPLETE,
    "active": SubscriptionStatus.ACTIVE,
    "canceled": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "expired": SubscriptionStatus.CANCELED,
}
_VALID: Final = frozenset({"active", "canceled"})
_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    **dict.fromkeys(("open", "pending", "processing", "past_due"), InvoiceStatus.OPEN),
    "failed": InvoiceStatus.FAILED,
    "voided": InvoiceStatus.VOID,
    "paid": InvoiceStatus.PAID,
}
_ACCOUNTS: Final[Mapping[str, bool]] = {"active": False, "inactive": True}
"""Whether it counts as deleted: an account that is closed."""


class Account(Struct, frozen=True):
    """Who pays."""

    code: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    state: str | None = None
    updated_at: str | None = None


class _Plan(Struct, frozen=True):
    code: object = None


class _Field(Struct, frozen=True):
    name: str | None = None
    value: object = None


class Subscription(Struct, frozen=True):
    """A subscription; ``custom_fields`` are the merchant's."""

    id: str
    updated_at: str
    state: str | None = None
    plan: _Plan | None = None
    account: Account | None = None
    current_period_ends_at: str | None = None
    expires_at: str | None = None
    custom_fields: tuple[_Field, ...] | None = None


class _Line(Struct, frozen=True):
    subscription_id: object = None
    plan_code: object = None
    end_date: str | None = None


class _Lines(Struct, frozen=True):
    data: tuple[_Line, ...] | None = None


class Invoice(Struct, frozen=True):
    """An invoice with its lines; a credit invoice is none that a customer owes."""

    id: str
    updated_at: str | None = None
    type: str | None = None
    state: str | None = None
    total: object = None
    currency: str | None = None
    collection_method: str | None = None
    account: Account | None = None
    line_items: _Lines | None = None


SUBSCRIPTION: Final = payloads.decoder(Subscription)
INVOICE: Final = payloads.decoder(Invoice)
ACCOUNT: Final = payloads.decoder(Account)


def subscription(found: Subscription) -> list[Fact]:
    """How a subscription stands; nothing where its state is unknown."""
    status = _SUBSCRIPTIONS.get(found.state or "")
    if status is None:
        return []
    said = {each.name: each.value for each in found.custom_fields or () if each.name}
    return [
        accounts.subscription(
            payloads.ident(found.id, "the subscription's id"),
            status,
            at_ms=payloads.time_to_ms(found.updated_at, "updated_at"),
            plan=payloads.ident_or_none(found.plan.code, "the plan's code") if found.plan else "",
            period_end_ms=_moment(found.current_period_ends_at) if found.state in _VALID else 0,
            ends_at_ms=_moment(found.expires_at) if found.state in {"canceled", "expired"} else 0,
            cancel_at_period_end=found.state == "canceled",
            who={**who(found.account), **metadata.said(said)},
        )
    ]


def invoice(found: Invoice) -> list[Fact]:
    """How an invoice stands. Past due means a try that failed, where Recurly collects by itself."""
    status = None if found.type == "credit" else _INVOICES.get(found.state or "")
    if status is None or found.updated_at is None:
        return []
    if found.state == "past_due" and found.collection_method == "automatic":
        status = InvoiceStatus.FAILED
    currency, line = currency_code(found.currency), _line(found)
    of = payloads.ident_or_none(line.subscription_id, "subscription_id")
    return [
        accounts.invoice(
            payloads.ident(found.id, "the invoice's id"),
            status,
            at_ms=payloads.time_to_ms(found.updated_at, "updated_at"),
            money=(to_minor(found.total, currency), currency),
            subscription_id=of,
            plan=payloads.ident_or_none(line.plan_code, "plan_code"),
            period_end_ms=_moment(line.end_date),
            who=who(found.account),
        )
    ]


def account(found: Account) -> list[Fact]:
    """Who pays, known by the account's code, as payments and subscriptions name it."""
    deleted = _ACCOUNTS.get(found.state or "")
    if deleted is None:
        return []
    at_ms = payloads.time_to_ms(found.updated_at, "updated_at")
    code = payloads.ident(found.code, "the account's code")
    return [accounts.customer(code, at_ms=at_ms, who=who(found), deleted=deleted)]


def who(found: Account | None) -> dict[str, str]:
    """An account's details."""
    account = found or Account()
    names = (payloads.text(account.first_name), payloads.text(account.last_name))
    return payloads.details(
        customer_id=payloads.text(account.code),
        customer_email=payloads.text(account.email),
        customer_name=" ".join(name for name in names if name),
    )


def _line(found: Invoice) -> _Line:
    """The subscription's line that ends last."""
    lines = found.line_items.data if found.line_items else None
    return max((each for each in lines or () if each.subscription_id), key=_ends, default=_Line())


def _ends(line: _Line) -> int:
    return _moment(line.end_date)


def _moment(value: str | None) -> int:
    return payloads.time_to_ms(value, "a time") if value else 0
