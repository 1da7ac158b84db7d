"""Stripe's invoices as facts, and which payment is for which invoice and subscription."""

from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import accounts
from paybell.gateways.kit.amounts import STRIPE_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.links import link
from paybell.gateways.kit.metadata import said
from paybell.gateways.kit.payloads import details, ident, seconds_to_ms, text
from paybell.gateways.stripe.billing_shapes import Invoice, InvoicePayment, Line, OfSubscription, Parent, Paying
from paybell.gateways.stripe.pieces import Found, customer, id_of
from paybell.model.account import InvoiceStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact

_STATUSES: Final[Mapping[str, InvoiceStatus]] = {
    "open": InvoiceStatus.OPEN,
    "paid": InvoiceStatus.PAID,
    "void": InvoiceStatus.VOID,
    "uncollectible": InvoiceStatus.FAILED,
}
_FAILED: Final = "invoice.payment_failed"
_NOTHING: Final = OfSubscription()


def read_invoice(invoice: Invoice, event: str, at_ms: int) -> Found:
    """Where an invoice stands, and in older versions which payment is for it."""
    status = _STATUSES.get(text(invoice.status))
    if invoice.status == "draft":
        return Found(reason="a draft of an invoice is owed by nobody yet")
    if status is None:
        return Found(reason=f"an invoice's status {text(invoice.status)!r} is unknown")
    if not invoice.id:
        return Found(reason="a preview of an invoice")
    if status is InvoiceStatus.OPEN and event == _FAILED:
        status = InvoiceStatus.FAILED
    elif status is InvoiceStatus.OPEN and invoice.attempted is True:
        # `open` would take back that the try failed, `failed` would be wrong of a debit that is on its way.
        return Found(reason="an open invoice that was tried to collect, of which the event does not say how it went")
    return Found(facts=(_told(invoice, status, at_ms), *_links(invoice, at_ms)))


def _told(invoice: Invoice, status: InvoiceStatus, at_ms: int) -> Fact:
    line, currency = _line(invoice), currency_code(invoice.currency)
    return accounts.invoice(
        ident(invoice.id, "the invoice's id"),
        status,
        at_ms=at_ms,
        money=(to_iso(invoice.amount_due, currency, STRIPE_EXPONENTS), currency),
        subscription_id=_subscription(invoice),
        plan=_plan(line) if line else "",
        period_end_ms=_end_ms(line) if line else 0,
        who=_who(invoice, line),
    )


def _who(invoice: Invoice, line: Line | None) -> dict[str, str]:
    """The customer; what the subscription's metadata says, as it stood then, unless the invoice's own says it."""
    entered = details(
        customer_email=text(invoice.customer_email),
        customer_name=text(invoice.customer_name),
        customer_phone=text(invoice.customer_phone),
    )
    of_line = said(line.metadata or {}) if line else {}
    return {**of_line, **said(_of(invoice).metadata or {}), **entered, **customer(invoice)}


def _of(invoice: Invoice) -> OfSubscription:
    under = invoice.parent.subscription_details if invoice.parent else None
    return under or invoice.subscription_details or _NOTHING


def _subscription(invoice: Invoice) -> str:
    what = "the subscription's id"
    line = _line(invoice)
    named = id_of(invoice.subscription, what) or id_of(_of(invoice).subscription, what)
    return named or (_line_subscription(line) if line else "")


def _line(invoice: Invoice) -> Line | None:
    """Of the lines for a subscription the one that ends last; what is charged goes before what is credited."""
    lines = [it for it in (invoice.lines.data if invoice.lines else ()) if _line_subscription(it)]
    return max(lines, key=lambda it: (_end_ms(it), it.amount or 0), default=None)


def _line_subscription(line: Line) -> str:
    parent = line.parent or Parent()
    of = parent.subscription_item_details or parent.invoice_item_details or _NOTHING
    what = "the line's subscription"
    return id_of(line.subscription, what) or id_of(of.subscription, what)


def _end_ms(line: Line) -> int:
    end = line.period.end if line.period else None
    return 0 if end is None else seconds_to_ms(end, "the line's period's end")


def _plan(line: Line) -> str:
    priced = line.pricing.price_details if line.pricing else None
    what = "the price's id"
    return id_of(line.price, what) or id_of(line.plan, what) or id_of(priced.price if priced else None, what)


def _links(invoice: Invoice, at_ms: int) -> list[Fact]:
    """At the invoice's own time, so that each of its events says the same."""
    start_ms = at_ms if invoice.created is None else seconds_to_ms(invoice.created, "the invoice's created")
    payment = _payment(Paying(payment_intent=invoice.payment_intent, charge=invoice.charge))
    return [
        *link(payment, text(invoice.id), LinkType.INVOICE, start_ms),
        *link(payment, _subscription(invoice), LinkType.SUBSCRIPTION, start_ms),
    ]


def _payment(paying: Paying) -> str:
    return id_of(paying.payment_intent, "the payment intent's id") or id_of(paying.charge, "the charge's id")


def read_invoice_payment(thing: InvoicePayment, at_ms: int) -> Found:
    """Which invoice a payment is for."""
    start_ms = at_ms if thing.created is None else seconds_to_ms(thing.created, "created")
    payment = _payment(thing.payment) if thing.payment else ""
    facts = link(payment, id_of(thing.invoice, "the invoice's id"), LinkType.INVOICE, start_ms)
    return Found(facts=tuple(facts), reason="" if facts else "an invoice that nothing at Stripe pays")
