"""Stripe: signed events, one object each.

Sources: Stripe's own SDKs (``stripe/_webhook.py``, stripe-dotnet's ``EventUtilityTest``) for the signature, its OpenAPI
fixtures for the shapes.
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.amounts import STRIPE_EXPONENTS
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.kit.payloads import body_key, id_key, read, seconds_to_ms, text
from paybell.gateways.stripe.facts import read_object
from paybell.gateways.stripe.pieces import Found
from paybell.gateways.stripe.shapes import EVENT, IDENTITY, Event
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance}
_API_KEY_STARTS: Final = ("sk_", "pk_", "rk_")


class Stripe(Base):
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way."""

    about = About(
        name="stripe",
        title="Stripe",
        docs_url="https://docs.stripe.com/webhooks",
        credential="the endpoint's signing secret, whsec_…",
        signed="{t}.{body}, HMAC-SHA256 in hex, each v1 of header stripe-signature",
        time_signed="t, 300 s either way (toleranceSeconds)",
        dedupe="the event's id",
        retries="for 3 days (live), 3 times in hours (test)",
        exponents=STRIPE_EXPONENTS,
    )
    checks = _OPTIONS

    def check(self, source: Source) -> None:
        """Refuse an API key in the place of the endpoint's signing secret, too."""
        super().check(source)
        if any(secret.startswith(_API_KEY_STARTS) for secret in source.secrets):
            raise ConfigurationError(
                "that is an API key of Stripe, not a signing secret: copy the one that starts with 'whsec_' from the "
                "webhook endpoint's page in Stripe's dashboard"
            )

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{t}.{body}`` under any ``v1`` of ``Stripe-Signature``; other schemes are passed over."""
        header = signatures.header(request, "stripe-signature")
        if isinstance(header, Refused):
            return header
        items = list(signatures.pairs(header))
        times = [value for name, value in items if name == b"t"]
        texts = [value for name, value in items if name == b"v1"][: signatures.GIVEN_MAX]
        given = tuple([digest for value in texts if (digest := signatures.unhex(value)) is not None])
        if len(times) != 1 or not given:
            return signatures.malformed("stripe-signature", "t=<seconds>,v1=<hex>")
        return (
            Claim(
                method=Hmac(),
                signed=times[0] + b"." + request.body,
                given=given,
                secrets=source.secrets,
                timestamp=times[0],
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        return Verified(_dedupe_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event's object; its name says nothing that the object does not."""
        event = read(EVENT, notification.body)
        name = text(event.type)
        found = _found(event, name)
        return Parsed(event=name, facts=found.facts, reason=found.reason, livemode=event.livemode)


def _found(event: Event, name: str) -> Found:
    if event.object == "v2.core.event":
        return Found(reason="a thin event only names an object; choose snapshot events at Stripe")
    if not event.data or not event.data.object:
        raise MalformedPayload("the event has no data.object")
    return read_object(event.data.object, name, seconds_to_ms(event.created, "the event's created"))


def _dedupe_key(body: bytes) -> str:
    try:
        event_id = read(IDENTITY, body).id
    except MalformedPayload:
        return body_key(body)
    return id_key(event_id, body)


GATEWAY: Final[Gateway] = Stripe()
