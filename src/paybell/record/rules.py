"""Decide what some readings change: new facts, payments, messages and what became of each notification. Pure."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import msgspec

from paybell.errors import MalformedPayload
from paybell.model.delivery import DeliveryJob
from paybell.model.fact import Fact, Parsed
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.notification import Notification, NotificationState
from paybell.model.payment import Payment
from paybell.model.source import Source
from paybell.model.text import is_storable, readable
from paybell.ports import Book, Change, Changes, NewFact, NotificationOutcome, PaymentKey, Reading, Route
from paybell.record.ledger import entries, postings
from paybell.record.messages import Transition, payload, transitions
from paybell.record.projection import project

TIME_DIGITS: Final = 12
_FACTS_OF_PAYMENT_MAX: Final = 10_000


def payment_id(source_id: str, gateway_payment_id: str, notification_id: str) -> str:
    """Our id of a payment: the time of the notification that first told of it, then a digest of the gateway's id.

    So ids sort by time and serve as cursors, and recording the same log again gives the same ids.
    """
    digest = blake2b(f"{source_id}\0{gateway_payment_id}".encode(), digest_size=10).hexdigest()
    return f"pay_{time_digits(notification_id)}{digest}"


def time_digits(notification_id: str) -> str:
    """The part of an id that says when it was made."""
    return notification_id.partition("_")[2][:TIME_DIGITS]


def decide(book: Book, *, route: Route, now_ms: int) -> Changes:
    """Take the readings one after the other, so that the outcome does not depend on how they were batched."""
    desk = _Desk(book, route, now_ms)
    for reading in book.readings:
        desk.take(reading)
    return desk.changes()


class _Desk:
    """The state of one decision: what is known so far, and what has been decided."""

    def __init__(self, book: Book, route: Route, now_ms: int) -> None:
        self._endpoints = book.endpoints
        self._route = route
        self._now_ms = now_ms
        self._payments: dict[PaymentKey, Payment] = {key: known.payment for key, known in book.known.items()}
        self._facts: dict[PaymentKey, dict[bytes, Fact]] = {
            key: {fact.digest(): fact for fact in known.facts} for key, known in book.known.items()
        }
        self._posted: dict[PaymentKey, list[Posting]] = {key: list(known.postings) for key, known in book.known.items()}
        self._changed: dict[PaymentKey, None] = {}
        self._postings: list[Posting] = []
        self._new_facts: list[NewFact] = []
        self._messages: list[Message] = []
        self._deliveries: list[DeliveryJob] = []
        self._outcomes: list[NotificationOutcome] = []

    def take(self, reading: Reading) -> None:
        outcome = judge(reading)
        if outcome.state is NotificationState.RECORDED:
            for gateway_payment_id, facts in _by_payment(reading.parsed.facts).items():
                key = PaymentKey(reading.source.id, gateway_payment_id)
                if len(self._facts.get(key, ())) + len(facts) > _FACTS_OF_PAYMENT_MAX:
                    reason = f"{gateway_payment_id} has more than {_FACTS_OF_PAYMENT_MAX} facts: look at its timeline"
                    outcome = msgspec.structs.replace(outcome, state=NotificationState.PARKED, reason=reason)
                    break
                self._add(key, facts, reading.notification, reading.source)
        self._outcomes.append(outcome)

    def _add(self, key: PaymentKey, facts: tuple[Fact, ...], notification: Notification, source: Source) -> None:
        known = self._facts.setdefault(key, {})
        new = {digest: fact for fact in facts if (digest := fact.digest()) not in known}
        if not new:
            return
        known.update(new)
        before = self._payments.get(key)
        after = self._projected(key, before, notification, source)
        self._payments[key] = after
        self._changed[key] = None
        self._new_facts += [NewFact(after.id, digest, fact, notification.id) for digest, fact in new.items()]
        self._post(key, after, notification)
        self._tell(before, after)

    def _post(self, key: PaymentKey, payment: Payment, notification: Notification) -> None:
        posted = self._posted.setdefault(key, [])
        wanted = entries(self._facts[key].values())
        new = postings(wanted, posted, payment, time=time_digits(notification.id), posted_at_ms=self._now_ms)
        posted += new
        self._postings += new

    def _projected(
        self, key: PaymentKey, before: Payment | None, notification: Notification, source: Source
    ) -> Payment:
        state = project(self._facts[key].values())
        if before is not None:
            return msgspec.structs.replace(before, state=state, updated_at_ms=self._now_ms)
        return Payment(
            id=payment_id(key.source_id, key.gateway_payment_id, notification.id),
            organisation_id=source.organisation_id,
            source_id=source.id,
            gateway=source.gateway,
            gateway_payment_id=key.gateway_payment_id,
            livemode=source.livemode,
            state=state,
            created_at_ms=self._now_ms,
            updated_at_ms=self._now_ms,
        )

    def _tell(self, before: Payment | None, after: Payment) -> None:
        told = transitions(None if before is None else before.state, after.state)
        endpoints = self._endpoints.get(after.organisation_id, ())
        if not told or not endpoints:
            return
        change = Change(
            organisation_id=after.organisation_id,
            payment_id=after.id,
            version=after.state.version,
            event_types=tuple((it.event_type, it.ref) for it in told),
            write=lambda message_id, event_type, ref: payload(
                message_id, Transition(event_type, ref), after, self._now_ms
            ),
        )
        routed = self._route(change, endpoints)
        self._messages += routed.messages
        self._deliveries += routed.deliveries

    def changes(self) -> Changes:
        return Changes(
            facts=tuple(self._new_facts),
            payments=tuple(self._payments[key] for key in self._changed),
            postings=tuple(self._postings),
            messages=tuple(self._messages),
            deliveries=tuple(self._deliveries),
            outcomes=tuple(self._outcomes),
        )


def judge(reading: Reading) -> NotificationOutcome:
    """Whether a reading's facts may be recorded; else why not."""
    parsed, source = reading.parsed, reading.source
    if reading.error:
        state, reason = NotificationState.PARKED, reading.error
    elif parsed.livemode is not None and parsed.livemode != source.livemode:
        kinds = {True: "live", False: "test"}
        state = NotificationState.PARKED
        reason = (
            f"livemode: a {kinds[parsed.livemode]} event at the {kinds[source.livemode]} source {source.uid}: "
            "give the gateway's other mode a source of its own"
        )
    elif not parsed.facts:
        state, reason = NotificationState.UNMAPPED, parsed.reason or "says nothing about a payment"
    else:
        state, reason = NotificationState.RECORDED, parsed.reason
    return NotificationOutcome(
        notification_id=reading.notification.id, state=state, reason=readable(reason), event=readable(parsed.event)
    )


def check_names(parsed: Parsed) -> Parsed:
    """Refuse facts whose payment or order has a name that no database holds: another name would be another payment."""
    for fact in parsed.facts:
        for what, name in (("payment", fact.aggregate), ("order", fact.detail.get("order_id", ""))):
            if not is_storable(name):
                raise MalformedPayload(f"the {what} has a name with characters that cannot be kept: {name[:64]!r}")
    return parsed


def _by_payment(facts: tuple[Fact, ...]) -> Mapping[str, tuple[Fact, ...]]:
    grouped: dict[str, list[Fact]] = {}
    for fact in facts:
        grouped.setdefault(fact.aggregate, []).append(fact)
    return {aggregate: tuple(them) for aggregate, them in grouped.items()}
