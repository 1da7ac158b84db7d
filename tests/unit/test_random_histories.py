"""Random histories through `decide`, in batches of any size, shuffled, doubled and replayed: what came does not matter.

A seed that fails is the bug report: ``log_of(seed)``.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Final

import pytest

from paybell.model.fact import Fact
from paybell.model.ledger import EntryKind
from paybell.model.payment import PaymentState, PaymentStatus
from paybell.record.messages import FALLBACK
from paybell.record.projection import project
from paybell.testing.builders import endpoint, reading
from tests.unit.books import Standing, standing, wrong
from tests.unit.desk import Ledger
from tests.unit.histories import Told, batches_of, log_of, reordered

_EVENTS: Final = 100_000
_MANY_EVENTS: Final = 1_000_000
OF_PAYMENTS = frozenset(EntryKind) - {EntryKind.PAYOUT, EntryKind.PAYOUT_PAID, EntryKind.PAYOUT_FAILED}
ENDPOINT = endpoint(event_types=frozenset({"payment.completed", "refund.completed", FALLBACK}))


def recorded(ledger: Ledger, batches: Iterable[Sequence[Told]]) -> Ledger:
    """Record them; whatever changed adds up after every transaction."""
    number = count(1)
    for batch in batches:
        changes = ledger.take_all([reading(*facts, number=next(number)) for facts in batch])
        for key in {(it.source_id, it.gateway_payment_id) for it in changes.payments}:
            (known,) = (it for found, it in ledger.known.items() if (found.source_id, found.gateway_payment_id) == key)
            assert not wrong(known.facts.values(), known.postings, known.payment.state)
    return ledger


def end_of(ledger: Ledger) -> dict[str, tuple[PaymentState, Standing]]:
    return {
        key.gateway_payment_id: (known.payment.state, standing(known.postings)) for key, known in ledger.known.items()
    }


def by_payment(log: Iterable[Told]) -> dict[str, dict[bytes, Fact]]:
    found: dict[str, dict[bytes, Fact]] = {}
    for told in log:
        for each in told:
            found.setdefault(each.aggregate, {})[each.digest()] = each
    return found


def check(seed: int, seen: set[str]) -> int:
    """One history; how many notifications that took. ``seen``: which statuses and postings there were."""
    log = log_of(seed)
    ledger = recorded(Ledger(ENDPOINT), batches_of(seed, log))
    end = end_of(ledger)
    assert {name: state for name, (state, _) in end.items()} == {
        name: project(facts.values()) for name, facts in by_payment(log).items()
    }
    events = [it.event_id for it in ledger.messages]
    assert len(events) == len(set(events))
    seen.update(state.status for state, _ in end.values())
    seen.update(f"{'reversed ' * it.reversal}{it.kind}" for known in ledger.known.values() for it in known.postings)
    replayed = ledger.take_all([reading(*facts, number=number) for number, facts in enumerate(log, 1)])
    assert (replayed.facts, replayed.postings, replayed.messages, replayed.deliveries) == ((), (), (), ())
    other = reordered(seed, log)
    assert end_of(recorded(Ledger(), batches_of(seed + 1, other))) == end
    return 2 * len(log) + len(other)


@pytest.mark.parametrize("events", [_EVENTS, pytest.param(_MANY_EVENTS, marks=pytest.mark.long)])
def test_any_history_in_any_order_ends_as_its_facts_say(events: int) -> None:
    first = 0 if events == _EVENTS else 1_000_000
    done, seen = 0, set[str]()
    for seed in count(first):
        try:
            done += check(seed, seen)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
        if done >= events:
            break
    assert {*PaymentStatus, *OF_PAYMENTS} <= seen
    assert {f"reversed {kind}" for kind in OF_PAYMENTS} <= seen
