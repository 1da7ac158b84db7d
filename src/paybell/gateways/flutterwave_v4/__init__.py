"""Flutterwave API v4: an HMAC of the raw body in base64, which no page of Flutterwave's that we could read confirms.

Sources: developer.flutterwave.com (authentication), public SDKs for v4 (flutterwave-node-v4, gowelle/flutterwave-php).
They agree on the scheme, others compare the header with the secret hash itself: so a webhook is a hint, and the truth
is asked of ``GET /charges/{id}`` or ``GET /refunds/{id}``, after a login with client credentials (OAuth 2.0).
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.gateways.flutterwave import common
from paybell.gateways.flutterwave_v4 import answer
from paybell.gateways.kit import asking, metadata, options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import body_key, decoder, ident, read, text
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import SUBJECT_HEADER, About, Claims, FetchingGateway, FetchPlan, Login

BASE_URL: Final = "https://f4bexperience.flutterwave.com"
LOGIN_URL: Final = "https://idp.flutterwave.com/realms/flutterwave/protocol/openid-connect/token"
_SCHEME: Final = signatures.Scheme(header="flutterwave-signature", encoding="base64")
_PATH: Final = "charges/{}"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


_OPTIONS: Final[Mapping[str, options.Check]] = {
    "clientId": options.key_like,
    "clientSecret": options.key_like,
    "baseUrl": options.base_url,
    "loginUrl": options.base_url,
    "refundCurrency": common.currency,
    **metadata.CHECKS,
}


class _Named(Struct):
    id: str | None = None


class _Hint(Struct):
    type: str | None = None
    data: _Named | None = None


_HINT: Final = decoder(_Hint)


class FlutterwaveV4(Base):
    """Options: ``clientId``, ``clientSecret``, ``refundCurrency``, ``trustMetadata``, ``baseUrl``, ``loginUrl``."""

    about = About(
        name="flutterwave_v4",
        title="Flutterwave v4",
        docs_url="https://developer.flutterwave.com/docs/webhooks",
        credential="the secret hash you chose for the webhook in Flutterwave's dashboard",
        signed="the raw body, HMAC-SHA256 in base64, header flutterwave-signature",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="3 times every 30 minutes, if switched on in the dashboard",
        believed="nothing: the API is asked for the charge or the refund",
        unverified=(
            "that the signature is an HMAC-SHA256 of the body in base64",
            "retries",
            "the words of a status beside succeeded, pending and failed",
            "chargebacks and transfers: not read",
        ),
        secret_options=frozenset({"clientSecret"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse half a pair of credentials, too."""
        super().check(source)
        if ("clientId" in source.options) != ("clientSecret" in source.options):
            raise ConfigurationError(f"options 'clientId' and 'clientSecret' of {self.where} go together: give both")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """No more than a hint while the scheme is unconfirmed."""
        return Hint(body_key(request.body))

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the charge or the refund, after a login; None without credentials."""
        subject = _subject(notification.body)
        client, secret = (options.text_option(source.options, name) for name in ("clientId", "clientSecret"))
        if not client or not secret:
            return None
        base = asking.base_url(source, BASE_URL)
        asked = {"client_id": client, "client_secret": secret, "grant_type": "client_credentials"}
        return FetchPlan(
            url=f"{base}/{common.path(subject, _PATH)}",
            headers=(("accept", "application/json"),),
            subject=subject,
            login=Login(
                url=options.text_option(source.options, "loginUrl", LOGIN_URL),
                headers=(("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")),
                body=urlencode(asked).encode(),
            ),
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while status and amounts are."""
        return answer.key_of(subject, body)

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        subject = ident(asking.subject(notification), f"header {SUBJECT_HEADER}")
        return answer.read_body(notification.body, subject, source.options, notification.received_at_ms)


def _subject(body: bytes) -> str:
    hint = read(_HINT, body)
    found = hint.data.id or "" if hint.data is not None else ""
    return common.subject_of(text(hint.type), found, _ID, "letters, digits, - and _")


GATEWAY: Final[FetchingGateway] = FlutterwaveV4()
