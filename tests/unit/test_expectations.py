"""What orders should pay: judged, told once, and the same whatever came first."""

import json
from collections.abc import Sequence
from itertools import permutations

import msgspec
import pytest

from paybell.errors import AmountError, ConfigurationError
from paybell.model.expectation import OF_ORDER_MAX, check_expected, newest
from paybell.model.fact import Fact, Kind
from paybell.model.payment import Match
from paybell.record.messages import MISMATCH
from paybell.record.projection import project
from paybell.testing.builders import endpoint, fact
from tests.unit.books import standing, wrong
from tests.unit.desk import Ledger
from tests.unit.expecting import as_said, expected, hear, said
from tests.unit.linked import link

ORDER = {"order_id": "o_1"}
CREATED = fact(Kind.PAYMENT_CREATED, "", 10_000, detail=ORDER)
AUTHORIZED = fact(Kind.AUTHORIZED, "ch_1", 10_000, 1)
CAPTURED = fact(Kind.CAPTURED, "ch_1", 10_000, 2)
PART = fact(Kind.CAPTURED, "cap_1", 4_000, 2)
REVERSED = fact(Kind.CAPTURE_REVERSED, "ch_1", None, 9)
REFUNDED = fact(Kind.REFUND_SUCCEEDED, "re_1", 1_000, 5)
IN_EUROS = fact(Kind.CAPTURED, "ch_2", 100, 3, currency="EUR")
CHARGED = fact(Kind.CAPTURED, "ch_1", 10_000, 2, aggregate="ch_1", detail=ORDER)

MATCHES: list[tuple[str, Sequence[Fact], Match | None]] = [
    ("nothing is expected", (CREATED, CAPTURED), None),
    ("no money yet", (CREATED, AUTHORIZED, expected(9_000)), None),
    ("exact", (CREATED, CAPTURED, expected(10_000)), Match.EXACT),
    ("less", (CREATED, CAPTURED, expected(10_001)), Match.UNDERPAID),
    ("more", (CREATED, CAPTURED, expected(9_999)), Match.OVERPAID),
    ("another currency", (CREATED, CAPTURED, expected(10_000, currency="EUR")), Match.CURRENCY_MISMATCH),
    ("two currencies", (CREATED, CAPTURED, IN_EUROS, expected(10_100)), Match.CURRENCY_MISMATCH),
    ("less, and more may come", (CREATED, AUTHORIZED, PART, expected(10_000)), None),
    ("enough, and more may come", (CREATED, AUTHORIZED, PART, expected(4_000)), Match.EXACT),
    ("more, and yet more may come", (CREATED, AUTHORIZED, PART, expected(3_000)), Match.OVERPAID),
    ("the bank took it back", (CREATED, CAPTURED, REVERSED, expected(9_000)), None),
    ("part of it was given back", (CREATED, CAPTURED, REFUNDED, expected(10_000)), Match.EXACT),
    ("the newest counts", (CREATED, CAPTURED, expected(10_000, 7), expected(11_000, 6)), Match.EXACT),
    ("of a tie, the larger", (CREATED, CAPTURED, expected(10_000, 7), expected(11_000, 7)), Match.UNDERPAID),
    ("another order's", (CREATED, CAPTURED, expected(1, ref="o_2")), None),
]


@pytest.mark.parametrize(("facts", "match"), [it[1:] for it in MATCHES], ids=[it[0] for it in MATCHES])
def test_what_was_captured_is_compared_with_what_was_expected(facts: Sequence[Fact], match: Match | None) -> None:
    states = [project(order) for order in permutations(facts)]
    assert all(state == states[0] for state in states)
    assert states[0].match is match
    missed = {str(it) for it in Match} & set(states[0].flags)
    assert missed == ({str(match)} if match not in {None, Match.EXACT} else set())


def test_every_match_stands_in_the_table() -> None:
    assert {match for *_, match in MATCHES} == {None, *Match}


def test_an_expectation_changes_nothing_else_of_a_payment() -> None:
    plain, judged = project([CREATED, CAPTURED]), project([CREATED, CAPTURED, expected(10_000, 99, currency="EUR")])
    mine = {"expected_minor": 0, "expected_currency": "", "flags": (), "version": 2}
    assert (judged.expected_minor, judged.expected_currency, judged.version) == (10_000, "EUR", 3)
    assert msgspec.structs.replace(judged, **mine) == plain


HISTORY = (CREATED, CAPTURED, REFUNDED, expected(9_000, 4), expected(9_500, 5))
JOINED = (CREATED, CHARGED, link("pi_1", "ch_1"), expected(9_000, 4), expected(9_500, 5))


