"""GoCardless: the raw body under an HMAC; a batch of events that hold no amount, so the API is asked.

Sources: GoCardless' SDKs (``webhooks.py`` and its tests, the services of payments and refunds) and API reference. The
one event that is believed as it stands is ``chargeback_cancelled``: afterwards the payment no longer shows that it was
ever charged back.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.gateways.gocardless import events, resources
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.model.fact import Parsed
from paybell.model.notification import (
    Answer,
    Batch,
    Hint,
    Item,
    Notification,
    Origin,
    Refused,
    Request,
    Verdict,
    Verified,
)
from paybell.model.source import Source
from paybell.ports import About, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://api.gocardless.com"
VERSION: Final = "2015-07-06"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEME: Final = signatures.Scheme(header="webhook-signature")
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_OPTIONS: Final[Mapping[str, options.Check]] = {"accessToken": options.key_like, "baseUrl": options.base_url}


class GoCardless(Base):
    """Options: ``accessToken`` (to ask the API), ``baseUrl``."""

    about = About(
        name="gocardless",
        title="GoCardless",
        docs_url="https://developer.gocardless.com/api-reference/#appendix-webhooks",
        credential="the webhook endpoint's secret",
        signed="the raw body, HMAC-SHA256 in hex, header webhook-signature",
        dedupe="each event's id",
        retries="8 times at growing intervals",
        believed="what an event is about; how that stands is asked of the API",
        unverified=(
            "that a payment which is tried again gets another charge_date",
            "which changes of a customer an event tells of",
        ),
        secret_options=frozenset({"accessToken"}),
        answer=Answer(b"", b"text/plain"),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The body's HMAC; no time is signed."""
        return signatures.claims_of(request, source.secrets, _SCHEME)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Each event by itself; the only one of a request with the whole body."""
        try:
            parts = events.parts(request.body)
        except MalformedPayload:
            parts = ()
        items = [_item(part) for part in parts]
        if len(items) > 1:
            return Batch(tuple(items))
        if not items:
            return Verified(payloads.body_key(request.body))
        return Hint(items[0].dedupe_key) if items[0].hint else Verified(items[0].dedupe_key)

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll), or from the events that need none."""
        if notification.origin is Origin.POLL:
            subject = asking.subject(notification) or ""
            return resources.read(notification.body, subject, notification.received_at_ms)
        return events.read(notification.body)

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for what the event is about; None without a token."""
        resource, subject = _named(events.parts(notification.body))
        token = options.text_option(source.options, "accessToken")
        if not token:
            return None
        base = asking.base_url(source, BASE_URL)
        headers = (
            ("authorization", f"Bearer {token}"),
            ("accept", "application/json"),
            ("gocardless-version", VERSION),
        )
        return FetchPlan(url=f"{base}/{resource}/{subject}", headers=headers, subject=subject)

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while what was asked for stands as it did."""
        return "poll:" + sha256(_ENCODER.encode([subject, resources.decisive(body)])).hexdigest()


def _item(part: bytes) -> Item:
    try:
        event = events.one(part)
    except MalformedPayload:  # kept for people to see; to parse it says why
        return Item(payloads.body_key(part), part)
    return Item(payloads.id_key(event.id, part), part, hint=events.is_hint(event))


def _named(parts: Sequence[bytes]) -> tuple[str, str]:
    """What kind of thing a hint is about, and its id."""
    if len(parts) != 1:
        raise MalformedPayload("a hint is one event")
    event = events.one(parts[0])
    found = events.subject_of(event)
    if not events.is_hint(event) or found is None or not _ID.fullmatch(found):
        raise MalformedPayload(f"the event names nothing to ask for ({payloads.shown(found)})")
    return event.resource_type, found


GATEWAY: Final[FetchingGateway] = GoCardless()
