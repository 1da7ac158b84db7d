"""Which of Xendit's objects a callback names. Nothing else of it is used.

Events have an envelope (``event`` and ``data``); the callback of an invoice has none. Their names are written in snake
case or, as some of Xendit's SDKs show them, in camel case.
"""

import re
from enum import Enum
from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit.payloads import Record, child, decode, ident, shown, text

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""Nothing that could climb out of a path."""


class Kind(Enum):
    """A kind of object and where the API has it; what begins with ``/v3`` is of its newer version."""

    PAYMENT = "/v3/payments/{}"
    REQUEST = "/v3/payment_requests/{}"
    PAYMENT_REQUEST = "/payment_requests/{}"
    CAPTURES = "/payment_requests/{}/captures"
    INVOICE = "/v2/invoices/{}"
    REFUND = "/refunds/{}"
    PAYOUT = "/v2/payouts/{}"
    V3_PAYOUT = "/v3/payouts/{}"

    @property
    def path(self) -> str:
        """With a place for the id."""
        return self.value


class Subject(Struct, frozen=True):
    """An object to ask about."""

    kind: Kind
    id: str

    def __str__(self) -> str:
        """``payment_request pr-1``; no id has a space."""
        return f"{self.kind.name.lower()} {self.id}"


def subject(body: bytes) -> Subject:
    """What to ask about; ``MalformedPayload`` says why there is nothing."""
    record = decode(body)
    event, data = text(record.get("event")), child(record, "data")
    if event:
        return _of_event(event, data)
    if _first(record, "external_id", "externalId") and _first(record, "merchant_name", "merchantName"):
        return _subject(Kind.INVOICE, record.get("id"), "an invoice")
    raise MalformedPayload(
        "it names no payment, payment request, invoice, refund or payout that the API could be asked for"
    )


def _of_event(event: str, data: Record) -> Subject:
    family = event.partition(".")[0]
    request_id = _first(data, "payment_request_id", "paymentRequestId")
    match family:
        case "payout":
            return _subject(Kind.PAYOUT, data.get("id"), event)
        case "v3_payout":
            return _subject(Kind.V3_PAYOUT, data.get("payout_id"), event)
        case "refund":
            return _subject(Kind.REFUND, data.get("id"), event)
        case "capture":
            return _subject(Kind.CAPTURES, request_id, event)
        case "payment" if payment_id := _first(data, "payment_id", "paymentId"):
            return _subject(Kind.PAYMENT, payment_id, event)
        case "payment_request":
            return _subject(Kind.REQUEST, request_id, event)
        case "payment":
            return _subject(Kind.PAYMENT_REQUEST, request_id, event)
        case _:
            raise MalformedPayload(f"{event[:64]!r} is not about a payment or a payout")


def _first(record: Record, *names: str) -> object:
    return next((value for name in names if (value := record.get(name))), None)


def _subject(kind: Kind, value: object, what: str) -> Subject:
    found = ident(value, f"the id in {what[:64]}")
    if not _ID.fullmatch(found):
        raise MalformedPayload(f"the id in {what[:64]} cannot be {shown(found)}")
    return Subject(kind, found)
