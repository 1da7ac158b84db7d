"""Braintree: a form with XML in base64, and the base64 text under an HMAC whose key is the private key's SHA-1.

Source: Braintree's Python SDK (``webhook_notification_gateway.py``, ``util/crypto.py``, and its tests). During a
rotation each key pair signs: ``publicKey`` says which signatures are this source's.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.braintree import notice
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.model.fact import Parsed
from paybell.model.notification import Answer, Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HMAC: Final = Hmac("sha1", key="sha1")
_DIGEST_BYTES: Final = 20
_CHALLENGE_CHARS: Final = range(20, 33)
"""So short, and of hex digits only, that what is signed for a challenge can be no notification."""
_OPTIONS: Final[Mapping[str, options.Check]] = {"publicKey": options.key_like}


class _Text(Struct, frozen=True):
    """The HMAC over a text whose last line end may have been lost on the way, as the SDK takes it."""

    @property
    def words(self) -> str:
        """As the HMAC's."""
        return _HMAC.words

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """Over the text with its line end."""
        return _HMAC.expected(secret, signed)

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """With the line end, or without."""
        whole = _HMAC.matches(secret, signed, given)
        return whole | _HMAC.matches(secret, signed + b"\n", given)


class Braintree(Base):
    """Option: ``publicKey``, the public key of the pair whose private key is the secret; several with commas."""

    about = About(
        name="braintree",
        title="Braintree",
        docs_url="https://developer.paypal.com/braintree/docs/guides/webhooks/overview",
        credential="the private key of your API keys (option 'publicKey' has its public key)",
        signed="the field bt_payload as it is (base64), HMAC-SHA1 in hex, field bt_signature",
        dedupe="SHA-256 of bt_payload",
        retries="hourly for 24 h (live), for 3 h (sandbox)",
        unverified=(
            "the fields of local_payment_reversed",
            "whether a retrieval is always of the kind 'retrieval'",
            "that a subscription on trial is in billing cycle 0",
        ),
        answer=Answer(b"", b"text/plain"),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a source that does not say whose signatures are its own."""
        super().check(source)
        if "publicKey" not in source.options:
            raise ConfigurationError(
                f"option 'publicKey' of {self.where} is required: it stands beside the private key"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``bt_payload`` under a signature of one of the source's key pairs."""
        try:
            fields = payloads.form(request.body)
        except MalformedPayload:
            return signatures.malformed("the body", "a form with bt_signature and bt_payload")
        text, payload = fields.get("bt_signature"), fields.get("bt_payload")
        if not text or not payload:
            return Refused(RefusalReason.HEADER_MISSING, "the form has no bt_signature or no bt_payload")
        pairs = [pair.partition("|") for pair in text.split("&", signatures.GIVEN_MAX)]
        ours = [digest for name, _, digest in pairs if name in _public_keys(source)]
        if not ours:
            return Refused(RefusalReason.MALFORMED_SIGNATURE, "bt_signature has none of the source's public key")
        given = signatures.digests((digest.encode() for digest in ours), "hex", _DIGEST_BYTES)
        if not given:
            return signatures.malformed("bt_signature", "public_key|<an HMAC-SHA1 in hex>")
        return (Claim(method=_Text(), signed=payload.encode(), given=given, secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the signed text: there is no event id."""
        payload = payloads.form(request.body)["bt_payload"]
        return Verified(payloads.body_key(payload.rstrip("\n").encode()))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the transactions or the dispute in the XML."""
        payload = payloads.form(notification.body).get("bt_payload")
        if not payload:
            raise MalformedPayload("the form has no bt_payload")
        return notice.read(payload)

    def greet(self, request: Request, source: Source) -> Answer | None:
        """Answer the challenge with which Braintree tries an address out."""
        given = parse_qs(request.query).get("bt_challenge", [])
        secret = next(filter(None, source.secrets), None)
        names = _public_keys(source)
        if len(given) != 1 or not _is_challenge(given[0]) or secret is None or not names:
            return None
        digest = _HMAC.expected(secret, given[0].encode())
        return None if digest is None else Answer(f"{names[0]}|{digest.hex()}".encode(), b"text/plain")


def _public_keys(source: Source) -> list[str]:
    return options.text_option(source.options, "publicKey").split(",") if "publicKey" in source.options else []


def _is_challenge(text: str) -> bool:
    return len(text) in _CHALLENGE_CHARS and not set(text) - set("0123456789abcdef")


GATEWAY: Final[Gateway] = Braintree()
