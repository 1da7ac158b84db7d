"""What Xendit's API answers about an object.

Sources: Xendit's docs ("Get the status of a payment", "Get invoice", "Refund object") and its SDKs' models. The payment
is the payment request, or the invoice; both are joined where both name the same ``payment_id``. Amounts are decimal
major units.
"""

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit import metadata, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.xendit import payout
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_STATUSES: Final[Mapping[str, Kind]] = {
    "SUCCEEDED": Kind.CAPTURED,
    "PAID": Kind.CAPTURED,
    "SETTLED": Kind.CAPTURED,
    "AUTHORIZED": Kind.AUTHORIZED,
    "AWAITING_CAPTURE": Kind.AUTHORIZED,
    "PENDING": Kind.PROCESSING,
    "ACCEPTING_PAYMENTS": Kind.PROCESSING,
    "REQUIRES_ACTION": Kind.REQUIRES_ACTION,
    "FAILED": Kind.FAILED,
    "CANCELED": Kind.CANCELED,
    "CANCELLED": Kind.CANCELED,
    "VOIDED": Kind.CANCELED,
    "EXPIRED": Kind.EXPIRED,
}
_REFUNDS: Final[Mapping[str, Kind]] = {
    "SUCCEEDED": Kind.REFUND_SUCCEEDED,
    "PENDING": Kind.REFUND_PENDING,
    "FAILED": Kind.REFUND_FAILED,
    "CANCELLED": Kind.REFUND_FAILED,
}
_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REQUIRES_ACTION, Kind.REFUND_PENDING})
_MONEY: Final = frozenset({Kind.CAPTURED, Kind.AUTHORIZED})
_WITHOUT_REF: Final = frozenset({Kind.CANCELED, Kind.EXPIRED})


class _Capture(Struct):
    capture_id: str | None = None
    capture_amount: object = None
    id: str | None = None
    payment_request_id: str | None = None
    captured_amount: object = None
    currency: str | None = None
    status: str | None = None
    created: str | None = None
    updated: str | None = None


class _Object(Struct):
    """A payment, payment request, invoice or refund: the fields of all that are used."""

    id: str | None = None
    payment_id: str | None = None
    payment_request_id: str | None = None
    invoice_id: str | None = None
    reference_id: str | None = None
    external_id: str | None = None
    customer_id: str | None = None
    payer_email: str | None = None
    channel_code: str | None = None
    payment_channel: str | None = None
    status: str | None = None
    failure_code: str | None = None
    capture_method: str | None = None
    currency: str | None = None
    amount: object = None
    request_amount: object = None
    paid_amount: object = None
    created: str | None = None
    updated: str | None = None
    metadata: object = None
    captures: tuple[_Capture, ...] | None = None
    data: tuple[_Capture, ...] | None = None


_OBJECT: Final = payloads.decoder(_Object)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str, received_at_ms: int) -> Parsed:
    """Facts about the object asked for; not final while it is open, or the answer is about another one."""
    kind, _, subject_id = subject.partition(" ")
    if kind in payout.KINDS:
        return payout.read(payloads.read(payout.DECODER, body), kind, subject_id, received_at_ms)
    asked = payloads.read(_OBJECT, body)
    if kind == "captures":
        return _captures(asked.data or (), subject_id, received_at_ms)
    own = asked.payment_id if kind == "payment" else asked.payment_request_id or asked.id
    if (asked.id if kind in {"invoice", "refund"} else own) != subject_id:
        return Parsed(event=kind, reason="the answer is about another object", final=False)
    status = payloads.text(asked.status)
    found = (_REFUNDS if kind == "refund" else _STATUSES).get(status)
    if found is None:
        return Parsed(event=kind, reason=f"its status is unknown: {status!r}")
    facts = _refund(asked, found, received_at_ms) if kind == "refund" else _payment(asked, found, received_at_ms)
    if kind == "request":  # the money is told of by its payments, under their ids
        facts = tuple(fact for fact in facts if fact.kind not in _MONEY)
    return Parsed(event=f"{kind}: {status}", facts=facts, final=found not in _OPEN)


def key(subject: str, body: bytes) -> str:
    """Equal while the object changes neither its status nor an amount."""
    if subject.partition(" ")[0] in payout.KINDS:
        paid = payloads.read(payout.DECODER, body)
        return "poll:" + sha256(_ENCODER.encode((subject, paid))).hexdigest()
    asked = payloads.read(_OBJECT, body)
    said = (
        subject,
        (asked.id, asked.payment_id, asked.payment_request_id, asked.status),
        (asked.amount, asked.request_amount, asked.paid_amount),
        [(each.capture_id, each.id, each.status) for each in (asked.captures or ()) + (asked.data or ())],
        [(each.capture_amount, each.captured_amount) for each in (asked.captures or ()) + (asked.data or ())],
    )
    return "poll:" + sha256(_ENCODER.encode(said)).hexdigest()


