"""PhonePe's older callback: ``{"response": base64}``, and X-VERIFY holds SHA-256 of that text and the salt key.

Sources: developer.phonepe.com/v1 ("Callback verification", "Check status", "Refund"). Facts come from the decoded
response alone; it names no time. The payment is the merchant's own transaction id. A refund's callback looks the same
and does not name its payment, so it says nothing here.
"""

import base64
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.amounts import ISO_EXPONENTS, to_iso
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "x-verify"
_CURRENCY: Final = "INR"
_GIVEN: Final = re.compile(rb"([0-9a-fA-F]{64})###([0-9]{1,4})")
_INDEX: Final = re.compile(r"[0-9]{1,4}")
_KINDS: Final = {"COMPLETED": Kind.CAPTURED, "FAILED": Kind.FAILED, "PENDING": Kind.PROCESSING}
_REFUND_START: Final = "TR"


def _salt_index(value: object) -> str:
    return "" if isinstance(value, str) and _INDEX.fullmatch(value) else "the salt key's index as a text, such as '1'"


_OPTIONS: Final[Mapping[str, options.Check]] = {"saltIndex": _salt_index}


class _Outer(Struct, frozen=True):
    response: str


class _Instrument(Struct, frozen=True):
    type: object = None


class _Data(Struct, frozen=True, rename="camel"):
    merchant_transaction_id: object = None
    transaction_id: object = None
    amount: object = None
    state: object = None
    response_code: object = None
    payment_instrument: _Instrument | None = None


class _Response(Struct, frozen=True):
    code: object = None
    message: object = None
    data: _Data | None = None


_OUTER: Final = payloads.decoder(_Outer)
_RESPONSE: Final = payloads.decoder(_Response)


class PhonePeV1(Base):
    """Options: ``saltIndex``, the index of the salt key; without it any index will do."""

    about = About(
        name="phonepe_v1",
        title="PhonePe (v1)",
        docs_url="https://developer.phonepe.com/v1/reference/php-callback-verification",
        credential="the salt key",
        signed="the text of the field response, SHA-256 with the salt key after it in hex, header x-verify",
        dedupe="SHA-256 of the field response",
        retries="unknown",
        unverified=("retries", "that a refund's transactionId begins with TR"),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The response's text; the index behind the signature must be the option's, where it is set."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        parts = _GIVEN.fullmatch(header)
        response = _response_text(request.body)
        if parts is None or response is None:
            return signatures.malformed(_HEADER, "SHA-256 in hex, '###' and an index, over a field response")
        wanted = options.text_option(source.options, "saltIndex")
        if wanted and parts[2].decode() != wanted:
            words = f"signed with the salt key of index {parts[2].decode()}, not {wanted}"
            return Refused(RefusalReason.SIGNATURE_MISMATCH, words)
        given = (bytes.fromhex(parts[1].decode()),)
        return (Claim(method=Hash("sha256", "after"), signed=response, given=given, secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the response's hash."""
        return Verified(payloads.body_key(_response_text(request.body) or b""))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the state in the response."""
        text = payloads.read(_OUTER, notification.body).response
        try:
            decoded = base64.b64decode(text.encode(), validate=True)
        except ValueError:
            raise MalformedPayload("the field response is not base64") from None
        response = payloads.read(_RESPONSE, decoded)
        name, data = payloads.text(response.code), response.data
        kind = _KINDS.get(payloads.text(data.state)) if data else None
        if data is None or kind is None:
            return Parsed(event=name, reason="the response tells of no payment in a known state")
        if payloads.text(data.transaction_id).startswith(_REFUND_START):
            return Parsed(event=name, reason="a refund's callback, which does not name its payment")
        return Parsed(event=name, facts=_facts(response, data, kind, notification.received_at_ms))


def _response_text(body: bytes) -> bytes | None:
    try:
        return payloads.read(_OUTER, body).response.encode()
    except (MalformedPayload, UnicodeEncodeError):
        return None


def _facts(response: _Response, data: _Data, kind: Kind, at_ms: int) -> tuple[Fact, ...]:
    payment_id = payloads.ident(data.merchant_transaction_id, "merchantTransactionId")
    amount = to_iso(data.amount, _CURRENCY, ISO_EXPONENTS)
    method = payloads.text(data.payment_instrument.type) if data.payment_instrument else ""
    failure = payloads.details(
        failure_code=payloads.first_text(data.response_code, response.code),
        failure_message=payloads.text(response.message),
    )
    captured = kind is Kind.CAPTURED
    status = Fact(
        aggregate=payment_id,
        kind=kind,
        ref=payloads.ident_or_none(data.transaction_id, "transactionId"),
        at_ms=at_ms,
        amount_minor=amount if captured else None,
        currency=_CURRENCY if captured else "",
        detail=failure if kind is Kind.FAILED else {},
    )
    started = Fact(
        aggregate=payment_id,
        kind=Kind.PAYMENT_CREATED,
        at_ms=at_ms,
        amount_minor=amount,
        currency=_CURRENCY,
        detail=payloads.details(order_id=payment_id, method=method),
    )
    return started, status


GATEWAY: Final[Gateway] = PhonePeV1()
