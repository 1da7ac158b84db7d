"""What the API v3 answers about a transaction or a refund. Amounts are decimal major units.

The payment is the transaction (``id``); a refund names it as ``tx_id``, and usually says no currency.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.payloads import body_key, decoder, details, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

REFUND: Final = "refund:"
"""Begins the subject of a question about a refund; a transaction's is its id alone."""

_KINDS: Final[Mapping[str, Kind]] = {
    "successful": Kind.CAPTURED,
    "failed": Kind.FAILED,
    "pending": Kind.PROCESSING,
}
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "completed": Kind.REFUND_SUCCEEDED,
    "failed": Kind.REFUND_FAILED,
    **dict.fromkeys(("new", "pending"), Kind.REFUND_PENDING),
}
_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REFUND_PENDING})


class _Customer(Struct):
    id: int | str | None = None
    name: str | None = None
    email: str | None = None
    phone_number: str | None = None


class _Data(Struct):
    id: int | str
    status: str
    created_at: str | None = None
    currency: str | None = None
    amount: object = None
    charged_amount: object = None
    app_fee: object = None
    tx_ref: str | None = None
    payment_type: str | None = None
    processor_response: str | None = None
    customer: _Customer | None = None
    tx_id: int | str | None = None
    amount_refunded: object = None


class _Answer(Struct):
    status: str
    message: str | None = None
    data: _Data | None = None


_ANSWER: Final = decoder(_Answer)


def read_body(body: bytes, subject: str, refund_currency: str, received_at_ms: int) -> Parsed:
    """Facts about what was asked for; not final while it is open, or the answer is about something else."""
    found = read(_ANSWER, body)
    data = found.data
    if found.status != "success" or data is None:
        return Parsed(reason=f"nothing is known of it yet: {text(found.message)}", final=False)
    if str(data.id) != subject.removeprefix(REFUND):
        return Parsed(reason="the answer is about something else", final=False)
    at_ms = time_to_ms(data.created_at, "created_at") if data.created_at else received_at_ms
    if subject.startswith(REFUND):
        return _refund(data, refund_currency, at_ms)
    return _transaction(data, at_ms)


def key(subject: str, body: bytes) -> str:
    """A key that changes when the status or the amounts do."""
    found = read(_ANSWER, body)
    data = found.data
    said = (
        (found.status,)
        if data is None
        else (data.id, data.status, data.currency, data.amount, data.tx_id, data.amount_refunded)
    )
    return "poll:" + body_key("\n".join(str(each)[:64] for each in (subject, *said)).encode())


def _unknown(event: str, status: str) -> Parsed:
    return Parsed(event=event, reason=f"its status {text(status)!r} is unknown", final=False)


def _transaction(data: _Data, at_ms: int) -> Parsed:
    kind = _KINDS.get(data.status.lower())
    if kind is None:
        return _unknown("transaction", data.status)
    aggregate, currency = ident(data.id, "the transaction's id"), currency_code(data.currency)
    started = Fact(
        aggregate=aggregate,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=to_minor(data.amount, currency),
        currency=currency,
        detail=_detail(data),
    )
    fees: list[Fact] = []
    if kind is Kind.CAPTURED:
        attempt = msgspec.structs.replace(started, kind=kind, ref=aggregate, detail={})
        fees = _fee(data, attempt)
    else:
        failure = details(failure_message=text(data.processor_response)) if kind is Kind.FAILED else {}
        attempt = Fact(aggregate=aggregate, kind=kind, ref=aggregate, at_ms=at_ms, detail=failure)
    return Parsed(event="transaction", facts=(started, attempt, *fees), final=kind not in _OPEN)


def _fee(data: _Data, captured: Fact) -> list[Fact]:
    """What Flutterwave keeps; where the customer was charged more than the amount, it was he who paid it."""
    if data.charged_amount != data.amount:
        return []
    return fee(captured, lambda: to_minor(data.app_fee or 0, captured.currency))


def _detail(data: _Data) -> dict[str, str]:
    who = data.customer or _Customer()
    return details(
        order_id=text(data.tx_ref),
        customer_id="" if who.id is None else text(str(who.id)),
        customer_name=text(who.name),
        customer_email=text(who.email),
        customer_phone=text(who.phone_number),
        method=text(data.payment_type),
    )


def _refund(data: _Data, refund_currency: str, at_ms: int) -> Parsed:
    kind = _REFUND_KINDS.get(data.status.lower().partition("-")[0])  # such as pending-momo: how it is paid follows
    if kind is None:
        return _unknown("refund", data.status)
    if not (data.currency or refund_currency):
        return Parsed(event="refund", reason="the answer names no currency: set the source's option 'refundCurrency'")
    currency = currency_code(data.currency or refund_currency)
    fact = Fact(
        aggregate=ident(data.tx_id, "the refunded transaction's id"),
        kind=kind,
        ref=ident(data.id, "the refund's id"),
        at_ms=at_ms,
        amount_minor=to_minor(data.amount_refunded, currency),
        currency=currency,
    )
    return Parsed(event="refund", facts=(fact,), final=kind not in _OPEN)
