"""Adyen's standard webhooks: each item signs eight of its fields, and nothing else of it is believed.

Sources: docs.adyen.com (verify HMAC signatures, webhook types, dispute webhooks, currency codes) and the tests of
Adyen's SDKs for Python, Node and Java, which show that the fields are joined by colons without any escaping.
"""

from collections.abc import Mapping
from hashlib import sha256
from itertools import chain
from typing import Final

from msgspec import Raw, Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.adyen.facts import EXPONENTS, Signed, read
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac, key_bytes
from paybell.model.fact import Parsed
from paybell.model.notification import Answer, Batch, Item, Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {"capture": options.one_of("manual", "automatic")}
_PLACE: Final = "additionalData.hmacSignature"
_METHOD: Final = Hmac(key="hex")


class _Signature(Struct, frozen=True):
    hmacSignature: str  # noqa: N815 - their spelling


class _Item(Signed, frozen=True):
    additionalData: _Signature | None = None  # noqa: N815 - their spelling


class _Wrapped(Struct, frozen=True):
    NotificationRequestItem: Raw


class _Body(Struct, frozen=True):
    """A whole request, or a bare item, which then has no list."""

    notificationItems: list[_Wrapped] | None = None  # noqa: N815 - their spelling
    pspReference: str | None = None  # noqa: N815 - their spelling
    type: str | None = None


_BODY: Final = payloads.decoder(_Body)
_ITEM: Final = payloads.decoder(_Item)
_FIELDS: Final = payloads.decoder(Signed)


class Adyen(Base):
    """Options: ``capture`` (``manual``): ``automatic`` where Adyen captures what it authorises, telling no more."""

    about = About(
        name="adyen",
        title="Adyen",
        docs_url="https://docs.adyen.com/development-resources/webhooks/",
        credential="the webhook's HMAC key, 64 hex digits",
        signed="eight fields of each item, joined by colons, HMAC-SHA256 in base64, additionalData.hmacSignature",
        dedupe="SHA-256 of the item's eight signed fields",
        retries="3 times at once, then from 2 min up to 8 h apart for 30 days",
        believed="the eight signed fields; times are those of arrival",
        unverified=(
            "that CAPTURE_FAILED, REFUND_FAILED and REFUNDED_REVERSED repeat the pspReference of the capture or refund",
            "that PAYOUT_DECLINE, PAYOUT_EXPIRE and PAIDOUT_REVERSED name the payout as their originalReference",
            "how long the old HMAC key stays in use after a new one was made",
        ),
        secret_headers=frozenset({b"authorization"}),
        exponents=EXPONENTS,
        answer=Answer(body=b"[accepted]", content_type=b"text/plain"),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a secret that is no HMAC key, too."""
        super().check(source)
        if not all(key_bytes(secret, "hex") for secret in source.secrets):
            raise ConfigurationError(f"a secret of {self.where} is not in hex: copy the webhook's HMAC key from Adyen")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """One claim for each item: all of them must be right."""
        try:
            items = [payloads.read(_ITEM, raw) for raw in _items(request.body)]
        except MalformedPayload as error:
            return signatures.malformed("the body", f"a list of signed notification items: {error}")
        found = [_claim(item, source.secrets) for item in items]
        given = tuple([claim for claim in found if claim is not None])
        return given if given and len(given) == len(found) else signatures.malformed(_PLACE, "an HMAC-SHA256 in base64")

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the signed fields; several items are several notifications."""
        found = [Item(_dedupe_key(raw), bytes(raw)) for raw in _items(request.body)]
        return Batch(tuple(found)) if len(found) > 1 else Verified(found[0].dedupe_key)

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the signed fields alone, of a request or of a bare item."""
        raws = _items(notification.body)
        if not raws:
            kind = payloads.text(payloads.read(_BODY, notification.body).type)
            return Parsed(
                event=kind, reason="it is no standard webhook of Adyen: others go to gateway 'adyen_platforms'"
            )
        automatic = options.text_option(source.options, "capture") == "automatic"
        items = [payloads.read(_FIELDS, raw) for raw in raws]
        found = [read(item, notification.received_at_ms, automatic=automatic) for item in items]
        return Parsed(
            event=payloads.text(", ".join(dict.fromkeys(item.eventCode for item in items))),
            facts=tuple(chain.from_iterable(facts for facts, _ in found)),
            reason="; ".join(dict.fromkeys(reason for facts, reason in found if not facts)),
        )


def _items(body: bytes) -> list[Raw]:
    whole = payloads.read(_BODY, body)
    if whole.pspReference is not None:  # an item, whatever unsigned list somebody put into it
        return [Raw(body)]
    return [wrapped.NotificationRequestItem for wrapped in whole.notificationItems or ()]


def _claim(item: _Item, secrets: tuple[str, ...]) -> Claim | None:
    signed = item.signed()
    text = item.additionalData.hmacSignature.encode(errors="replace") if item.additionalData else b""
    given = signatures.decoded(text, "base64", 32)
    if signed is None or given is None:
        return None
    return Claim(method=_METHOD, signed=signed, given=(given,), secrets=secrets)


def _dedupe_key(raw: Raw) -> str:
    return "sha256:" + sha256(payloads.read(_FIELDS, raw).signed() or b"").hexdigest()


GATEWAY: Final[Gateway] = Adyen()
