"""Mercado Pago: the id in the URL's query, a request id and a time are signed, and nothing of the body.

Sources: mercadopago.com's developer docs ("Webhooks", "Payment status", "Orders", "Chargebacks") and
mercadopago/sdk-nodejs (``webhook``). A notification names a thing and never says how it stands: that is asked of the
API. A payment, an order of the Orders API with its payments, and a chargeback (a dispute of its payment) are read.
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
from paybell.gateways.mercadopago import answer
from paybell.gateways.mercadopago.manifest import EitherCase, id_of_query, manifest
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.mercadopago.com"
_HEADER: Final = "x-signature"
_TOLERANCE_S: Final = 86_400
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_PATHS: Final[Mapping[str, str]] = {
    "payment": "/v1/payments/",
    "order": "/v1/orders/",
    "chargebacks": "/v1/chargebacks/",
    "topic_chargebacks_wh": "/v1/chargebacks/",
    "subscription_preapproval": "/preapproval/",
    "subscription_authorized_payment": "/authorized_payments/",
}
_OPTIONS: Final[Mapping[str, options.Check]] = {
    "accessToken": options.key_like,
    "baseUrl": options.base_url,
    "toleranceSeconds": options.tolerance,
}


class _Data(Struct, frozen=True):
    id: str | int | None = None


class _Notification(Struct, frozen=True):
    type: object = None
    topic: object = None
    action: object = None
    data: _Data | None = None
    live_mode: object = None


_NOTIFICATION: Final = payloads.decoder(_Notification)


class MercadoPago(Base):
    """Options: ``accessToken`` (to ask the API), ``baseUrl``, ``toleranceSeconds`` (a day)."""

    about = About(
        name="mercadopago",
        title="Mercado Pago",
        docs_url="https://www.mercadopago.com/developers/en/docs/your-integrations/notifications/webhooks",
        credential="the webhook's secret signature (Your integrations, Webhooks)",
        signed="id:{data.id of the query};request-id:{x-request-id};ts:{ts}; HMAC-SHA256 in hex, v1 of x-signature",
        time_signed="ts, a day either way (toleranceSeconds)",
        dedupe="SHA-256 of what is signed",
        retries="for days: after 15 minutes at first, later further apart",
        believed="that something happened: the API is asked for what it names",
        unverified=(
            "that a retry is signed anew (so a signed time may be a day old; the truth is fetched anyway)",
            "whether the id is signed in lower case (both are tried)",
            "when a chargeback's coverage_applied is final (only true is taken as won)",
            "what a processed charge of a subscription says besides approved and rejected (nothing is read from it)",
            "that an order which names no currency is in its country's",
        ),
        secret_options=frozenset({"accessToken"}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The manifest; what the request does not have is left out of it."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        items = list(signatures.pairs(header))
        times = [value for name, value in items if name == b"ts"]
        given = signatures.digests((value for name, value in items if name == b"v1"), "hex", 32)
        if len(times) != 1 or not given:
            return signatures.malformed(_HEADER, "ts=<time>,v1=<hex>")
        thing = id_of_query(request)
        return (
            Claim(
                method=EitherCase(manifest(request, thing, times[0])),
                signed=manifest(request, thing.lower(), times[0]),
                given=given,
                secrets=source.secrets,
                timestamp=times[0],
                tolerance_s=_tolerance_s(source),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """A hint, known by what is signed. A body that names another thing than the signed one is not believed."""
        signed_id, named = id_of_query(request), _id_of_body(request.body)
        if signed_id and named and signed_id.lower() != named.lower():
            return Refused(RefusalReason.SIGNATURE_MISMATCH, "the body names another id than the one that is signed")
        times = [value for name, value in signatures.pairs(request.header(b"x-signature") or b"") if name == b"ts"]
        return Hint("sha256:" + sha256(manifest(request, signed_id.lower(), b"".join(times))).hexdigest())

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        subject = asking.subject(notification) or ""
        return answer.read(notification.body, subject, notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the thing that is named; None without an access token."""
        said = payloads.read(_NOTIFICATION, notification.body)
        topic = payloads.first_text(said.type, said.topic)
        path, thing = _PATHS.get(topic), _id_of_body(notification.body)
        if path is None:
            raise MalformedPayload(f"the topic {topic!r} is about nothing that is asked for")
        if not _ID.fullmatch(thing):
            raise MalformedPayload(f"it names nothing that could be asked about: data.id is {payloads.shown(thing)}")
        token = options.text_option(source.options, "accessToken")
        if not token:
            return None
        base = asking.base_url(source, BASE_URL)
        headers = (("authorization", f"Bearer {token}"), ("accept", "application/json"))
        return FetchPlan(url=f"{base}{path}{quote(thing, safe='')}", headers=headers, subject=thing)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while no status and no amount changes."""
        return answer.key(subject, body)


def _id_of_body(body: bytes) -> str:
    try:
        data = payloads.read(_NOTIFICATION, body).data
    except MalformedPayload:
        return ""
    return "" if data is None or data.id is None else str(data.id)


def _tolerance_s(source: Source) -> int:
    return options.tolerance_s(source.options) if "toleranceSeconds" in source.options else _TOLERANCE_S


GATEWAY: Final[FetchingGateway] = MercadoPago()
