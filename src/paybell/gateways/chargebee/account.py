"""What the content of Chargebee's events says of subscriptions, invoices and customers.

Sources: Chargebee's API reference ("Subscription attributes", "Invoice attributes", "Customer attributes"). Each is
told at the event's time.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, metadata, payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.fact import Fact

_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "future": SubscriptionStatus.INCOMPLETE,
    "in_trial": SubscriptionStatus.TRIALING,
    "active": SubscriptionStatus.ACTIVE,
    "non_renewing": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    "cancelled": SubscriptionStatus.CANCELED,
}
_ENDING: Final = frozenset({"non_renewing", "cancelled"})
_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    **dict.fromkeys(("pending", "posted", "payment_due"), InvoiceStatus.OPEN),
    "not_paid": InvoiceStatus.FAILED,
    "voided": InvoiceStatus.VOID,
    "paid": InvoiceStatus.PAID,
}
_FAILED: Final = "payment_failed"


class Customer(Struct, frozen=True):
    """Who pays."""

    id: object = None
    email: object = None
    first_name: object = None
    last_name: object = None
    phone: object = None
    meta_data: object = None
    deleted: bool | None = None


class _Item(Struct, frozen=True):
    item_price_id: object = None
    item_type: object = None


class Subscription(Struct, frozen=True):
    """A subscription; ``plan_id`` is that of the older product catalog."""

    id: str
    status: str | None = None
    customer_id: object = None
    trial_end: int | None = None
    current_term_end: int | None = None
    cancelled_at: int | None = None
    subscription_items: tuple[_Item, ...] | None = None
    plan_id: object = None
    meta_data: object = None


class _Line(Struct, frozen=True):
    subscription_id: object = None
    entity_type: object = None
    entity_id: object = None
    date_to: int | None = None


class Invoice(Struct, frozen=True):
    """An invoice with its lines."""

    id: str
    status: str | None = None
    customer_id: object = None
    subscription_id: object = None
    total: object = None
    currency_code: object = None
    line_items: tuple[_Line, ...] | None = None
    deleted: bool | None = None


def subscription(found: Subscription, customer: Customer | None, at_ms: int) -> list[Fact]:
    """How a subscription stands; nothing where its status is unknown."""
    status = _SUBSCRIPTIONS.get(found.status or "")
    if status is None:
        return []
    return [
        accounts.subscription(
            payloads.ident(found.id, "the subscription's id"),
            status,
            at_ms=at_ms,
            plan=_plan(found),
            period_end_ms=_period_end_ms(found),
            ends_at_ms=_moment(found.cancelled_at) if found.status in _ENDING else 0,
            cancel_at_period_end=found.status == "non_renewing",
            who={**who(found.customer_id, customer), **_said(found.meta_data)},
        )
    ]


def invoice(found: Invoice, customer: Customer | None, event: str, at_ms: int) -> list[Fact]:
    """How an invoice stands; one that is due was tried in vain where a payment that failed is what is told."""
    status = InvoiceStatus.VOID if found.deleted else _INVOICES.get(found.status or "")
    if status is None:
        return []
    if status is InvoiceStatus.OPEN and event == _FAILED:
        status = InvoiceStatus.FAILED
    currency, line = currency_code(found.currency_code), _line(found)
    return [
        accounts.invoice(
            payloads.ident(found.id, "the invoice's id"),
            status,
            at_ms=at_ms,
            money=(to_iso(found.total, currency, ISO_EXPONENTS), currency),
            subscription_id=payloads.ident_or_none(found.subscription_id, "subscription_id"),
            plan=payloads.ident_or_none(line.entity_id, "entity_id"),
            period_end_ms=_moment(line.date_to),
            who=who(found.customer_id, customer),
        )
    ]


def customer(found: Customer, at_ms: int) -> Fact:
    """Who pays, as the customer's own events say."""
    customer_id = payloads.ident(found.id, "the customer's id")
    detail = {**who(customer_id, found), **_said(found.meta_data)}
    return accounts.customer(customer_id, at_ms=at_ms, who=detail, deleted=found.deleted is True)


def who(customer_id: object, customer: Customer | None) -> dict[str, str]:
    """The details of a customer, if it is the one that the event carries."""
    own = customer if customer and customer.id == customer_id else Customer()
    return payloads.details(
        customer_id=payloads.text(customer_id),
        customer_email=payloads.text(own.email),
        customer_name=f"{payloads.text(own.first_name)} {payloads.text(own.last_name)}".strip(),
        customer_phone=payloads.text(own.phone),
    )


def _said(meta_data: object) -> dict[str, str]:
    return metadata.said(payloads.child({"own": meta_data}, "own"))


def _plan(found: Subscription) -> str:
    items = (each.item_price_id for each in found.subscription_items or () if each.item_type == "plan")
    return payloads.ident_or_none(next(items, found.plan_id), "the plan's id")


def _line(found: Invoice) -> _Line:
    """The plan's line that ends last; Chargebee calls it ``plan`` or ``plan_item_price``."""
    lines = (each for each in found.line_items or () if payloads.text(each.entity_type).startswith("plan"))
    return max((each for each in lines if "setup" not in str(each.entity_type)), key=_date_to, default=_Line())


def _date_to(line: _Line) -> int:
    return line.date_to or 0


def _period_end_ms(found: Subscription) -> int:
    match found.status:
        case "in_trial":
            return _moment(found.trial_end)
        case "active" | "non_renewing":
            return _moment(found.current_term_end)
        case _:
            return 0


def _moment(seconds: int | None) -> int:
    return 0 if seconds is None else payloads.seconds_to_ms(seconds, "a time")
