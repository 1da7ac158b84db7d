"""Decide what some readings change, and what became of each notification. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.model.account import CustomerStatus, InvoiceStatus, SubscriptionStatus
from paybell.model.alias import ids_in
from paybell.model.expectation import OF_ORDER_MAX, Expectation, newest
from paybell.model.fact import Fact, Kind, Parsed, Subject, subject_of
from paybell.model.notification import NotificationState
from paybell.model.text import is_storable, readable
from paybell.ports import Book, Changes, NotificationOutcome, OrderKey, Reading, Route
from paybell.record.draft import Draft
from paybell.record.ids import time_digits
from paybell.record.items import Items
from paybell.record.members import Members
from paybell.record.payments import Payments

STALE: Final = "stale: it happened before the source was connected"
SKEW_MS: Final = 300_000
"""How far a gateway's clock may be behind ours."""


def decide(book: Book, *, route: Route, now_ms: int) -> Changes:
    """Take the readings one after the other, so that the outcome does not depend on how they were batched."""
    desk = _Desk(book, route, now_ms)
    for reading in book.readings:
        desk.take(reading)
    return desk.changes()


def expect(book: Book, wish: Expectation, *, route: Route, now_ms: int) -> Changes:
    """Say what an order should pay, to its payments too, which are all in the book; the same again changes nothing."""
    order = OrderKey(wish.organisation_id, wish.order_id)
    said = book.expectations.get(order, ())
    last = newest(said)
    if last is not None:
        if (last.amount_minor, last.currency) == (wish.amount_minor, wish.currency):
            return Changes()
        if len(said) >= OF_ORDER_MAX:
            raise ConfigurationError(f"what order {wish.order_id[:64]!r} should pay has changed {len(said)} times")
        wish = msgspec.structs.replace(wish, created_at_ms=max(wish.created_at_ms, last.created_at_ms + 1))
    expectations = {**book.expectations, order: (*said, wish)}
    desk = _Desk(msgspec.structs.replace(book, expectations=expectations), route, now_ms)
    desk.payments.expect(order, time_digits(wish.id))
    desk.members.settle(time_digits(wish.id))
    return msgspec.structs.replace(desk.changes(), expectations=(wish,))


def turn(book: Book, *, route: Route, now_ms: int) -> Changes:
    """What time alone has changed of the entitlements in the book."""
    desk = _Desk(book, route, now_ms)
    desk.members.turn(f"{now_ms:012x}")
    return desk.changes()


class _Desk:
    """One decision: what is in hand of each kind, and what comes of it."""

    def __init__(self, book: Book, route: Route, now_ms: int) -> None:
        self._draft = Draft(book, route, now_ms)
        self.payments = Payments(book, self._draft)
        self._items = Items(book, self._draft)
        self.members = Members(book, self._draft)
        self._outcomes: list[NotificationOutcome] = []

    def take(self, reading: Reading) -> None:
        outcome = judge(reading)
        self._draft.silence = STALE if is_stale(reading) else ""
        if outcome.state is NotificationState.RECORDED:
            outcome = self._record(reading, outcome)
        self._outcomes.append(outcome)

    def _record(self, reading: Reading, outcome: NotificationOutcome) -> NotificationOutcome:
        facts = reading.parsed.facts
        of_payments = [fact for fact in facts if subject_of(fact.kind) is Subject.PAYMENT]
        outcome = self.payments.take(of_payments, reading, outcome) if of_payments else outcome
        if len(of_payments) < len(facts) and outcome.state is NotificationState.RECORDED:
            of_items = [fact for fact in facts if subject_of(fact.kind) is not Subject.PAYMENT]
            outcome = self._items.take(of_items, reading, outcome)
        self.members.settle(time_digits(reading.notification.id))
        return outcome

    def changes(self) -> Changes:
        return Changes(
            now_ms=self._draft.now_ms,
            merges=self.payments.merges(),
            aliases=self.payments.aliases(),
            facts=(*self.payments.facts(), *self._items.facts()),
            payments=self.payments.changed(),
            items=self._items.changed(),
            grants=self.members.grants(),
            entitlements=self.members.changed(),
            postings=tuple(self._draft.postings),
            messages=tuple(self._draft.messages),
            deliveries=tuple(self._draft.deliveries),
            silences=tuple(self._draft.silences),
            mentions=tuple(self._draft.mentions),
            outcomes=tuple(self._outcomes),
        )


def is_stale(reading: Reading) -> bool:
    """Whether all that it says happened before its source was connected: it counts, and is nobody's news."""
    newest_ms = max((fact.at_ms for fact in reading.parsed.facts), default=0)
    return newest_ms < reading.source.created_at_ms - SKEW_MS


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


_STATUSES = {
    Kind.SUBSCRIPTION_STATE: frozenset(map(str, SubscriptionStatus)),
    Kind.INVOICE_STATE: frozenset(map(str, InvoiceStatus)),
    Kind.CUSTOMER_STATE: frozenset(map(str, CustomerStatus)),
}


def check_facts(parsed: Parsed) -> Parsed:
    """Refuse facts whose payment, operation or order has a name that no database holds: it would become another one.

    And those that say a status which there is not: a fault in the gateway's module.
    """
    for fact in parsed.facts:
        if not fact.aggregate:
            raise MalformedPayload("it names no payment")
        _check_names(fact)
        statuses = _STATUSES.get(fact.kind)
        if statuses is not None and fact.detail.get("status") not in statuses:
            raise MalformedPayload(f"no {fact.kind} has the status {fact.detail.get('status')!r}: please report it")
    return parsed


def _check_names(fact: Fact) -> None:
    is_of_payment = subject_of(fact.kind) is Subject.PAYMENT
    ids: Sequence[str] = ids_in(fact) if is_of_payment else (fact.aggregate,)
    named = [("payment" if is_of_payment else str(subject_of(fact.kind)), it) for it in ids]
    for what, name in (*named, ("operation", fact.ref), ("order", fact.detail.get("order_id", ""))):
        if not is_storable(name):
            raise MalformedPayload(f"the {what} has a name with characters that cannot be kept: {name[:64]!r}")
