"""Recurly: signed events that only name an object, so they are hints, and the API is asked for it.

Sources: Recurly's docs ("Webhooks", "Payment notifications", "Invoice notifications"), its API (v2021-02-25:
transactions, invoices, subscriptions, accounts) and its SDK (recurly-client-ruby, ``webhooks.rb``).
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from paybell.errors import MalformedPayload
from paybell.gateways.kit import asking, options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.gateways.kit.methods import Hmac
from paybell.gateways.recurly import answer
from paybell.model.fact import Parsed
from paybell.model.notification import Hint, Notification, Origin, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claim, Claims, FetchingGateway, FetchPlan

BASE_URL: Final = "https://v3.recurly.com"
_HEADER: Final = "recurly-signature"
_ACCEPT: Final = "application/vnd.recurly.v2021-02-25"
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_COLLECTIONS: Final[Mapping[str, str]] = {
    "payment": "transactions",
    "charge_invoice": "invoices",
    "credit_invoice": "invoices",
    "subscription": "subscriptions",
    "account": "accounts",
}
_OPTIONS: Final[Mapping[str, options.Check]] = {
    "apiKey": options.basic_user,
    "baseUrl": options.base_url,
    "toleranceSeconds": options.tolerance,
}


class _Event(Struct):
    id: object = None
    uuid: object = None
    object_type: str | None = None
    event_type: str | None = None

    @property
    def name(self) -> str:
        return f"{payloads.text(self.object_type)}.{payloads.text(self.event_type)}"


_EVENT: Final = payloads.decoder(_Event)


class Recurly(Base):
    """Options: ``apiKey`` (to ask the API), ``baseUrl`` (for a site in the EU), ``toleranceSeconds`` (300)."""

    about = About(
        name="recurly",
        title="Recurly",
        docs_url="https://docs.recurly.com/docs/webhooks",
        credential="the secret key of the webhook's endpoint",
        signed="{t}.{body}, HMAC-SHA256 in hex, each value after the first of header recurly-signature",
        time_signed="t in milliseconds, 300 s either way (toleranceSeconds)",
        dedupe="SHA-256 of the body",
        order="retries come in the order of their creation",
        retries="up to 10 times",
        believed="that something happened to the object: the API is asked for it",
        unverified=(
            "whether the id of a payment's event is the transaction's: its uuid is asked for where there is one",
            "whether a subscription is on trial: it is taken as active",
            "whether a transaction of status chargeback can still be won: it is taken as open",
        ),
        secret_options=frozenset({"apiKey"}),
    )
    checks = _OPTIONS

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """``{t}.{body}`` under any of the signatures; there are several after a key was changed."""
        raw = signatures.header(request, _HEADER)
        if isinstance(raw, Refused):
            return raw
        time, *texts = raw.split(b",")
        given = signatures.digests((text.strip() for text in texts), "hex", 32)
        if not given:
            return signatures.malformed(_HEADER, "<milliseconds>,<HMAC-SHA256 in hex>")
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
        """A hint where it is about what can be asked for: it says nothing else."""
        key = payloads.body_key(request.body)
        try:
            event = payloads.read(_EVENT, request.body)
        except MalformedPayload:
            return Verified(key)
        return Hint(key) if event.object_type in _COLLECTIONS else Verified(key)

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from an answer of the API (``origin`` poll); none from an event."""
        if notification.origin is Origin.POLL:
            subject = payloads.ident(asking.subject(notification), "the object asked about")
            return answer.read(notification.body, subject)
        event = payloads.read(_EVENT, notification.body)
        if event.object_type in _COLLECTIONS:
            return Parsed(event=event.name, reason="a hint: it only names an object, so the API is asked")
        return Parsed(event=event.name, reason="it is about nothing that is read")

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """Ask for the object; None without a key."""
        event = payloads.read(_EVENT, notification.body)
        collection = _COLLECTIONS.get(event.object_type or "")
        if collection is None:
            raise MalformedPayload("it names nothing that can be asked for")
        uuid = event.uuid if collection == "transactions" else None  # an invoice is found by its id only
        found = payloads.ident(event.id if uuid is None else uuid, "the object's id")
        if not _ID.fullmatch(found):
            raise MalformedPayload(f"the object's id cannot be {payloads.shown(found)}")
        key = options.text_option(source.options, "apiKey")
        if not key:
            return None
        base = asking.base_url(source, BASE_URL)
        subject = found if uuid is None else f"uuid-{found}"
        return FetchPlan(
            url=f"{base}/{collection}/{subject}",
            headers=(asking.basic(key), ("accept", _ACCEPT)),
            subject=subject,
        )

    def fetched_key(self, subject: str, body: bytes) -> str:
        """Equal while nothing changes that is told."""
        return answer.key(subject, body)


GATEWAY: Final[FetchingGateway] = Recurly()
