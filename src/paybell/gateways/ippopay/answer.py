"""What IppoPay's API answers about an order's transactions (docs-api, ``rest-api.md``).

The payment is the order, which may have several attempts (``trans_id``). Amounts are decimal major units.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.gateways.ippopay.shapes import Answer, Data, Phone, Transaction
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.payloads import details, first_text, ident, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_KINDS: Final[Mapping[str, Kind]] = {
    "success": Kind.CAPTURED,
    "failure": Kind.FAILED,
    "failed": Kind.FAILED,
    **dict.fromkeys(("pending", "initiated", "processing", "created", "in_progress"), Kind.PROCESSING),
}
_NOT_REFUNDED: Final = frozenset({"", "not_requested"})
_REFUND_KINDS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("success", "completed", "processed", "refunded"), Kind.REFUND_SUCCEEDED),
    **dict.fromkeys(("requested", "pending", "initiated", "processing"), Kind.REFUND_PENDING),
    **dict.fromkeys(("failed", "rejected"), Kind.REFUND_FAILED),
}
"""Only ``not_requested`` is documented; these are the words the documents' own manner suggests. Others give no fact."""

_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REFUND_PENDING})
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def facts_of(answer: Answer, order_id: str, received_at_ms: int) -> Parsed:
    """Facts about the order asked for; not final while something is open, or the answer is about something else."""
    transactions = _transactions(answer)
    if answer.success is not True or not transactions:
        return Parsed(reason=f"no transaction yet: {text(answer.message) or 'the answer has none'}", final=False)
    if any(_foreign(transaction, order_id) for transaction in transactions):
        return Parsed(reason="the answer is about another order", final=False)
    facts: list[Fact] = []
    unknown: list[str] = []
    for transaction in transactions:
        _read_one(transaction, order_id, received_at_ms, facts, unknown)
    final = not unknown and not any(fact.kind in _OPEN for fact in facts)
    return Parsed(event="order.transaction", facts=tuple(facts), reason="; ".join(unknown), final=final)


def key(order_id: str, answer: Answer) -> str:
    """A key that changes when a transaction's status or amounts do, or whether it is the order's at all."""
    said = [
        [_shown(place) for place in (item.trans_id, item.status, item.refund_status, item.cost.paid)]
        + [_shown(_refunded(item)), str(_foreign(item, order_id))]
        for item in _transactions(answer)
    ]
    return "poll:" + sha256(_ENCODER.encode([order_id, _shown(answer.success), sorted(said)])).hexdigest()


def _transactions(answer: Answer) -> tuple[Transaction, ...]:
    match answer.data:
        case Data(transaction=Transaction() as one):
            return (one,)
        case Data(transaction=tuple() as several) if several:
            return several
        case Data(transactions=several):
            return several
        case tuple() as several:
            return several
        case _:
            return ()


def _foreign(transaction: Transaction, order_id: str) -> bool:
    nested = transaction.order.order_id if transaction.order else None
    named = first_text(transaction.order_id, transaction.orderId, nested)
    return bool(named) and named != order_id


def _read_one(
    transaction: Transaction, order_id: str, received_at_ms: int, facts: list[Fact], unknown: list[str]
) -> None:
    trans_id = ident(transaction.trans_id, "trans_id")
    status = text(transaction.status).lower()
    kind = _KINDS.get(status)
    if kind is None:
        unknown.append(f"the status {status!r} of {trans_id} is unknown")
        return
    created_ms = _time(transaction.createdAt, "createdAt", received_at_ms)
    updated_ms = _time(transaction.updatedAt, "updatedAt", created_ms)
    currency = currency_code(transaction.currency or "INR")
    amount = _amount(transaction.cost.paid, currency, required=kind is Kind.CAPTURED)
    base = Fact(aggregate=order_id, kind=Kind.PAYMENT_CREATED, at_ms=created_ms)
    if amount:
        base = msgspec.structs.replace(base, amount_minor=amount, currency=currency)
    facts.append(msgspec.structs.replace(base, detail=_customer(transaction, order_id)))
    detail = details(failure_message=text(transaction.failure_reason)) if kind is Kind.FAILED else {}
    if kind is not Kind.CAPTURED:
        base = Fact(aggregate=order_id, kind=kind, at_ms=updated_ms)
    attempt = msgspec.structs.replace(base, kind=kind, ref=trans_id, at_ms=updated_ms, detail=detail)
    facts.append(attempt)
    if kind is Kind.CAPTURED:
        facts += _fee(transaction, attempt)
        _read_refund(transaction, attempt, facts, unknown)


def _fee(transaction: Transaction, captured: Fact) -> list[Fact]:
    """The commission, where it is just what the settled amount lacks."""
    currency, kept = captured.currency, transaction.commission

    def total() -> int:
        missing = (captured.amount_minor or 0) - to_minor(transaction.cost.settled, currency)
        return missing if missing == to_minor(kept.total, currency) else 0

    return fee(captured, total, lambda: to_minor(kept.tax or 0, currency))


def _read_refund(transaction: Transaction, captured: Fact, facts: list[Fact], unknown: list[str]) -> None:
    """The refund of a captured transaction. The documents show no amount, and without one no money went back."""
    status = text(transaction.refund_status).lower()
    if status in _NOT_REFUNDED:
        return
    kind = _REFUND_KINDS.get(status)
    if kind is None:
        unknown.append(f"the refund status {status!r} of {captured.ref} is unknown")
        return
    amount = _amount(_refunded(transaction), captured.currency, required=False)
    if kind is Kind.REFUND_SUCCEEDED and not amount:
        unknown.append(f"the refund of {captured.ref} names no amount: look at IppoPay how much it was")
        return
    refund = Fact(aggregate=captured.aggregate, kind=kind, ref=f"{captured.ref}:refund", at_ms=captured.at_ms)
    if amount:
        refund = msgspec.structs.replace(refund, amount_minor=amount, currency=captured.currency)
    facts.append(refund)


def _refunded(transaction: Transaction) -> object:
    places = (transaction.refund_amt, transaction.refund_amount, transaction.refund.amount)
    return next((value for value in places if value is not None), None)


def _amount(value: object, currency: str, *, required: bool) -> int:
    if value is None and not required:
        return 0
    if value is None:
        raise MalformedPayload("a successful transaction without cost.paid")
    return to_minor(value, currency)


def _time(value: str | int | None, name: str, otherwise_ms: int) -> int:
    # Without a time of the gateway's, the moment its answer came is the nearest that is known.
    return otherwise_ms if value is None else time_to_ms(value, name)


def _customer(transaction: Transaction, order_id: str) -> dict[str, str]:
    customer, mode = transaction.customer, transaction.gateway.payment_mode
    phone = customer.phone or Phone()
    return details(
        order_id=order_id,
        customer_name=text(customer.name),
        customer_email=text(customer.email),
        customer_phone=text(phone.country_code) + text(phone.national_number),
        method=text(mode.pay_mode) if mode else "",
    )


def _shown(value: object) -> str:
    return "" if value is None else str(value)[:64]
