"""What iyzico's API answers about a payment (docs.iyzico.com, "Retrieve payment"). Amounts are major units.

``paidPrice`` is what the card is charged. The answer has no time but its own. It shows no refunds.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.kit import payloads
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.fees import fee
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_KINDS: Final[Mapping[str, Kind]] = {
    "SUCCESS": Kind.CAPTURED,
    "FAILURE": Kind.FAILED,
    **dict.fromkeys(("INIT_THREEDS", "CALLBACK_THREEDS", "BKM_POS_SELECTED", "CALLBACK_PECCO"), Kind.REQUIRES_ACTION),
    **dict.fromkeys(
        ("INIT_APM", "INIT_BANK_TRANSFER", "INIT_CREDIT", "PENDING_CREDIT", "INIT_CONTACTLESS"), Kind.PROCESSING
    ),
}
_OPEN: Final = frozenset({Kind.REQUIRES_ACTION, Kind.PROCESSING})
_REVIEWED, _DECLINED = 0, -1


class _Answer(Struct, frozen=True, rename="camel"):
    status: object = None
    error_code: object = None
    error_message: object = None
    payment_id: object = None
    payment_status: object = None
    fraud_status: object = None
    phase: object = None
    paid_price: object = None
    currency: object = None
    basket_id: object = None
    system_time: object = None
    iyzi_commission_rate_amount: object = None
    iyzi_commission_fee: object = None


_ANSWER: Final = payloads.decoder(_Answer)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read(body: bytes, subject: str, received_at_ms: int) -> Parsed:
    """Facts about the payment asked for; not final while it is open."""
    found = payloads.read(_ANSWER, body)
    if found.payment_id is None:
        said = payloads.first_text(found.error_message, found.error_code) or "it names no payment"
        return Parsed(reason=f"iyzico does not know the payment: {said}", final=False)
    payment_id = payloads.ident(found.payment_id, "paymentId")
    if payment_id != subject:
        return Parsed(reason="the answer is about another payment", final=False)
    kind = _kind(found)
    if kind is None:
        return Parsed(reason=f"the status {payloads.text(found.payment_status)!r} is unknown", final=False)
    at_ms = received_at_ms if found.system_time is None else payloads.time_to_ms(found.system_time, "systemTime")
    facts = _facts(found, kind, payment_id, at_ms)
    return Parsed(event="payment.detail", facts=facts, final=kind not in _OPEN)


def key(subject: str, body: bytes) -> str:
    """A key that changes when the status, the review, the phase or the amount does; the answer's own time does not."""
    found = payloads.read(_ANSWER, body)
    parts = (
        found.payment_id,
        found.payment_status,
        found.fraud_status,
        found.phase,
        found.paid_price,
        found.error_code,
    )
    return "poll:" + sha256(_ENCODER.encode([subject, *(str(part) for part in parts)])).hexdigest()


def _kind(found: _Answer) -> Kind | None:
    if found.payment_status is None and found.status == "failure":
        return Kind.FAILED
    kind = _KINDS.get(payloads.text(found.payment_status))
    if kind is not Kind.CAPTURED:
        return kind
    if found.fraud_status == _REVIEWED:
        return Kind.PROCESSING
    if found.fraud_status == _DECLINED:
        return Kind.FAILED
    return Kind.AUTHORIZED if found.phase == "PRE_AUTH" else Kind.CAPTURED


def _facts(found: _Answer, kind: Kind, payment_id: str, at_ms: int) -> tuple[Fact, ...]:
    currency, amount = "", None
    if found.paid_price is not None:
        currency = currency_code(found.currency)
        amount = to_minor(found.paid_price, currency)
    created = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=amount,
        currency=currency,
        detail=payloads.details(order_id=payloads.text(found.basket_id)),
    )
    failure = payloads.details(
        failure_code=payloads.first_text(found.error_code, "fraud" if found.fraud_status == _DECLINED else ""),
        failure_message=payloads.text(found.error_message),
    )
    with_amount = kind in {Kind.CAPTURED, Kind.AUTHORIZED}
    status = Fact(
        aggregate=payment_id,
        kind=kind,
        ref=payment_id,
        at_ms=at_ms,
        amount_minor=amount if with_amount else None,
        currency=currency if with_amount else "",
        detail=failure if kind is Kind.FAILED else {},
    )
    return created, status, *_fee(found, status)


def _fee(found: _Answer, status: Fact) -> list[Fact]:
    """Its commission and its fixed fee; the merchant's own commission is neither."""
    parts = (found.iyzi_commission_rate_amount, found.iyzi_commission_fee)
    if status.kind is not Kind.CAPTURED:
        return []
    return fee(status, lambda: sum(to_minor(part, status.currency) for part in parts if part is not None))
