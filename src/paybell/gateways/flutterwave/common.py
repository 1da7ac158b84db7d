"""What both versions of Flutterwave's API say alike, each in its own words: of a payment or of a refund.

A hint names a thing by its id; the subject of the question is that id, with ``refund:`` before a refund's, and
``transfer:`` before a transfer's.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways.kit import metadata
from paybell.gateways.kit.amounts import currency_code
from paybell.gateways.kit.options import Options, text_option
from paybell.gateways.kit.payloads import body_key, ident, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.money import to_minor

_REFUND: Final = "refund:"
TRANSFER: Final = "transfer:"
_OPEN: Final = frozenset({Kind.PROCESSING, Kind.REFUND_PENDING})


class Words(Struct, frozen=True):
    """A version's name of a payment, and its words of status."""

    thing: str
    kinds: Mapping[str, Kind]
    refund_kinds: Mapping[str, Kind]


class Data(Struct, kw_only=True):
    """A payment or a refund as a version tells of it; amounts are decimal major units."""

    id: int | str
    status: str
    currency: str | None = None
    amount: object = None
    amount_refunded: object = None
    meta: object = None

    @property
    @abstractmethod
    def payment_id(self) -> int | str | None:
        """The payment that a refund is of."""

    @property
    @abstractmethod
    def at(self) -> tuple[str | None, str]:
        """When it began, and the field's name."""

    @property
    def refund_word(self) -> str:
        """The word of a refund's status."""
        return self.status.lower()

    @abstractmethod
    def detail(self) -> Mapping[str, str]:
        """The order and the customer."""

    @abstractmethod
    def failure(self) -> Mapping[str, str]:
        """Why a payment failed."""

    def fees(self, captured: Fact) -> list[Fact]:  # noqa: ARG002 - for a version that tells of them
        """What Flutterwave keeps."""
        return []


class Answer(Struct, kw_only=True):
    """What the API says around it; a version adds its ``data``."""

    status: str
    message: str | None = None


def currency(value: object) -> str:
    """Option ``refundCurrency``: a currency of ISO 4217."""
    try:
        currency_code(value)
    except AmountError:
        return "a currency of ISO 4217 such as 'NGN'"
    return ""


def subject_of(event: str, found: str, pattern: re.Pattern[str], wanted: str, *, transfers: bool = False) -> str:
    """What a hint is about; ``found`` is the id in it, which ``pattern`` lets pass."""
    family = event.partition(".")[0]
    before = {"charge": "", "refund": _REFUND, **({"transfer": TRANSFER} if transfers else {})}
    if family not in before or family == event:
        raise MalformedPayload(f"the event {event!r} tells of nothing that is read: there is nothing to ask about")
    if not pattern.fullmatch(found):
        raise MalformedPayload(f"no id of {wanted} can be read at data.id")
    return before[family] + found


def path(subject: str, payment: str) -> str:
    """Where the API has it; ``payment`` has a place for a payment's id."""
    kind, found, own = subject.partition(":")
    return f"{kind}s/{own}" if found else payment.format(subject)


def read_answer(
    answer: Answer, data: Data | None, words: Words, subject: str, *, options: Options, received_at_ms: int
) -> Parsed:
    """Facts about what was asked for; not final while it is open, or the answer is about something else."""
    if answer.status != "success" or data is None:
        return Parsed(reason=f"nothing is known of it yet: {text(answer.message)}", final=False)
    if str(data.id) != subject.removeprefix(_REFUND):
        return Parsed(reason="the answer is about something else", final=False)
    value, name = data.at
    at_ms = time_to_ms(value, name) if value else received_at_ms
    if subject.startswith(_REFUND):
        return _refund(data, words, text_option(options, "refundCurrency"), at_ms)
    return _payment(data, words, options, at_ms)


def key(answer: Answer, data: Data | None, subject: str) -> str:
    """A key that changes when the status or the amounts do."""
    said = (
        (answer.status,)
        if data is None
        else (data.id, data.status, data.currency, data.amount, data.payment_id, data.amount_refunded)
    )
    return "poll:" + body_key("\n".join(str(each)[:64] for each in (subject, *said)).encode())


def _unknown(event: str, status: str) -> Parsed:
    return Parsed(event=event, reason=f"its status {text(status)!r} is unknown", final=False)


def _payment(data: Data, words: Words, options: Options, at_ms: int) -> Parsed:
    kind = words.kinds.get(data.status.lower())
    if kind is None:
        return _unknown(words.thing, data.status)
    aggregate, code = ident(data.id, f"the {words.thing}'s id"), currency_code(data.currency)
    said = metadata.believed(data.meta, options)
    started = Fact(
        aggregate=aggregate,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=to_minor(data.amount, code),
        currency=code,
        detail={**data.detail(), **metadata.said(said)},
    )
    more = metadata.expected(aggregate, said, at_ms)
    if kind is Kind.CAPTURED:
        attempt = replace(started, kind=kind, ref=aggregate, detail={})
        more += data.fees(attempt)
    else:
        failure = data.failure() if kind is Kind.FAILED else {}
        attempt = Fact(aggregate=aggregate, kind=kind, ref=aggregate, at_ms=at_ms, detail=failure)
    return Parsed(event=words.thing, facts=(started, attempt, *more), final=kind not in _OPEN)


def _refund(data: Data, words: Words, refund_currency: str, at_ms: int) -> Parsed:
    kind = words.refund_kinds.get(data.refund_word)
    if kind is None:
        return _unknown("refund", data.status)
    if not (data.currency or refund_currency):
        return Parsed(event="refund", reason="the answer names no currency: set the source's option 'refundCurrency'")
    code = currency_code(data.currency or refund_currency)
    fact = Fact(
        aggregate=ident(data.payment_id, f"the refunded {words.thing}'s id"),
        kind=kind,
        ref=ident(data.id, "the refund's id"),
        at_ms=at_ms,
        amount_minor=to_minor(data.amount_refunded, code),
        currency=code,
    )
    return Parsed(event="refund", facts=(fact,), final=kind not in _OPEN)
