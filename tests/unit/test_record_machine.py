"""A machine that receives, doubles, crashes and replays at random, over a store of a few dictionaries."""

from copy import copy
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paybell.model.fact import Fact, Kind
from paybell.ports import Reading
from paybell.record.projection import project
from paybell.testing.builders import endpoint, fact, reading
from tests.unit.books import standing, wanted, wrong
from tests.unit.desk import Ledger

_OPERATIONS = [
    (Kind.AUTHORIZED, "ch_1"),
    (Kind.CAPTURED, "ch_1"),
    (Kind.CAPTURED, "ch_2"),
    (Kind.CAPTURE_REVERSED, "ch_1"),
    (Kind.CAPTURED_TOTAL, ""),
    (Kind.REFUND_PENDING, "re_1"),
    (Kind.REFUND_SUCCEEDED, "re_1"),
    (Kind.REFUND_FAILED, "re_1"),
    (Kind.REFUNDED_TOTAL, ""),
    (Kind.DISPUTE_WITHDRAWN, "dp_1"),
    (Kind.DISPUTE_REINSTATED, "dp_1"),
    (Kind.DISPUTE_STATUS, "dp_1"),
    (Kind.FEE, "ch_1"),
    (Kind.FAILED, "ch_0"),
    (Kind.CANCELED, ""),
    (Kind.EXPIRED, ""),
]


def _fact(payment: str, operation: tuple[Kind, str], amount_minor: int, at_s: int, status: str) -> Fact:
    kind, ref = operation
    detail = {"status": status} if kind is Kind.DISPUTE_STATUS else {}
    return fact(kind, ref, amount_minor, at_s, aggregate=payment, detail=detail)


FACTS = st.builds(
    _fact,
    st.sampled_from(["pi_1", "pi_2"]),
    st.sampled_from(_OPERATIONS),
    st.integers(0, 5),
    st.integers(0, 3),
    st.sampled_from(["warning", "open", "won", "lost", "closed"]),
)
CHANCE = st.integers(0, 1_000).map(Random)


class Recording(RuleBasedStateMachine):
    """What was received waits until a transaction records it; a crash keeps all of a transaction, or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(endpoint())
        self.received: list[Reading] = []
        self.waiting: list[Reading] = []
        self.recorded: dict[str, dict[bytes, Fact]] = {}

    @rule(facts=st.lists(FACTS, min_size=1, max_size=3))
    def receive(self, facts: list[Fact]) -> None:
        new = reading(*facts, number=len(self.received) + 1)
        self.received.append(new)
        self.waiting.append(new)

    @precondition(lambda self: self.received)
    @rule(chance=CHANCE)
    def be_told_again(self, chance: Random) -> None:
        """By another notification."""
        self.receive(list(chance.choice(self.received).parsed.facts))

    @precondition(lambda self: self.received)
    @rule(chance=CHANCE)
    def replay(self, chance: Random) -> None:
        """The same notification once more."""
        self.waiting += chance.sample(self.received, chance.randint(1, len(self.received)))

    @precondition(lambda self: self.waiting)
    @rule(chance=CHANCE)
    def record(self, chance: Random) -> None:
        """Some of what waits, in any order; what had been recorded before makes no difference."""
        batch = self._batch(chance)
        facts = {each.digest() for it in batch for each in it.parsed.facts}
        known = {digest for them in self.recorded.values() for digest in them}
        changes = self.ledger.take_all(batch)
        assert {it.digest for it in changes.facts} == facts - known
        assert len(changes.facts) == len(facts - known)
        if facts <= known:
            assert (changes.payments, changes.postings, changes.messages) == ((), (), ())
        for it in batch:
            self._remember(it)

    @precondition(lambda self: self.waiting)
    @rule(chance=CHANCE)
    def crash_before_the_commit(self, chance: Random) -> None:
        """All was decided, nothing was written: it waits still."""
        before = dict(self.ledger.known)
        lost = copy(self.ledger)
        lost.known, lost.messages = dict(self.ledger.known), list(self.ledger.messages)
        lost.take_all(self._batch(chance, take=False))
        assert self.ledger.known == before

    @precondition(lambda self: self.waiting)
    @rule(chance=CHANCE)
    def crash_after_the_commit(self, chance: Random) -> None:
        """All was written, and nobody knows: it is recorded once more."""
        batch = self._batch(chance, take=False)
        self.ledger.take_all(batch)
        for it in batch:
            self._remember(it)

    def _batch(self, chance: Random, *, take: bool = True) -> list[Reading]:
        batch = chance.sample(self.waiting, chance.randint(1, len(self.waiting)))
        if take:
            self.waiting = [it for it in self.waiting if it not in batch]
        return batch

    def _remember(self, told: Reading) -> None:
        for each in told.parsed.facts:
            self.recorded.setdefault(each.aggregate, {})[each.digest()] = each

    @invariant()
    def each_payment_is_what_its_facts_add_up_to(self) -> None:
        known = {key.gateway_payment_id: it for key, it in self.ledger.known.items()}
        assert known.keys() == self.recorded.keys()
        for name, facts in self.recorded.items():
            it = known[name]
            assert it.payment.state == project(facts.values())
            assert standing(it.postings) == wanted(facts.values())
            assert not wrong(it.facts.values(), it.postings, it.payment.state)

    @invariant()
    def nothing_is_told_twice(self) -> None:
        events = [it.event_id for it in self.ledger.messages]
        assert len(events) == len(set(events))


Recording.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestRecording = Recording.TestCase
