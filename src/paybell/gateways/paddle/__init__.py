"""Paddle Billing: ``{ts}:{body}`` is signed. A transaction is a payment; refunds and chargebacks are adjustments of it.

Sources: developer.paddle.com ("Verify webhook signatures", the webhooks' pages) and Paddle's SDKs with their tests.
The SDKs allow 5 seconds between signing and judging. That is less than a clock may be off or a queue may hold a
request, and a repeated event is known by its signed id anyway: the default here is 300 seconds, the option may say 5.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import metadata, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.paddle import account, adjustment, transaction
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_HEADER: Final = "paddle-signature"
_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance, **metadata.CHECKS}


class _Event(Struct, frozen=True):
    event_type: str | None = None
    occurred_at: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Identity(Struct, frozen=True):
    event_id: object = None


_EVENT: Final = payloads.decoder(_Event)
_IDENTITY: Final = payloads.decoder(_Identity)


class Paddle(Base):
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way; ``trustMetadata``."""

    about = About(
        name="paddle",
        title="Paddle",
        docs_url="https://developer.paddle.com/webhooks/signature-verification",
        credential="the notification destination's secret key, pdl_ntfset_…",
        signed="{ts}:{body}, HMAC-SHA256 in hex, each h1 of header paddle-signature",
        time_signed="ts, 300 s either way (toleranceSeconds; Paddle's SDKs allow 5 s)",
        dedupe="the event's id",
        retries="60 times within 3 days (live), 3 times within 15 minutes (sandbox)",
        unverified=("that a retry is signed anew",),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{ts}:{body}`` under any ``h1``; other schemes are passed over."""
        header = signatures.header(request, _HEADER)
        if isinstance(header, Refused):
            return header
        items = list(signatures.pairs(header.replace(b";", b",")))
        times = [value for name, value in items if name == b"ts"]
        given = signatures.digests((value for name, value in items if name == b"h1"), "hex", 32)
        if len(times) != 1 or not given:
            return signatures.malformed(_HEADER, "ts=<seconds>;h1=<hex>")
        return (
            Claim(
                method=Hmac(),
                signed=times[0] + b":" + request.body,
                given=given,
                secrets=source.secrets,
                timestamp=times[0],
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            event_id = payloads.read(_IDENTITY, request.body).event_id
        except MalformedPayload:
            event_id = None
        return Verified(payloads.id_key(event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from what the event is about; its name says only what that is."""
        event = payloads.read(_EVENT, notification.body)
        name = payloads.text(event.event_type)
        facts, reason = _read(event, name, source.options)
        return Parsed(event=name, facts=facts, reason=reason)


def _read(event: _Event, name: str, given: options.Options) -> tuple[tuple[Fact, ...], str]:
    if not name:
        return (), "it is no event: it has no event_type"
    match name.partition(".")[0]:
        case "transaction":
            return transaction.facts(bytes(event.data), _at_ms(event), given)
        case "adjustment":
            return adjustment.facts(bytes(event.data), _at_ms(event))
        case "subscription":
            return account.subscription(bytes(event.data), _at_ms(event), given)
        case "customer":
            return account.customer(bytes(event.data), _at_ms(event), given)
        case "payout":
            return account.payout(bytes(event.data), _at_ms(event))
        case entity:
            return (), f"{entity} is nothing that is read"


def _at_ms(event: _Event) -> int:
    return payloads.time_to_ms(event.occurred_at, "occurred_at")


GATEWAY: Final[Gateway] = Paddle()
