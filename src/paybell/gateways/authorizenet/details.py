"""What Authorize.Net's API answers to ``getTransactionDetailsRequest``.

Source: Authorize.Net's API reference ("Get transaction details", with the list of transaction statuses). Its JSON
begins with a byte order mark.
"""

from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_REFUND: Final = "refundTransaction"
_PAYMENT: Final[Mapping[str, tuple[Kind, ...]]] = {
    "authorizedPendingCapture": (Kind.AUTHORIZED,),
    **dict.fromkeys(("capturedPendingSettlement", "settledSuccessfully"), (Kind.CAPTURED,)),
    "voided": (Kind.CANCELED, Kind.CAPTURE_REVERSED),
    "expired": (Kind.EXPIRED,),
    **dict.fromkeys(("declined", "generalError", "communicationError", "failedReview"), (Kind.FAILED,)),
    **dict.fromkeys(
        ("FDSPendingReview", "FDSAuthorizedPendingReview", "underReview", "authorizedPendingRelease"),
        (Kind.PROCESSING,),
    ),
}
_REFUNDS: Final[Mapping[str, Kind]] = {
    "refundPendingSettlement": Kind.REFUND_PENDING,
    "refundSettledSuccessfully": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(
        ("voided", "declined", "generalError", "communicationError", "settlementError", "expired"), Kind.REFUND_FAILED
    ),
}
_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REFUND_PENDING})
_WITHOUT_REF: Final = frozenset({Kind.CANCELED, Kind.EXPIRED})


class _Order(Struct, rename="camel"):
    invoice_number: str | None = None


class _Customer(Struct):
    id: str | None = None
    email: str | None = None


class _Transaction(Struct, rename="camel"):
    trans_id: str
    ref_trans_id: str | None = None
    transaction_type: str | None = None
    transaction_status: str | None = None
    auth_amount: object = None
    settle_amount: object = None
    submit_time: str | None = msgspec.field(name="submitTimeUTC", default=None)
    response_reason_code: int | str | None = None
    response_reason_description: str | None = None
    order: _Order | None = None
    customer: _Customer | None = None


class _Message(Struct):
    code: str | None = None
    text: str | None = None


class _Messages(Struct, rename="camel"):
    result_code: str | None = None
    message: tuple[_Message, ...] | None = None


class _Answer(Struct):
    messages: _Messages
    transaction: _Transaction | None = None


_ANSWER: Final = payloads.decoder(_Answer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, transaction_id: str, currency: str, received_at_ms: int) -> Parsed:
    """Facts of the transaction asked for; not final while it is open, or there is none."""
    answer = _decode(body)
    txn = answer.transaction
    if txn is None or txn.trans_id != transaction_id:
        said = "; ".join(payloads.text(each.text) for each in answer.messages.message or ())
        return Parsed(
            reason=f"no details of this transaction: {said or 'the answer is about another one'}", final=False
        )
    status = payloads.text(txn.transaction_status)
    at_ms = payloads.time_to_ms(txn.submit_time, "submitTimeUTC") if txn.submit_time else received_at_ms
    facts = (_refund if txn.transaction_type == _REFUND else _payment)(txn, status, currency, at_ms)
    reason = "" if facts else f"its status gives no fact, or it names no payment: {status!r}"
    final = not any(fact.kind in _OPEN for fact in facts)
    return Parsed(event=payloads.text(txn.transaction_type), facts=facts, reason=reason, final=final)


def key(subject: str, body: bytes) -> str:
    """A key that changes when the transaction's status or its amounts do."""
    answer = _decode(body)
    txn = answer.transaction
    who = (txn.trans_id, txn.ref_trans_id, txn.transaction_type) if txn else ()
    what = (txn.transaction_status, txn.auth_amount, txn.settle_amount) if txn else (answer.messages.result_code,)
    return "poll:" + sha256(_ENCODER.encode((subject, who, what))).hexdigest()


def _decode(body: bytes) -> _Answer:
    return payloads.read(_ANSWER, body.removeprefix(_BYTE_ORDER_MARK))


def _refund(txn: _Transaction, status: str, currency: str, at_ms: int) -> tuple[Fact, ...]:
    kind, paid = _REFUNDS.get(status), payloads.ident_or_none(txn.ref_trans_id, "refTransId")
    if kind is None or not paid:
        return ()
    return (_teller(txn, paid, currency, at_ms)(kind=kind, ref=payloads.ident(txn.trans_id, "transId")),)


def _payment(txn: _Transaction, status: str, currency: str, at_ms: int) -> tuple[Fact, ...]:
    payment_id, kinds = payloads.ident(txn.trans_id, "transId"), _PAYMENT.get(status, ())
    if not kinds:
        return ()
    tell = _teller(txn, payment_id, currency, at_ms)
    customer = txn.customer or _Customer()
    detail = payloads.details(
        order_id=payloads.text(txn.order.invoice_number) if txn.order else "",
        customer_id=payloads.text(customer.id),
        customer_email=payloads.text(customer.email),
    )
    asked = to_minor(txn.auth_amount, currency)
    told = (
        tell(
            kind=kind,
            ref="" if kind in _WITHOUT_REF else payment_id,
            detail=_why(txn) if kind is Kind.FAILED else {},
        )
        for kind in kinds
    )
    return (tell(kind=Kind.PAYMENT_CREATED, amount_minor=asked, detail=detail), *told)


def _teller(txn: _Transaction, aggregate: str, currency: str, at_ms: int) -> partial[Fact]:
    amount = txn.settle_amount or txn.auth_amount
    return partial(Fact, aggregate=aggregate, at_ms=at_ms, amount_minor=to_minor(amount, currency), currency=currency)


def _why(txn: _Transaction) -> dict[str, str]:
    return payloads.details(
        failure_code=payloads.text(str(txn.response_reason_code or "")),
        failure_message=payloads.text(txn.response_reason_description),
    )
