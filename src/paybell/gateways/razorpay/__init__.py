"""Razorpay: signed events that carry snapshots of their objects.

Source: razorpay/markdown-docs (``webhooks/*.md``) and the SDKs' tests. The id header ``x-razorpay-event-id`` is not
signed, so the dedupe key is the body's hash. The payload does not say whether it is live or test.
"""

from typing import Final

from paybell.errors import MalformedPayload
from paybell.gateways.kit import metadata, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import body_key, read, text
from paybell.gateways.razorpay.facts import read_payload
from paybell.gateways.razorpay.shapes import EVENT, Payload
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-razorpay-signature")


class Razorpay(Base):
    """Options: ``trustMetadata``, that no buyer sets the notes of payments."""

    about = About(
        name="razorpay",
        title="Razorpay",
        docs_url="https://razorpay.com/docs/webhooks/",
        credential="the secret you chose for the webhook in Razorpay's dashboard",
        signed="the raw body, HMAC-SHA256 in hex, header x-razorpay-signature",
        dedupe="SHA-256 of the body (the id header is not signed)",
        retries="for 24 h, then the webhook is switched off",
    )
    checks = metadata.CHECKS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from ``payload.{payment,refund,dispute,subscription …}.entity``, whatever the event is called."""
        event = read(EVENT, notification.body)
        name = text(event.event)
        facts, reason = read_payload(event.payload, event.created_at, source.options)
        if not name and event.payload == Payload():
            raise MalformedPayload("the body has neither an event's name nor a payload that can be read")
        return Parsed(event=name, facts=facts, reason=reason)


GATEWAY: Final[Gateway] = Razorpay()
