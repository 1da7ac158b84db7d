"""Lemon Squeezy: the raw body is signed. An order is a payment, and so is each renewal's subscription invoice.

Sources: docs.lemonsqueezy.com ("Webhooks", "The order object", "The subscription invoice object"), lmsqueezy/laravel.
Orders and invoices are numbered apart, so a renewal's payment is known as ``subscription-invoice:ID``. A refund has no
id and the object only says how much went back so far: all refunds of a payment are one, whose amount grows.
"""

from typing import Final

from paybell.gateways.kit import metadata, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.lemonsqueezy import facts, shapes
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-signature")


class LemonSqueezy(Base):
    """Options: ``trustMetadata``, that no buyer makes the URL of a checkout."""

    about = About(
        name="lemonsqueezy",
        title="Lemon Squeezy",
        docs_url="https://docs.lemonsqueezy.com/help/webhooks",
        credential="the signing secret you chose for the webhook",
        signed="the raw body, HMAC-SHA256 in hex, header x-signature",
        dedupe="SHA-256 of the body (an event has no id)",
        retries="3 times within 3 minutes, then never: an outage loses events",
        unverified=(
            "retries",
            "whether amounts of currencies without decimals are written in hundredths (taken as whole units)",
            "that the refund of a subscription's first payment also comes as order_refunded",
        ),
    )
    checks = metadata.CHECKS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(payloads.body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the order, the invoice or the subscription."""
        event = payloads.read(shapes.EVENT, notification.body)
        name = payloads.text(event.meta.event_name)
        found, reason = facts.of_event(event, name, source.options, notification.received_at_ms)
        test = event.data.attributes.test_mode if event.meta.test_mode is None else event.meta.test_mode
        livemode = not test if isinstance(test, bool) else None
        return Parsed(event=name, facts=found, reason=reason, livemode=livemode)


GATEWAY: Final[Gateway] = LemonSqueezy()
