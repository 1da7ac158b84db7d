"""What dLocal's objects say: a payment, a refund, a chargeback, a payout.

A capture of an authorized payment is an object of its own, with an id that refunds and chargebacks name; it names its
authorisation, and so is joined to it. Its order id is that of the capture, not of the payment, and is left out.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import accounts, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.model.account import PayoutStatus
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_PAYMENT: Final[Mapping[str, Kind]] = {
    "PENDING": Kind.PROCESSING,
    "AUTHORIZED": Kind.AUTHORIZED,
    "PAID": Kind.CAPTURED,
    "REJECTED": Kind.FAILED,
    "CANCELLED": Kind.CANCELED,
    "EXPIRED": Kind.EXPIRED,
}
_WITHOUT_REF: Final = frozenset({Kind.CANCELED, Kind.EXPIRED})
_REFUND: Final[Mapping[str, Kind]] = {
    "PENDING": Kind.REFUND_PENDING,
    "SUCCESS": Kind.REFUND_SUCCEEDED,
    "REJECTED": Kind.REFUND_FAILED,
    "CANCELLED": Kind.REFUND_FAILED,
}
_PAYOUT: Final = "PO-"
_PAYOUTS: Final[Mapping[str, PayoutStatus]] = {
    "PENDING": PayoutStatus.CREATED,
    "PAID": PayoutStatus.PAID,
    "CANCELLED": PayoutStatus.CANCELED,
    "REJECTED": PayoutStatus.FAILED,
}
_CHARGEBACK: Final[Mapping[str, str]] = {"202": "lost", "700": "won", "800": "warning"}
"""By the status code; all other codes are stages of an open one."""


class _Payer(Struct):
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class _Object(Struct):
    id: object = None
    payment_id: object = None
    authorization_id: object = None
    status: str | None = None
    status_code: str | int | None = None
    status_detail: str | None = None
    amount: object = None
    currency: str | None = None
    order_id: str | None = None
    payment_method_type: str | None = None
    payer: _Payer | None = None
    created_date: str | None = None
    approved_date: str | None = None
    last_updated: str | None = None


_OBJECT: Final = payloads.decoder(_Object)


def read(body: bytes, received_at_ms: int) -> Parsed:
    """Facts from the object; what names another payment is its refund or its chargeback."""
    thing = payloads.read(_OBJECT, body)
    status = payloads.text(thing.status)
    if not status or thing.currency is None:
        return Parsed(event=status, reason="it is no payment, refund, chargeback or payout")
    at_ms = _time(thing.last_updated or thing.approved_date or thing.created_date, received_at_ms)
    of = _payout if str(thing.id).startswith(_PAYOUT) else _part if thing.payment_id else _payment
    facts = of(thing, status, at_ms)
    return Parsed(event=status, facts=facts, reason="" if facts else f"its status gives no fact: {status!r}")


def _payment(thing: _Object, status: str, at_ms: int) -> tuple[Fact, ...]:
    kind = _PAYMENT.get(status)
    if kind is None:
        return ()
    payment_id = payloads.ident(thing.id, "the payment's id")
    authorization_id = payloads.ident_or_none(thing.authorization_id, "authorization_id")
    tell, created_ms = _teller(thing, payment_id), _time(thing.created_date, at_ms)
    if authorization_id and kind in _WITHOUT_REF:
        kind = Kind.FAILED  # a capture that came to nothing: the authorisation stands
    detail = payloads.details(failure_code=payloads.text(str(thing.status_code or "")), failure_message=_words(thing))
    stands = tell(
        kind=kind,
        ref="" if kind in _WITHOUT_REF else payment_id,
        at_ms=at_ms,
        detail=detail if kind is Kind.FAILED else {},
    )
    if authorization_id:
        return (stands, *link(authorization_id, payment_id, LinkType.CAPTURE, created_ms))
    return (tell(kind=Kind.PAYMENT_CREATED, at_ms=created_ms, detail=_customer(thing)), stands)


def _part(thing: _Object, status: str, at_ms: int) -> tuple[Fact, ...]:
    ref = payloads.ident(thing.id, "the id of the refund or chargeback")
    tell = partial(_teller(thing, payloads.ident(thing.payment_id, "payment_id")), ref=ref, at_ms=at_ms)
    if ref.upper().startswith("CHA"):
        found = _CHARGEBACK.get(str(thing.status_code), "open")
        return (tell(kind=Kind.DISPUTE_STATUS, detail=payloads.details(status=found, reason=_words(thing))),)
    kind = _REFUND.get(status)
    return () if kind is None else (tell(kind=kind),)


def _payout(thing: _Object, status: str, at_ms: int) -> tuple[Fact, ...]:
    """What is asked to be paid; what that debits in the balance's currency, with its fees, is not told."""
    stands = _PAYOUTS.get(status)
    if stands is None:
        return ()
    currency = currency_code(thing.currency)
    why = payloads.details(failure_code=payloads.text(str(thing.status_code or "")), failure_message=_words(thing))
    ended = stands in {PayoutStatus.FAILED, PayoutStatus.CANCELED}
    money = to_minor(thing.amount, currency), currency
    payout_id = payloads.ident(thing.id, "the payout's id")
    return (accounts.payout(payout_id, stands, at_ms=at_ms, money=money, why=why if ended else {}),)


def _teller(thing: _Object, aggregate: str) -> partial[Fact]:
    currency = currency_code(thing.currency)
    return partial(Fact, aggregate=aggregate, amount_minor=to_minor(thing.amount, currency), currency=currency)


def _customer(thing: _Object) -> dict[str, str]:
    payer = thing.payer or _Payer()
    return payloads.details(
        order_id=payloads.text(thing.order_id),
        customer_name=payloads.text(payer.name),
        customer_email=payloads.text(payer.email),
        customer_phone=payloads.text(payer.phone),
        method=payloads.text(thing.payment_method_type),
    )


def _words(thing: _Object) -> str:
    return payloads.text(thing.status_detail)


def _time(value: str | None, otherwise_ms: int) -> int:
    return payloads.time_to_ms(value, "a date of the object") if value else otherwise_ms
