"""PhonePe (v2): a webhook carries the SHA-256 of a user's name and a password, and nothing of its body is signed.

Sources: developer.phonepe.com ("Webhook handling", "Order status", "Refund status") and PhonePe's SDKs with their
tests. So what a webhook says is a hint, and the order's (or the refund's) state is asked of the API. The payment is
known by the merchant's order id, which is all that a refund's status names.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hash
from paybell.gateways.phonepe import answer, subscription
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan, Login

BASE_URL: Final = "https://api.phonepe.com/apis/pg"
LOGIN_URL: Final = "https://api.phonepe.com/apis/identity-manager"
_HEADER: Final = "authorization"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_VERSION: Final = re.compile(r"[0-9]{1,8}")
_NEEDED: Final = ("clientId", "clientSecret", "clientVersion")
_PATHS: Final[Mapping[str, str]] = {"pg": "payments", "subscription": "subscriptions"}
"""Which of the products an event is about; all others are asked of the checkout."""


def _version(value: object) -> str:
    return "" if isinstance(value, str) and _VERSION.fullmatch(value) else "the client version as a text, such as '1'"


_OPTIONS: Final[Mapping[str, options.Check]] = {
    "clientId": options.key_like,
    "clientSecret": options.key_like,
    "clientVersion": _version,
    "baseUrl": options.base_url,
    "loginUrl": options.base_url,
}


class _Payload(Struct, frozen=True, rename="camel"):
    merchant_order_id: object = None
    merchant_refund_id: object = None
    merchant_subscription_id: object = None


class _Event(Struct, frozen=True):
    event: object = None
    type: object = None
    payload: _Payload = _Payload()


_EVENT: Final = payloads.decoder(_Event)


class PhonePe(Base):
    """Options: ``clientId``, ``clientSecret``, ``clientVersion`` (to ask the API), ``baseUrl``, ``loginUrl``."""

    about = About(
        name="phonepe",
        title="PhonePe",
        docs_url="https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/api-integration/"
        "api-reference/webhook",
        credential="the webhook's user name and password, written 'user:password'",
        signed="nothing: header authorization is the SHA-256 of 'user:password' in hex",
        dedupe="SHA-256 of the body; the same hint again asks again",
        retries="unknown",
        believed="nothing: the API is asked for the order, the refund or the subscription",
        unverified=(
            "retries",
            "that an order's status names its subscription, as its webhook does",
            "the option HMAC of PhonePe's dashboard (not supported)",
        ),
        secret_options=frozenset({"clientSecret"}),
        secret_headers=frozenset({b"authorization"}),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a secret without its colon, and a part of the client's credentials."""
        super().check(source)
        if any(":" not in secret for secret in source.secrets):
            raise ConfigurationError(f"the secret of {self.where} is written 'user:password', as PhonePe hashes it")
        given = [name for name in _NEEDED if name in source.options]
        if given and len(given) < len(_NEEDED):
            raise ConfigurationError(f"options {', '.join(map(repr, _NEEDED))} of {self.where} go together: give all")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The credentials' hash, over nothing."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        given = signatures.decoded(header, "hex", 32)
        if given is None:
            return signatures.malformed(_HEADER, "a SHA-256 in hex")
        return (Claim(method=Hash("sha256", "after"), signed=b"", given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Never more than a hint."""
        return Hint(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        subject = asking.subject(notification) or ""
        return answer.read(notification.body, subject, notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the refund, the subscription, or the order with all its attempts; None without credentials."""
        path, subject = _question(notification.body)
        client_id, secret, version = (options.text_option(source.options, name) for name in _NEEDED)
        if not client_id or not secret or not version:
            return None
        base = asking.base_url(source, BASE_URL)
        form = {
            "client_id": client_id,
            "client_version": version,
            "client_secret": secret,
            "grant_type": "client_credentials",
        }
        return FetchPlan(
            url=f"{base}{path}",
            headers=(("accept", "application/json"), ("content-type", "application/json")),
            subject=subject,
            login=Login(
                url=options.text_option(source.options, "loginUrl", LOGIN_URL).rstrip("/") + "/v1/oauth/token",
                headers=(("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")),
                body=urlencode(form).encode(),
                scheme="O-Bearer",
            ),
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while neither the state nor an attempt's changes."""
        return answer.key(subject, body)


def _question(body: bytes) -> tuple[str, str]:
    event = payloads.read(_EVENT, body)
    if event.payload.merchant_refund_id:
        refund_id = _checked(event.payload.merchant_refund_id, "merchantRefundId")
        return f"/payments/v2/refund/{quote(refund_id, safe='')}/status", refund_id
    if event.payload.merchant_subscription_id and not event.payload.merchant_order_id:
        subscription_id = _checked(event.payload.merchant_subscription_id, "merchantSubscriptionId")
        return f"/subscriptions/v2/{quote(subscription_id, safe='')}/status", subscription.BEFORE + subscription_id
    order_id = _checked(event.payload.merchant_order_id, "merchantOrderId")
    product = payloads.first_text(event.event, event.type).lower().replace("_", ".").partition(".")[0]
    path = _PATHS.get(product, "checkout")
    return f"/{path}/v2/order/{quote(order_id, safe='')}/status?details=true", order_id


def _checked(value: object, name: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise MalformedPayload(f"it names nothing that could be asked about: {name} is {payloads.shown(value)}")
    return value


GATEWAY: Final[FetchingGateway] = PhonePe()
