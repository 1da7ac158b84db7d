"""Links: one payment for all ids of it, whatever the order; what is shared by several payments joins none."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.model.alias import JOINS, LinkType, alias_in, ids_of, joined
from paybell.model.fact import Fact, Kind
from paybell.model.ledger import Posting
from paybell.record.ledger import misposted
from paybell.record.projection import project
from paybell.testing.builders import endpoint, fact, reading
from tests.unit.desk import Ledger
from tests.unit.linked import CAPTURED, CHARGED, CREATED, HISTORIES, REFUNDED, History, link

BY_NAME = pytest.mark.parametrize("history", HISTORIES, ids=lambda it: it.name)


def balances(postings: Iterable[Posting]) -> dict[tuple[str, str], int]:
    """Debits less credits of each account that has any left."""
    found: Counter[tuple[str, str]] = Counter()
    for it in postings:
        found[it.currency, it.debit] += it.amount_minor
        found[it.currency, it.credit] -= it.amount_minor
    return {key: amount for key, amount in found.items() if amount}


def came_to(ledger: Ledger) -> object:
    """All payments by what they are called, and all balances."""
    return {key: known.payment.state for key, known in ledger.known.items()}, balances(ledger.postings)


def told(facts: Sequence[Fact]) -> Ledger:
    ledger = Ledger(endpoint())
    for each in facts:
        ledger.take(each)
    return ledger


@BY_NAME
def test_every_order_and_duplicates_come_to_the_same(history: History) -> None:
    expected = came_to(told(history.facts))
    for order in permutations(history.facts):
        ledger = told([*order, *order[::-1]])
        assert came_to(ledger) == expected, order
        check(ledger, history)


def check(ledger: Ledger, history: History) -> None:
    by_name = {key.gateway_payment_id: known for key, known in ledger.known.items()}
    assert {name: known.payment.state.status for name, known in by_name.items()} == history.statuses
    for known in by_name.values():
        assert known.payment.state == project(known.facts.values())
        assert misposted(known.facts.values(), known.postings) == ""
    standing = {known.payment.id for known in by_name.values()}
    assert set(ledger.merged.values()) <= standing
    assert all(merged > into for merged, into in ledger.merged.items())  # the lower id survives
    for merged in ledger.merged:
        assert balances(it for it in ledger.postings if it.payment_id == merged) == {}
    check_messages(ledger)


def check_messages(ledger: Ledger) -> None:
    """Versions rise over all ids of a payment; what was told under one of them is not told again by the merge."""
    versions: dict[str, int] = {}
    specials: list[tuple[str, str, str]] = []
    for message in ledger.messages:
        data = json.loads(message.payload)["data"]
        ids = (message.payment_id, *data.get("mergedPaymentIds", ()))
        if message.event_type == "payment.updated" or len(ids) > 1:
            assert data["version"] > max(versions.get(it, 0) for it in ids)
        versions[message.payment_id] = data["version"]
        if message.event_type != "payment.updated":
            ref = data.get("refund", {}).get("gatewayRefundId") or data.get("dispute", {}).get("gatewayDisputeId", "")
            assert not {(it, message.event_type, ref) for it in ids[1:]} & set(specials)
            specials.append((message.payment_id, message.event_type, ref))
    of_operations = [it for it in specials if it[2]]
    assert len(of_operations) == len(set(of_operations))


@given(st.integers(0, 10_000), st.integers(2, 30))
def test_batches_change_nothing(seed: int, size: int) -> None:
    chance = random.Random(seed)
    facts = [*chance.choice(HISTORIES).facts, *chance.choice(HISTORIES).facts]
    chance.shuffle(facts)
    cut = sorted(chance.sample(range(1, len(facts)), 2))
    groups = [facts[: cut[0]], facts[cut[0] : cut[1]], facts[cut[1] :]]  # several facts, also of a link, in one
    log = [reading(*each, number=number) for number, each in enumerate([*([it] for it in facts), *groups], start=1)]
    chance.shuffle(log)
    one_by_one, batched = Ledger(endpoint()), Ledger(endpoint())
    for each in log:
        one_by_one.take_all([each])
    for start in range(0, len(log), size):
        batched.take_all(log[start : start + size])
    assert everything(one_by_one) == everything(batched)


def everything(ledger: Ledger) -> object:
    """All that was decided, without the ids of messages, which chance gives; facts as of the payment they ended in."""
    facts = {(ledger.merged.get(it.subject_id, it.subject_id), it.digest) for it in ledger.new_facts}
    messages = {(it.event_type, it.event_id, it.payload.split(b",", 1)[1]) for it in ledger.messages}
    resolved = {key: ledger.merged.get(it, it) for key, it in ledger.aliases.items()}
    return came_to(ledger), ledger.known.keys(), facts, messages, resolved, ledger.merged, set(ledger.postings)


def test_what_was_told_under_the_merged_id_is_not_told_again() -> None:
    ledger = told([CREATED, CHARGED, REFUNDED, link("pi_1", "ch_1", at_s=9)])
    merged, survivor = (it.payment_id for it in (ledger.messages[1], ledger.messages[0]))
    assert [(it.event_type, it.payment_id) for it in ledger.messages] == [
        ("payment.created", survivor),
        ("payment.completed", merged),
        ("refund.completed", merged),
        ("payment.updated", survivor),
    ]
    data = json.loads(ledger.messages[-1].payload)["data"]
    assert (data["status"], data["version"], data["mergedPaymentIds"]) == ("partially_refunded", 4, [merged])
    assert (data["paymentId"], data["gatewayPaymentId"]) == (survivor, "pi_1")


def test_what_is_news_to_both_is_told_with_the_merge() -> None:
    """Each held half of the refund: only together they are all of it; and the notification itself brings a capture."""
    ledger = told([CREATED, fact(Kind.AUTHORIZED, "ch_1", 10_000, 1, aggregate="ch_1")])
    ledger.take(link("pi_1", "ch_1", at_s=3), CAPTURED)
    assert [it.event_type for it in ledger.messages] == ["payment.created", "payment.authorized", "payment.completed"]


def test_a_merge_that_changes_nothing_to_see_is_told_all_the_same() -> None:
    ledger = told([CAPTURED, CHARGED, link("pi_1", "ch_1", at_s=9)])
    assert [it.event_type for it in ledger.messages] == ["payment.completed", "payment.completed", "payment.updated"]


def test_without_links_no_alias_is_written() -> None:
    ledger = Ledger()
    changes = ledger.take(CREATED, CAPTURED, link("pi_1", "order_1", "order"))
    assert (changes.aliases, changes.merges) == ((), ())


def test_an_alias_is_written_once() -> None:
    ledger = Ledger()
    assert [it.alias for it in ledger.take(CAPTURED, link("pi_1", "ch_1")).aliases] == ["ch_1"]
    assert ledger.take(link("pi_1", "ch_1", at_s=5)).aliases == ()
    assert ledger.take(REFUNDED).aliases == ()


def test_too_many_facts_together_are_parked_and_nothing_is_merged() -> None:
    ledger = Ledger()
    for name in ("pi_1", "ch_1"):
        ledger.take(*(fact(Kind.LINK, str(number), None, 1, aggregate=name) for number in range(5_000)))
    changes = ledger.take(link("pi_1", "ch_1", at_s=2))
    assert (changes.merges, changes.facts) == ((), ())
    assert "10000 facts" in changes.outcomes[0].reason


@pytest.mark.parametrize("kind", LinkType)
def test_every_type_of_link_is_decided_on(kind: LinkType) -> None:
    assert alias_in(link("pi_1", "x_1", kind)) == ("x_1" if JOINS[kind] else "")


@pytest.mark.parametrize("each", [link("pi_1", "x_1", "unheard-of"), link("pi_1", "pi_1"), link("pi_1", ""), CAPTURED])
def test_no_alias_in(each: Fact) -> None:
    assert alias_in(each) == ""


@pytest.mark.parametrize(
    ("them", "expected"),
    [
        ((CREATED,), ("pi_1",)),
        ((CREATED, link("pi_1", "ch_1")), ("pi_1", "ch_1")),
        ((CHARGED, link("pi_1", "ch_1"), link("cs_1", "pi_1", "intent")), ("cs_1", "ch_1", "pi_1")),
        ((link("b", "c"), link("a", "c")), ("a", "b", "c")),
        ((link("b", "a"), link("a", "b")), ("a", "b")),
    ],
)
def test_what_a_payment_is_called(them: tuple[Fact, ...], expected: tuple[str, ...]) -> None:
    assert {ids_of(order) for order in permutations(them)} == {expected}


def test_facts_are_divided_by_payment() -> None:
    other, joining = fact(Kind.CAPTURED, "x", 1, aggregate="pi_2"), link("pi_1", "ch_1")
    assert joined([CREATED, CHARGED, other]) == [(CREATED,), (CHARGED,), (other,)]
    assert joined([CREATED, CHARGED, other, joining]) == [(CREATED, CHARGED, joining), (other,)]
    assert joined([CREATED, CHARGED, other], lambda it: "" if it == "pi_2" else it[:1]) == [
        (CREATED,),
        (CHARGED,),
        (other,),
    ]
    assert joined([CREATED, CHARGED, other], lambda it: it != "ch_1") == [(CREATED, other), (CHARGED,)]
