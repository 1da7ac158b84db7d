"""What Mercado Pago's API answers about a subscription (a *preapproval*) or a charge of one (an *authorized payment*).

A charge is what other gateways call an invoice: it is scheduled, tried, tried again (``recycling``), and names the
payment by which it was paid.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.kit.payloads import details, ident, ident_or_none, text, time_to_ms
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Parsed
from paybell.model.money import to_minor

_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    "pending": SubscriptionStatus.INCOMPLETE,
    "authorized": SubscriptionStatus.ACTIVE,
    "paused": SubscriptionStatus.PAUSED,
    **dict.fromkeys(("cancelled", "canceled"), SubscriptionStatus.CANCELED),
}
_CHARGES: Final[Mapping[str, InvoiceStatus]] = {
    "scheduled": InvoiceStatus.OPEN,
    "recycling": InvoiceStatus.FAILED,
    **dict.fromkeys(("cancelled", "canceled"), InvoiceStatus.VOID),
}
_PROCESSED: Final[Mapping[str, InvoiceStatus]] = {"approved": InvoiceStatus.PAID, "rejected": InvoiceStatus.FAILED}


class _Recurring(Struct, frozen=True):
    end_date: object = None


class _Payment(Struct, frozen=True):
    id: object = None
    status: object = None


class _Answer(Struct, frozen=True):
    id: str | int
    status: object = None
    date_created: object = None
    last_modified: object = None
    auto_recurring: _Recurring | None = None
    preapproval_plan_id: object = None
    next_payment_date: object = None
    payer_id: object = None
    payer_email: object = None
    preapproval_id: object = None
    transaction_amount: object = None
    currency_id: object = None
    payment: _Payment | None = None


_ANSWER: Final = payloads.decoder(_Answer)


def read(body: bytes, received_at_ms: int) -> Parsed:
    """Facts of a subscription, or of a charge of one, which names it."""
    found = payloads.read(_ANSWER, body)
    name, facts = (
        ("authorized_payment", _charge(found, received_at_ms))
        if found.preapproval_id is not None
        else ("preapproval", _subscription(found, received_at_ms))
    )
    reason = "" if facts else f"its status {text(found.status)!r} is unknown, or says nothing yet"
    return Parsed(event=name, facts=tuple(facts), reason=reason)


def said(body: bytes) -> Sequence[str]:
    """What makes one answer differ from another, beside its status and its amount."""
    found = payloads.read(_ANSWER, body)
    payment = found.payment or _Payment()
    ends = found.auto_recurring.end_date if found.auto_recurring else None
    parts = (found.preapproval_plan_id, found.next_payment_date, ends, found.payer_email, payment.id, payment.status)
    return [str(part) for part in parts]


def _subscription(found: _Answer, received_at_ms: int) -> list[Fact]:
    status = _STATUSES.get(text(found.status))
    if status is None:
        return []
    is_active = status is SubscriptionStatus.ACTIVE
    ends = found.auto_recurring.end_date if found.auto_recurring else None
    told = accounts.subscription(
        ident(found.id, "the subscription's id"),
        status,
        at_ms=_time(found.last_modified, received_at_ms),
        plan=text(found.preapproval_plan_id),
        period_end_ms=_time(found.next_payment_date, 0) if is_active else 0,
        ends_at_ms=_time(ends, 0) if is_active else 0,
        who=details(customer_id=_payer(found.payer_id), customer_email=text(found.payer_email)),
    )
    return [told]


def _payer(value: object) -> str:
    return ident_or_none(value, "payer_id")


def _charge(found: _Answer, received_at_ms: int) -> list[Fact]:
    payment = found.payment or _Payment()
    is_done = text(found.status) == "processed"
    status = _PROCESSED.get(text(payment.status)) if is_done else _CHARGES.get(text(found.status))
    if status is None:
        return []
    charge_id, currency = ident(found.id, "the charge's id"), currency_code(found.currency_id)
    subscription, paid_by = ident(found.preapproval_id, "preapproval_id"), ident_or_none(payment.id, "the payment's id")
    changed_ms = _time(found.last_modified, received_at_ms)
    told = accounts.invoice(
        charge_id,
        status,
        at_ms=changed_ms,
        money=(to_minor(found.transaction_amount, currency), currency),
        subscription_id=subscription,
    )
    begun_ms = _time(found.date_created, changed_ms)
    named = ((charge_id, LinkType.INVOICE), (subscription, LinkType.SUBSCRIPTION))
    return [told, *(fact for alias, kind in named for fact in link(paid_by, alias, kind, begun_ms))]


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else time_to_ms(value, "a time of the answer")
