"""PayPal: the signature covers the body's CRC-32 only, so a webhook is a hint, and the event is asked of the API.

Sources: PayPal's SDKs (the signed message and the certificate's use), its API specifications
(``notifications_webhooks_v1.json``). A CRC-32 can be met by any other body, which is why no body is believed. The
certificate's URL in the request is never asked: certificates are the source's secrets, and without any the URL's token
alone lets hints in.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit
from zlib import crc32

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base, judge_token
from paybell.gateways.kit.methods import Rsa, public_key
from paybell.gateways.paypal import events
from paybell.model.fact import Parsed
from paybell.model.notification import Answer, Hint, Notification, Origin, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan, Login

BASE_URL: Final = "https://api-m.paypal.com"
_EVENT_ID: Final = re.compile(r"[A-Za-z0-9-]{1,128}")
_ALGORITHM: Final = b"SHA256withRSA"
_OPTIONS: Final[Mapping[str, options.Check]] = {
    "webhookId": options.key_like,
    "clientId": options.basic_user,
    "clientSecret": options.key_like,
    "baseUrl": options.base_url,
}


class _Named(Struct):
    id: str


_NAMED: Final = payloads.decoder(_Named)


class PayPal(Base):
    """Options: ``clientId`` and ``clientSecret`` (to ask the API), ``webhookId`` (signed), ``baseUrl``."""

    about = About(
        name="paypal",
        title="PayPal",
        docs_url="https://developer.paypal.com/api/rest/webhooks/",
        credential="",
        signed="{id}|{time}|{webhookId}|{CRC-32 of the body}, RSA-SHA256, where the source holds PayPal's certificates",
        dedupe="SHA-256 of the body; the same event again asks again",
        retries="25 times within 3 days",
        believed="nothing: the API is asked for the event",
        unverified=(
            "whether an event that is asked for is always the one that was sent",
            "that the money of a lost dispute always goes back as a refund or reversal of its own",
            "that every subscription's id, and no other agreement's, starts with I-",
        ),
        has_token=True,
        secret_options=frozenset({"clientSecret"}),
        answer=Answer(b"", b"text/plain"),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse half of the credentials, certificates that are none, and certificates without a webhook's id."""
        super().check(source)
        if ("clientId" in source.options) != ("clientSecret" in source.options):
            raise ConfigurationError(f"options 'clientId' and 'clientSecret' of {self.where} go together: give both")
        if any(public_key(secret) is None for secret in source.secrets):
            raise ConfigurationError(f"a secret of {self.where} is no certificate in PEM with an RSA key: see its page")
        if source.secrets and "webhookId" not in source.options:
            raise ConfigurationError(f"option 'webhookId' of {self.where} is required to verify with a certificate")

    def unfit(self, request: Request, source: Source) -> Refused | None:
        """Another token; with certificates also a compressed body."""
        if refused := judge_token(request, source):
            return refused
        return signatures.unfit(request, source.secrets) if source.secrets else None

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The message over the body's CRC-32, where there are certificates to judge it by."""
        if not source.secrets:
            return ()
        refused = _judge_headers(request)
        sent = [signatures.header(request, f"paypal-transmission-{part}") for part in ("id", "time", "sig")]
        found = [part for part in sent if not isinstance(part, Refused)]
        if refused or len(found) != len(sent):
            return refused or next(part for part in sent if isinstance(part, Refused))
        given = signatures.unbase64(found[2])
        if given is None:
            return signatures.malformed("paypal-transmission-sig", "in base64")
        webhook_id = options.text_option(source.options, "webhookId")
        signed = b"|".join((found[0], found[1], webhook_id.encode(), b"%d" % crc32(request.body)))
        return (Claim(method=Rsa(), signed=signed, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event as the API knows it (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        return events.read(notification.body, asking.subject(notification) or "")

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the event of that id; None without credentials, ``MalformedPayload`` without an id."""
        event_id = payloads.read(_NAMED, notification.body).id
        if not _EVENT_ID.fullmatch(event_id):
            raise MalformedPayload(f"the event's id cannot be asked about: {payloads.shown(event_id)}")
        user, secret = (options.text_option(source.options, name) for name in ("clientId", "clientSecret"))
        if not user or not secret:
            return None
        base = asking.base_url(source, BASE_URL)
        return FetchPlan(
            url=f"{base}/v1/notifications/webhooks-events/{event_id}",
            headers=(("accept", "application/json"),),
            subject=event_id,
            login=_login(base, user, secret),
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while the event's object is the same."""
        return events.key(subject, body)


def _login(base: str, user: str, secret: str) -> Login:
    headers = (
        asking.basic(user, secret),
        ("accept", "application/json"),
        ("content-type", "application/x-www-form-urlencoded"),
    )
    return Login(url=f"{base}/v1/oauth2/token", headers=headers, body=b"grant_type=client_credentials")


def _judge_headers(request: Request) -> Refused | None:
    """Another algorithm than the one there is, or a certificate that is not PayPal's: no honest request has them."""
    if (request.header(b"paypal-auth-algo") or _ALGORITHM) != _ALGORITHM:
        return signatures.malformed("paypal-auth-algo", "SHA256withRSA")
    url = request.header(b"paypal-cert-url")
    if url is not None and not _is_of_paypal(url.decode("latin-1")):
        return Refused(RefusalReason.MALFORMED_SIGNATURE, "paypal-cert-url is not at PayPal")
    return None


def _is_of_paypal(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and (parts.hostname or "").endswith(".paypal.com")
    except ValueError:
        return False


GATEWAY: Final[FetchingGateway] = PayPal()
