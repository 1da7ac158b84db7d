"""Decide what does not add up: counters, payments against their facts, and what retention may have dropped."""

from collections.abc import Sequence

import msgspec
import pytest

from paybell.model.fact import Fact, Kind
from paybell.model.payment import Payment, PaymentStatus
from paybell.ports import ArchiveRow, NewFact
from paybell.record.projection import project
from paybell.store.checking import (
    EXAMPLES_MAX,
    Defect,
    Defects,
    SourceCounts,
    counters,
    is_dropped,
    misfolded,
    uncounted,
)
from paybell.store.rows import fact_row, payment_row
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS

FACTS = (fact(Kind.CAPTURED, "ch_1", 100), fact(Kind.REFUND_SUCCEEDED, "re_1", 40, at_s=5))
WEEK_MS = 7 * 86_400_000


def payment(*facts: Fact, **changes: object) -> ArchiveRow:
    state = msgspec.structs.replace(project(facts), **changes)
    plain = Payment(
        id="pay_1",
        organisation_id="org_1",
        source_id="src_1",
        gateway="generic",
        gateway_payment_id="pi_1",
        livemode=True,
        state=state,
        created_at_ms=START_MS,
        updated_at_ms=START_MS,
    )
    return tuple(it if isinstance(it, str | int | bytes) else None for it in payment_row(plain))


def stored(*facts: Fact, digest: bytes | None = None) -> Sequence[ArchiveRow]:
    rows = [fact_row(NewFact("pay_1", digest or it.digest(), it, "ntf_1"), START_MS) for it in facts]
    return [tuple(it if isinstance(it, str | int | bytes) else None for it in row) for row in rows]


def test_a_payment_that_is_the_fold_of_its_facts_is_right_in_any_order() -> None:
    assert misfolded(payment(*FACTS), stored(*FACTS), project) is None
    assert misfolded(payment(*FACTS), stored(*reversed(FACTS)), project) is None


@pytest.mark.parametrize(
    ("row", "facts", "what"),
    [
        (None, stored(*FACTS), "it is not there, and has 2 facts"),
        (payment(*FACTS), [], "it has no facts"),
        (payment(*FACTS), stored(FACTS[0]), "its status, refunded_minor, refunds, version, changed_at_ms differ"),
        (payment(*FACTS, version=3), stored(*FACTS), r"its version differ .*\(version: 3, not 2\)"),
        (payment(*FACTS, status=PaymentStatus.FAILED), stored(*FACTS), r"\(status: failed, not partially_refunded\)"),
        (payment(*FACTS), stored(*FACTS, digest=b"0" * 16), "another digest"),
        (payment(*FACTS), stored(fact(Kind.CAPTURED, "ch_1", 100, aggregate="pi_2")), "of another payment"),
        (payment(*FACTS), [("pay_1", b"", b"\xc1", "ntf_1", 1)], "it cannot be read"),
        ((*payment(*FACTS)[:9], b"{", 1, 1), stored(*FACTS), "it cannot be read"),
        ((*payment(*FACTS)[:7], "other", *payment(*FACTS)[8:]), stored(*FACTS), "its column order_id is other"),
    ],
)
def test_a_payment_that_is_not_the_fold_of_its_facts_says_where(
    row: ArchiveRow | None, facts: Sequence[ArchiveRow], what: str
) -> None:
    with pytest.raises(AssertionError, match=what):
        raise AssertionError(misfolded(row, facts, project))


def test_counters_add_up_when_every_state_is_one_of_what_was_accepted() -> None:
    accepted: list[ArchiveRow] = [("src_1", 3), ("src_2", 1)]
    became: list[ArchiveRow] = [("src_1", "parked", 1), ("src_1", "recorded", 2), ("src_3", "pending", 1)]
    found = counters(accepted, became)
    assert found == (
        SourceCounts(source_id="src_1", accepted=3, states={"parked": 1, "recorded": 2}),
        SourceCounts(source_id="src_2", accepted=1, states={}),
        SourceCounts(source_id="src_3", accepted=0, states={"pending": 1}),
    )
    assert [uncounted(it) for it in found] == [
        None,
        "1 notifications were accepted, and 0 have a state (none)",
        "0 notifications were accepted, and 1 have a state (1 pending)",
    ]


def digits(at_ms: int) -> str:
    return f"{at_ms:012x}{0:020x}"


@pytest.mark.parametrize(
    ("at_ms", "dropped"),
    [
        (2 * WEEK_MS - 1, True),  # nothing of its week is kept
        (2 * WEEK_MS, True),  # what is kept of its week came later
        (2 * WEEK_MS + 99, True),
        (2 * WEEK_MS + 100, False),
        (3 * WEEK_MS - 1, False),
        (3 * WEEK_MS, True),
    ],
)
def test_only_what_came_before_all_that_is_kept_of_its_week_was_dropped(at_ms: int, *, dropped: bool) -> None:
    assert is_dropped("ntf_" + digits(at_ms), {2: digits(2 * WEEK_MS + 100)}) is dropped


@pytest.mark.parametrize("row_id", ["", "ntf", "ntf_", "ntf_zz", "ntf_Ψ"])
def test_an_id_without_a_time_was_not_dropped(row_id: str) -> None:
    assert not is_dropped(row_id, {})


def test_the_first_few_of_each_check_are_kept_and_all_are_counted() -> None:
    defects = Defects()
    for check in ("one", "other"):
        for number in range(25):
            defects.add(check, Defect(table=check, id=str(number), what=""))
    assert defects.total == 50
    assert [it.table for it in defects.examples] == ["one"] * EXAMPLES_MAX + ["other"] * EXAMPLES_MAX
