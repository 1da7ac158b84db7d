"""The ledger's rule: which entries facts ask for, and which postings make them stand."""

from collections.abc import Iterable, Sequence
from itertools import permutations, product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.model.fact import Fact, Kind, Subject, subject_of
from paybell.model.ledger import ACCOUNT_TYPES, Account, EntryKind, Posting
from paybell.record.ledger import entries, misposted, postings
from paybell.record.projection import project
from paybell.testing.builders import fact
from tests.unit.books import Standing, balances, standing, wanted, wrong
from tests.unit.desk import Ledger
from tests.unit.expecting import as_said, expected, hear
from tests.unit.scenarios import AUTHORIZED, CAPTURED, CREATED, SCENARIOS, Scenario, dispute

REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 3)
TAKEN = fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 10_000, 51)
BACK = fact(Kind.DISPUTE_REINSTATED, "dp_1", 10_000, 70)
SALE = (("clearing", "sales", 10_000),)
HELD = (("disputes_receivable", "clearing", 10_000),)
RETURNED = (("clearing", "disputes_receivable", 10_000),)
GONE = (("chargeback_losses", "disputes_receivable", 10_000),)


def fee(amount: int, at_s: int = 2, ref: str = "ch_1", **detail: str) -> Fact:
    return fact(Kind.FEE, ref, amount, at_s, detail=detail)


OF_ORDER = msgspec.structs.replace(CAPTURED, detail={"order_id": "o_1"})


