"""iyzico: some fields of a webhook are signed (type, ids, status), but no amount: the payment is asked of the API.

Sources: docs.iyzico.com ("Webhook", "Retrieve payment", "HMACSHA256 authentication") and the samples and sources of
iyzico's SDKs. A hosted page's webhook has a token, a direct one has not: which fields there are says which of them
are signed, always with the secret key before them and as the key.
"""

import base64
import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.iyzico import answer
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.iyzipay.com"
PATH: Final = "/payment/detail"
_HEADER: Final = "x-iyz-signature-v3"
_OPTIONS: Final[Mapping[str, options.Check]] = {"apiKey": options.key_like, "baseUrl": options.base_url}

_Text = str | int | None


class _Event(Struct, frozen=True, rename="camel"):
    iyzi_event_type: _Text = None
    iyzi_payment_id: _Text = None
    payment_id: _Text = None
    token: _Text = None
    payment_conversation_id: _Text = None
    status: _Text = None


_EVENT: Final = payloads.decoder(_Event)


class Iyzico(Base):
    """Options: ``apiKey`` (to ask the API, with the source's newest secret), ``baseUrl``."""

    about = About(
        name="iyzico",
        title="iyzico",
        docs_url="https://docs.iyzico.com/en/advanced/webhook",
        credential="the merchant's secret key (the API's)",
        signed="the secret key, type, payment id, token (of hosted pages), conversation id and status, nothing between "
        "them; HMAC-SHA256 in hex, header x-iyz-signature-v3",
        dedupe="SHA-256 of what is signed",
        retries="3 times, 15 minutes apart",
        believed="that something happened: the API is asked for the payment",
        unverified=(
            "whether the API takes the same random key twice",
            "how the API answers about a payment that failed",
            "refunds: the answer about a payment does not show them",
        ),
        secret_options=frozenset({"apiKey"}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The fields of one of the two formats."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        given, signed = signatures.decoded(header, "hex", 32), _signed(request.body)
        if given is None or signed is None:
            wanted = "an HMAC-SHA256 in hex, over a payment's type, id and status"
            return Refused(RefusalReason.MALFORMED_SIGNATURE, f"{_HEADER} is not {wanted}")
        return (Claim(method=Hmac(secret_first=True), signed=signed, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """A hint, known by what is signed."""
        return Hint(payloads.body_key(_signed(request.body) or b""))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from a hint."""
        if notification.origin is not Origin.POLL:
            return asking.UNASKED
        subject = asking.subject(notification) or ""
        return answer.read(notification.body, subject, notification.received_at_ms)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the payment; None without an API key."""
        payment_id = _payment_id(payloads.read(_EVENT, notification.body))
        if not payment_id:
            raise MalformedPayload("it names no payment")
        key = options.text_option(source.options, "apiKey")
        if not key or not source.secrets:
            return None
        body = msgspec.json.encode({"locale": "en", "paymentId": payloads.ident(payment_id, "the payment's id")})
        nonce = _nonce(payment_id, notification.received_at_ms)
        headers = (
            ("authorization", authorization(key, source.secrets[0], nonce, body)),
            ("x-iyzi-rnd", nonce),
            ("content-type", "application/json"),
            ("accept", "application/json"),
        )
        base = asking.base_url(source, BASE_URL)
        return FetchPlan(url=base + PATH, headers=headers, subject=payment_id, method="POST", body=body)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while neither the status nor an amount changes."""
        return answer.key(subject, body)


def authorization(api_key: str, secret_key: str, nonce: str, body: bytes) -> str:
    """The header with which a request to iyzico's API is signed (IYZWSv2)."""
    signature = hmac.digest(secret_key.encode(), nonce.encode() + PATH.encode() + body, "sha256").hex()
    text = f"apiKey:{api_key}&randomKey:{nonce}&signature:{signature}"
    return f"IYZWSv2 {base64.b64encode(text.encode()).decode()}"


def _nonce(payment_id: str, received_at_ms: int) -> str:
    """A gateway's module knows no chance: another text for each hint, and the same one when it is asked again."""
    return blake2b(f"{payment_id} {received_at_ms}".encode(), digest_size=8).hexdigest()


def _signed(body: bytes) -> bytes | None:
    """The signed fields behind the secret; None where they name no payment."""
    try:
        event = payloads.read(_EVENT, body)
    except MalformedPayload:
        return None
    payment_id = _payment_id(event)
    if not payment_id or not event.iyzi_event_type or not event.status:
        return None
    token = "" if event.token is None else str(event.token)
    conversation = "" if event.payment_conversation_id is None else str(event.payment_conversation_id)
    return f"{event.iyzi_event_type}{payment_id}{token}{conversation}{event.status}".encode(errors="replace")


def _payment_id(event: _Event) -> str:
    """Of the two ids the one that the format signs."""
    payment_id = event.payment_id if event.token is None else event.iyzi_payment_id
    return "" if payment_id is None else str(payment_id)


GATEWAY: Final[FetchingGateway] = Iyzico()
