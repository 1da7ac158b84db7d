"""MoneyHash: signed snapshots of an intent (the payment) and its transactions (the attempts).

Sources: MoneyHash's documents ("Webhooks signature", "Webhook types", "Capture operation and statuses", "Payment
components") and lago-api (``validate_incoming_webhook_service_spec.rb``). Its header has three generations of
signatures; only the third, which MoneyHash asks to use, is believed. No event has an id of its own.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from paybell.gateways.kit import options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.kit.payloads import body_key, read
from paybell.gateways.moneyhash.facts import read_event
from paybell.gateways.moneyhash.shapes import EVENT
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance}
_HEADER: Final = "moneyhash-signature"
_DIGEST_BYTES: Final = 32


class MoneyHash(Base):
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way."""

    about = About(
        name="moneyhash",
        title="MoneyHash",
        docs_url="https://docs.moneyhash.io/docs/webhooks",
        credential="the organisation's webhook signature key",
        signed="the body in base64 and then t, HMAC-SHA256 in hex, v3 of header moneyhash-signature",
        time_signed="t, 300 s either way (toleranceSeconds)",
        dedupe="SHA-256 of the body (there is no event id)",
        retries="unknown",
        unverified=(
            "retries, and that each is signed anew, with its own time",
            "the shape of refunds and voids, taken to be operations of the transaction as captures are",
            "events about subscriptions and customers: not read",
            "the words for an operation that waits, besides pending and pending_authentication",
        ),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{body in base64}{t}`` under any ``v3``; older signatures are passed over."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        items = list(signatures.pairs(header))
        times = [value for name, value in items if name == b"t"]
        given = signatures.digests((value for name, value in items if name == b"v3"), "hex", _DIGEST_BYTES)
        if len(times) != 1 or not given:
            return signatures.malformed(_HEADER, "t=<seconds>,v3=<hex>")
        return (
            Claim(
                method=Hmac(),
                signed=b64encode(request.body) + times[0],
                given=given,
                secrets=source.secrets,
                timestamp=times[0],
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by its body's hash."""
        return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the operations of the transactions, and from the intent's end."""
        return read_event(read(EVENT, notification.body), notification.received_at_ms)


GATEWAY: Final[Gateway] = MoneyHash()
