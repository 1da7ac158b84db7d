"""What Recurly's API answers about a transaction, or about an invoice with its transactions.

Source: Recurly's API reference (v2021-02-25). The payment is the transaction; a refund names the original one. Amounts
are decimal major units. An invoice tells of the same transactions, under the same ids.
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

_OPEN: Final = frozenset({"pending", "processing", "scheduled"})
_PAYMENT: Final[Mapping[str, tuple[Kind, ...]]] = {
    "success": (Kind.CAPTURED,),
    "chargeback": (Kind.CAPTURED, Kind.DISPUTE_STATUS),
    "void": (Kind.CAPTURE_REVERSED, Kind.CANCELED),
    **dict.fromkeys(("declined", "error"), (Kind.FAILED,)),
    **dict.fromkeys(_OPEN, (Kind.PROCESSING,)),
}
_AUTHORIZATION: Final[Mapping[str, tuple[Kind, ...]]] = {
    **_PAYMENT,
    "success": (Kind.AUTHORIZED,),
    "void": (Kind.CANCELED,),
}
_REFUND: Final[Mapping[str, Kind]] = {
    "success": Kind.REFUND_SUCCEEDED,
    **dict.fromkeys(("declined", "error", "void"), Kind.REFUND_FAILED),
    **dict.fromkeys(_OPEN, Kind.REFUND_PENDING),
}


class _Account(Struct):
    code: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class _Invoice(Struct):
    number: str | None = None


class _Transaction(Struct):
    id: str
    uuid: str | None = None
    type: str | None = None
    status: str | None = None
    amount: object = None
    currency: str | None = None
    original_transaction_id: str | None = None
    status_code: str | None = None
    status_message: str | None = None
    created_at: str | None = None
    collected_at: str | None = None
    voided_at: str | None = None
    account: _Account | None = None
    invoice: _Invoice | None = None


class _Answer(Struct):
    object: str
    id: str
    uuid: str | None = None
    transactions: tuple[_Transaction, ...] | None = None


_ANSWER: Final = payloads.decoder(_Answer)
_TRANSACTION: Final = payloads.decoder(_Transaction)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str) -> Parsed:
    """Facts of all transactions; not final while one is open, or the answer is about something else."""
    answer = payloads.read(_ANSWER, body)
    if subject not in {answer.id, f"uuid-{answer.uuid}"}:
        return Parsed(event=answer.object[:64], reason="the answer is about another object", final=False)
    transactions = _transactions(answer, body)
    facts = tuple(fact for each in transactions for fact in _facts(each))
    kinds = ", ".join(f"{payloads.text(each.type)} {payloads.text(each.status)}" for each in transactions)
    reason = "" if facts else f"no transaction that moves money: {kinds or 'none'}"
    final = not any(each.status in _OPEN for each in transactions)
    return Parsed(event=payloads.text(answer.object), facts=facts, reason=reason, final=final)


def key(subject: str, body: bytes) -> str:
    """A key that changes when a transaction's status or amount does."""
    answer = payloads.read(_ANSWER, body)
    said = [
        (each.id, each.type, each.status, each.amount, each.original_transaction_id)
        for each in _transactions(answer, body)
    ]
    return "poll:" + sha256(_ENCODER.encode((subject, answer.id, said))).hexdigest()


def _transactions(answer: _Answer, body: bytes) -> tuple[_Transaction, ...]:
    if answer.object == "transaction":
        return (payloads.read(_TRANSACTION, body),)
    return answer.transactions or ()


def _facts(txn: _Transaction) -> tuple[Fact, ...]:
    txn_id = payloads.ident(txn.id, "the transaction's id")
    currency, created_ms = currency_code(txn.currency), payloads.time_to_ms(txn.created_at, "created_at")
    at = txn.voided_at or txn.collected_at
    tell = partial(
        Fact,
        aggregate=payloads.ident(txn.original_transaction_id or txn_id, "the original transaction's id"),
        at_ms=payloads.time_to_ms(at, "a time of the transaction") if at else created_ms,
        amount_minor=to_minor(txn.amount, currency),
        currency=currency,
    )
    if txn.type == "refund":
        kind = _REFUND.get(txn.status or "")
        return () if kind is None else (tell(kind=kind, ref=txn_id),)
    table = {"purchase": _PAYMENT, "capture": _PAYMENT, "authorization": _AUTHORIZATION}.get(txn.type or "", {})
    told = [tell(kind=kind, ref=_ref(kind, txn_id), detail=_why(kind, txn)) for kind in table.get(txn.status or "", ())]
    created = tell(kind=Kind.PAYMENT_CREATED, at_ms=created_ms, detail=_customer(txn))
    return (created, *told) if told else ()


def _ref(kind: Kind, txn_id: str) -> str:
    if kind is Kind.DISPUTE_STATUS:
        return f"{txn_id}:chargeback"
    return "" if kind is Kind.CANCELED else txn_id


def _why(kind: Kind, txn: _Transaction) -> dict[str, str]:
    if kind is Kind.DISPUTE_STATUS:
        return {"status": "open"}
    if kind is not Kind.FAILED:
        return {}
    return payloads.details(
        failure_code=payloads.text(txn.status_code), failure_message=payloads.text(txn.status_message)
    )


def _customer(txn: _Transaction) -> dict[str, str]:
    account = txn.account or _Account()
    names = (payloads.text(account.first_name), payloads.text(account.last_name))
    return payloads.details(
        order_id=payloads.text(txn.invoice.number) if txn.invoice else "",
        customer_id=payloads.text(account.code),
        customer_email=payloads.text(account.email),
        customer_name=" ".join(name for name in names if name),
    )
