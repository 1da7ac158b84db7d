"""Midtrans: the hash in the body covers order, status code and amount, but not the transaction's status: a hint.

Sources: Midtrans' docs ("HTTP notification", "GET status API requests").
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.gateways.midtrans import answer
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.midtrans.com"
_ORDER_ID: Final = re.compile(r"[!-~]{1,128}")
_OPTIONS: Final[Mapping[str, options.Check]] = {"serverKey": options.basic_user, "baseUrl": options.base_url}


class _Signed(Struct):
    order_id: str
    status_code: str
    gross_amount: str
    signature_key: str | None = None


_SIGNED: Final = payloads.decoder(_Signed)


class Midtrans(Base):
    """Options: ``serverKey`` (to ask the API; else the first secret), ``baseUrl`` (for the sandbox)."""

    about = About(
        name="midtrans",
        title="Midtrans",
        docs_url="https://docs.midtrans.com/docs/https-notification-webhooks",
        credential="the server key of the merchant account",
        signed="order_id, status_code, gross_amount and the server key, SHA-512 in hex, field signature_key",
        dedupe="SHA-256 of what is signed; the same hint again asks again",
        retries="by the answer: 503 four times, others up to five times within about 6 h",
        believed="only that something happened to the order: the API is asked how it stands",
        unverified=(
            "whether a chargeback can still be won: it is taken as lost",
            "whether refund_key stands in every refund of an answer: else its number is used",
        ),
        secret_options=frozenset({"serverKey"}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The hash over three fields as they are written."""
        try:
            body = payloads.read(_SIGNED, request.body)
        except MalformedPayload as error:
            return Refused(RefusalReason.MALFORMED_SIGNATURE, f"there is nothing to verify: {error}")
        if not body.signature_key:
            return Refused(RefusalReason.HEADER_MISSING, "the body has no signature_key")
        given = signatures.decoded(body.signature_key.encode(errors="replace"), "hex", 64)
        if given is None:
            return signatures.malformed("signature_key", "a SHA-512 in hex")
        return (Claim(method=Hash("sha512", "after"), signed=_signed(body), given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint: the status is not signed."""
        return Hint("signed:" + sha256(_signed(payloads.read(_SIGNED, request.body))).hexdigest())

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return Parsed(reason="a hint: the status is not signed, so the API is asked")
        order_id = payloads.ident(asking.subject(notification), "the order asked about")
        return answer.read(notification.body, order_id, notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the order's status; None without a server key."""
        order_id = payloads.read(_SIGNED, notification.body).order_id
        if not _ORDER_ID.fullmatch(order_id) or not order_id.strip("."):  # dots alone would climb out of the path
            raise MalformedPayload(f"an order id cannot be {payloads.shown(order_id)}")
        key = options.text_option(source.options, "serverKey") or next(iter(source.secrets), "")
        if not key:
            return None
        base = asking.base_url(source, BASE_URL)
        return FetchPlan(
            url=f"{base}/v2/{quote(order_id, safe='')}/status",
            headers=(
                asking.basic(key),
                ("accept", "application/json"),
            ),
            subject=order_id,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the order's transaction changes neither its status nor an amount."""
        return answer.key(subject, body)


def _signed(body: _Signed) -> bytes:
    return f"{body.order_id}{body.status_code}{body.gross_amount}".encode()


GATEWAY: Final[FetchingGateway] = Midtrans()
