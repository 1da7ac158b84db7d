"""One payment's status out of any JSON body: where things stand is said by options, as JSON pointers.

The defaults read the envelope that Paybell itself sends; what that says beyond them is read by :mod:`.envelope`.
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import AmountError
from paybell.gateways.generic import envelope, words
from paybell.gateways.kit import options
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.payloads import Record, at_pointer, decode, details, ident_or_none, shown, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import check_minor, to_minor
from paybell.model.notification import Notification
from paybell.model.source import Source

POINTERS: Final[Mapping[str, str]] = {
    "eventPointer": "/event",
    "paymentIdPointer": "/data/paymentId",
    "orderIdPointer": "/data/orderId",
    "statusPointer": "/data/status",
    "amountPointer": "/data/amount",
    "currencyPointer": "/data/currency",
    "timestampPointer": "/timestamp",
    "refundIdPointer": "",
}
CHECKS: Final[Mapping[str, options.Check]] = {
    **dict.fromkeys(POINTERS, options.pointer),
    "amountUnit": options.one_of("major", "minor"),
    "statusMap": words.check_map,
}
_DIGITS_MAX: Final = 18


def read(notification: Notification, source: Source) -> Parsed:
    """One payment's status as facts; an unknown word, or no payment id, gives none."""
    body = decode(notification.body)
    if not CHECKS.keys() & source.options.keys() and envelope.is_ours(body):
        return envelope.read_own(notification.body)
    event = text(_at(body, source, "eventPointer"))
    payment_id = ident_or_none(_at(body, source, "paymentIdPointer"), "the payment id")
    status = text(_at(body, source, "statusPointer"))
    if not payment_id:
        return Parsed(event=event, reason="there is no payment id at 'paymentIdPointer'")
    word = words.word_of(status, source.options)
    if not word:
        return Parsed(event=event, reason=f"the status {status!r} is unknown: add it to option 'statusMap'")
    return Parsed(event=event, facts=_facts(body, source, payment_id, word, notification.received_at_ms))


def _facts(body: Record, source: Source, payment_id: str, word: str, received_at_ms: int) -> tuple[Fact, ...]:
    time = _at(body, source, "timestampPointer")
    # Without a time of the sender's, the moment its request came is the nearest that is known.
    at_ms = received_at_ms if time is None else time_to_ms(time, "the timestamp")
    amount, currency = _money(body, source)
    refund_id = ident_or_none(_at(body, source, "refundIdPointer"), "the refund id")
    kind, needs_amount = words.kind_of(word, has_refund_id=bool(refund_id))
    if needs_amount and amount is None:
        raise AmountError(f"the status {word!r} needs an amount at 'amountPointer'")
    refund = word in words.REFUNDS
    detail = details(order_id=ident_or_none(_at(body, source, "orderIdPointer"), "the order id"))
    moved = Fact(
        aggregate=payment_id,
        kind=kind,
        ref=refund_id if refund else "",
        at_ms=at_ms,
        amount_minor=amount,
        currency=currency,
        detail=detail,
    )
    if refund or kind is Kind.PAYMENT_CREATED:
        return (moved,)
    created = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=amount,
        currency=currency,
        detail=detail,
    )
    return (created, moved)


def _money(body: Record, source: Source) -> tuple[int | None, str]:
    value = _at(body, source, "amountPointer")
    if value is None:
        return None, ""
    currency = currency_code(_at(body, source, "currencyPointer"))
    if source.options.get("amountUnit", "major") == "major":
        return to_minor(value, currency), currency
    if isinstance(value, str):
        value = _digits(value)
    return check_minor(value), currency


def _digits(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > _DIGITS_MAX:
        raise AmountError(f"an amount in minor units must be whole digits, not {shown(value)}")
    return int(value)


def _at(body: Record, source: Source, option: str) -> object:
    pointer = options.text_option(source.options, option, POINTERS[option])
    return at_pointer(body, pointer) if pointer else None
