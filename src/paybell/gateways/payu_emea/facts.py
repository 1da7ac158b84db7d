"""What a notification of PayU's says of an order or of a refund. Amounts are whole digits of minor units."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit.amounts import ISO_EXPONENTS, currency_code, to_iso
from paybell.gateways.kit.payloads import decoder, details, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed

_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("NEW", "PENDING"), Kind.PROCESSING),
    "WAITING_FOR_CONFIRMATION": Kind.AUTHORIZED,
    "COMPLETED": Kind.CAPTURED,
    "CANCELED": Kind.CANCELED,
}
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("PENDING", "INITIATED"), Kind.REFUND_PENDING),
    "FINALIZED": Kind.REFUND_SUCCEEDED,
    "CANCELED": Kind.REFUND_FAILED,
}
_DIGITS_MAX: Final = 16


class _Buyer(Struct, rename="camel"):
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    ext_customer_id: str | None = None


class _Order(Struct, rename="camel"):
    order_id: str
    status: str
    total_amount: str
    currency_code: str
    ext_order_id: str | None = None
    order_create_date: str | None = None
    buyer: _Buyer | None = None


class _Refund(Struct, rename="camel"):
    refund_id: str | int
    amount: str
    currency_code: str
    status: str
    status_date_time: str | None = None


class _Body(Struct, rename="camel"):
    order: _Order | None = None
    order_id: str | None = None
    refund: _Refund | None = None
    local_receipt_date_time: str | None = None


_BODY: Final = decoder(_Body)


def read_body(raw: bytes, received_at_ms: int) -> Parsed:
    """Facts from the order, or from the refund of one."""
    body = read(_BODY, raw)
    if body.refund is not None:
        return _refund(body.refund, body.order_id, received_at_ms)
    if body.order is not None:
        return _order(body.order, _time(body.local_receipt_date_time, received_at_ms))
    return Parsed(reason="it tells of no order and no refund")


def _time(value: str | None, otherwise_ms: int) -> int:
    return time_to_ms(value, "a time") if value else otherwise_ms


def _minor(amount: str, currency: str) -> int:
    if not (amount.isascii() and amount.isdigit() and len(amount) <= _DIGITS_MAX):
        raise MalformedPayload("an amount must be whole digits")
    return to_iso(int(amount), currency, ISO_EXPONENTS)


def _order(order: _Order, at_ms: int) -> Parsed:
    kind = _KINDS.get(order.status)
    if kind is None:
        return Parsed(event=text(order.status), reason=f"its status {text(order.status)!r} is unknown")
    currency = currency_code(order.currency_code)
    started = Fact(
        aggregate=ident(order.order_id, "the order's id"),
        kind=Kind.PAYMENT_CREATED,
        at_ms=_time(order.order_create_date, at_ms),
        amount_minor=_minor(order.total_amount, currency),
        currency=currency,
        detail=_detail(order),
    )
    return Parsed(event=order.status, facts=(started, _operation(started, kind, at_ms)))


def _operation(started: Fact, kind: Kind, at_ms: int) -> Fact:
    if kind in {Kind.AUTHORIZED, Kind.CAPTURED}:
        return msgspec.structs.replace(started, kind=kind, ref=started.aggregate, at_ms=at_ms, detail={})
    ref = "" if kind is Kind.CANCELED else started.aggregate
    return Fact(aggregate=started.aggregate, kind=kind, ref=ref, at_ms=at_ms)


def _detail(order: _Order) -> dict[str, str]:
    buyer = order.buyer or _Buyer()
    return details(
        order_id=text(order.ext_order_id),
        customer_id=text(buyer.ext_customer_id),
        customer_email=text(buyer.email),
        customer_name=f"{text(buyer.first_name)} {text(buyer.last_name)}".strip(),
        customer_phone=text(buyer.phone),
    )


def _refund(refund: _Refund, order_id: str | None, received_at_ms: int) -> Parsed:
    kind, event = _REFUND_KINDS.get(refund.status), f"refund {text(refund.status)}"
    if kind is None:
        return Parsed(event=event, reason=f"its status {text(refund.status)!r} is unknown")
    currency = currency_code(refund.currency_code)
    fact = Fact(
        aggregate=ident(order_id, "the order's id"),
        kind=kind,
        ref=ident(refund.refund_id, "the refund's id"),
        at_ms=_time(refund.status_date_time, received_at_ms),
        amount_minor=_minor(refund.amount, currency),
        currency=currency,
    )
    return Parsed(event=event, facts=(fact,))
