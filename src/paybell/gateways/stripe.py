"""Stripe: signed events, one object each.

Sources: Stripe's own SDKs (``stripe/_webhook.py``, stripe-dotnet's ``EventUtilityTest``) for the signature, its OpenAPI
fixtures for the shapes.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import options, payloads, signatures, stripe_facts
from paybell.gateways.stripe_pieces import Found
from paybell.model.fact import Parsed
from paybell.model.notification import (
    Answer,
    Notification,
    RefusalReason,
    Refused,
    Request,
    Verdict,
    Verified,
)
from paybell.model.source import Source

_SIGNATURES_MAX: Final = 16
_API_KEY_STARTS: Final = ("sk_", "pk_", "rk_")
_OPTIONS: Final[Mapping[str, options.Check]] = {"toleranceSeconds": options.tolerance}


class _Identity(msgspec.Struct):
    id: str


_IDENTITY = msgspec.json.Decoder(_Identity)


class Stripe:
    """Options: ``toleranceSeconds`` (300), how far the signed time may be from now, either way."""

    name: str = "stripe"
    title: str = "Stripe"
    docs_url: str = "https://docs.stripe.com/webhooks"
    has_token: bool = False
    secret_options: frozenset[str] = frozenset()
    answer: Answer = Answer()

    def check(self, source: Source) -> None:
        """Refuse unknown options, blank secrets, and an API key in the place of the endpoint's signing secret."""
        options.check_options(source.options, _OPTIONS, "gateway 'stripe'")
        options.check_secrets(source.secrets, "gateway 'stripe'")
        if any(secret.startswith(_API_KEY_STARTS) for secret in source.secrets):
            raise ConfigurationError(
                "that is an API key of Stripe, not a signing secret: copy the one that starts with 'whsec_' from the "
                "webhook endpoint's page in Stripe's dashboard"
            )

    def verify(self, request: Request, source: Source, now_ms: int) -> Verdict:
        """HMAC-SHA256 of ``{t}.{body}`` in any ``v1`` of ``Stripe-Signature``; other schemes are passed over."""
        refused = signatures.unfit(request, source.secrets) or _judge(request, source, now_ms)
        return refused or Verified(_dedupe_key(request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event's object; its name says nothing that the object does not."""
        event = payloads.decode(notification.body)
        kind = payloads.text(event.get("type"))
        livemode = event.get("livemode")
        found = _found(event, kind)
        return Parsed(
            event=kind,
            facts=found.facts,
            reason=found.reason,
            livemode=livemode if isinstance(livemode, bool) else None,
        )


def _found(event: payloads.Record, kind: str) -> Found:
    if event.get("object") == "v2.core.event":
        return Found(reason="a thin event only names an object; choose snapshot events at Stripe")
    thing = payloads.child(event, "data", "object")
    if not thing:
        raise MalformedPayload("the event has no data.object")
    return stripe_facts.read(thing, kind, payloads.seconds_to_ms(event.get("created"), "the event's created"))


def _judge(request: Request, source: Source, now_ms: int) -> Refused | None:
    header = request.header(b"stripe-signature")
    if not header:
        return Refused(RefusalReason.HEADER_MISSING, "there is no header stripe-signature")
    if len(header) > signatures.HEADER_BYTES_MAX:
        return Refused(RefusalReason.MALFORMED_SIGNATURE, "stripe-signature is too long")
    items = list(signatures.pairs(header))
    times = [value for name, value in items if name == b"t"]
    texts = [value for name, value in items if name == b"v1"][:_SIGNATURES_MAX]
    digests = [digest for value in texts if (digest := signatures.unhex(value)) is not None]
    if len(times) != 1 or not digests:
        return Refused(RefusalReason.MALFORMED_SIGNATURE, "stripe-signature is not t=<seconds>,v1=<hex>")
    if not signatures.matches(times[0] + b"." + request.body, digests, source.secrets):
        return Refused(RefusalReason.SIGNATURE_MISMATCH, "no secret of the source gives this signature")
    return signatures.judge_time(times[0], options.tolerance_s(source.options), now_ms)


def _dedupe_key(body: bytes) -> str:
    try:
        event_id: object = _IDENTITY.decode(body).id
    except (msgspec.MsgspecError, ValueError, RecursionError):
        event_id = None
    return payloads.id_key(event_id, body)
