"""What a next-gen event of Mollie holds: a snapshot of its object, or the name of what to ask about."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Raw, Struct, field

from paybell.gateways.kit import payloads
from paybell.gateways.mollie import payments
from paybell.gateways.mollie.shapes import Chargeback, Payment, Refund
from paybell.model.fact import Fact, Parsed

PAYMENT_ID: Final = re.compile(r"tr_[A-Za-z0-9]{1,64}")
LINK_ID: Final = re.compile(r"pl_[A-Za-z0-9]{1,64}")
_SNAPSHOTS: Final = frozenset({"payment", "refund", "chargeback"})


class _Inner(Struct):
    entity: Raw = Raw(b"")


class Event(Struct):
    """An event, or the bare snapshot of an object: then ``resource`` says of what."""

    resource: str = ""
    id: str | None = None
    type: str | None = None
    entity_id: str | None = field(name="entityId", default=None)
    embedded: _Inner | None = field(name="_embedded", default=None)


class _Payments(Struct):
    payments: list[Payment] = []


class _OfLink(Struct):
    embedded: _Payments = field(name="_embedded", default_factory=_Payments)


EVENT: Final = payloads.decoder(Event)
_PAYMENT: Final = payloads.decoder(Payment)
_REFUND: Final = payloads.decoder(Refund)
_CHARGEBACK: Final = payloads.decoder(Chargeback)
_OF_LINK: Final = payloads.decoder(_OfLink)


def _entity(event: Event) -> bytes:
    return b"" if event.embedded is None else bytes(event.embedded.entity)


def subject_of(event: Event) -> str:
    """The id to ask about; '' where the body says all, or is about something else than payments."""
    entity_id = event.entity_id or ""
    if event.resource in _SNAPSHOTS:
        return ""
    if LINK_ID.fullmatch(entity_id) and event.type == "payment-link.paid":
        return entity_id
    return entity_id if PAYMENT_ID.fullmatch(entity_id) and not _entity(event) else ""


def snapshot(event: Event, body: bytes) -> Parsed:
    """Facts from the snapshot that an event holds, or that the body is."""
    is_bare = event.resource in _SNAPSHOTS
    thing = body if is_bare else _entity(event)
    resource = payloads.read(EVENT, thing).resource if thing else ""
    name = payloads.text(event.type) or resource
    match resource:
        case "payment":
            payment = payloads.read(_PAYMENT, thing)
            facts, unknown = payments.facts_of(payment)
            return Parsed(event=name, facts=facts, reason=unknown, livemode=payment.livemode)
        case "refund":
            refund = payloads.read(_REFUND, thing)
            return _of_payment(name, refund.payment_id, lambda of: payments.refund_facts(refund, of))
        case "chargeback":
            chargeback = payloads.read(_CHARGEBACK, thing)
            return _of_payment(name, chargeback.payment_id, lambda of: payments.chargeback_facts(chargeback, of))
        case _:
            return Parsed(event=name, reason="it is about no payment, refund or chargeback")


def _of_payment(name: str, payment_id: str | None, read: Callable[[str], Sequence[Fact]]) -> Parsed:
    of = payloads.ident_or_none(payment_id, "paymentId")
    facts = tuple(read(of)) if of else ()
    return Parsed(event=name, facts=facts, reason="" if facts else "it names no payment, or its status is unknown")


def answered(subject: str, body: bytes) -> Parsed:
    """Facts from what the API says about a payment, or about a link's payments."""
    found = listed(subject, body)
    if not found:
        return Parsed(reason="the link has no payment yet", final=False)
    if not LINK_ID.fullmatch(subject) and found[0].id != subject:
        return Parsed(reason="the answer is about another payment", final=False)
    told = [payments.facts_of(payment) for payment in found]
    facts = tuple([fact for facts, _ in told for fact in facts])
    unknown = "; ".join(filter(None, (problem for _, problem in told)))
    return Parsed(event="payment", facts=facts, reason=unknown, livemode=found[0].livemode)


def listed(subject: str, body: bytes) -> Sequence[Payment]:
    """The payments in an answer."""
    if LINK_ID.fullmatch(subject):
        return payloads.read(_OF_LINK, body).embedded.payments
    return [payloads.read(_PAYMENT, body)]
