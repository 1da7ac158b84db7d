"""A payment's state is a function of the set of its facts: no order, no duplicate and no batch can change it."""

from itertools import permutations
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.model.fact import Fact, Kind, Subject, subject_of
from paybell.model.payment import DisputeStatus, PaymentState, PaymentStatus
from paybell.record.projection import project
from paybell.testing.builders import fact
from tests.unit.desk import Ledger
from tests.unit.scenarios import AUTHORIZED, CAPTURED, CREATED, SCENARIOS, Scenario, dispute

BY_NAME = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)

KINDS_WITHOUT_AMOUNT = (Kind.CANCELED, Kind.EXPIRED, Kind.LINK)


def shown(state: PaymentState, scenario: Scenario) -> dict[str, object]:
    fields = msgspec.structs.asdict(state)
    return {name: fields[name] for name in scenario.expected}


@BY_NAME
def test_every_order_gives_what_is_written_down(scenario: Scenario) -> None:
    states = [project(order) for order in permutations(scenario.facts)]
    assert shown(states[0], scenario) == scenario.expected
    assert states[0].version == len(scenario.facts)
    assert all(state == states[0] for state in states)


@BY_NAME
def test_one_by_one_and_twice_over_gives_the_same(scenario: Scenario) -> None:
    whole = project(scenario.facts)
    for order in list(permutations(scenario.facts))[:24]:
        ledger = Ledger()
        for each in (*order, *reversed(order), order[0]):
            ledger.take(each)
        assert ledger.payment.state == whole


def facts() -> st.SearchStrategy[Fact]:
    return st.builds(_fact, st.sampled_from(_KINDS), _REFS, _AMOUNTS, st.integers(0, 3), _CURRENCIES, _DETAILS)


_KINDS = [kind for kind in Kind if subject_of(kind) is Subject.PAYMENT]
_REFS = st.sampled_from(["", "a", "b"])
_AMOUNTS = st.none() | st.integers(0, 300)
_CURRENCIES = st.sampled_from(["USD", "EUR"])
_DETAILS = st.fixed_dictionaries(
    {"status": st.sampled_from([str(status) for status in DisputeStatus])},
    optional={name: st.sampled_from("xy") for name in ("order_id", "customer_id", "failure_code", "method")},
)


def _fact(  # noqa: PLR0917 - st.builds passes them in order
    kind: Kind, ref: str, amount_minor: int | None, at_s: int, currency: str, detail: dict[str, str]
) -> Fact:
    changes: dict[str, object] = {"detail": detail}
    if amount_minor is not None and kind not in KINDS_WITHOUT_AMOUNT:
        return fact(kind, ref, amount_minor, at_s, currency=currency, **changes)
    return fact(kind, ref, None, at_s, **changes)


SETS = st.lists(facts(), min_size=1, max_size=12, unique_by=Fact.digest)


