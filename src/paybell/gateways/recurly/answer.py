"""What Recurly's API answers about a transaction, or about an invoice with its transactions; the rest is elsewhere.

Source: Recurly's API reference (v2021-02-25). The payment is the transaction; a refund names the original one. Amounts
are decimal major units. An invoice tells of the same transactions, under the same ids.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.links import link
from paybell.gateways.recurly import account as other
from paybell.model.alias import LinkType
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


class _Invoice(Struct):
    id: str | None = None
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
    account: other.Account | None = None
    invoice: _Invoice | None = None
    subscription_ids: tuple[str, ...] | None = None


class _Answer(Struct):
    object: str
    id: str
    uuid: str | None = None
    transactions: tuple[_Transaction, ...] | None = None


_OF_ACCOUNT: Final = frozenset({"subscription", "account"})

_ANSWER: Final = payloads.decoder(_Answer)
_TRANSACTION: Final = payloads.decoder(_Transaction)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str) -> Parsed:
    """Facts of all transactions; not final while one is open, or the answer is about something else."""
    answer = payloads.read(_ANSWER, body)
    if subject not in {answer.id, f"uuid-{answer.uuid}"}:
        return Parsed(event=answer.object[:64], reason="the answer is about another object", final=False)
    transactions = _transactions(answer, body)
    facts = (*(fact for each in transactions for fact in _facts(each)), *_account(answer, body))
    if not facts and answer.object in _OF_ACCOUNT:
        return Parsed(event=answer.object, reason="its state is unknown")
    kinds = ", ".join(f"{payloads.text(each.type)} {payloads.text(each.status)}" for each in transactions)
    reason = "" if facts else f"no transaction that moves money: {kinds or 'none'}"
    final = not any(each.status in _OPEN for each in transactions)
    return Parsed(event=payloads.text(answer.object), facts=facts, reason=reason, final=final)


def _account(answer: _Answer, body: bytes) -> list[Fact]:
    """Facts of what is not money itself."""
    match answer.object:
        case "subscription":
            return other.subscription(payloads.read(other.SUBSCRIPTION, body))
        case "invoice":
            return other.invoice(payloads.read(other.INVOICE, body))
        case "account":
            return other.account(payloads.read(other.ACCOUNT, body))
        case _:
            return []


def key(subject: str, body: bytes) -> str:
    """A key that changes when a transaction's status or amount does, or what is said of the rest."""
    answer = payloads.read(_ANSWER, body)
    said = [
        (each.id, each.type, each.status, each.amount, each.original_transaction_id)
        for each in _transactions(answer, body)
    ]
    return "poll:" + sha256(_ENCODER.encode((subject, answer.id, said, _account(answer, body)))).hexdigest()


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
    return (created, *told, *_belongs(txn, created)) if told else ()


def _belongs(txn: _Transaction, created: Fact) -> Iterator[Fact]:
    """The invoice that it pays, and the subscriptions that it was charged for."""
    invoice_id = payloads.ident_or_none(txn.invoice.id, "the invoice's id") if txn.invoice else ""
    yield from link(created.aggregate, invoice_id, LinkType.INVOICE, created.at_ms)
    for each in txn.subscription_ids or ():
        subscription_id = payloads.ident_or_none(each, "a subscription's id")
        yield from link(created.aggregate, subscription_id, LinkType.SUBSCRIPTION, created.at_ms)


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
    number = payloads.text(txn.invoice.number) if txn.invoice else ""
    return {**payloads.details(order_id=number), **other.who(txn.account)}
