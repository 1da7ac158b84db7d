"""Decide what some readings change: new facts, payments, messages and what became of each notification. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.model.alias import ids_in, ids_of, joined
from paybell.model.delivery import DeliveryJob
from paybell.model.expectation import OF_ORDER_MAX, Expectation, newest
from paybell.model.fact import Fact, Parsed
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.notification import NotificationState
from paybell.model.payment import Payment, PaymentState
from paybell.model.text import is_storable, readable
from paybell.ports import (
    AliasNew,
    Book,
    Change,
    Changes,
    Merge,
    NewFact,
    NotificationOutcome,
    OrderKey,
    PaymentKey,
    Reading,
    Route,
)
from paybell.record.ledger import Entries, entries, postings
from paybell.record.messages import Transition, payload, transitions, transitions_of_merge
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
    desk.expect(order, time_digits(wish.id))
    return msgspec.structs.replace(desk.changes(), expectations=(wish,))


class _Case:
    """A payment in hand, with what has been decided of it since the book was read."""

    def __init__(self, payment: Payment, facts: Iterable[Fact] = (), posted: Iterable[Posting] = ()) -> None:
        self.payment = payment
        self.facts = {fact.digest(): fact for fact in facts}
        self.posted = list(posted)
        self.new: list[tuple[bytes, Fact, str]] = []
        """Digest, fact, and the notification that said it."""
        self.merged: list[Payment] = []
        """What turned out to be this payment."""

    def add(self, new: Mapping[bytes, Fact], notification_id: str) -> None:
        """Take facts that are not among its own."""
        self.facts |= new
        self.new += [(digest, fact, notification_id) for digest, fact in new.items()]

    def absorb(self, other: "_Case") -> None:
        """Take all that is another one's, but for its postings: they stay what they were, and are reversed."""
        self.facts |= other.facts
        self.new += other.new
        self.merged += [*other.merged, other.payment]


