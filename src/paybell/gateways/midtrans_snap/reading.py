"""What a notification under BI-SNAP says: a transaction's status, or that a virtual account was paid."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_KINDS: Final[Mapping[str, Kind]] = {
    "00": Kind.CAPTURED,
    "01": Kind.PROCESSING,
    "02": Kind.PROCESSING,
    "03": Kind.PROCESSING,
    "05": Kind.CANCELED,
    "06": Kind.FAILED,
}
_REFUNDED: Final = "04"
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    "00": Kind.REFUND_SUCCEEDED,
    "03": Kind.REFUND_PENDING,
    "06": Kind.REFUND_FAILED,
}


class _Money(Struct):
    value: object
    currency: str = "IDR"

    def minor(self) -> int:
        return to_minor(self.value, currency_code(self.currency))


class _Refund(Struct, rename="camel"):
    refund_no: str | None = None
    partner_refund_no: str | None = None
    refund_amount: _Money | None = None
    refund_status: str | None = None


class _Event(Struct, rename="camel"):
    original_reference_no: str | None = None
    original_partner_reference_no: str | None = None
    latest_transaction_status: str | None = None
    transaction_status_desc: str | None = None
    amount: _Money | None = None
    refund_history: tuple[_Refund, ...] | None = None
    trx_id: str | None = None
    payment_request_id: str | None = None
    payment_flag_status: str | None = None
    paid_amount: _Money | None = None


_EVENT: Final = payloads.decoder(_Event)


def read(body: bytes, at_ms: int) -> Parsed:
    """Facts from the transaction's status; the notification itself has no time."""
    event = payloads.read(_EVENT, body)
    return _virtual_account(event, at_ms) if event.paid_amount else _transaction(event, at_ms)


def _transaction(event: _Event, at_ms: int) -> Parsed:
    status, name = event.latest_transaction_status or "", payloads.text(event.transaction_status_desc)
    if event.amount is None or status not in {*_KINDS, _REFUNDED}:
        return Parsed(event=name, reason=f"its status is unknown, or it has no amount: {payloads.text(status)!r}")
    tell = _teller(event.original_reference_no, event.amount, at_ms)
    if status == _REFUNDED:
        facts = [_refund(event, refund, at_ms) for refund in event.refund_history or ()]
        told = tuple(fact for fact in facts if fact is not None)
        return Parsed(event=name, facts=told, reason="" if told else "refunded, but it does not say how much")
    kind = _KINDS[status]
    created = tell(kind=Kind.PAYMENT_CREATED, detail=_order(event.original_partner_reference_no))
    ref = "" if kind is Kind.CANCELED else created.aggregate
    detail = payloads.details(failure_message=name) if kind is Kind.FAILED else {}
    return Parsed(event=name, facts=(created, tell(kind=kind, ref=ref, detail=detail)))


def _refund(event: _Event, refund: _Refund, at_ms: int) -> Fact | None:
    kind = _REFUND_KINDS.get(refund.refund_status or "")
    if kind is None or refund.refund_amount is None:
        return None
    ref = payloads.ident(refund.refund_no or refund.partner_refund_no, "the refund's number")
    return _teller(event.original_reference_no, refund.refund_amount, at_ms)(kind=kind, ref=ref)


def _virtual_account(event: _Event, at_ms: int) -> Parsed:
    if event.paid_amount is None or event.payment_flag_status not in {None, "00"}:
        return Parsed(event="virtual-account", reason="a virtual account that was not paid")
    tell = _teller(event.trx_id, event.paid_amount, at_ms)
    created = tell(kind=Kind.PAYMENT_CREATED, detail=_order(event.trx_id))
    paid = tell(kind=Kind.CAPTURED, ref=payloads.ident(event.payment_request_id or event.trx_id, "paymentRequestId"))
    return Parsed(event="virtual-account", facts=(created, paid))


def _teller(reference: str | None, money: _Money, at_ms: int) -> partial[Fact]:
    return partial(
        Fact,
        aggregate=payloads.ident(reference, "the transaction's reference"),
        at_ms=at_ms,
        amount_minor=money.minor(),
        currency=currency_code(money.currency),
    )


def _order(number: str | None) -> dict[str, str]:
    return payloads.details(order_id=payloads.text(number))
