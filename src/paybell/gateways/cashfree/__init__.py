"""Cashfree Payments: the text of a time header and the raw body are signed, with nothing between them.

Sources: cashfree-pg-sdk-nodejs and cashfree-pg-sdk-python (``PGVerifyWebhookSignature``), cashfree.com/docs (payment,
refund, dispute and payment link webhooks), the specs of Lago. The payment is the order (``order_id``), which may have
several attempts (``cf_payment_id``): a failed one may be followed by one that succeeds.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.gateways.cashfree import facts
from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import body_key, decoder, read, text
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance}


class _Event(Struct):
    type: str
    data: msgspec.Raw
    event_time: str | None = None


_EVENT: Final = decoder(_Event)


class Cashfree(Base):
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way."""

    about = About(
        name="cashfree",
        title="Cashfree",
        docs_url="https://www.cashfree.com/docs/api-reference/payments/latest/overview",
        credential="the client secret of the API, cfsk_…",
        signed="{x-webhook-timestamp}{body}, HMAC-SHA256 in base64, header x-webhook-signature",
        time_signed="x-webhook-timestamp (seconds or milliseconds), 300 s either way (toleranceSeconds)",
        dedupe="SHA-256 of the body (the idempotency header is not signed)",
        retries="3 times after 2, 10 and 30 minutes, unless the webhook has another policy",
        unverified=(
            "whether a retry is signed anew with a new time",
            "the webhooks of a subscription's payments: not read",
        ),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """Time and body, one after the other: a body that starts with a digit could have lent it to the time."""
        if request.body[:1].isdigit():
            return signatures.malformed(
                "the body", "JSON: it starts with a digit, so where the signed time ends is unsure"
            )
        scheme = signatures.Scheme(
            header="x-webhook-signature",
            encoding="base64",
            timestamp_header="x-webhook-timestamp",
            template="{timestamp}{body}",
            tolerance_s=options.tolerance_s(source.options),
        )
        return signatures.claims_of(request, source.secrets, scheme)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event's objects; its type only says which objects it has."""
        event = read(_EVENT, notification.body)
        name = text(event.type)
        return facts.of(name, bytes(event.data), facts.time(event.event_time, notification.received_at_ms))


GATEWAY: Final[Gateway] = Cashfree()
