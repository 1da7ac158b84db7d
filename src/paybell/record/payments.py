"""Decide what readings change of payments: facts, states, ids, postings and what is told. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from paybell.model.alias import ids_in, ids_of, joined
from paybell.model.fact import Fact
from paybell.model.ledger import Posting
from paybell.model.notification import NotificationState
from paybell.model.payment import Payment, PaymentState
from paybell.ports import (
    AliasNew,
    Book,
    Facts,
    Mention,
    Merge,
    NewFact,
    NotificationOutcome,
    OrderKey,
    PaymentKey,
    Reading,
)
from paybell.record.draft import Draft, News
from paybell.record.grants import grant_of_payment
from paybell.record.ids import subject_id, time_digits
from paybell.record.ledger import Entries, entries
from paybell.record.messages import Transition, told_data, transitions, transitions_of_merge
from paybell.record.projection import project

FACTS_MAX: Final = 10_000
"""Of one payment, or of one account item."""


class Case:
    """A payment in hand, with what has been decided of it since the book was read."""

    def __init__(self, payment: Payment, facts: Facts | None = None, posted: Iterable[Posting] = ()) -> None:
        self.payment = payment
        self.facts = dict(facts or {})
        self.posted = list(posted)
        self.new: list[tuple[bytes, Fact, str]] = []
        """Digest, fact, and the notification that said it."""
        self.merged: list[Payment] = []
        """What turned out to be this payment."""

    def add(self, new: Mapping[bytes, Fact], notification_id: str) -> None:
        """Take facts that are not among its own."""
        self.facts |= new
        self.new += [(digest, fact, notification_id) for digest, fact in new.items()]

    def absorb(self, other: "Case") -> None:
        """Take all that is another one's, but for its postings: they stay what they were, and are reversed."""
        self.facts |= other.facts
        self.new += other.new
        self.merged += [*other.merged, other.payment]


