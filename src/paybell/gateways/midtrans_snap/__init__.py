"""Midtrans under BI-SNAP, Indonesia's standard: signed notifications of direct debit, QRIS and virtual accounts.

Sources: Midtrans' docs ("Core API SNAP Open API") and its SDKs (``SnapBi`` of midtrans-nodejs-client): signed is
``POST:{path}:{SHA-256 of the minified body in hex}:{x-timestamp}``. The path is that of the notification URL.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

import msgspec

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Rsa, public_key
from paybell.gateways.midtrans_snap import reading
from paybell.model.fact import Parsed
from paybell.model.notification import Answer, Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "x-signature"
_TIME_HEADER: Final = "x-timestamp"


def _path(value: object) -> str:
    fits = isinstance(value, str) and value.startswith("/") and not options.key_like(value)
    return "" if fits else "the path of the notification URL, such as '/in/midtrans-snap'"


class MidtransSnap(Base):
    """Options: ``path`` (needed), ``toleranceSeconds`` (300)."""

    about = About(
        name="midtrans_snap",
        title="Midtrans BI-SNAP",
        docs_url="https://docs.midtrans.com/reference/core-api-snap-open-api-overview",
        credential="Midtrans' public key for notifications, in PEM",
        signed="POST:{path}:{SHA-256 of the minified body}:{x-timestamp}, RSA-SHA256 in base64, header x-signature",
        time_signed="header x-timestamp (ISO 8601), 300 s either way (toleranceSeconds)",
        dedupe="SHA-256 of the body",
        retries="unknown",
        unverified=(
            "retries, and whether a repeated notification is signed anew",
            "the shape of refunds in a notification: without amounts they are not recorded",
            "the shape of notifications of virtual accounts",
            "what the answer must say",
        ),
        answer=Answer(body=b'{"responseCode":"2005600","responseMessage":"Successful"}'),
    )
    checks: Mapping[str, options.Check] = {"path": _path, "toleranceSeconds": options.tolerance}

    def check(self, source: Source) -> None:
        """Refuse a source without the path, or whose secret is no public key."""
        super().check(source)
        if "path" not in source.options:
            raise ConfigurationError(f"option 'path' of {self.where} is required: {_path('')}")
        if any(public_key(secret) is None for secret in source.secrets):
            raise ConfigurationError(
                f"the secret of {self.where} is Midtrans' public key in PEM: copy all of its lines"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The signature over the source's own path; the request's is not asked."""
        raw = signatures.header(request, _HEADER)
        time = signatures.header(request, _TIME_HEADER)
        if isinstance(raw, Refused):
            return raw
        if isinstance(time, Refused):
            return time
        given = signatures.unbase64(raw)
        if given is None:
            return signatures.malformed(_HEADER, "a signature in base64")
        at_ms = _moment(time)
        if at_ms is None:
            return Refused(RefusalReason.TIMESTAMP_MALFORMED, f"{_TIME_HEADER} is no time in ISO 8601")
        path = options.text_option(source.options, "path")
        digest = sha256(_minified(request.body)).hexdigest()
        return (
            Claim(
                method=Rsa(),
                signed=f"POST:{path}:{digest}:".encode() + time,
                given=(given,),
                secrets=source.secrets,
                timestamp=str(at_ms).encode(),
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by what its body says, whatever space stands in it."""
        return Verified(payloads.body_key(_minified(request.body)))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the transaction's status. The time is that of the signature."""
        time = dict(notification.headers).get(_TIME_HEADER, "")
        at_ms = _moment(time.encode(errors="replace"))
        at_ms = notification.received_at_ms if at_ms is None else at_ms
        return reading.read(notification.body, at_ms)


def _moment(raw: bytes) -> int | None:
    try:
        return payloads.time_to_ms(raw.decode("ascii"), _TIME_HEADER)
    except (ValueError, MalformedPayload):
        return None


def _minified(body: bytes) -> bytes:
    """The JSON without space between its parts; what is no JSON stays as it is (and gives no right signature)."""
    try:
        return msgspec.json.format(body, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return body


GATEWAY: Final[Gateway] = MidtransSnap()