TABLE: dict[str, tuple[Sequence[Fact], Standing]] = {
    "captured": ((CAPTURED,), {("captured", "ch_1"): SALE}),
    "less than expected is a sale": ((OF_ORDER, expected(12_000)), {("captured", "ch_1"): SALE}),
    "more than expected is owed": (
        (OF_ORDER, expected(9_000)),
        {("captured", "ch_1"): SALE, ("overpaid", "o_1"): (("sales", "overpayments", 1_000),)},
    ),
    "the last word counts": (
        (OF_ORDER, expected(9_000), expected(9_500, 2)),
        {("captured", "ch_1"): SALE, ("overpaid", "o_1"): (("sales", "overpayments", 500),)},
    ),
    "another order's expectation is not this one's": (
        (OF_ORDER, expected(9_000, ref="o_2")),
        {("captured", "ch_1"): SALE},
    ),
    "more of another currency than expected is a sale": (
        (OF_ORDER, expected(9_000, currency="EUR")),
        {("captured", "ch_1"): SALE},
    ),
    "what the bank took back was not overpaid": (
        (OF_ORDER, expected(9_000), fact(Kind.CAPTURE_REVERSED, "ch_1", 10_000, 9)),
        {("captured", "ch_1"): SALE, ("reversed", "ch_1"): (("sales", "clearing", 10_000),)},
    ),
    "more than expected by a running total": (
        (fact(Kind.CAPTURED_TOTAL, "", 10_000, 2, detail={"order_id": "o_1"}), expected(9_000)),
        {("captured", "the rest"): SALE, ("overpaid", "o_1"): (("sales", "overpayments", 1_000),)},
    ),
    "the bank takes it back": (
        (CAPTURED, fact(Kind.CAPTURE_REVERSED, "ch_1", 10_000, 9)),
        {("captured", "ch_1"): SALE, ("reversed", "ch_1"): (("sales", "clearing", 10_000),)},
    ),
    "what was never captured is not taken back": ((fact(Kind.CAPTURE_REVERSED, "ch_1", 10_000, 9),), {}),
    "refund": ((REFUND,), {("refund", "re_1"): (("refunds", "clearing", 3_000),)}),
    "a refund that waits moves nothing": ((fact(Kind.REFUND_PENDING, "re_1", 3_000, 3),), {}),
    "a refund that only failed never left": ((fact(Kind.REFUND_FAILED, "re_1", 3_000, 3),), {}),
    "a refund failed after it went through": (
        (REFUND, fact(Kind.REFUND_FAILED, "re_1", 3_000, 9)),
        {
            ("refund", "re_1"): (("refunds", "clearing", 3_000),),
            ("refund_failed", "re_1"): (("clearing", "refunds", 3_000),),
        },
    ),
    "two reports of one refund differ: the larger one, as in the payment": (
        (fact(Kind.REFUND_PENDING, "re_1", 5_000, 2), REFUND),
        {("refund", "re_1"): (("refunds", "clearing", 5_000),)},
    ),
    "fee": ((fee(320),), {("fee", "ch_1"): (("fees", "clearing", 320),)}),
    "fee with tax": (
        (fee(118, tax_minor="18"),),
        {("fee", "ch_1"): (("fees", "clearing", 100), ("tax_recoverable", "clearing", 18))},
    ),
    "a fee that is all tax": ((fee(18, tax_minor="18"),), {("fee", "ch_1"): (("tax_recoverable", "clearing", 18),)}),
    "more tax than fee": ((fee(18, tax_minor="99"),), {("fee", "ch_1"): (("tax_recoverable", "clearing", 18),)}),
    "less tax than nothing": ((fee(18, tax_minor="-9"),), {("fee", "ch_1"): (("fees", "clearing", 18),)}),
    "fee of a dispute": ((fee(1_500, of="dispute"),), {("fee", "ch_1"): (("dispute_fees", "clearing", 1_500),)}),
    "no fee": ((fee(0),), {}),
    "a dispute that is open moves nothing": ((dispute("dp_1", "open", 50),), {}),
    "an inquiry moves nothing": ((dispute("dp_1", "warning", 50),), {}),
    "its funds were withdrawn": ((dispute("dp_1", "open", 50), TAKEN), {("dispute", "dp_1"): HELD}),
    "won, but the funds not given back yet": ((TAKEN, dispute("dp_1", "won", 60)), {("dispute", "dp_1"): HELD}),
    "won, and the funds given back": (
        (TAKEN, dispute("dp_1", "won", 60), BACK),
        {("dispute", "dp_1"): HELD, ("dispute_won", "dp_1"): RETURNED},
    ),
    "given back, so it had been taken": ((BACK,), {("dispute", "dp_1"): HELD, ("dispute_won", "dp_1"): RETURNED}),
    "more was given back than was said to be taken": (
        (fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 4_000, 51), BACK),
        {("dispute", "dp_1"): HELD, ("dispute_won", "dp_1"): RETURNED},
    ),
    "lost": (
        (TAKEN, dispute("dp_1", "lost", 60)),
        {("dispute", "dp_1"): HELD, ("dispute_lost", "dp_1"): GONE},
    ),
    "lost, and nobody said that the funds were withdrawn": (
        (dispute("dp_1", "lost", 60),),
        {("dispute", "dp_1"): HELD, ("dispute_lost", "dp_1"): GONE},
    ),
    "lost, of which less was withdrawn": (
        (fact(Kind.DISPUTE_WITHDRAWN, "dp_1", 4_000, 51), dispute("dp_1", "lost", 60)),
        {
            ("dispute", "dp_1"): (("disputes_receivable", "clearing", 4_000),),
            ("dispute_lost", "dp_1"): (("chargeback_losses", "disputes_receivable", 4_000),),
        },
    ),
    "won, given back, and lost in a second stage": (
        (TAKEN, dispute("dp_1", "won", 60), BACK, dispute("dp_1", "lost", 90)),
        {("dispute", "dp_1"): HELD, ("dispute_lost", "dp_1"): GONE},
    ),
    "lost, and part of it given back afterwards": (
        (TAKEN, dispute("dp_1", "lost", 60), fact(Kind.DISPUTE_REINSTATED, "dp_1", 4_000, 70)),
        {
            ("dispute", "dp_1"): HELD,
            ("dispute_won", "dp_1"): (("clearing", "disputes_receivable", 4_000),),
            ("dispute_lost", "dp_1"): (("chargeback_losses", "disputes_receivable", 6_000),),
        },
    ),
    "lost in one stage and won in the next": (
        (TAKEN, dispute("dp_1", "lost", 60), BACK, dispute("dp_1", "won", 90)),
        {("dispute", "dp_1"): HELD, ("dispute_won", "dp_1"): RETURNED},
    ),
    "two disputes": (
        (TAKEN, fact(Kind.DISPUTE_WITHDRAWN, "dp_2", 500, 51)),
        {("dispute", "dp_1"): HELD, ("dispute", "dp_2"): (("disputes_receivable", "clearing", 500),)},
    ),
    "a total of captures alone": ((fact(Kind.CAPTURED_TOTAL, "", 10_000, 2),), {("captured", "the rest"): SALE}),
    "a total above the captures": (
        (fact(Kind.CAPTURED, "cap_1", 4_000, 2), fact(Kind.CAPTURED_TOTAL, "", 10_000, 2)),
        {
            ("captured", "cap_1"): (("clearing", "sales", 4_000),),
            ("captured", "the rest"): (("clearing", "sales", 6_000),),
        },
    ),
    "a total that the captures reach": (
        (CAPTURED, fact(Kind.CAPTURED_TOTAL, "", 10_000, 2)),
        {("captured", "ch_1"): SALE},
    ),
    "the largest total counts": (
        (fact(Kind.CAPTURED_TOTAL, "", 4_000, 9), fact(Kind.CAPTURED_TOTAL, "", 10_000, 2)),
        {("captured", "the rest"): SALE},
    ),
    "a refund told by its item and by the total": (
        (REFUND, fact(Kind.REFUNDED_TOTAL, "", 3_000, 3)),
        {("refund", "re_1"): (("refunds", "clearing", 3_000),)},
    ),
    "a total of refunds that counts one that waits": (
        (fact(Kind.REFUND_PENDING, "re_1", 3_000, 3), fact(Kind.REFUNDED_TOTAL, "", 3_000, 3)),
        {},
    ),
    "a total of refunds above those that were told": (
        (fact(Kind.REFUND_FAILED, "re_1", 3_000, 3), fact(Kind.REFUNDED_TOTAL, "", 5_000, 3)),
        {("refund", "the rest"): (("refunds", "clearing", 2_000),)},
    ),
    "two reports of one capture differ: the larger one, as in the payment": (
        (CAPTURED, fact(Kind.CAPTURED, "ch_1", 9_000, 3)),
        {("captured", "ch_1"): SALE},
    ),
    "what is held or only tried": (
        (
            CREATED,
            AUTHORIZED,
            *(fact(it, "x", 10_000, 3) for it in (Kind.PROCESSING, Kind.REQUIRES_ACTION, Kind.FAILED)),
            *(fact(it, "", None, 4) for it in (Kind.CANCELED, Kind.EXPIRED, Kind.LINK)),
            fact(Kind.VOIDED, "", 10_000, 9),
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_facts_ask_for(name: str) -> None:
    facts, booked = TABLE[name]
    for order in ordered(facts):
        assert wanted(order) == booked


@pytest.mark.parametrize("name", TABLE)
def test_what_is_posted_is_what_facts_ask_for(name: str) -> None:
    facts, booked = TABLE[name]
    for order in ordered(facts):
        if not as_said(order):
            continue
        ledger = Ledger()
        for number in range(1, len(order) + 1):
            hear(ledger, order[number - 1])
            if ledger.known:
                assert not wrong(order[:number], posted(ledger), ledger.payment.state)
        assert standing(posted(ledger)) == booked


def test_the_table_has_every_kind_of_entry_and_of_fact() -> None:
    of_payouts = {EntryKind.PAYOUT, EntryKind.PAYOUT_PAID, EntryKind.PAYOUT_FAILED}  # test_accounts.py
    assert {kind for _, booked in TABLE.values() for kind, _ in booked} == set(map(str, EntryKind)) - of_payouts
    of_payments = {kind for kind in Kind if subject_of(kind) is Subject.PAYMENT} - {Kind.CORRECTED}
    assert {each.kind for facts, _ in TABLE.values() for each in facts} == of_payments


def test_every_account_is_of_a_type() -> None:
    assert ACCOUNT_TYPES.keys() == set(Account)


def ordered(facts: Sequence[Fact]) -> Iterable[Sequence[Fact]]:
    """Every order; of many, each turned to begin with another."""
    if len(facts) <= 4:
        return permutations(facts)
    return [(*facts[start:], *facts[:start]) for start in range(len(facts))]


def posted(ledger: Ledger) -> tuple[Posting, ...]:
    (known,) = ledger.known.values()
    return known.postings


def told(rows: Iterable[Posting]) -> list[tuple[str, str, int, bool, int]]:
    return [(str(it.kind), it.ref, it.no, it.reversal, it.amount_minor) for it in rows]


def test_the_rest_of_a_total_is_reversed_when_the_missing_one_comes() -> None:
    ledger = Ledger()
    ledger.take(fact(Kind.CAPTURED, "cap_1", 4_000, 2), fact(Kind.CAPTURED_TOTAL, "", 10_000, 2))
    part = ledger.take(fact(Kind.CAPTURED, "cap_2", 1_000, 3))
    assert told(part.postings) == [
        ("captured", "cap_2", 1, False, 1_000),
        ("captured", "the rest", 1, True, 6_000),
        ("captured", "the rest", 2, False, 5_000),
    ]
    whole = ledger.take(fact(Kind.CAPTURED, "cap_3", 5_000, 4))
    assert told(whole.postings) == [("captured", "cap_3", 1, False, 5_000), ("captured", "the rest", 2, True, 5_000)]
    assert balances(posted(ledger)) == {Account.CLEARING: 10_000, Account.SALES: -10_000}


def test_a_correction_is_a_reversal_and_the_next_number() -> None:
    ledger = Ledger()
    ledger.take(fee(100))
    ledger.clock.advance(60)
    change = ledger.take(fee(118, 2, tax_minor="18"))
    assert told(change.postings) == [
        ("fee", "ch_1", 1, True, 100),
        ("fee", "ch_1", 2, False, 100),
        ("fee", "ch_1", 2, False, 18),
    ]
    reversal, first, second = change.postings
    assert (reversal.debit, reversal.credit) == (Account.CLEARING, Account.FEES)
    assert (first.line_no, second.line_no) == (1, 2)
    assert {it.posted_at_ms for it in change.postings} == {ledger.clock.now_ms()}
    again = ledger.take(fee(236, 2, tax_minor="36"))
    assert [(it.no, it.reversal) for it in again.postings] == [(2, True), (2, True), (3, False), (3, False)]
    assert balances(posted(ledger)) == {
        Account.CLEARING: -236,
        Account.FEES: 200,
        Account.TAX_RECOVERABLE: 36,
    }


def test_an_entry_that_is_wanted_again_gets_the_next_number() -> None:
    """Reinstated, taken again by a second stage, and given back by a third one."""
    ledger = Ledger()
    ledger.take(TAKEN, BACK)
    ledger.take(dispute("dp_1", "lost", 90))
    change = ledger.take(dispute("dp_1", "won", 99))
    assert told(change.postings) == [
        ("dispute_lost", "dp_1", 1, True, 10_000),
        ("dispute_won", "dp_1", 2, False, 10_000),
    ]
    assert balances(posted(ledger)) == {}


def test_another_currency_is_another_entry() -> None:
    ledger = Ledger()
    ledger.take(fee(100))
    change = ledger.take(fact(Kind.FEE, "ch_1", 100, 3, currency="EUR"))
    assert [(it.currency, it.no, it.reversal) for it in change.postings] == [("USD", 1, True), ("EUR", 2, False)]


def test_a_later_report_of_the_same_moves_nothing() -> None:
    ledger = Ledger()
    ledger.take(CAPTURED)
    assert ledger.take(fact(Kind.CAPTURED, "ch_1", 10_000, 99)).postings == ()


TIES = [
    (fee(118, tax_minor="18"), fee(118, tax_minor="10")),
    (fee(118), fee(118, of="dispute")),
    (fee(118), fact(Kind.FEE, "ch_1", 118, 2, currency="EUR")),
    (CAPTURED, fact(Kind.CAPTURED, "ch_1", 10_000, 2, currency="EUR")),
]


@pytest.mark.parametrize("pair", TIES)
def test_a_tie_does_not_go_by_arrival(pair: tuple[Fact, Fact]) -> None:
    one, other = pair
    assert entries([one, other]) == entries([other, one])


def test_what_is_posted_comes_with_the_facts_of_its_payment_and_source() -> None:
    ledger = Ledger()
    (line,) = ledger.take(CAPTURED).postings
    payment = ledger.payment
    assert (line.organisation_id, line.source_id, line.payment_id) == (
        payment.organisation_id,
        payment.source_id,
        payment.id,
    )
    assert (line.at_ms, line.posted_at_ms) == (CAPTURED.at_ms, ledger.clock.now_ms())
    assert line.id.startswith("pst_")
    assert line.id[4:16] == payment.id[4:16]


def test_the_same_log_gives_the_same_ids_and_others_give_others() -> None:
    logs = [[TAKEN, fee(118, tax_minor="18"), CAPTURED, BACK], [CAPTURED, REFUND]]
    ids = [[it.id for it in posted(recorded(log))] for log in (*logs, *logs)]
    assert ids[:2] == ids[2:]
    ledger = recorded(logs[0])
    other = fact(Kind.CAPTURED, "ch_1", 10_000, 2, aggregate="pi_2")
    everything = [*posted(ledger), *ledger.take(other).postings]
    assert len({it.id for it in everything}) == len(everything) == 6


def recorded(log: Iterable[Fact]) -> Ledger:
    ledger = Ledger()
    for each in log:
        ledger.take(each)
    return ledger


def test_what_is_posted_is_audited() -> None:
    facts = [CAPTURED, REFUND]
    rows = posted(recorded(facts))
    assert misposted(facts, rows) == ""
    assert "captured ch_1" in misposted(facts, rows[1:])
    assert "refund re_1" in misposted([CAPTURED], rows)
    assert "captured ch_1" in misposted([fact(Kind.CAPTURED, "ch_1", 9_999, 2), REFUND], rows)
    assert "captured ch_1" in misposted([fact(Kind.CAPTURED, "ch_1", 10_000, 2, currency="EUR"), REFUND], rows)


def test_nothing_is_posted_where_all_stands() -> None:
    ledger = recorded([CAPTURED, REFUND, TAKEN])
    (known,) = ledger.known.values()
    assert postings(entries(known.facts.values()), known.postings, known.payment, time="", posted_at_ms=0) == ()


BY_NAME = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@BY_NAME
def test_the_books_are_the_payment_s(scenario: Scenario) -> None:
    if len({each.currency for each in scenario.facts if each.currency}) == 1:
        ledger = recorded(scenario.facts)
        assert not wrong(scenario.facts, posted(ledger), ledger.payment.state)


KINDS = sorted(it for it in Kind if it is not Kind.LINK and subject_of(it) is Subject.PAYMENT)


def _any(kind: Kind, ref: str, amount: int, at_s: int, status: str) -> Fact:
    return fact(kind, ref, amount, at_s, detail={"status": status})


ANY = st.builds(
    _any,
    st.sampled_from(KINDS),
    st.sampled_from(["", "a", "b"]),
    st.integers(0, 300),
    st.integers(0, 3),
    st.sampled_from(["warning", "open", "won", "lost", "closed"]),
)


@given(st.lists(ANY, min_size=1, max_size=12, unique_by=Fact.digest))
def test_the_books_of_any_facts_are_the_payment_s(them: list[Fact]) -> None:
    ledger = Ledger()
    for number, each in enumerate(them, 1):
        ledger.take(each)
        assert not wrong(them[:number], posted(ledger), project(them[:number]))
    for order in (them[::-1], sorted(them, key=Fact.digest)):
        assert standing(posted(recorded(order))) == standing(posted(ledger))
        assert balances(posted(recorded(order))) == balances(posted(ledger))


@pytest.mark.parametrize(
    ("statuses", "back_at_s"), list(product(permutations(("won", "lost", "open")), (0, 55, 65, 99)))
)
def test_the_end_of_a_dispute_never_depends_on_the_order_of_its_stages(
    statuses: tuple[str, ...], back_at_s: int
) -> None:
    stages = [dispute("dp_1", status, 50 + 10 * number) for number, status in enumerate(statuses)]
    facts = [TAKEN, *stages, fact(Kind.DISPUTE_REINSTATED, "dp_1", 10_000, back_at_s)]
    results = {tuple(sorted(balances(posted(recorded(order))).items())) for order in permutations(facts)}
    assert len(results) == 1
    assert dict(results.pop()).get(Account.DISPUTES_RECEIVABLE, 0) == 0


@pytest.mark.parametrize("text", ["", "18", "18.5", "-3", "٣", "1e3", "9" * 19, "eighteen"])
def test_a_tax_that_is_no_whole_number_is_none(text: str) -> None:
    detail = {"tax_minor": text} if text else {}
    (entry,) = entries([fee(118, **detail)]).values()
    taxes = [line.amount_minor for line in entry.lines if line.debit is Account.TAX_RECOVERABLE]
    assert taxes == ([18] if text == "18" else [])
    assert sum(line.amount_minor for line in entry.lines) == 118


def test_an_operation_that_a_gateway_calls_rest_is_not_what_a_total_leaves() -> None:
    facts = [fact(Kind.CAPTURED, "rest", 4_000, 1), fact(Kind.CAPTURED_TOTAL, "", 10_000, 2)]
    assert sorted((key.ref, entry.lines[0].amount_minor) for key, entry in entries(facts).items()) == [
        ("rest", 4_000),
        ("the rest", 6_000),
    ]
