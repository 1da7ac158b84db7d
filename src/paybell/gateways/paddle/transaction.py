"""Paddle's transactions as facts (developer.paddle.com, "transaction.completed" and its siblings).

``transaction.paid`` and ``transaction.completed`` carry the same captured payment, which is one fact. The amount asked
is told once somebody is to pay it: a draft's total, and its currency, still change with the customer's country.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.gateways.kit import metadata, payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.fees import fee
from paybell.gateways.kit.links import link
from paybell.gateways.kit.options import Options
from paybell.gateways.paddle.money import minor
from paybell.model.alias import LinkType
from paybell.model.fact import Fact, Kind

_BILLED: Final = frozenset({"billed", "paid", "completed", "past_due"})
_PAID: Final = frozenset({"paid", "completed"})
_KNOWN: Final = _BILLED | {"draft", "ready", "canceled"}
_ATTEMPTS: Final[Mapping[str, Kind]] = {
    "authorized": Kind.AUTHORIZED,
    "authorized_flagged": Kind.AUTHORIZED,
    "captured": Kind.CAPTURED,
    "error": Kind.FAILED,
    "canceled": Kind.FAILED,
    "dropped": Kind.FAILED,
    "action_required": Kind.REQUIRES_ACTION,
    "pending_no_action_required": Kind.PROCESSING,
}
_WITH_AMOUNT: Final = frozenset({Kind.AUTHORIZED, Kind.CAPTURED})


class _Method(Struct, frozen=True):
    type: object = None


class _Attempt(Struct, frozen=True):
    payment_attempt_id: str
    status: str
    amount: object = None
    error_code: object = None
    created_at: object = None
    captured_at: object = None
    method_details: _Method | None = None


class _Totals(Struct, frozen=True):
    grand_total: object = None
    fee: object = None


class _Details(Struct, frozen=True):
    totals: _Totals | None = None


class _Transaction(Struct, frozen=True):
    id: str
    status: str
    currency_code: str
    details: _Details | None = None
    payments: tuple[_Attempt, ...] | None = None
    created_at: object = None
    customer_id: object = None
    invoice_number: object = None
    invoice_id: object = None
    subscription_id: object = None
    custom_data: object = None


_TRANSACTION: Final = payloads.decoder(_Transaction)


def facts(body: bytes, at_ms: int, options: Options) -> tuple[tuple[Fact, ...], str]:
    """What a transaction says of itself and of the attempts to pay it."""
    found = payloads.read(_TRANSACTION, body)
    if found.status not in _KNOWN:
        return (), f"a transaction's status {payloads.text(found.status)!r} is unknown"
    payment_id, currency = payloads.ident(found.id, "the transaction's id"), currency_code(found.currency_code)
    attempts = [fact for each in found.payments or () if (fact := _attempt(each, payment_id, currency, at_ms))]
    said = metadata.believed(found.custom_data, options)
    created = _created(found, payment_id, currency, at_ms)
    facts = [replace(created, detail={**created.detail, **metadata.said(said)}), *attempts]
    if found.status == "canceled":
        facts.append(Fact(aggregate=payment_id, kind=Kind.CANCELED, at_ms=at_ms))
    facts += _fee(found, replace(facts[0], currency=currency), at_ms)
    total = _total(found, currency)
    if found.status in _PAID and total and not any(fact.kind is Kind.CAPTURED for fact in attempts):
        facts.append(
            Fact(
                aggregate=payment_id,
                kind=Kind.CAPTURED_TOTAL,
                at_ms=at_ms,
                amount_minor=total,
                currency=currency,
            )
        )
    facts += [*metadata.expected(payment_id, said, created.at_ms), *_belongs(found, created)]
    return tuple(facts), ""


def _belongs(found: _Transaction, created: Fact) -> list[Fact]:
    """The invoice that says what it is for, and the subscription that it was charged for."""
    ids = (found.invoice_id, LinkType.INVOICE), (found.subscription_id, LinkType.SUBSCRIPTION)
    return [
        fact
        for value, kind in ids
        for fact in link(created.aggregate, payloads.ident_or_none(value, f"{kind}_id"), kind, created.at_ms)
    ]


def _fee(found: _Transaction, created: Fact, at_ms: int) -> list[Fact]:
    """What Paddle keeps, known once the transaction is completed; the tax, which it keeps as well, is no fee."""
    totals = found.details.totals if found.details else None
    if found.status != "completed" or totals is None or totals.fee is None:
        return []
    return fee(replace(created, ref=found.id, at_ms=at_ms), lambda: minor(totals.fee, created.currency))


def _created(found: _Transaction, payment_id: str, currency: str, at_ms: int) -> Fact:
    total = _total(found, currency) if found.status in _BILLED or found.payments else None
    return Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=_time(found.created_at, at_ms),
        amount_minor=total,
        currency="" if total is None else currency,
        detail=_customer(found),
    )


def _attempt(attempt: _Attempt, payment_id: str, currency: str, at_ms: int) -> Fact | None:
    kind = _ATTEMPTS.get(attempt.status)
    if kind is None:  # created, unknown: nothing has happened yet
        return None
    amount = minor(attempt.amount, currency) if kind in _WITH_AMOUNT else None
    code = payloads.first_text(attempt.error_code, attempt.status) if kind is Kind.FAILED else ""
    method = payloads.text(attempt.method_details.type) if attempt.method_details else ""
    started_ms = _time(attempt.created_at, at_ms)
    return Fact(
        aggregate=payment_id,
        kind=kind,
        ref=payloads.ident(attempt.payment_attempt_id, "payment_attempt_id"),
        at_ms=_time(attempt.captured_at, started_ms) if kind is Kind.CAPTURED else started_ms,
        amount_minor=amount,
        currency="" if amount is None else currency,
        detail=payloads.details(failure_code=code, method=method),
    )


def _total(found: _Transaction, currency: str) -> int | None:
    totals = found.details.totals if found.details else None
    return None if totals is None or totals.grand_total is None else minor(totals.grand_total, currency)


def _time(value: object, otherwise_ms: int) -> int:
    return otherwise_ms if value is None else payloads.time_to_ms(value, "a time of the transaction")


def _customer(found: _Transaction) -> dict[str, str]:
    own = found.custom_data.get("order_id") if isinstance(found.custom_data, dict) else None
    return payloads.details(
        order_id=payloads.first_text(own, found.invoice_number), customer_id=payloads.text(found.customer_id)
    )
