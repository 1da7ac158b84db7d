"""Square: events with snapshots of their objects, signed together with the address they are sent to.

Sources: Square's API specification (square/connect-api-specification, its webhook examples), the webhook helpers and
tests of its SDKs, developer.squareup.com. The address comes from the source's options, never from the request.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.square.facts import Things, read
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway


def _address(value: object) -> str:
    fits = options.key_like(value) == "" and str(value).startswith("https://")
    return "" if fits else "the notification URL exactly as Square has it, such as 'https://example.com/in/square-live'"


_OPTIONS: Final[Mapping[str, options.Check]] = {"notificationUrl": _address}


class _Data(Struct, frozen=True):
    object: Things | None = None


class _Event(Struct, frozen=True):
    type: str
    event_id: str | None = None
    created_at: str | None = None
    data: _Data = _Data()


class _Identity(Struct, frozen=True):
    event_id: str | None = None


_EVENT: Final = payloads.decoder(_Event)
_IDENTITY: Final = payloads.decoder(_Identity)


class Square(Base):
    """Options: ``notificationUrl`` (needed), the address exactly as it stands in Square's subscription."""

    about = About(
        name="square",
        title="Square",
        docs_url="https://developer.squareup.com/docs/webhooks/overview",
        credential="the subscription's signature key",
        signed="the notification URL and the raw body, HMAC-SHA256 in base64, header x-square-hmacsha256-signature",
        dedupe="the event's id",
        retries="11 times in 24 h",
        unverified=(
            "that a payment's refunded_money counts refunds that are still pending",
            "that a deactivated subscription is always one that can be resumed",
        ),
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse a source that does not say its address, too: it is part of what is signed."""
        super().check(source)
        if "notificationUrl" not in source.options:
            raise ConfigurationError(
                "option 'notificationUrl' of gateway 'square' is required: copy it from the webhook subscription"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The address and the body; no time is signed."""
        address = options.text_option(source.options, "notificationUrl")
        if not address:
            return Refused(RefusalReason.NO_SECRET, "the source has no option notificationUrl, which is signed too")
        raw = signatures.header(request, "x-square-hmacsha256-signature")
        if isinstance(raw, Refused):
            return raw
        given = signatures.decoded(raw, "base64", 32)
        if given is None:
            return signatures.malformed("x-square-hmacsha256-signature", "an HMAC-SHA256 in base64")
        signed = address.encode() + request.body
        return (Claim(method=Hmac(), signed=signed, given=(given,), secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        return Verified(_dedupe_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from ``data.object``."""
        event = payloads.read(_EVENT, notification.body)
        name = payloads.text(event.type)
        if event.type.startswith("terminal."):
            return Parsed(event=name, reason="what a terminal did comes again as the payment's or refund's own event")
        facts, reason = read(event.data.object or Things(), event.type, event.created_at)
        return Parsed(event=name, facts=facts, reason=reason)


def _dedupe_key(body: bytes) -> str:
    try:
        event_id: object = payloads.read(_IDENTITY, body).event_id
    except MalformedPayload:
        event_id = None
    return payloads.id_key(event_id, body)


GATEWAY: Final[Gateway] = Square()
