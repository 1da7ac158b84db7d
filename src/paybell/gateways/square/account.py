"""What Square's payouts, subscriptions, invoices and customers say.

An invoice is dated by its own change, not by the event: when a charge of it fails, two events tell of that one change,
and only the name of the one says that it failed. Days are taken as days in UTC.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.model.account import InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.fact import Fact

Found = tuple[tuple[Fact, ...], str]

_DAY_MS: Final = 86_400_000
_CHARGE_FAILED: Final = "invoice.scheduled_charge_failed"
_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {
    "SENT": PayoutStatus.CREATED,
    "PAID": PayoutStatus.PAID,
    "FAILED": PayoutStatus.FAILED,
}
_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "PENDING": SubscriptionStatus.INCOMPLETE,
    "ACTIVE": SubscriptionStatus.ACTIVE,
    # Both can be resumed.
    **dict.fromkeys(("PAUSED", "DEACTIVATED"), SubscriptionStatus.PAUSED),
    **dict.fromkeys(("CANCELED", "COMPLETED"), SubscriptionStatus.CANCELED),
}
_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    **dict.fromkeys(("UNPAID", "SCHEDULED", "PARTIALLY_PAID", "PAYMENT_PENDING"), InvoiceStatus.OPEN),
    **dict.fromkeys(("PAID", "PARTIALLY_REFUNDED", "REFUNDED"), InvoiceStatus.PAID),
    "CANCELED": InvoiceStatus.VOID,
    "FAILED": InvoiceStatus.FAILED,
}


class Money(Struct, frozen=True):
    """Minor units of ISO 4217; events of payouts are documented with another name for the currency."""

    amount: int | None = None
    currency: str | None = None
    currency_code: str | None = None

    @property
    def code(self) -> str:
        """The currency."""
        return currency_code(self.currency or self.currency_code)

    @property
    def minor(self) -> int:
        """In minor units."""
        return to_iso(self.amount, self.code, ISO_EXPONENTS)


class Payout(Struct, frozen=True):
    """Money to the seller's bank account."""

    id: str
    status: str
    amount_money: Money


class Subscription(Struct, frozen=True):
    """What is paid for again and again; older versions have a plan without variations."""

    id: str
    status: str
    customer_id: str | None = None
    plan_variation_id: str | None = None
    plan_id: str | None = None
    charged_through_date: str | None = None
    canceled_date: str | None = None


class _Due(Struct, frozen=True):
    computed_amount_money: Money | None = None


class Customer(Struct, frozen=True):
    """Who pays; an invoice calls its id otherwise."""

    id: str | None = None
    customer_id: str | None = None
    email_address: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    company_name: str | None = None
    phone_number: str | None = None


class Invoice(Struct, frozen=True):
    """What is owed, in one or several payment requests."""

    id: str
    status: str
    updated_at: str
    subscription_id: str | None = None
    payment_requests: list[_Due] | None = None
    primary_recipient: Customer | None = None


def payout(thing: Payout, at: object) -> Found:
    """Where a payout stands."""
    status = _PAYOUTS.get(thing.status)
    if status is None:
        return (), f"the payout's status {text(thing.status)!r} is unknown"
    money = thing.amount_money
    if money.amount is not None and money.amount < 0:
        return (), "a payout below zero takes money from the bank"
    at_ms = time_to_ms(at, "created_at")
    told = accounts.payout(ident(thing.id, "the payout's id"), status, at_ms=at_ms, money=(money.minor, money.code))
    return (told,), ""


def subscription(thing: Subscription, at: object) -> Found:
    """How a subscription stands. One that will be canceled is active until then, and names the day."""
    status = _SUBSCRIPTIONS.get(thing.status)
    if status is None:
        return (), f"the subscription's status {text(thing.status)!r} is unknown"
    told = accounts.subscription(
        ident(thing.id, "the subscription's id"),
        status,
        at_ms=time_to_ms(at, "created_at"),
        plan=text(thing.plan_variation_id) or text(thing.plan_id),
        period_end_ms=_day_ms(thing.charged_through_date, _DAY_MS),  # it names the last day of the period
        ends_at_ms=_day_ms(thing.canceled_date),
        cancel_at_period_end=bool(thing.canceled_date) and status is not SubscriptionStatus.CANCELED,
        who=details(customer_id=text(thing.customer_id)),
    )
    return (told,), ""


def _day_ms(day: str | None, later_ms: int = 0) -> int:
    return time_to_ms(day, "a day of the subscription") + later_ms if day else 0


def invoice(thing: Invoice, event: str) -> Found:
    """Where an invoice stands; that a charge of it failed stands in the event's name."""
    status = _INVOICES.get(thing.status)
    if status is None:
        return (), f"the invoice's status {text(thing.status)!r} is a draft's, or unknown"
    due = [it.computed_amount_money for it in thing.payment_requests or () if it.computed_amount_money]
    if not due:
        return (), "the invoice does not say what is due"
    told = accounts.invoice(
        ident(thing.id, "the invoice's id"),
        InvoiceStatus.FAILED if status is InvoiceStatus.OPEN and event == _CHARGE_FAILED else status,
        at_ms=time_to_ms(thing.updated_at, "updated_at"),
        money=_sum(due),
        subscription_id=text(thing.subscription_id),
        who=_who(thing.primary_recipient or Customer()),
    )
    return (told,), ""


def _sum(due: Sequence[Money]) -> tuple[int, str]:
    return sum(it.minor for it in due), due[0].code


def customer(thing: Customer, event: str, at: object) -> Found:
    """What is known of a customer; that it was deleted stands in the event's name."""
    deleted, who = event == "customer.deleted", _who(thing)
    aggregate = ident(thing.id, "the customer's id")
    return (accounts.customer(aggregate, at_ms=time_to_ms(at, "created_at"), who=who, deleted=deleted),), ""


def _who(thing: Customer) -> dict[str, str]:
    name = " ".join(filter(None, (thing.given_name, thing.family_name)))
    return details(
        customer_id=text(thing.id) or text(thing.customer_id),
        customer_email=text(thing.email_address),
        customer_name=text(name or thing.company_name),
        customer_phone=text(thing.phone_number),
    )