class Payments:
    """The payments of one decision: what is known of them so far, and what has been decided."""

    def __init__(self, book: Book, draft: Draft) -> None:
        self._draft = draft
        self._expectations = {order: [it.fact() for it in said] for order, said in book.expectations.items()}
        by_id = {known.payment.id: known for known in book.known.values()}
        cases = {it.payment.id: Case(it.payment, it.facts, it.postings) for it in by_id.values()}
        self._cases = {key: cases[known.payment.id] for key, known in book.known.items()}
        self._changed: dict[Case, None] = {}
        self._aliases: dict[PaymentKey, None] = {}

    def take(self, told: Sequence[Fact], reading: Reading, outcome: NotificationOutcome) -> NotificationOutcome:
        """Add what it says of each payment: facts of ids that are linked, here or before, are of one."""
        cases, source_id = self._cases, reading.source.id
        for facts in joined(told, lambda it: cases.get(PaymentKey(source_id, it), it)):
            keys = [PaymentKey(source_id, it) for it in {it for fact in facts for it in ids_in(fact)}]
            named = sorted({cases[key] for key in keys if key in cases}, key=lambda case: case.payment.id)
            if len(facts) + sum(len(case.facts) for case in named) > FACTS_MAX:
                reason = f"{facts[0].aggregate} has more than {FACTS_MAX} facts: look at its timeline"
                return msgspec.structs.replace(outcome, state=NotificationState.PARKED, reason=reason)
            self._add(named, facts, reading)
        return outcome

    def _add(self, named: Sequence[Case], facts: Sequence[Fact], reading: Reading) -> None:
        """Add to the payment that the facts name; of several, which are one then, to the one that was told of first."""
        new = {fact.digest(): fact for fact in facts}
        for case in named:
            new = {digest: fact for digest, fact in new.items() if digest not in case.facts}
        if not new and len(named) == 1:
            self._draft.mentions.append(Mention(named[0].payment.id, reading.notification.id))
            return
        befores = [case.payment for case in named]
        time = time_digits(reading.notification.id)
        for other in named[1:]:
            self._merge(named[0], other, time)
        case = named[0] if named else Case(self._begun(new, reading))
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

    def _expect(self, case: Case) -> bool:
        """Add what was said of the order that it is of; whether any of it is new."""
        said = {fact.digest(): fact for fact in self._expectations.get(_order_of(case.payment), ())}
        new = {digest: fact for digest, fact in said.items() if digest not in case.facts}
        case.add(new, "")
        return bool(new)

    def _settle(self, case: Case, befores: Sequence[Payment], time: str) -> None:
        self._changed[case] = None
        self._post(case, entries(case.facts.values()), time)
        after = case.payment
        self._draft.grant(after, grant_of_payment(after, case.facts.values()))
        self._draft.tell(after.organisation_id, lambda: _news(befores, after))

    def _merge(self, case: Case, other: Case, time: str) -> None:
        self._post(other, {}, time)
        self._draft.grant(other.payment, None)
        case.absorb(other)
        self._changed.pop(other, None)
        self._cases |= {key: case for key, it in self._cases.items() if it is other}

    def _name(self, case: Case, befores: Sequence[Payment]) -> None:
        """Have it found by each of its ids from now on."""
        payment = case.payment
        written = {alias for before in befores for alias in before.state.aliases}
        self._cases[PaymentKey(payment.source_id, payment.gateway_payment_id)] = case
        for alias in payment.state.aliases:
            if alias not in written:
                key = PaymentKey(payment.source_id, alias)
                self._cases[key] = case
                self._aliases[key] = None

    def _post(self, case: Case, wanted: Entries, time: str) -> None:
        case.posted += self._draft.post(case.payment, case.posted, wanted, time)

    def _projected(self, case: Case) -> Payment:
        facts = case.facts.values()
        state = project(facts)
        called = ids_of(facts)[0] if state.aliases else case.payment.gateway_payment_id
        return msgspec.structs.replace(
            case.payment, gateway_payment_id=called, state=state, updated_at_ms=self._draft.now_ms
        )

    def _begun(self, facts: Mapping[bytes, Fact], reading: Reading) -> Payment:
        source = reading.source
        called = ids_of(facts.values())[0]
        return Payment(
            id=subject_id("pay", f"{source.id}\0{called}", reading.notification.id),
            organisation_id=source.organisation_id,
            source_id=source.id,
            gateway=source.gateway,
            gateway_payment_id=called,
            livemode=source.livemode,
            state=project(facts.values()),
            created_at_ms=self._draft.now_ms,
            updated_at_ms=self._draft.now_ms,
        )

    def merges(self) -> tuple[Merge, ...]:
        """What turned out to be another one."""
        return tuple(self._merged(it, case.payment) for case in self._changed for it in case.merged)

    def aliases(self) -> tuple[AliasNew, ...]:
        """Ids that were not known before."""
        named = ((it, self._cases[it].payment.id) for it in self._aliases)
        return tuple(AliasNew(it.source_id, it.gateway_payment_id, payment_id) for it, payment_id in named)

    def facts(self) -> tuple[NewFact, ...]:
        """Facts that were not known before."""
        return tuple(NewFact(case.payment.id, *it) for case in self._changed for it in case.new)

    def changed(self) -> tuple[Payment, ...]:
        """Payments that are not what they were."""
        return tuple(case.payment for case in self._changed)

    def _merged(self, payment: Payment, into: Payment) -> Merge:
        return Merge(
            payment_id=payment.id,
            organisation_id=payment.organisation_id,
            source_id=payment.source_id,
            merged_into=into.id,
            merged_at_ms=self._draft.now_ms,
        )


def _order_of(payment: Payment) -> OrderKey:
    return OrderKey(payment.organisation_id, payment.state.order_id)


def _news(befores: Sequence[Payment], after: Payment) -> News:
    merged = [it.id for it in befores[1:]]
    return News(
        organisation_id=after.organisation_id,
        subject_id=after.id,
        version=after.state.version,
        told=_told([it.state for it in befores], after.state),
        data=lambda transition: told_data(transition, after, merged),
    )


def _told(befores: Sequence[PaymentState], after: PaymentState) -> tuple[Transition, ...]:
    if len(befores) > 1:
        return transitions_of_merge(befores, after)
    return transitions(befores[0] if befores else None, after)
