"""A timeline says what each notification changed, what came late and what changed nothing."""

from collections.abc import Sequence

import pytest

from paybell.model.fact import Fact, Kind
from paybell.ports import TIMELINE_KINDS, Recorded, TimelineEntry
from paybell.record.history import STEPS_MAX, with_transitions
from paybell.record.projection import project
from paybell.testing.builders import fact
from tests.unit.scenarios import AUTHORIZED, CAPTURED, CREATED

FAILED = fact(Kind.FAILED, "ch_0", 10_000, 1)
REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 90)


def texts(*steps: Sequence[Fact]) -> list[str]:
    told = [Recorded(each, f"ntf_{number}", number) for number, step in enumerate(steps) for each in step]
    return [it.text for it in with_transitions((), reversed(told), project)]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([(CREATED,)], ["begins as created"]),
        (
            [(CREATED,), (AUTHORIZED,), (CAPTURED,)],
            [
                "begins as created",
                "created becomes authorized, authorized_minor 0 becomes 10000",
                "authorized becomes completed, captured_minor 0 becomes 10000",
            ],
        ),
        (
            [(CREATED, CAPTURED), (FAILED,)],
            [
                "begins as completed",
                "stays completed: a failed that is told does not undo what was captured; came 1 s late",
            ],
        ),
        (
            [(CREATED, CAPTURED), (REFUND,), (fact(Kind.REFUND_PENDING, "re_1", 3_000, 80),)],
            [
                "begins as completed",
                "completed becomes partially_refunded, refunded_minor 0 becomes 3000",
                "stays partially_refunded: what it says changes no figure; came 10 s late",
            ],
        ),
        (
            [(REFUND,), (CAPTURED,)],
            [
                "begins as created",
                (
                    "created becomes partially_refunded, captured_minor 0 becomes 10000, "
                    "authorized_minor 0 becomes 10000, amount_minor 0 becomes 10000, flags incomplete becomes none; "
                    "came 88 s late"
                ),
            ],
        ),
    ],
)
def test_each_notification_says_what_it_changed(steps: list[Sequence[Fact]], said: list[str]) -> None:
    assert texts(*steps) == said


def test_of_one_moment_what_follows_from_another_comes_after_it() -> None:
    entries = [TimelineEntry(at_ms=1, kind=kind, id="", text="", detail={}) for kind in reversed(TIMELINE_KINDS)]
    whole = with_transitions(entries, [Recorded(CAPTURED, "ntf_1", 1)], project)
    kinds = [it.kind for it in whole]
    assert kinds == sorted(kinds, key=TIMELINE_KINDS.index)
    assert kinds.count("transition") == 2


def test_a_very_long_one_stays_as_it_is() -> None:
    many = [
        Recorded(fact(Kind.LINK, str(number), at_s=number), f"ntf_{number}", number) for number in range(STEPS_MAX + 1)
    ]
    assert with_transitions((), many, project) == ()
    assert len(with_transitions((), many[1:], project)) == STEPS_MAX
