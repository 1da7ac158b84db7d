"""What Airwallex's objects say: a payment intent, one of its attempts, a refund, a dispute.

The payment is the intent. Its money is one fact under the intent's id, whether the intent or its attempt tells of it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from paybell.gateways.airwallex.account import noted
from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.metadata import expected, said
from paybell.model.fact import Fact, Kind
from paybell.model.money import to_minor

_INTENT: Final[Mapping[str, Kind | None]] = {
    "REQUIRES_PAYMENT_METHOD": None,
    "REQUIRES_CUSTOMER_ACTION": Kind.REQUIRES_ACTION,
    "PENDING": Kind.PROCESSING,
    "PENDING_REVIEW": Kind.PROCESSING,
    "REQUIRES_CAPTURE": Kind.AUTHORIZED,
    "SUCCEEDED": Kind.CAPTURED,
    "CANCELLED": Kind.CANCELED,
}
_REQUESTED: Final = "CAPTURE_REQUESTED"
_ATTEMPT: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("RECEIVED", "PENDING_AUTHORIZATION", "AUTHENTICATION_REDIRECTED"), Kind.PROCESSING),
    "PENDING_AUTHENTICATION": Kind.REQUIRES_ACTION,
    "AUTHORIZED": Kind.AUTHORIZED,
    **dict.fromkeys((_REQUESTED, "CAPTURED", "SETTLED", "PAID"), Kind.CAPTURED),
    **dict.fromkeys(("FAILED", "AUTHORIZATION_FAILED", "RISK_DECLINED", "CANCELLED", "EXPIRED"), Kind.FAILED),
}
"""An attempt that is cancelled or expires leaves its intent open for another one."""
_REFUND: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("RECEIVED", "PROCESSING", "ACCEPTED"), Kind.REFUND_PENDING),
    **dict.fromkeys(("SUCCEEDED", "SETTLED"), Kind.REFUND_SUCCEEDED),
    "FAILED": Kind.REFUND_FAILED,
}
_DISPUTE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("REQUIRES_RESPONSE", "CHALLENGED", "PENDING_CLOSURE", "PENDING_DECISION"), "open"),
    **dict.fromkeys(("ACCEPTED", "EXPIRED", "LOST"), "lost"),
    **dict.fromkeys(("WON", "REVERSED"), "won"),
}


class _Error(Struct):
    code: str | None = None
    message: str | None = None


class Attempt(Struct):
    """One try to pay an intent, as the intent holds it."""

    id: object = None
    status: str | None = None
    failure_code: str | None = None
    failure_details: _Error | None = None


class Object(Struct):
    """An object of any of the four kinds: the fields of all that are used."""

    id: object = None
    payment_intent_id: object = None
    merchant_order_id: str | None = None
    customer_id: str | None = None
    status: str | None = None
    stage: str | None = None
    currency: str | None = None
    amount: object = None
    captured_amount: object = None
    latest_payment_attempt: Attempt | None = None
    failure_code: str | None = None
    failure_details: _Error | None = None
    metadata: object = None
    created_at: str | None = None
    updated_at: str | None = None


_MONEY: Final = frozenset({Kind.AUTHORIZED, Kind.CAPTURED})
Tell = Callable[..., Fact]


def intent(thing: Object, at_ms: int) -> list[Fact] | None:
    """What an intent says; None for a status that is unknown."""
    status = payloads.text(thing.status)
    if status not in _INTENT:
        return None
    intent_id, attempt = payloads.ident(thing.id, "the intent's id"), thing.latest_payment_attempt
    tell = _teller(thing, intent_id, at_ms)
    facts = [_created(thing, tell, at_ms)]
    kind, attempt_id = _INTENT[status], payloads.ident_or_none(attempt.id if attempt else "", "the attempt's id")
    if kind in _MONEY:
        facts.append(tell(kind=kind, ref=intent_id, amount_minor=_moved(thing)))
    elif kind is not None:
        facts.append(tell(kind=kind, ref="" if kind is Kind.CANCELED else attempt_id))
    if attempt and _ATTEMPT.get(payloads.text(attempt.status)) is Kind.FAILED:
        facts.append(tell(kind=Kind.FAILED, ref=attempt_id, detail=_failure(attempt)))
    return [*facts, *expected(intent_id, noted(thing.metadata), facts[0].at_ms)]


def attempt(thing: Object, at_ms: int) -> list[Fact] | None:
    """What an attempt says of its intent."""
    kind = _ATTEMPT.get(payloads.text(thing.status))
    if kind is None:
        return None
    intent_id = payloads.ident(thing.payment_intent_id, "the intent's id")
    tell = _teller(thing, intent_id, at_ms)
    if thing.status == _REQUESTED and not thing.captured_amount:
        kind = Kind.AUTHORIZED  # how much of it comes is not said yet
    if kind in _MONEY:
        return [_created(thing, tell, at_ms), tell(kind=kind, ref=intent_id, amount_minor=_moved(thing))]
    ref = payloads.ident(thing.id, "the attempt's id")
    detail = _failure(thing) if kind is Kind.FAILED else {}
    return [_created(thing, tell, at_ms), tell(kind=kind, ref=ref, detail=detail)]


def refund(thing: Object, at_ms: int) -> list[Fact] | None:
    """What a refund says."""
    kind = _REFUND.get(payloads.text(thing.status))
    return None if kind is None else [_of_intent(thing, at_ms)(kind=kind)]


def dispute(thing: Object, at_ms: int) -> list[Fact] | None:
    """What a dispute says; a request for information moves no money yet."""
    status = _DISPUTE.get(payloads.text(thing.status))
    if status is None:
        return None
    if status == "open" and thing.stage == "RFI":
        status = "warning"
    return [_of_intent(thing, at_ms)(kind=Kind.DISPUTE_STATUS, detail={"status": status})]


def _of_intent(thing: Object, at_ms: int) -> Tell:
    intent_id = payloads.ident(thing.payment_intent_id, "the intent's id")
    return partial(_teller(thing, intent_id, at_ms), ref=payloads.ident(thing.id, "the object's id"))


def _teller(thing: Object, aggregate: str, at_ms: int) -> Tell:
    currency = currency_code(thing.currency)
    return partial(
        Fact, aggregate=aggregate, at_ms=at_ms, amount_minor=to_minor(thing.amount, currency), currency=currency
    )


def _created(thing: Object, tell: Tell, at_ms: int) -> Fact:
    detail = payloads.details(
        order_id=payloads.text(thing.merchant_order_id), customer_id=payloads.text(thing.customer_id)
    )
    detail |= said(noted(thing.metadata))
    return tell(kind=Kind.PAYMENT_CREATED, at_ms=time_or(thing.created_at, at_ms), detail=detail)


def _moved(thing: Object) -> int:
    """What was captured; all of it where that is not said."""
    return to_minor(thing.captured_amount or thing.amount, currency_code(thing.currency))


def _failure(thing: Object | Attempt) -> dict[str, str]:
    details = thing.failure_details
    code = payloads.first_text(thing.failure_code, details.code if details else "")
    return payloads.details(failure_code=code, failure_message=payloads.text(details.message if details else ""))


def time_or(value: str | None, otherwise_ms: int) -> int:
    """A time of an object, or another one where it says none."""
    return payloads.time_to_ms(value, "a time of the object") if value else otherwise_ms
