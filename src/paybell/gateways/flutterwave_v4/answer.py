"""What the API v4 answers about a charge or a refund. Amounts are decimal major units.

The payment is the charge (``id``); a refund names it as ``charge_id``, and says no currency.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import body_key, decoder, details, ident, read, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

REFUND: Final = "refund:"
"""Begins the subject of a question about a refund; a charge's is its id alone."""

_KINDS: Final[Mapping[str, Kind]] = {
    "succeeded": Kind.CAPTURED,
    "failed": Kind.FAILED,
    "pending": Kind.PROCESSING,
}
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("succeeded", "completed"), Kind.REFUND_SUCCEEDED),
    **dict.fromkeys(("failed", "cancelled"), Kind.REFUND_FAILED),
    **dict.fromkeys(("new", "pending"), Kind.REFUND_PENDING),
}
_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REFUND_PENDING})


class _Customer(Struct):
    id: str | None = None
    email: str | None = None


class _Processor(Struct):
    type: str | None = None
    code: str | None = None


class _Method(Struct):
    type: str | None = None


class _Data(Struct):
    id: str
    status: str
    created_datetime: str | None = None
    currency: str | None = None
    amount: object = None
    reference: str | None = None
    customer: _Customer | str | None = None
    payment_method_details: _Method | None = None
    processor_response: _Processor | None = None
    charge_id: str | None = None
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
    if data.id != subject.removeprefix(REFUND):
        return Parsed(reason="the answer is about something else", final=False)
    at_ms = time_to_ms(data.created_datetime, "created_datetime") if data.created_datetime else received_at_ms
    if subject.startswith(REFUND):
        return _refund(data, refund_currency, at_ms)
    return _charge(data, at_ms)


def key(subject: str, body: bytes) -> str:
    """A key that changes when the status or the amounts do."""
    found = read(_ANSWER, body)
    data = found.data
    said = (
        (found.status,)
        if data is None
        else (data.id, data.status, data.currency, data.amount, data.charge_id, data.amount_refunded)
    )
    return "poll:" + body_key("\n".join(str(each)[:64] for each in (subject, *said)).encode())


def _unknown(event: str, status: str) -> Parsed:
    return Parsed(event=event, reason=f"its status {text(status)!r} is unknown", final=False)


def _charge(data: _Data, at_ms: int) -> Parsed:
    kind = _KINDS.get(data.status.lower())
    if kind is None:
        return _unknown("charge", data.status)
    aggregate, currency = ident(data.id, "the charge's id"), currency_code(data.currency)
    started = Fact(
        aggregate=aggregate,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=to_minor(data.amount, currency),
        currency=currency,
        detail=_detail(data),
    )
    if kind is Kind.CAPTURED:
        attempt = msgspec.structs.replace(started, kind=kind, ref=aggregate, detail={})
    else:
        attempt = Fact(aggregate=aggregate, kind=kind, ref=aggregate, at_ms=at_ms, detail=_failure(data, kind))
    return Parsed(event="charge", facts=(started, attempt), final=kind not in _OPEN)


def _failure(data: _Data, kind: Kind) -> dict[str, str]:
    said = data.processor_response
    if kind is not Kind.FAILED or said is None:
        return {}
    return details(failure_code=text(said.code), failure_message=text(said.type))


def _detail(data: _Data) -> dict[str, str]:
    who = data.customer if isinstance(data.customer, _Customer) else _Customer(id=data.customer)
    return details(
        order_id=text(data.reference),
        customer_id=text(who.id),
        customer_email=text(who.email),
        method=text(data.payment_method_details.type) if data.payment_method_details is not None else "",
    )


def _refund(data: _Data, refund_currency: str, at_ms: int) -> Parsed:
    kind = _REFUND_KINDS.get(data.status.lower())
    if kind is None:
        return _unknown("refund", data.status)
    if not (data.currency or refund_currency):
        return Parsed(event="refund", reason="the answer names no currency: set the source's option 'refundCurrency'")
    currency = currency_code(data.currency or refund_currency)
    fact = Fact(
        aggregate=ident(data.charge_id, "the refunded charge's id"),
        kind=kind,
        ref=ident(data.id, "the refund's id"),
        at_ms=at_ms,
        amount_minor=to_minor(data.amount_refunded, currency),
        currency=currency,
    )
    return Parsed(event="refund", facts=(fact,), final=kind not in _OPEN)
