"""GoCardless' events: what they are about, and the little that they say themselves."""

from collections.abc import Sequence
from typing import Final

from msgspec import Raw, Struct, field

from paybell.gateways.kit import payloads
from paybell.gateways.kit.payloads import details, ident, text, time_to_ms
from paybell.model.fact import Fact, Kind, Parsed

_ASKED_FOR: Final = frozenset({"payments", "refunds", "payouts", "subscriptions", "customers"})
_WON: Final = "chargeback_cancelled"


class Links(Struct):
    """What an event is about."""

    payment: str | None = None
    refund: str | None = None
    payout: str | None = None
    subscription: str | None = None
    customer: str | None = None


class Details(Struct):
    """How it came about."""

    description: str | None = None


class Event(Struct):
    """One event."""

    id: str
    resource_type: str
    action: str
    created_at: str
    links: Links = field(default_factory=Links)
    details: Details | None = None


class _Batch(Struct):
    events: list[Raw] | None = None
    id: str | None = None


_BATCH: Final = payloads.decoder(_Batch)
_EVENT: Final = payloads.decoder(Event)


def parts(body: bytes) -> Sequence[bytes]:
    """The bytes of each event of a whole request, or of the bare event that ``body`` is."""
    batch = payloads.read(_BATCH, body)
    if batch.events is None:
        return () if batch.id is None else (body,)
    return tuple([bytes(part) for part in batch.events])


def one(part: bytes) -> Event:
    """An event from its bytes."""
    return payloads.read(_EVENT, part)


def subject_of(event: Event) -> str | None:
    """The id of what it is about; None where it is about nothing that is asked for."""
    links = event.links
    return {
        "payments": links.payment,
        "refunds": links.refund,
        "payouts": links.payout,
        "subscriptions": links.subscription,
        "customers": links.customer,
    }.get(event.resource_type)


def is_hint(event: Event) -> bool:
    """Whether the API is to be asked."""
    return event.resource_type in _ASKED_FOR and (event.resource_type, event.action) != ("payments", _WON)


def read(body: bytes) -> Parsed:
    """Facts of events that need no amount; a reason for the others."""
    found = [one(part) for part in parts(body)]
    facts = tuple([fact for event in found for fact in _facts(event)])
    names = ", ".join(sorted({f"{text(event.resource_type)}.{text(event.action)}" for event in found}))[:200]
    return Parsed(event=names, facts=facts, reason="" if facts else _reason(found))


def _facts(event: Event) -> list[Fact]:
    if event.resource_type != "payments" or event.action != _WON or event.links.payment is None:
        return []
    payment = ident(event.links.payment, "the payment's id")
    cause = text(event.details.description) if event.details else ""
    return [
        Fact(
            aggregate=payment,
            kind=Kind.DISPUTE_STATUS,
            ref=payment,
            at_ms=time_to_ms(event.created_at, "created_at"),
            detail=details(status="won", reason=cause),
        )
    ]


def _reason(found: Sequence[Event]) -> str:
    if any(is_hint(event) for event in found):
        return "a hint: the event does not say how things stand, so the API is asked"
    return "no event of it is about a payment, or anything else that is asked for"
