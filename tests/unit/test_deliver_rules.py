"""A delivery's fate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.rules import (
    RETRY_DELAYS_S,
    Verdict,
    check_custom_headers,
    error_text,
    judge,
)
from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, DeadReason, DeliveryState, Failed, Outcome
from paybell.testing.fake_clock import START_MS

FAILED = Failed(phase="connect", reason="refused")
LAST = len(RETRY_DELAYS_S) + 1
DAY_MS = 86_400_000
DELIVERED = Verdict(state=DeliveryState.DELIVERED)
DEAD = Verdict(state=DeliveryState.DEAD, dead_reason=DeadReason.EXHAUSTED)
GONE = Verdict(
    state=DeliveryState.DEAD,
    dead_reason=DeadReason.GONE,
    disable_endpoint_reason="the endpoint answered 410 Gone",
)


def due(delay_ms: int) -> Verdict:
    return Verdict(state=DeliveryState.DUE, due_at_ms=START_MS + delay_ms)


@pytest.mark.parametrize(
    ("outcome", "attempt_count", "expected"),
    [
        (Answered(status_code=200), 1, DELIVERED),
        (Answered(status_code=204), LAST, DELIVERED),
        (Answered(status_code=299), 1, DELIVERED),
        (Answered(status_code=199), 1, due(5_000)),
        (Answered(status_code=301), 1, due(5_000)),
        (Answered(status_code=400), 2, due(300_000)),
        (Answered(status_code=404), 9, due(86_400_000)),
        (Answered(status_code=500), 3, due(1_800_000)),
        (Answered(status_code=410), 1, GONE),
        (Answered(status_code=429, retry_after_s=60.0), 1, due(60_000)),
        (Answered(status_code=429, retry_after_s=1.0), 2, due(300_000)),
        (Answered(status_code=429, retry_after_s=0.0), 1, due(5_000)),
        (Answered(status_code=503, retry_after_s=10.0 * 86_400), 1, due(DAY_MS)),
        (Answered(status_code=429, retry_after_s=60.0), LAST, DEAD),
        (FAILED, 1, due(5_000)),
        (FAILED, 4, due(7_200_000)),
        (FAILED, LAST, DEAD),
        (Answered(status_code=500), LAST, DEAD),
    ],
)
def test_the_table_of_fates(outcome: Outcome, attempt_count: int, expected: Verdict) -> None:
    assert judge(outcome, attempt_count=attempt_count, now_ms=START_MS, chance=0.5) == expected


def test_ten_tries_over_about_75_hours() -> None:
    delays_ms = []
    now_ms = START_MS
    for attempt_count in range(1, LAST):
        verdict = judge(FAILED, attempt_count=attempt_count, now_ms=now_ms, chance=0.5)
        assert verdict.due_at_ms is not None
        delays_ms.append(verdict.due_at_ms - now_ms)
        now_ms = verdict.due_at_ms
    assert len(delays_ms) == 9
    assert delays_ms == sorted(delays_ms)
    assert 75 <= (now_ms - START_MS) / 3_600_000 < 76


@given(st.integers(1, LAST - 1), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_a_tenth(attempt_count: int, chance: float) -> None:
    verdict = judge(FAILED, attempt_count=attempt_count, now_ms=START_MS, chance=chance)
    assert verdict.due_at_ms is not None
    share = (verdict.due_at_ms - START_MS) / 1000 / RETRY_DELAYS_S[attempt_count - 1]
    assert 0.9 - 1e-3 <= share <= 1.1


@given(
    st.integers(100, 599),
    st.none() | st.floats(allow_nan=False, min_value=-1e300, max_value=1e300),
    st.integers(1, 20),
    st.floats(0, 1, exclude_max=True),
)
def test_every_answer_has_a_fate(code: int, wait_s: float | None, attempt_count: int, chance: float) -> None:
    outcome = Answered(status_code=code, retry_after_s=wait_s)
    verdict = judge(outcome, attempt_count=attempt_count, now_ms=START_MS, chance=chance)
    assert (verdict.due_at_ms is None) == (verdict.state is not DeliveryState.DUE)
    if verdict.due_at_ms is not None:
        assert START_MS < verdict.due_at_ms <= START_MS + DAY_MS * 11 // 10


@pytest.mark.parametrize("name", ["webhook-id", "Webhook-Signature", "svix-id", "Content-Type", "Traceparent"])
def test_an_endpoint_may_not_pretend_our_headers(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        check_custom_headers([("x-shop", "1"), (name, "2")])
    check_custom_headers([("x-shop", "1"), ("authorization", "Bearer invented")])


def test_an_endpoints_own_schedule_takes_the_place_of_ours() -> None:
    def fate(attempt_count: int, *delays_s: int) -> Verdict:
        return judge(FAILED, attempt_count=attempt_count, now_ms=START_MS, chance=0.5, delays_s=delays_s)

    assert [fate(number, 60, 604_800) for number in (1, 2, 3)] == [due(60_000), due(604_800_000), DEAD]
    assert fate(1) == DEAD
    assert judge(Answered(status_code=200), attempt_count=1, now_ms=START_MS, chance=0.5, delays_s=()) == DELIVERED
    waits = judge(
        Answered(status_code=429, retry_after_s=90.0), attempt_count=1, now_ms=START_MS, chance=0.5, delays_s=(60,)
    )
    assert waits == due(90_000)


def test_what_went_wrong_in_words() -> None:
    assert error_text(Answered(status_code=500)) == ""
    assert error_text(FAILED) == "connect: refused"
    assert len(error_text(Failed(phase="tls", reason="x" * 9_999))) == 500


def test_many_that_failed_together_are_not_tried_again_together() -> None:
    """Every wait is spread over a tenth either way, evenly by the die."""
    for attempt_count, delay_s in enumerate(RETRY_DELAYS_S, 1):
        times = [
            judge(FAILED, attempt_count=attempt_count, now_ms=START_MS, chance=chance).due_at_ms or 0
            for chance in (0.0, 0.25, 0.5, 0.75, 0.999)
        ]
        waits = [(time - START_MS) / 1000 / delay_s for time in times]
        assert waits == sorted(waits)
        assert waits == pytest.approx([0.9, 0.95, 1.0, 1.05, 1.0998], rel=1e-3)
