"""Worldpay (Access): events whose raw body is signed, perhaps with several keys at once.

Sources: docs.worldpay.com (Access, events and their signature).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac, key_bytes
from paybell.gateways.worldpay.facts import Event, read
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_METHOD: Final = Hmac(key="hex")


class _Identity(Struct, frozen=True):
    eventId: str | None = None  # noqa: N815 - their spelling


_EVENT: Final = payloads.decoder(Event)
_IDENTITY: Final = payloads.decoder(_Identity)


class Worldpay(Base):
    """No options."""

    about = About(
        name="worldpay",
        title="Worldpay",
        docs_url="https://docs.worldpay.com/access/products/events",
        credential="the shared secret for event signatures, in hex, from Worldpay's Implementation Manager",
        signed="the raw body, HMAC-SHA256 in hex, each {keyId}/SHA256/{signature} of header Event-Signature",
        dedupe="the event's id",
        retries="for a week, from 15 min up to 2 h apart",
        unverified=(
            "that the secret is written in hex",
            "whether settled and refunded repeat the reference of a partial settlement or refund",
            "whether Worldpay writes amounts of any currency with other decimals than ISO 4217",
        ),
    )

    def check(self, source: Source) -> None:
        """Refuse a secret that is not in hex, too."""
        super().check(source)
        if not all(key_bytes(secret, "hex") for secret in source.secrets):
            raise ConfigurationError(f"a secret of {self.where} is not in hex: copy the one Worldpay gave you")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC under any of the keys; signatures by another hash are passed over."""
        raw = signatures.header(request, "event-signature")
        if isinstance(raw, Refused):
            return raw
        given = tuple(_given(raw))[: signatures.GIVEN_MAX]
        if not given:
            return signatures.malformed("event-signature", "{keyId}/SHA256/{hex}, perhaps several with commas")
        return (Claim(method=_METHOD, signed=request.body, given=given, secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            event_id: object = payloads.read(_IDENTITY, request.body).eventId
        except MalformedPayload:
            event_id = None
        return Verified(payloads.id_key(event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from ``eventDetails``."""
        event = payloads.read(_EVENT, notification.body)
        name = payloads.text(event.eventDetails.type)
        facts = read(event.eventDetails, payloads.time_to_ms(event.eventTimestamp, "eventTimestamp"))
        return Parsed(event=name, facts=facts, reason="" if facts else f"{name!r} moves no payment")


def _given(raw: bytes) -> Iterator[bytes]:
    for each in raw.split(b","):
        _, _, rest = each.strip().partition(b"/")
        hash_name, _, text = rest.partition(b"/")
        digest = signatures.decoded(text, "hex", 32)
        if hash_name == b"SHA256" and digest:
            yield digest


GATEWAY: Final[Gateway] = Worldpay()