class _Desk:
    """The state of one decision: what is known so far, and what has been decided."""

    def __init__(self, book: Book, route: Route, now_ms: int) -> None:
        self._endpoints = book.endpoints
        self._expectations = {order: [it.fact() for it in said] for order, said in book.expectations.items()}
        self._route = route
        self._now_ms = now_ms
        by_id = {known.payment.id: known for known in book.known.values()}
        cases = {it.payment.id: _Case(it.payment, it.facts, it.postings) for it in by_id.values()}
        self._cases = {key: cases[known.payment.id] for key, known in book.known.items()}
        self._changed: dict[_Case, None] = {}
        self._aliases: dict[PaymentKey, None] = {}
        self._postings: list[Posting] = []
        self._messages: list[Message] = []
        self._deliveries: list[DeliveryJob] = []
        self._outcomes: list[NotificationOutcome] = []

    def take(self, reading: Reading) -> None:
        outcome = judge(reading)
        if outcome.state is NotificationState.RECORDED:
            outcome = self._take_facts(reading, outcome)
        self._outcomes.append(outcome)

    def _take_facts(self, reading: Reading, outcome: NotificationOutcome) -> NotificationOutcome:
        """Add what it says of each payment: facts of ids that are linked, here or before, are of one."""
        cases, source_id = self._cases, reading.source.id
        for facts in joined(reading.parsed.facts, lambda it: cases.get(PaymentKey(source_id, it), it)):
            keys = [PaymentKey(source_id, it) for it in {it for fact in facts for it in ids_in(fact)}]
            named = sorted({cases[key] for key in keys if key in cases}, key=lambda case: case.payment.id)
            if len(facts) + sum(len(case.facts) for case in named) > _FACTS_OF_PAYMENT_MAX:
                reason = f"{facts[0].aggregate} has more than {_FACTS_OF_PAYMENT_MAX} facts: look at its timeline"
                return msgspec.structs.replace(outcome, state=NotificationState.PARKED, reason=reason)
            self._add(named, facts, reading)
        return outcome

    def _add(self, named: Sequence[_Case], facts: Sequence[Fact], reading: Reading) -> None:
        """Add to the payment that the facts name; of several, which are one then, to the one that was told of first."""
        new = {fact.digest(): fact for fact in facts}
        for case in named:
            new = {digest: fact for digest, fact in new.items() if digest not in case.facts}
        if not new and len(named) == 1:
            return
        befores = [case.payment for case in named]
        time = time_digits(reading.notification.id)
        for other in named[1:]:
            self._merge(named[0], other, time)
        case = named[0] if named else _Case(self._begun(new, reading))
        case.add(new, reading.notification.id)
        if named:
            case.payment = self._projected(case)
        if self._expectations and self._expect(case):
            case.payment = self._projected(case)
        self._name(case, befores)
        self._settle(case, befores, time)

    def expect(self, order: OrderKey, time: str) -> None:
        """Add what is said of an order to all payments in hand that are of it."""
        for case in sorted(set(self._cases.values()), key=lambda it: it.payment.id):
            befores = [case.payment]
            if _order_of(case.payment) == order and self._expect(case):
                case.payment = self._projected(case)
                self._settle(case, befores, time)

    def _expect(self, case: _Case) -> bool:
        """Add what was said of the order that it is of; whether any of it is new."""
        said = {fact.digest(): fact for fact in self._expectations.get(_order_of(case.payment), ())}
        new = {digest: fact for digest, fact in said.items() if digest not in case.facts}
        case.add(new, "")
        return bool(new)

    def _settle(self, case: _Case, befores: Sequence[Payment], time: str) -> None:
        self._changed[case] = None
        self._post(case, entries(case.facts.values()), time)
        self._tell(befores, case.payment)

    def _merge(self, case: _Case, other: _Case, time: str) -> None:
        self._post(other, {}, time)
        case.absorb(other)
        self._changed.pop(other, None)
        self._cases |= {key: case for key, it in self._cases.items() if it is other}

    def _name(self, case: _Case, befores: Sequence[Payment]) -> None:
        """Have it found by each of its ids from now on."""
        payment = case.payment
        written = {alias for before in befores for alias in before.state.aliases}
        self._cases[PaymentKey(payment.source_id, payment.gateway_payment_id)] = case
        for alias in payment.state.aliases:
            if alias not in written:
                key = PaymentKey(payment.source_id, alias)
                self._cases[key] = case
                self._aliases[key] = None

    def _post(self, case: _Case, wanted: Entries, time: str) -> None:
        new = postings(wanted, case.posted, case.payment, time=time, posted_at_ms=self._now_ms)
        case.posted += new
        self._postings += new

    def _projected(self, case: _Case) -> Payment:
        facts = case.facts.values()
        state = project(facts)
        called = ids_of(facts)[0] if state.aliases else case.payment.gateway_payment_id
        return msgspec.structs.replace(case.payment, gateway_payment_id=called, state=state, updated_at_ms=self._now_ms)

    def _begun(self, facts: Mapping[bytes, Fact], reading: Reading) -> Payment:
        source = reading.source
        called = ids_of(facts.values())[0]
        return Payment(
            id=payment_id(source.id, called, reading.notification.id),
            organisation_id=source.organisation_id,
            source_id=source.id,
            gateway=source.gateway,
            gateway_payment_id=called,
            livemode=source.livemode,
            state=project(facts.values()),
            created_at_ms=self._now_ms,
            updated_at_ms=self._now_ms,
        )

    def _tell(self, befores: Sequence[Payment], after: Payment) -> None:
        endpoints = self._endpoints.get(after.organisation_id, ())
        told = _news([it.state for it in befores], after.state) if endpoints else ()
        if not told:
            return
        merged = [it.id for it in befores[1:]]
        change = Change(
            organisation_id=after.organisation_id,
            payment_id=after.id,
            version=after.state.version,
            event_types=tuple((it.event_type, it.ref) for it in told),
            write=lambda message_id, event_type, ref: payload(
                message_id, Transition(event_type, ref), after, self._now_ms, merged=merged
            ),
        )
        routed = self._route(change, endpoints)
        self._messages += routed.messages
        self._deliveries += routed.deliveries

    def changes(self) -> Changes:
        changed = list(self._changed)
        return Changes(
            merges=tuple(self._merged(it, case.payment) for case in changed for it in case.merged),
            aliases=tuple(
                AliasNew(it.source_id, it.gateway_payment_id, self._cases[it].payment.id) for it in self._aliases
            ),
            facts=tuple(NewFact(case.payment.id, *it) for case in changed for it in case.new),
            payments=tuple(case.payment for case in changed),
            postings=tuple(self._postings),
            messages=tuple(self._messages),
            deliveries=tuple(self._deliveries),
            outcomes=tuple(self._outcomes),
        )

    def _merged(self, payment: Payment, into: Payment) -> Merge:
        return Merge(
            payment_id=payment.id,
            organisation_id=payment.organisation_id,
            source_id=payment.source_id,
            merged_into=into.id,
            merged_at_ms=self._now_ms,
        )


def _order_of(payment: Payment) -> OrderKey:
    return OrderKey(payment.organisation_id, payment.state.order_id)


def _news(befores: Sequence[PaymentState], after: PaymentState) -> tuple[Transition, ...]:
    if len(befores) > 1:
        return transitions_of_merge(befores, after)
    return transitions(befores[0] if befores else None, after)


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
    """Refuse facts whose payment, operation or order has a name that no database holds: it would become another one."""
    for fact in parsed.facts:
        if not fact.aggregate:
            raise MalformedPayload("it names no payment")
        ids = [("payment", it) for it in ids_in(fact)]
        for what, name in (*ids, ("operation", fact.ref), ("order", fact.detail.get("order_id", ""))):
            if not is_storable(name):
                raise MalformedPayload(f"the {what} has a name with characters that cannot be kept: {name[:64]!r}")
    return parsed
