"""What Chargebee's API answers about an event: the transaction in its content, and what else that has.

Sources: Chargebee's docs ("Retrieve an event", "Transaction attributes"). The payment is the transaction of type
payment; a refund or a reversal names it. An authorisation is a transaction of its own; the payment that captures it
names it, and is joined to it. Amounts are in the currency's smallest unit.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.chargebee import account
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.links import link
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed

_PAYMENT: Final[Mapping[str, tuple[Kind, ...]]] = {
    "success": (Kind.CAPTURED,),
    "in_progress": (Kind.PROCESSING,),
    "needs_attention": (Kind.PROCESSING,),
    "failure": (Kind.FAILED,),
    "timeout": (Kind.FAILED,),
    "late_failure": (Kind.CAPTURE_REVERSED, Kind.FAILED),
    "voided": (Kind.CAPTURE_REVERSED, Kind.CANCELED),
}
_AUTHORIZATION: Final[Mapping[str, tuple[Kind, ...]]] = {
    **_PAYMENT,
    "success": (Kind.AUTHORIZED,),
    "voided": (Kind.CANCELED,),
    "late_failure": (Kind.FAILED,),
}
_REFUND: Final[Mapping[str, Kind]] = {
    "success": Kind.REFUND_SUCCEEDED,
    "in_progress": Kind.REFUND_PENDING,
    "needs_attention": Kind.REFUND_PENDING,
    **dict.fromkeys(("failure", "timeout", "late_failure", "voided"), Kind.REFUND_FAILED),
}


class _Linked(Struct):
    id: str | None = None
    txn_id: str | None = None


class _Invoice(Struct):
    invoice_id: str | None = None


class _Transaction(Struct):
    id: str
    type: str | None = None
    status: str | None = None
    amount: int | None = None
    currency_code: str | None = None
    date: int | None = None
    updated_at: int | None = None
    customer_id: str | None = None
    payment_method: str | None = None
    error_code: str | None = None
    error_text: str | None = None
    refunded_txn_id: str | None = None
    reference_transaction_id: str | None = None
    subscription_id: str | None = None
    reference_authorization_id: str | None = None
    linked_payments: tuple[_Linked, ...] | None = None
    linked_invoices: tuple[_Invoice, ...] | None = None


class _Content(Struct):
    transaction: _Transaction | None = None
    subscription: account.Subscription | None = None
    invoice: account.Invoice | None = None
    customer: account.Customer | None = None


class _Event(Struct):
    id: str
    occurred_at: int
    event_type: str
    content: _Content


class _Answer(Struct):
    event: _Event


_NOTHING: Final = "it carries nothing that is read, or in a status that is unknown"

_ANSWER: Final = payloads.decoder(_Answer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def read(body: bytes, event_id: str) -> Parsed:
    """Facts of the transaction in the event asked for."""
    event = payloads.read(_ANSWER, body).event
    name = payloads.text(event.event_type)
    if event.id != event_id:
        return Parsed(event=name, reason="the answer is about another event", final=False)
    content, at_ms = event.content, payloads.seconds_to_ms(event.occurred_at, "occurred_at")
    of_account = [*_account(content, name, at_ms)]
    txn = content.transaction
    if txn is None:
        return Parsed(event=name, facts=tuple(of_account), reason="" if of_account else _NOTHING)
    facts = (*_facts(txn, event), *of_account)
    reason = f"its type or status gives no fact: {payloads.text(txn.type)!r}, {payloads.text(txn.status)!r}"
    return Parsed(event=name, facts=facts, reason="" if facts else reason)


def _account(content: _Content, name: str, at_ms: int) -> Iterator[Fact]:
    """Every event carries its customer; only the customer's own events tell of it."""
    if content.subscription:
        yield from account.subscription(content.subscription, content.customer, at_ms)
    if content.invoice:
        yield from account.invoice(content.invoice, content.customer, name, at_ms)
    if content.customer and name.startswith("customer_"):
        yield account.customer(content.customer, at_ms)


