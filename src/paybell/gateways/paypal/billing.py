"""What PayPal's events say of subscriptions and invoices.

A subscription of the first version of the API is an *agreement*, of whose plan no id is told. Invoices are those of its
second version. Sources: ``billing_subscriptions_v1.json``, ``invoicing_v2.json`` of PayPal's API specifications, and
recorded webhooks.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from paybell.gateways.kit import accounts, payloads
from paybell.gateways.kit.links import link
from paybell.gateways.kit.payloads import details, first_text, ident, text, time_to_ms
from paybell.gateways.paypal.shapes import Event, Money, Name, Payer
from paybell.model.account import InvoiceStatus, SubscriptionStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact

Facts = Sequence[Fact]

_STATUSES: Final[Mapping[str, SubscriptionStatus]] = {
    **dict.fromkeys(("APPROVAL_PENDING", "APPROVED", "PENDING"), SubscriptionStatus.INCOMPLETE),
    "ACTIVE": SubscriptionStatus.ACTIVE,
    "SUSPENDED": SubscriptionStatus.PAUSED,
    **dict.fromkeys(("CANCELLED", "EXPIRED"), SubscriptionStatus.CANCELED),
}
_INVOICE_STATUSES: Final[Mapping[str, InvoiceStatus]] = {
    **dict.fromkeys(("SENT", "UNPAID", "PAYMENT_PENDING", "PARTIALLY_PAID"), InvoiceStatus.OPEN),
    # What is refunded was paid before; the refund itself is an operation of the payment.
    **dict.fromkeys(("PAID", "MARKED_AS_PAID"), InvoiceStatus.PAID),
    **dict.fromkeys(("REFUNDED", "PARTIALLY_REFUNDED", "MARKED_AS_REFUNDED"), InvoiceStatus.PAID),
    "CANCELLED": InvoiceStatus.VOID,
}
_SUBSCRIPTION: Final = "I-"


class _Billing(Struct):
    next_billing_time: str | None = None
    failed_payments_count: int | None = None


class _Agreed(Struct):
    next_billing_date: str | None = None


class _PayerInfo(Struct):
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    payer_id: str | None = None


class _OldPayer(Struct):
    payer_info: _PayerInfo | None = None


class _Subscription(Struct):
    id: str
    status: str | None = None
    state: str | None = None
    plan_id: str | None = None
    status_update_time: str | None = None
    update_time: str | None = None
    subscriber: Payer | None = None
    payer: _OldPayer | None = None
    billing_info: _Billing = field(default_factory=_Billing)
    agreement_details: _Agreed = field(default_factory=_Agreed)


class _BillingInfo(Struct):
    email_address: str | None = None
    name: Name | None = None


class _Recipient(Struct):
    billing_info: _BillingInfo | None = None


class _Transaction(Struct):
    type: str | None = None
    payment_id: str | None = None


class _Payments(Struct):
    transactions: list[_Transaction] = []


class _Times(Struct):
    create_time: str | None = None
    last_update_time: str | None = None


class _Detail(Struct):
    metadata: _Times = field(default_factory=_Times)


class _Invoice(Struct):
    id: str
    amount: Money
    status: str | None = None
    detail: _Detail = field(default_factory=_Detail)
    primary_recipients: list[_Recipient] = []
    payments: _Payments = field(default_factory=_Payments)


class _OfInvoice(Struct):
    invoice: _Invoice | None = None


_SUBSCRIPTION_SHAPE: Final = payloads.decoder(_Subscription)
_OF_INVOICE: Final = payloads.decoder(_OfInvoice)


def subscription_event(event: Event) -> Facts:
    """How a subscription or agreement stands."""
    thing = payloads.read(_SUBSCRIPTION_SHAPE, bytes(event.resource))
    status = _status(thing)
    if status is None:
        return ()
    at_ms = time_to_ms(event.create_time or thing.update_time or thing.status_update_time, "the event's time")
    ended = thing.status_update_time if status is SubscriptionStatus.CANCELED else None
    told = accounts.subscription(
        ident(thing.id, "the subscription's id"),
        status,
        at_ms=at_ms,
        plan=text(thing.plan_id),
        period_end_ms=_period_end_ms(thing, status),
        ends_at_ms=_moment(ended),
        who=_subscriber(thing),
    )
    return (told,)


def _status(thing: _Subscription) -> SubscriptionStatus | None:
    status = _STATUSES.get((thing.status or thing.state or "").upper())
    failed = thing.billing_info.failed_payments_count or 0  # in a row: a payment that succeeds sets it to 0
    return SubscriptionStatus.PAST_DUE if status is SubscriptionStatus.ACTIVE and failed > 0 else status


def _period_end_ms(thing: _Subscription, status: SubscriptionStatus) -> int:
    """The next payment is due when what is paid ends; of what is not paid in time it says something else."""
    due = thing.billing_info.next_billing_time or thing.agreement_details.next_billing_date
    return _moment(due) if status is SubscriptionStatus.ACTIVE else 0


def _subscriber(thing: _Subscription) -> dict[str, str]:
    new, old = thing.subscriber or Payer(), (thing.payer and thing.payer.payer_info) or _PayerInfo()
    return details(
        customer_id=first_text(new.payer_id, old.payer_id),
        customer_email=first_text(new.email_address, old.email),
        customer_name=_name(new.name) or _name(Name(old.first_name, old.last_name)),
    )


def _name(name: Name | None) -> str:
    return text(" ".join(filter(None, (name.given_name, name.surname)))) if name else ""


def _moment(value: str | None) -> int:
    return 0 if value is None else time_to_ms(value, "a time of the subscription")


def invoice_event(event: Event) -> Facts:
    """How an invoice stands, and which payments are for it."""
    invoice = payloads.read(_OF_INVOICE, bytes(event.resource)).invoice
    status = _INVOICE_STATUSES.get((invoice.status or "").upper()) if invoice else None
    if invoice is None or status is None:
        return ()
    times, amount = invoice.detail.metadata, invoice.amount
    told = accounts.invoice(
        ident(invoice.id, "the invoice's id"),
        status,
        at_ms=time_to_ms(event.create_time or times.last_update_time, "the event's time"),
        money=(amount.minor, amount.code),
        who=_recipient(invoice),
    )
    begun_ms = time_to_ms(times.create_time or event.create_time, "the invoice's create_time")
    paying = [it.payment_id for it in invoice.payments.transactions if it.type == "PAYPAL" and it.payment_id]
    ids = [ident(it, "the payment's id") for it in paying]
    return (told, *[fact for it in ids for fact in link(it, invoice.id, LinkType.INVOICE, begun_ms)])


def _recipient(invoice: _Invoice) -> dict[str, str]:
    first = invoice.primary_recipients[0].billing_info if invoice.primary_recipients else None
    who = first or _BillingInfo()
    return details(customer_email=text(who.email_address), customer_name=_name(who.name))


def of_subscription(payment_id: str, agreement_id: str | None, at_ms: int) -> Facts:
    """That a sale is for a subscription; other agreements (``B-…``) are only a leave to charge."""
    if not agreement_id or not agreement_id.startswith(_SUBSCRIPTION):
        return ()
    return link(payment_id, ident(agreement_id, "billing_agreement_id"), LinkType.SUBSCRIPTION, at_ms)
