"""Gr4vy: signed events, each with a snapshot of its transaction or refund; the time is signed too.

Sources: Gr4vy's guide to webhooks (``guides/features/webhooks``: payload, signatures, technical considerations) and its
SDKs (gr4vy-python ``tests/test_webhooks.py``; gr4vy-typescript ``transactionstatus.md``, ``refundstatus.md``). The
header ``x-gr4vy-webhook-id`` is not signed, so the event's own id is the dedupe key.
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import MalformedPayload
from paybell.gateways.gr4vy.facts import read_target
from paybell.gateways.gr4vy.shapes import EVENT, IDENTITY
from paybell.gateways.kit import metadata, options, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.kit.payloads import body_key, id_key, read, text
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, Gateway

_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance, **metadata.CHECKS}
_DIGEST_BYTES: Final = 32
_LIVEMODES: Final[Mapping[str, bool]] = {"production": True, "sandbox": False}


class Gr4vy(Base):
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way; ``trustMetadata``."""

    about = About(
        name="gr4vy",
        title="Gr4vy",
        docs_url="https://docs.gr4vy.com/guides/features/webhooks/overview",
        credential="the webhook subscription's secret",
        signed="{x-gr4vy-webhook-timestamp}.{body}, HMAC-SHA256 in hex, each of header x-gr4vy-webhook-signatures",
        time_signed="x-gr4vy-webhook-timestamp, 300 s either way (toleranceSeconds)",
        dedupe="the event's id (the id header is not signed)",
        retries="for 7 days, with growing pauses",
        unverified=(
            "the names of the events about transactions besides transaction.authorized and transaction.captured",
            "that a retry is signed anew, with its own time",
            "whether refunded_amount counts refunds that are not through yet",
            "how a dispute is told (a transaction only has a flag)",
        ),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{time}.{body}`` under any signature of the list: one for each live secret."""
        listed = signatures.header(request, "x-gr4vy-webhook-signatures")
        time = signatures.header(request, "x-gr4vy-webhook-timestamp")
        if isinstance(listed, Refused):
            return listed
        if isinstance(time, Refused):
            return time
        given = signatures.digests((each.strip() for each in listed.split(b",")), "hex", _DIGEST_BYTES)
        if not given:
            return signatures.malformed("x-gr4vy-webhook-signatures", "HMACs in hex with commas between")
        return (
            Claim(
                method=Hmac(),
                signed=time + b"." + request.body,
                given=given,
                secrets=source.secrets,
                timestamp=time,
                tolerance_s=options.tolerance_s(source.options),
            ),
        )

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            return Verified(id_key(read(IDENTITY, request.body).id, request.body))
        except MalformedPayload:
            return Verified(body_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Facts from the event's target; its name says nothing that the target does not."""
        event = read(EVENT, notification.body)
        facts, reason = read_target(event.target, event.created_at, source.options)
        livemode = _LIVEMODES.get(text(event.environment))
        return Parsed(event=text(event.name), facts=facts, reason=reason, livemode=livemode)


GATEWAY: Final[Gateway] = Gr4vy()
