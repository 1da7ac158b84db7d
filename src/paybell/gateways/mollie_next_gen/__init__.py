"""Mollie, next-gen webhooks: the raw body under an HMAC; the event may hold a snapshot of its object, or only its id.

Sources: Mollie's documentation ("Next-gen webhooks", "Webhooks for the Payments API") and the signature validator and
event mapper of its PHP SDK. A payment link's event names no payment, so the link's payments are asked of the API.
"""

from collections.abc import Mapping
from typing import Final

from paybell.errors import MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.mollie import decisive_key, payment_plan, payments, plan
from paybell.gateways.mollie_next_gen import events
from paybell.model.fact import Parsed
from paybell.model.notification import (
    Answer,
    Hint,
    Notification,
    Origin,
    RefusalReason,
    Refused,
    Request,
    Verdict,
    Verified,
)
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

_HEADER: Final = b"x-mollie-signature"
_DIGEST_BYTES: Final = 32
_OPTIONS: Final[Mapping[str, options.Check]] = {"apiKey": options.key_like, "baseUrl": options.base_url}


class MollieNextGen(Base):
    """Options: ``apiKey`` (to ask what an event without a snapshot is about), ``baseUrl``."""

    about = About(
        name="mollie_next_gen",
        title="Mollie (next-gen webhooks)",
        docs_url="https://docs.mollie.com/reference/webhooks-new",
        credential="the webhook's signing secret",
        signed="the raw body, HMAC-SHA256 in hex, each header x-mollie-signature, perhaps after sha256=",
        dedupe="the event's id; SHA-256 of the body where it is a bare snapshot",
        retries="unknown",
        believed="the snapshot in the body; without one, the API is asked for the payment, or for a link's payments",
        unverified=(
            "whether a payment's snapshot comes within an event or bare (both are read)",
            "retries",
        ),
        secret_options=frozenset({"apiKey"}),
        answer=Answer(b"", b"text/plain"),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body under any of the signatures; while a secret is rotated there are two."""
        joined = b",".join(value for name, value in request.headers if name == _HEADER)
        if not joined.strip():
            return Refused(RefusalReason.HEADER_MISSING, "there is no header x-mollie-signature")
        texts = [text.strip().removeprefix(b"sha256=") for text in joined.split(b",", signatures.GIVEN_MAX)]
        given = signatures.digests(texts, "hex", _DIGEST_BYTES)
        if not given:
            return signatures.malformed("x-mollie-signature", "an HMAC-SHA256 in hex, perhaps after sha256=")
        return (Claim(method=Hmac(), signed=request.body, given=given, secrets=source.secrets),)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """A snapshot is believed; without one the event is a hint."""
        try:
            event = payloads.read(events.EVENT, request.body)
            subject = events.subject_of(event)
        except MalformedPayload:
            return Verified(payloads.body_key(request.body))
        key = payloads.id_key(event.id if event.resource == "event" else None, request.body)
        return Hint(key) if subject else Verified(key)

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the snapshot, or from what the API answered (``origin`` poll)."""
        if notification.origin is Origin.POLL:
            return events.answered(asking.subject(notification) or "", notification.body)
        event = payloads.read(events.EVENT, notification.body)
        if events.subject_of(event):
            return Parsed(event=payloads.text(event.type), reason="a hint: the event names its object and no more")
        return events.snapshot(event, notification.body)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the payment, or for the payments of a link; None without a key."""
        subject = events.subject_of(payloads.read(events.EVENT, notification.body))
        if events.PAYMENT_ID.fullmatch(subject):
            return payment_plan(subject, source)
        if not subject:
            raise MalformedPayload("the event names nothing that could be asked about")
        return plan(f"/v2/payment-links/{subject}/payments", subject, source)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while no payment of the answer changes."""
        return decisive_key(subject, [payments.decisive(payment) for payment in events.listed(subject, body)])


GATEWAY: Final[FetchingGateway] = MollieNextGen()
