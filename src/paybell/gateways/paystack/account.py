"""What Paystack's transfers, subscriptions, invoices and payment requests say.

Their events name no time, and an object's ``created_at`` is the same in all of them: what a subscription or an invoice
is counts from when it was told here. An invoice has no currency of its own but that of its transaction.
"""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import accounts, metadata
from paybell.gateways.kit.amounts import currency_code, to_iso
from paybell.gateways.kit.links import link
from paybell.gateways.kit.payloads import child, decoder, details, ident, ident_or_none, read, text, time_to_ms
from paybell.gateways.paystack.facts import EXPONENTS, parsed, who
from paybell.gateways.paystack.shapes import Customer, Invoice, PaymentRequest, Subscription, Transfer
from paybell.model.account import InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Parsed

_TRANSFERS: Final[Mapping[str, PayoutStatus]] = {
    "pending": PayoutStatus.CREATED,
    "success": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "reversed": PayoutStatus.FAILED,
}
_SUBSCRIPTIONS: Final[Mapping[str, SubscriptionStatus]] = {
    "active": SubscriptionStatus.ACTIVE,
    "non-renewing": SubscriptionStatus.ACTIVE,
    "attention": SubscriptionStatus.PAST_DUE,
    "complete": SubscriptionStatus.CANCELED,
    "completed": SubscriptionStatus.CANCELED,
    "cancelled": SubscriptionStatus.CANCELED,
}
_INVOICES: Final[Mapping[str, InvoiceStatus]] = {
    "pending": InvoiceStatus.OPEN,
    "failed": InvoiceStatus.FAILED,
    "success": InvoiceStatus.PAID,
}
_FAILED: Final = "invoice.payment_failed"

_TRANSFER: Final = decoder(Transfer)
_SUBSCRIPTION: Final = decoder(Subscription)
_INVOICE: Final = decoder(Invoice)
_REQUEST: Final = decoder(PaymentRequest)


def of_transfer(name: str, data: bytes, received_at_ms: int) -> Parsed:
    """A transfer out of the balance, at the time of its last change."""
    found = read(_TRANSFER, data)
    status = _TRANSFERS.get(found.status)
    if status is None:
        return parsed(name, (), found.status, found.domain)
    changed, currency = found.updated_at or found.updated_too, currency_code(found.currency)
    fact = accounts.payout(
        ident(found.transfer_code, "transfer_code"),
        status,
        at_ms=time_to_ms(changed, "updated_at") if changed else received_at_ms,
        money=(to_iso(found.amount, currency, EXPONENTS), currency),
        why=details(failure_message=text(found.gateway_response)) if status is PayoutStatus.FAILED else {},
    )
    return parsed(name, (fact,), found.status, found.domain)


def of_subscription(name: str, data: bytes, received_at_ms: int) -> Parsed:
    """How a subscription stands."""
    if not data.lstrip().startswith(b"{"):
        return Parsed(event=name, reason="a list of cards that expire changes no subscription")
    found = read(_SUBSCRIPTION, data)
    told = _subscription(found, found.customer, received_at_ms, failed=False)
    return parsed(name, tuple(told), found.status, found.domain)


def of_invoice(name: str, data: bytes, received_at_ms: int) -> Parsed:
    """An invoice, its subscription and its payment, as far as it names them."""
    found = read(_INVOICE, data)
    status = InvoiceStatus.FAILED if name == _FAILED else _INVOICES.get(found.status)
    if status is None:
        return parsed(name, (), found.status, found.domain)
    failed = status is InvoiceStatus.FAILED
    told = _subscription(found.subscription, found.customer, received_at_ms, failed=failed)
    facts = (*_links(found), *_invoice(found, status, received_at_ms), *told)
    return parsed(name, facts, found.status, found.domain)


def of_request(name: str, data: bytes, received_at_ms: int) -> Parsed:
    """A payment request is an invoice that is of no subscription."""
    found = read(_REQUEST, data)
    status = _INVOICES.get(found.status)
    if status is None:
        return parsed(name, (), found.status, found.domain)
    currency = currency_code(found.currency)
    fact = accounts.invoice(
        ident(found.request_code, "request_code"),
        status,
        at_ms=received_at_ms,
        money=(to_iso(found.amount, currency, EXPONENTS), currency),
        who=metadata.said(child({"own": found.metadata}, "own")),
    )
    return parsed(name, (fact,), found.status, found.domain)


def _subscription(found: Subscription | None, buyer: Customer | None, at_ms: int, *, failed: bool) -> list[Fact]:
    """Once a charge failed it is past due, though the payload may still call it active."""
    status = _SUBSCRIPTIONS.get(found.status) if found else None
    if found is None or status is None:
        return []
    late = failed and status is SubscriptionStatus.ACTIVE
    paid = found.status == "active" and not late
    return [
        accounts.subscription(
            ident(found.subscription_code, "subscription_code"),
            SubscriptionStatus.PAST_DUE if late else status,
            at_ms=at_ms,
            plan=ident_or_none(child({"plan": found.plan}, "plan").get("plan_code"), "plan_code"),
            period_end_ms=_moment(found.next_payment_date) if paid else 0,
            cancel_at_period_end=found.status == "non-renewing",
            who=who(buyer),
        )
    ]


def _invoice(found: Invoice, status: InvoiceStatus, at_ms: int) -> list[Fact]:
    paid_by = found.transaction
    if paid_by is None or not paid_by.currency:
        return []
    currency = currency_code(paid_by.currency)
    return [
        accounts.invoice(
            ident(found.invoice_code, "invoice_code"),
            status,
            at_ms=at_ms,
            money=(to_iso(found.amount, currency, EXPONENTS), currency),
            subscription_id=_subscription_id(found),
            period_end_ms=_moment(found.period_end),
            who=who(found.customer),
        )
    ]


def _links(found: Invoice) -> list[Fact]:
    """Of a payment that it is for this invoice and this subscription."""
    reference = ident_or_none(found.transaction.reference, "the reference") if found.transaction else ""
    at_ms, code = time_to_ms(found.created_at, "created_at"), ident(found.invoice_code, "invoice_code")
    return [
        *link(reference, code, LinkType.INVOICE, at_ms),
        *link(reference, _subscription_id(found), LinkType.SUBSCRIPTION, at_ms),
    ]


def _subscription_id(found: Invoice) -> str:
    return ident(found.subscription.subscription_code, "subscription_code") if found.subscription else ""


def _moment(value: str | None) -> int:
    return time_to_ms(value, "a time") if value else 0
