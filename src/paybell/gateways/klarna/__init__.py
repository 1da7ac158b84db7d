"""Klarna: notifications of Klarna Network, whose raw body is signed with one of the merchant's signing keys.

Sources: docs.klarna.com (webhooks, states of payment requests and of payment transactions, the web SDK's state lists).
"""

from typing import Final

from paybell.errors import MalformedPayload
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.klarna.facts import Event, Metadata, read
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_KEY_ID_START: Final = "krn:"
_EVENT: Final = payloads.decoder(Event)


class Klarna(Base):
    """No options. A secret is a signing key, or the key's id and the key with ``=`` between them."""

    about = About(
        name="klarna",
        title="Klarna",
        docs_url="https://docs.klarna.com/klarna-network-distribution/",
        credential="the webhook's signing key, or its id and the key as krn:…=key",
        signed="the raw body, HMAC-SHA256 in hex or base64, header Klarna-Signature",
        dedupe="the event's id",
        retries="after 10 s, 2 min, 15 min, 3 h, 6 h and 12 h",
        unverified=(
            "whether the signature is written in hex or base64 (both are taken)",
            "that the signing key is used as it is written",
            "the fields of a payload that hold amounts, currencies, captures and references",
        ),
    )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; every key is tried, whatever id the request names."""
        raw = signatures.header(request, "klarna-signature")
        if isinstance(raw, Refused):
            return raw
        given = signatures.decoded(raw, "hex", 32) or signatures.decoded(raw, "base64", 32)
        if given is None:
            return signatures.malformed("klarna-signature", "an HMAC-SHA256 in hex or base64")
        keys = tuple([_key(secret) for secret in source.secrets])
        return (Claim(method=Hmac(), signed=request.body, given=(given,), secrets=keys),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            metadata = payloads.read(_EVENT, request.body).metadata or Metadata()
        except MalformedPayload:
            metadata = Metadata()
        return Verified(payloads.id_key(metadata.event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from ``payload``; its state counts, not the event's name."""
        event = payloads.read(_EVENT, notification.body)
        if event.metadata is None:
            return Parsed(reason="it is no notification of Klarna Network: those of Checkout v2 go to 'klarna_legacy'")
        payload, occurred_at = event.payload, event.metadata.occurred_at
        at_ms = payloads.time_to_ms(occurred_at, "occurred_at") if occurred_at else notification.received_at_ms
        facts = read(payload, at_ms)
        live = event.metadata.live
        return Parsed(
            event=payloads.text(event.metadata.event_type),
            facts=facts,
            reason=""
            if facts
            else f"it names no payment or capture, or its state {payloads.text(payload.state)!r} is new",
            livemode=live if isinstance(live, bool) else None,
        )


def _key(secret: str) -> str:
    """What signs: all of a secret, or what stands after the key's id."""
    key_id, found, key = secret.partition("=")
    return key if found and key_id.startswith(_KEY_ID_START) else secret


GATEWAY: Final[Gateway] = Klarna()
