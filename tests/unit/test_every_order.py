"""Every order of every scenario, with duplicates and replays: one state, one set of books, a true last word."""

from collections.abc import Sequence
from itertools import pairwise, permutations

import msgspec
import pytest

from paybell.model.fact import Fact
from paybell.model.message import Message
from paybell.model.payment import PaymentState
from paybell.record.messages import FALLBACK, envelope, payment_data, transitions
from paybell.testing.builders import endpoint, reading
from tests.unit.books import standing, wanted, wrong
from tests.unit.desk import Ledger
from tests.unit.scenarios import SCENARIOS, Scenario

_FACTS_MAX = 6
SMALL = [scenario for scenario in SCENARIOS if len(scenario.facts) <= _FACTS_MAX]
BY_NAME = pytest.mark.parametrize("scenario", SMALL, ids=lambda scenario: scenario.name)
ALL = endpoint(id="ep_all")
UPDATES = endpoint(id="ep_updates", application_id="app_2", event_types=frozenset({FALLBACK}))
SOLD = frozenset({"completed", "partially_refunded", "refunded", "disputed", "charged_back"})


class Run:
    """A payment's facts recorded in one order."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = facts
        self.ledger = Ledger(ALL, UPDATES)
        self.states: list[PaymentState] = []
        self._one_currency = len({each.currency for each in facts if each.currency}) == 1

    def take(self, number: int) -> None:
        """The next fact, and then once more, from another notification."""
        self.ledger.take(self.facts[number])
        self.states.append(self.ledger.payment.state)
        (known,) = self.ledger.known.values()
        if self._one_currency:
            assert not wrong(self.facts[: number + 1], known.postings, known.payment.state)
        self.again([self.facts[number // 2], self.facts[number]])

    def again(self, facts: Sequence[Fact]) -> None:
        """What was told before changes nothing and tells nothing."""
        changes = self.ledger.take_all([reading(*facts, number=90)])
        assert (changes.facts, changes.payments, changes.postings, changes.messages) == ((), (), (), ())

    def told(self, application_id: str) -> list[Message]:
        return [it for it in self.ledger.messages if it.application_id == application_id]


@BY_NAME
def test_every_order_ends_in_one_state_and_one_set_of_books(scenario: Scenario) -> None:
    books = wanted(scenario.facts)
    ends = set()
    for order in permutations(scenario.facts):
        run = Run(order)
        for number in range(len(order)):
            run.take(number)
        run.again(order[::-1])
        (known,) = run.ledger.known.values()
        assert standing(known.postings) == books
        ends.add(msgspec.json.encode(known.payment.state))
        check_told(run)
    assert len(ends) == 1


def check_told(run: Run) -> None:
    """What the end calls for has been told, each thing once; and the last thing told is the end."""
    events = [(it.application_id, it.event_id) for it in run.ledger.messages]
    assert len(events) == len(set(events))
    end = run.states[-1]
    called_for = {it.event_type + ("." if it.ref else "") + it.ref for it in transitions(None, end)} - {FALLBACK}
    told = [it.event_id.split(".", 2)[2] for it in run.told(ALL.application_id)]
    assert called_for <= set(told)
    sold = [False, *(state.status in SOLD for state in run.states)]
    begun = sum(now and not before for before, now in pairwise(sold))  # an authorisation heard of late leaves it open
    assert told.count("payment.completed") <= begun
    updates = [msgspec.json.decode(it.payload)["data"] for it in run.told(UPDATES.application_id)]
    versions = [it.pop("version") for it in updates]
    assert versions == sorted(set(versions))
    shown = msgspec.json.decode(envelope("", FALLBACK, payment_data(run.ledger.payment), 0))["data"]
    assert updates[-1] == {name: value for name, value in shown.items() if name != "version"}