@pytest.mark.parametrize("history", [HISTORY, JOINED], ids=["one payment", "two that turn out to be one"])
def test_every_order_of_arrival_gives_the_same_payment_and_books(history: Sequence[Fact]) -> None:
    seen = set()
    for order in filter(as_said, permutations(history)):
        ledger = Ledger()
        for each in (*order, *(it for it in order if it.kind is not Kind.EXPECTED)):
            hear(ledger, each)
        (known,) = ledger.known.values()
        assert set(known.facts) == {it.digest() for it in history}
        assert known.payment.state == project(history)
        assert not wrong(known.facts.values(), known.postings, known.payment.state)
        seen.add(tuple(sorted(standing(known.postings).items())))
    assert len(seen) == 1
    assert (("overpaid", "o_1"), (("sales", "overpayments", 500),)) in next(iter(seen))


def test_the_same_again_is_nothing_new_and_an_older_clock_is_set_right() -> None:
    ledger = Ledger()
    assert ledger.say(said(9_000, 10)).expectations == (said(9_000, 10),)
    assert ledger.say(said(9_000, 20)).expectations == ()
    (later,) = ledger.say(said(8_000, 3)).expectations
    assert later.created_at_ms == said(9_000, 10).created_at_ms + 1
    (again,) = ledger.say(said(9_000, 3)).expectations
    assert again.created_at_ms == later.created_at_ms + 1
    assert newest([again, later, said(9_000, 10)]) == again
    assert len({it.id for it in (again, later, said(9_000, 10))}) == 3


def test_what_an_order_should_pay_changes_only_so_often() -> None:
    ledger = Ledger()
    for number in range(OF_ORDER_MAX):
        ledger.say(said(1 + number, number))
    ledger.say(said(OF_ORDER_MAX, 999))  # the same as the last
    with pytest.raises(ConfigurationError, match="has changed 100 times"):
        ledger.say(said(999, 999))
    ledger.say(said(999, 999, order_id="o_2"))


def told(ledger: Ledger) -> list[str]:
    """The event types told since this was asked last."""
    types = [it.event_type for it in ledger.messages]
    ledger.messages.clear()
    return types


def test_a_mismatch_is_told_once_and_another_one_again() -> None:
    ledger = Ledger(endpoint())
    ledger.say(said(9_000))
    ledger.take(CREATED)
    assert told(ledger) == ["payment.created"]
    ledger.take(CAPTURED)
    assert told(ledger) == ["payment.completed", MISMATCH]
    ledger.take(REFUNDED)
    assert told(ledger) == ["refund.completed"]
    ledger.say(said(8_000, 11))
    assert told(ledger) == [MISMATCH]
    ledger.say(said(8_000, 12))
    assert told(ledger) == []
    ledger.say(said(10_000, 13))
    assert told(ledger) == ["payment.updated"]
    ledger.say(said(10_000, 14, currency="EUR"))
    assert told(ledger) == [MISMATCH]


def test_messages_tell_what_was_expected_where_something_was() -> None:
    ledger = Ledger(endpoint())
    ledger.take(CREATED)
    ledger.say(said(9_000))
    ledger.take(CAPTURED)
    first, expecting, *paid = (json.loads(it.payload)["data"] for it in ledger.messages)
    assert not {"expectedMinor", "expectedCurrency", "match"} & first.keys()
    figures = [(it["expectedMinor"], it["expectedCurrency"], it["match"]) for it in (expecting, *paid)]
    assert figures == [(9_000, "USD", None), (9_000, "USD", "overpaid"), (9_000, "USD", "overpaid")]


def test_payments_of_other_orders_and_organisations_hear_nothing() -> None:
    ledger = Ledger(endpoint())
    ledger.take(CREATED, CAPTURED)
    ledger.take(fact(Kind.CAPTURED, "ch_2", 500, aggregate="pi_2", detail={"order_id": "o_2"}))
    ledger.take(fact(Kind.CAPTURED, "ch_3", 500, aggregate="pi_3"))
    told(ledger)
    foreign = msgspec.structs.replace(said(1), organisation_id="org_2")
    assert ledger.say(foreign).payments == ()
    assert [it.gateway_payment_id for it in ledger.say(said(10_000)).payments] == ["pi_1"]
    assert told(ledger) == ["payment.updated"]


@pytest.mark.parametrize(
    ("amount", "currency", "why"), [(0, "USD", "above zero"), (-1, "USD", "must lie between"), (1, "XXX", "unknown")]
)
def test_what_no_order_can_be_expected_to_pay(amount: int, currency: str, why: str) -> None:
    with pytest.raises(AmountError, match=why):
        check_expected(amount, currency)