def _payment(asked: _Object, kind: Kind, received_at_ms: int) -> tuple[Fact, ...]:
    currency = currency_code(asked.currency)
    aggregate = payloads.ident(asked.payment_request_id or asked.id, "the payment's id")
    ref = payloads.ident(asked.payment_id or aggregate, "the payment's id")
    amount = to_minor(asked.amount if asked.request_amount is None else asked.request_amount, currency)
    tell = partial(Fact, aggregate=aggregate, currency=currency, amount_minor=amount)
    created_ms = _time(asked.created, received_at_ms)
    at_ms = _time(asked.updated, created_ms)
    created = tell(kind=Kind.PAYMENT_CREATED, at_ms=created_ms, detail=_detail(asked))
    by_hand = kind is Kind.CAPTURED and asked.capture_method == "MANUAL"
    if by_hand:
        kind = Kind.AUTHORIZED  # how much of it was captured, its captures say
    if kind is Kind.CAPTURED:
        tell = partial(tell, amount_minor=_paid(asked, currency, amount))
    why = payloads.details(failure_code=payloads.text(asked.failure_code)) if kind is Kind.FAILED else {}
    stands = tell(kind=kind, ref="" if kind in _WITHOUT_REF else ref, at_ms=at_ms, detail=why)
    parts = _parts(asked, stands) if by_hand else ()
    same = link(aggregate, ref, LinkType.TRANSACTION, created_ms) if ref != aggregate else ()
    return (created, stands, *parts, *same, *metadata.expected(aggregate, _said(asked), created_ms))


def _said(asked: _Object) -> payloads.Record:
    """Payment requests and invoices are made with the secret key alone."""
    return payloads.child({"own": asked.metadata}, "own")


def _parts(asked: _Object, authorized: Fact) -> list[Fact]:
    """The captures that a payment of the newer API lists."""
    return [
        msgspec.structs.replace(
            authorized,
            kind=Kind.CAPTURED,
            ref=payloads.ident(each.capture_id, "capture_id"),
            amount_minor=to_minor(each.capture_amount, authorized.currency),
        )
        for each in asked.captures or ()
    ]


def _refund(asked: _Object, kind: Kind, received_at_ms: int) -> tuple[Fact, ...]:
    currency = currency_code(asked.currency)
    paid = asked.invoice_id or asked.payment_request_id or asked.payment_id
    return (
        Fact(
            aggregate=payloads.ident(paid, "what was refunded"),
            kind=kind,
            ref=payloads.ident(asked.id, "the refund's id"),
            at_ms=_time(asked.updated or asked.created, received_at_ms),
            amount_minor=to_minor(asked.amount, currency),
            currency=currency,
        ),
    )


def _captures(captures: tuple[_Capture, ...], request_id: str, received_at_ms: int) -> Parsed:
    """All captures of a payment request are one fact with their sum, as the request itself would be one."""
    done = [each for each in captures if each.status == "SUCCEEDED" and each.payment_request_id == request_id]
    if not done:
        return Parsed(event="captures", reason="no capture of this payment request succeeded")
    currency = currency_code(done[0].currency)
    fact = Fact(
        aggregate=request_id,
        kind=Kind.CAPTURED,
        ref=request_id,
        at_ms=max(_time(each.updated or each.created, received_at_ms) for each in done),
        amount_minor=sum(to_minor(each.captured_amount, currency) for each in done),
        currency=currency,
    )
    return Parsed(event="captures", facts=(fact,))


def _paid(asked: _Object, currency: str, amount: int) -> int:
    """What was captured; for an invoice what was paid; else what was asked."""
    if asked.captures:
        return sum(to_minor(each.capture_amount, currency) for each in asked.captures)
    return amount if asked.paid_amount is None else to_minor(asked.paid_amount, currency)


def _detail(asked: _Object) -> dict[str, str]:
    return payloads.details(
        order_id=payloads.first_text(asked.reference_id, asked.external_id),
        customer_id=payloads.text(asked.customer_id),
        customer_email=payloads.text(asked.payer_email),
        method=payloads.first_text(asked.channel_code, asked.payment_channel),
        **metadata.said(_said(asked)),
    )


def _time(value: str | None, otherwise_ms: int) -> int:
    return payloads.time_to_ms(value, "a time of the object") if value else otherwise_ms
