"""Any sender of Standard Webhooks: the message's id, its time and the body are signed.

Source: the specification (standard-webhooks/standard-webhooks, ``spec/standard-webhooks.md``) and its libraries. The
specification leaves the payload open, so it is read as the generic gateway's options say; by default as the envelope
that Paybell itself sends, so that one Paybell can listen to another.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Final

from paybell.errors import ConfigurationError
from paybell.gateways.generic.reading import CHECKS, read
from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.kit.payloads import id_key
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {**CHECKS, "toleranceSeconds": options.tolerance}
_SECRET_START: Final = "whsec_"  # noqa: S105 - the prefix of every secret
_KEY_PAIR_STARTS: Final = ("whsk_", "whpk_")
_VERSION: Final = b"v1,"
_DIGEST_BYTES: Final = 32


class StandardWebhooks(Base):
    """Options: those of the generic gateway that say where things stand and what words mean, ``toleranceSeconds``."""

    about = About(
        name="standard_webhooks",
        title="Any sender of Standard Webhooks",
        docs_url="https://www.standardwebhooks.com/",
        credential="the endpoint's secret, whsec_ and base64 (or the base64 alone)",
        signed="{webhook-id}.{webhook-timestamp}.{body}, HMAC-SHA256 in base64, each v1 of header webhook-signature",
        time_signed="webhook-timestamp, 300 s either way (toleranceSeconds)",
        dedupe="webhook-id, which is signed",
        retries="the sender's own: the specification recommends days, with growing pauses",
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a secret that is no base64, too, and one of a key pair."""
        super().check(source)
        for secret in source.secrets:
            if secret.startswith(_KEY_PAIR_STARTS):
                raise ConfigurationError(
                    f"a secret of {self.where} is of a key pair (v1a): ask the sender for a shared secret, 'whsec_…'"
                )
            if not _is_base64(_key(secret)):
                raise ConfigurationError(f"a secret of {self.where} must be 'whsec_' and base64, or base64 alone")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{id}.{time}.{body}`` under any ``v1``; signatures of other versions are passed over."""
        message_id = signatures.header(request, "webhook-id")
        time = signatures.header(request, "webhook-timestamp")
        listed = signatures.header(request, "webhook-signature")
        if isinstance(message_id, Refused):
            return message_id
        if isinstance(time, Refused):
            return time
        if isinstance(listed, Refused):
            return listed
        given = _given(listed)
        if not given:
            return signatures.malformed("webhook-signature", "v1,<base64>, perhaps several with spaces between")
        return (
            Claim(
                method=Hmac("sha256", key="base64"),
                signed=b"%b.%b.%b" % (message_id, time, request.body),
                given=given,
                secrets=tuple(_key(secret) for secret in source.secrets),
                timestamp=time,
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the message's id."""
        return Verified(id_key((request.header(b"webhook-id") or b"").decode("latin-1"), request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """One payment's status, as the options say where it stands."""
        return read(notification, source)


def _given(listed: bytes) -> tuple[bytes, ...]:
    texts = (item.removeprefix(_VERSION) for item in listed.split(b" ") if item.startswith(_VERSION))
    return signatures.digests(texts, "base64", _DIGEST_BYTES)


def _key(secret: str) -> str:
    """The secret's base64 with the padding that some senders leave out."""
    bare = secret.removeprefix(_SECRET_START)
    return bare + "=" * (-len(bare) % 4)


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except binascii.Error:
        return False


GATEWAY: Final[Gateway] = StandardWebhooks()
