"""What Midtrans' API answers about an order.

Sources: Midtrans' docs ("GET status API requests", "Status cycle", "Refund transactions"). The payment is the order,
under which several transactions may be tried. Times are in Midtrans' own zone (UTC+7).
"""

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_ZONE: Final = "+07:00"
_OPEN: Final = frozenset({"pending", "authorize"})
_PAID: Final = frozenset(
    {"capture", "settlement", "refund", "partial_refund", "chargeback", "partial_chargeback"},
)
_UNPAID: Final[Mapping[str, tuple[Kind, ...]]] = {
    "authorize": (Kind.AUTHORIZED,),
    "pending": (Kind.PROCESSING,),
    "deny": (Kind.FAILED,),
    "failure": (Kind.FAILED,),
    "expire": (Kind.EXPIRED,),
    "cancel": (Kind.CANCELED, Kind.CAPTURE_REVERSED),
}
"""A card's capture may be cancelled until it is settled, so a cancel takes a capture back, too."""
_WITHOUT_REF: Final = frozenset({Kind.EXPIRED, Kind.CANCELED})


class _Refund(Struct):
    refund_amount: object
    refund_key: object = None
    refund_chargeback_id: object = None
    created_at: str | None = None


class _Answer(Struct):
    """What ``GET /v2/{order_id}/status`` says."""

    status_code: str | int | None = None
    status_message: str | None = None
    order_id: str | None = None
    transaction_id: str | None = None
    transaction_status: str | None = None
    fraud_status: str | None = None
    gross_amount: object = None
    currency: str | None = None
    payment_type: str | None = None
    transaction_time: str | None = None
    settlement_time: str | None = None
    refund_amount: object = None
    refunds: tuple[_Refund, ...] | None = None


_ANSWER: Final = payloads.decoder(_Answer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, order_id: str, received_at_ms: int) -> Parsed:
    """Facts about the order asked for; not final while it is open, or the answer is about something else."""
    answer = payloads.read(_ANSWER, body)
    if str(answer.status_code) == "404" or answer.order_id != order_id:
        message = payloads.text(answer.status_message) or "the answer is about another order"
        return Parsed(reason=f"no transaction of this order: {message}", final=False)
    return _read(answer, order_id, payloads.text(answer.transaction_status), received_at_ms)


def key(subject: str, body: bytes) -> str:
    """Equal while the order's transaction changes neither its status nor an amount."""
    answer = payloads.read(_ANSWER, body)
    said = (
        subject,
        (answer.order_id, answer.transaction_id, answer.transaction_status, answer.fraud_status),
        (answer.gross_amount, answer.refund_amount, answer.refunds),
    )
    return "poll:" + sha256(_ENCODER.encode(said)).hexdigest()


def _read(answer: _Answer, order_id: str, status: str, received_at_ms: int) -> Parsed:
    ref = payloads.ident(answer.transaction_id, "transaction_id")
    currency = currency_code(answer.currency or "IDR")
    created_ms = _time(answer.transaction_time, received_at_ms)
    tell = partial(Fact, aggregate=order_id, currency=currency, amount_minor=to_minor(answer.gross_amount, currency))
    detail = payloads.details(order_id=order_id, method=payloads.text(answer.payment_type))
    facts = [tell(kind=Kind.PAYMENT_CREATED, at_ms=created_ms, detail=detail)]
    at_ms = _time(answer.settlement_time, created_ms)
    held = status == "capture" and answer.fraud_status == "challenge"
    if held:
        facts.append(tell(kind=Kind.PROCESSING, ref=ref, at_ms=at_ms, detail={"reason": "held for review of fraud"}))
    elif status in _PAID:
        facts.append(tell(kind=Kind.CAPTURED, ref=ref, at_ms=at_ms))
        facts += _taken_back(answer, facts[-1], status)
    elif status in _UNPAID:
        why = payloads.details(failure_message=payloads.text(answer.status_message)) if status == "deny" else {}
        for kind in _UNPAID[status]:
            facts.append(tell(kind=kind, ref="" if kind in _WITHOUT_REF else ref, at_ms=at_ms, detail=why))
    else:
        return Parsed(event=status, reason=f"its status is unknown: {status!r}")
    return Parsed(event=status, facts=tuple(facts), final=not held and status not in _OPEN)


def _taken_back(answer: _Answer, captured: Fact, status: str) -> list[Fact]:
    """Refunds, each once; where the answer lists none, their sum. A chargeback is of all, or its amount is unknown."""
    change = partial(msgspec.structs.replace, captured)
    if status in {"chargeback", "partial_chargeback"}:
        part: dict[str, object] = {} if status == "chargeback" else {"amount_minor": None, "currency": ""}
        ref = f"{captured.ref}:chargeback"
        return [change(kind=Kind.DISPUTE_STATUS, ref=ref, detail={"status": "lost"}, **part)]
    if status not in {"refund", "partial_refund"}:
        return []
    if answer.refunds:
        return [_refund(refund, captured) for refund in answer.refunds]
    total = captured.amount_minor if answer.refund_amount is None else to_minor(answer.refund_amount, captured.currency)
    return [change(kind=Kind.REFUNDED_TOTAL, ref="", amount_minor=total)]


def _refund(refund: _Refund, captured: Fact) -> Fact:
    own = payloads.ident_or_none(refund.refund_key, "refund_key")
    return msgspec.structs.replace(
        captured,
        kind=Kind.REFUND_SUCCEEDED,
        ref=own or payloads.ident(refund.refund_chargeback_id, "refund_chargeback_id"),
        at_ms=_time(refund.created_at, captured.at_ms),
        amount_minor=to_minor(refund.refund_amount, captured.currency),
    )


def _time(value: str | None, otherwise_ms: int) -> int:
    return payloads.time_to_ms(value + _ZONE, "a time of the transaction") if value else otherwise_ms
