"""Airwallex: signed events with a snapshot of their object.

Sources: Airwallex's docs ("Listen for webhook events", "Payload examples: Online payments", "Payment statuses",
"Dispute flow").
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.errors import MalformedPayload
from paybell.gateways.airwallex import account, objects
from paybell.gateways.kit import options, payloads, signatures
from paybell.gateways.kit.base import Base
from paybell.model.fact import Fact, Parsed
from paybell.model.notification import Notification, Refused, Request, Verdict, Verified
from paybell.model.source import Source
from paybell.ports import About, Claims, Gateway

_SCHEME: Final = signatures.Scheme(header="x-signature", timestamp_header="x-timestamp", template="{timestamp}{body}")
_READERS: Final[Mapping[str, Callable[[objects.Object, int], list[Fact] | None]]] = {
    "payment_intent": objects.intent,
    "payment_attempt": objects.attempt,
    "refund": objects.refund,
    "payment_dispute": objects.dispute,
}


class _Data(Struct):
    object: objects.Object | None = None


class _Event(Struct):
    id: object = None
    name: str | None = None
    created_at: str | None = None
    data: _Data | None = None


class _Named(Struct):
    name: str | None = None


_EVENT: Final = payloads.decoder(_Event)
_NAMED: Final = payloads.decoder(_Named)
_TRANSFER: Final = payloads.decoder(account.TransferEvent)
_CUSTOMER: Final = payloads.decoder(account.CustomerEvent)


class Airwallex(Base):
    """Options: ``toleranceSeconds`` (300)."""

    about = About(
        name="airwallex",
        title="Airwallex",
        docs_url="https://www.airwallex.com/docs/developer-tools/webhooks/listen-for-webhook-events",
        credential="the secret of the webhook's notification URL",
        signed="{x-timestamp}{body}, HMAC-SHA256 in hex, header x-signature",
        time_signed="header x-timestamp (milliseconds), 300 s either way (toleranceSeconds)",
        dedupe="the event's id",
        retries="for about 3 days",
        unverified=(
            "whether a repeated event is signed anew",
            "captures of a part: Airwallex tells their sum",
            "the fields of customers",
        ),
    )
    checks: Mapping[str, options.Check] = {"toleranceSeconds": options.tolerance}

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """The HMAC over time and body, with nothing between them."""
        scheme = replace(_SCHEME, tolerance_s=options.tolerance_s(source.options))
        return signatures.claims_of(request, source.secrets, scheme)

    def accept(self, request: Request, source: Source) -> Verdict:  # noqa: ARG002 - the port's signature
        """Known by the event's id."""
        try:
            event_id = payloads.read(_EVENT, request.body).id
        except MalformedPayload:
            event_id = None
        return Verified(payloads.id_key(event_id, request.body))

    def parse(self, notification: Notification, source: Source) -> Parsed:  # noqa: ARG002 - the port's signature
        """Facts from the event's object; its name says only which kind of object it is."""
        name = payloads.text(payloads.read(_NAMED, notification.body).name)
        if name.startswith(("payout.transfer.", "customer.")):
            return _account(name, notification)
        event = payloads.read(_EVENT, notification.body)
        thing, read = event.data.object if event.data else None, _READERS.get(name.partition(".")[0])
        if read is None:
            return Parsed(event=name, reason="it is about nothing that is read")
        if thing is None or not thing.status:
            return Parsed(event=name, reason="its object is empty")
        facts = read(thing, objects.time_or(event.created_at or thing.updated_at, notification.received_at_ms))
        if facts is None:
            return Parsed(event=name, reason=f"its status is unknown: {payloads.text(thing.status)!r}")
        return Parsed(event=name, facts=tuple(facts))


def _account(name: str, notification: Notification) -> Parsed:
    body, received_at_ms = notification.body, notification.received_at_ms
    if name.startswith("customer."):
        fact = account.customer(payloads.read(_CUSTOMER, body), name, received_at_ms)
    else:
        fact = account.transfer(payloads.read(_TRANSFER, body), received_at_ms)
    if fact is None:
        return Parsed(event=name, reason="its object is empty, or its status is unknown")
    return Parsed(event=name, facts=(fact,))


GATEWAY: Final[Gateway] = Airwallex()