def key(event_id: str, body: bytes) -> str:
    """A key that changes when the transaction's type, status or amount does, or what else the event carries."""
    event = payloads.read(_ANSWER, body).event
    txn = event.content.transaction
    content = event.content
    decisive = (txn.id, txn.type, txn.status, txn.amount, txn.currency_code) if txn else ()
    said = (event_id, event.id, decisive, content.subscription, content.invoice)
    return "poll:" + sha256(_ENCODER.encode(said)).hexdigest()


def _facts(txn: _Transaction, event: _Event) -> tuple[Fact, ...]:
    currency = currency_code(txn.currency_code)
    tell = partial(
        Fact,
        at_ms=payloads.seconds_to_ms(txn.updated_at or txn.date or event.occurred_at, "the transaction's time"),
        amount_minor=to_iso(txn.amount, currency, ISO_EXPONENTS),
        currency=currency,
    )
    txn_id, paid = payloads.ident(txn.id, "the transaction's id"), _paid(txn)
    match txn.type:
        case "payment" | "authorization":
            return _payment(txn, event, partial(tell, aggregate=txn_id))
        case "refund" if paid and (kind := _REFUND.get(txn.status or "")):
            return (tell(aggregate=paid, kind=kind, ref=txn_id),)
        case "payment_reversal" if paid and txn.status == "success":
            return (tell(aggregate=paid, kind=Kind.CAPTURE_REVERSED, ref=paid),)
        case _:
            return ()


def _payment(txn: _Transaction, event: _Event, tell: partial[Fact]) -> tuple[Fact, ...]:
    kinds = (_PAYMENT if txn.type == "payment" else _AUTHORIZATION).get(txn.status or "")
    if kinds is None:
        return ()
    why = payloads.details(failure_code=payloads.text(txn.error_code), failure_message=payloads.text(txn.error_text))
    started_ms = payloads.seconds_to_ms(txn.date or event.occurred_at, "the transaction's date")
    created = tell(kind=Kind.PAYMENT_CREATED, at_ms=started_ms, detail=_customer(txn, event.content.customer))
    of = payloads.ident_or_none(txn.reference_authorization_id, "the authorisation's id")
    if of:  # what was to be paid is what was authorised, not this part of it
        created = msgspec.structs.replace(created, amount_minor=None, currency="")
    return (
        created,
        *(
            tell(
                kind=kind,
                ref="" if kind is Kind.CANCELED else txn.id,
                detail=why if kind is Kind.FAILED else {},
            )
            for kind in kinds
        ),
        *link(of, txn.id, LinkType.CAPTURE, started_ms),
        *_belongs(txn, started_ms),
    )


def _belongs(txn: _Transaction, at_ms: int) -> Iterator[Fact]:
    """The invoices that it pays, and the subscription that it was charged for."""
    for each in txn.linked_invoices or ():
        yield from link(txn.id, payloads.ident_or_none(each.invoice_id, "invoice_id"), LinkType.INVOICE, at_ms)
    subscription_id = payloads.ident_or_none(txn.subscription_id, "subscription_id")
    yield from link(txn.id, subscription_id, LinkType.SUBSCRIPTION, at_ms)


def _paid(txn: _Transaction) -> str:
    """The payment that a refund or a reversal is of; '' where it is of several, or of none that is named."""
    linked = {each.id or each.txn_id for each in txn.linked_payments or ()}
    one = next(iter(linked)) if len(linked) == 1 else ""
    return payloads.ident_or_none(txn.refunded_txn_id or txn.reference_transaction_id or one, "the payment's id")


def _customer(txn: _Transaction, customer: account.Customer | None) -> dict[str, str]:
    invoices = txn.linked_invoices or ()
    return payloads.details(
        order_id=payloads.text(invoices[0].invoice_id) if invoices else "",
        customer_id=payloads.text(txn.customer_id),
        customer_email=payloads.text(customer.email) if customer else "",
        method=payloads.text(txn.payment_method),
    )
