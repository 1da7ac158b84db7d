"""Paystack: the raw body is signed with the API's secret key; an event carries a snapshot of its object.

Source: paystack.com/docs/payments/webhooks with its sample events. The payment is known by its ``reference``, which is
all that a refund's event names. Bodies have no event id. A refund has no id until the processor gave it one
(``refund_reference``): before that two refunds of one payment cannot be told apart, so they give no facts.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.gateways.kit import metadata, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.payloads import body_key, decoder, read, text
from paybell.gateways.paystack import account, facts
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-paystack-signature", algorithm="sha512")


class _Event(Struct):
    event: str
    data: msgspec.Raw


_EVENT: Final = decoder(_Event)


_READERS: Final[Mapping[str, Callable[[str, bytes, int], Parsed]]] = {
    "refund": facts.of_refund,
    "transfer": account.of_transfer,
    "subscription": account.of_subscription,
    "invoice": account.of_invoice,
    "paymentrequest": account.of_request,
}


class Paystack(Base):
    """Options: ``trustMetadata``, that no buyer starts a transaction."""

    about = About(
        name="paystack",
        title="Paystack",
        docs_url="https://paystack.com/docs/payments/webhooks/",
        credential="the secret key of the API, sk_live_… or sk_test_…",
        signed="the raw body, HMAC-SHA512 in hex, header x-paystack-signature",
        dedupe="SHA-256 of the body (there is no event id)",
        retries="live: 4 times every 3 minutes, then hourly for 72 h; test: hourly for 10 h",
        unverified=(
            "that XOF and RWF are written with two decimals",
            "whether a lost dispute is reported as a refund, too",
            "whether refund_reference stays the same from processed to failed",
        ),
        exponents=facts.EXPONENTS,
    )
    checks = metadata.CHECKS

    def check(self, source: Source) -> None:
        """Refuse the public key in the place of the secret one, too."""
        super().check(source)
        if any(secret.startswith("pk_") for secret in source.secrets):
            raise ConfigurationError("that is Paystack's public key: webhooks are signed with the secret key, sk_…")

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the object that the event's name promises."""
        event = read(_EVENT, notification.body)
        data, name, now_ms = bytes(event.data), text(event.event), notification.received_at_ms
        if name.startswith("charge.dispute."):
            return facts.of_dispute(name, data, source.options)
        if name.startswith("charge."):
            return facts.of_transaction(name, data, source.options)
        of = _READERS.get(name.partition(".")[0])
        return of(name, data, now_ms) if of else Parsed(event=name, reason="it tells of nothing that is read")


GATEWAY: Final[Gateway] = Paystack()