@given(SETS, st.randoms(use_true_random=False))
def test_any_set_in_any_order_with_any_duplicates(them: list[Fact], chance: Random) -> None:
    state = project(them)
    again = [*them, *them[: len(them) // 2]]
    chance.shuffle(again)
    ledger = Ledger()
    versions = []
    for each in again:
        ledger.take(each)
        versions.append(ledger.payment.state.version)
    assert ledger.payment.state == state
    assert versions == sorted(versions)
    assert state.version == len({each.digest() for each in them})


@given(SETS)
def test_totals_keep_to_their_bounds(them: list[Fact]) -> None:
    state = project(them)
    assert 0 <= state.captured_minor <= state.authorized_minor
    assert state.refunded_minor >= 0
    assert state.disputed_minor >= 0
    assert (state.status in _CAPTURED) == (state.captured_minor > 0)


_CAPTURED = {
    PaymentStatus.PARTIALLY_CAPTURED,
    PaymentStatus.COMPLETED,
    PaymentStatus.PARTIALLY_REFUNDED,
    PaymentStatus.REFUNDED,
    PaymentStatus.DISPUTED,
    PaymentStatus.CHARGED_BACK,
}


@given(SETS, facts())
def test_money_that_was_captured_goes_only_by_an_operation_of_its_own(them: list[Fact], late: Fact) -> None:
    takes_back = {Kind.CAPTURE_REVERSED}
    before, after = project(them), project([*them, late])
    if late.kind not in takes_back:
        assert after.captured_minor >= before.captured_minor or Kind.CAPTURE_REVERSED in {it.kind for it in them}


REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 10_000, 4)
PART = fact(Kind.REFUND_SUCCEEDED, "re_2", 1_000, 4)
FAILED = fact(Kind.FAILED, "ch_9", 10_000, 3)
ENDED = fact(Kind.CANCELED, "", None, 3)
RAN_OUT = fact(Kind.EXPIRED, "", None, 3)
LATE = fact(Kind.PROCESSING, "ch_9", 10_000, 4)
DECISIONS = [
    # each line wins over the one below it
    ("charged_back", (CAPTURED, REFUND, dispute("d1", "lost", 5), dispute("d2", "open", 6), FAILED, ENDED)),
    ("disputed", (CAPTURED, REFUND, dispute("d2", "open", 6), FAILED, ENDED, RAN_OUT)),
    ("refunded", (CAPTURED, REFUND, FAILED, ENDED, RAN_OUT)),
    ("partially_refunded", (CAPTURED, PART, FAILED, ENDED, RAN_OUT)),
    ("partially_captured", (AUTHORIZED, fact(Kind.CAPTURED, "cap_1", 1, 2), FAILED, ENDED, RAN_OUT)),
    ("completed", (CAPTURED, FAILED, ENDED, RAN_OUT)),
    ("canceled", (CAPTURED, fact(Kind.CAPTURE_REVERSED, "ch_1", None, 3), ENDED, RAN_OUT, AUTHORIZED)),
    ("canceled", (ENDED, RAN_OUT, AUTHORIZED, FAILED)),
    ("expired", (RAN_OUT, AUTHORIZED, FAILED)),
    ("authorized", (AUTHORIZED, FAILED, LATE)),
    ("processing", (LATE, FAILED, CREATED)),
    ("failed", (FAILED, CREATED)),
    ("requires_action", (fact(Kind.REQUIRES_ACTION, "x", None, 2), CREATED)),
    ("created", (CREATED,)),
    ("created", (fact(Kind.LINK, "order_1"),)),
]


@pytest.mark.parametrize(("status", "them"), DECISIONS)
def test_the_table_of_decisions(status: str, them: tuple[Fact, ...]) -> None:
    assert project(them).status == status


def test_the_table_of_decisions_names_every_status() -> None:
    assert {status for status, _ in DECISIONS} == {str(status) for status in PaymentStatus}


def test_attempts_of_one_second_are_ranked() -> None:
    tie = [fact(kind, "ch_1", None, 7) for kind in (Kind.PROCESSING, Kind.REQUIRES_ACTION, Kind.FAILED)]
    assert project(tie).status is PaymentStatus.FAILED
    assert project(tie[:2]).status is PaymentStatus.REQUIRES_ACTION
    assert project([*tie, fact(Kind.PROCESSING, "ch_2", None, 8)]).status is PaymentStatus.PROCESSING
    assert project([fact(Kind.PROCESSING, "", None, 1), fact(Kind.PAYMENT_CREATED, "", None, 9)]).status == "processing"


@pytest.mark.parametrize("kind", [Kind.FEE, Kind.DISPUTE_WITHDRAWN, Kind.DISPUTE_REINSTATED])
def test_what_is_settled_in_another_currency_is_not_the_payments(kind: Kind) -> None:
    settled = fact(kind, "x", 90, 9, currency="EUR")
    state = project((CAPTURED, settled))
    assert (state.currency, state.captured_minor, state.flags) == ("USD", project((CAPTURED,)).captured_minor, ())
