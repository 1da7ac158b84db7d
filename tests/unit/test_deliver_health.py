"""How an endpoint is doing after each attempt."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.health import (
    BREAKER_FAILURES,
    PROBE_MAX_MS,
    SLOW_DOWN_CODES,
    SLOW_MS,
    Sign,
    is_held,
    pace,
    probing,
    weigh,
)
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.endpoint_state import TRANSITIONS, Breaker, EndpointState
from paybell.testing.fake_clock import START_MS

OK, BROKEN, HUNG = Answered(status_code=200), Answered(status_code=500), Failed(phase="deadline", reason="15 s")
ACTIVE_MAX = 64
DAY_MS = 86_400_000


def sign(outcome: Outcome = OK, *, at_ms: int = START_MS, took_ms: int = 5, chance: float = 0.5) -> Sign:
    delivered = isinstance(outcome, Answered) and outcome.status_code == 200
    return Sign(
        endpoint_id="ep_1",
        delivered=delivered,
        outcome=outcome,
        started_at_ms=at_ms - took_ms,
        now_ms=at_ms,
        chance=chance,
        active_max=ACTIVE_MAX,
    )


def after(*outcomes: Outcome, state: EndpointState | None = None, at_ms: int = START_MS) -> EndpointState | None:
    for outcome in outcomes:
        state = weigh(state, sign(outcome, at_ms=at_ms))
    return state


def opened() -> EndpointState:
    found = after(*[HUNG] * BREAKER_FAILURES)
    assert found is not None
    return found


def test_one_that_takes_everything_in_good_time_has_no_state() -> None:
    assert after(OK, OK, OK) is None


def test_each_failure_halves_what_is_sent_at_once_down_to_one() -> None:
    state, seen = None, []
    for _ in range(8):
        state = after(BROKEN, state=state)
        assert state is not None
        seen.append(state.concurrency)
    assert seen == [32, 16, 8, 4, 2, 1, 1, 1]


def test_a_slow_one_shrinks_to_one_although_it_takes_all() -> None:
    state = None
    for _ in range(7):
        state = weigh(state, sign(took_ms=SLOW_MS))
    assert state is not None
    assert (state.concurrency, state.failure_count, state.failing_since_ms) == (1, 0, 0)


def test_each_one_that_is_taken_adds_one_until_it_is_well() -> None:
    state = after(BROKEN, BROKEN)
    grown = [state.concurrency for _ in range(ACTIVE_MAX - 16 - 1) if (state := after(OK, state=state)) is not None]
    assert grown == list(range(17, ACTIVE_MAX))
    assert after(OK, state=state) is None


def test_so_many_failures_in_a_row_open_the_breaker_and_one_less_does_not() -> None:
    almost = after(*[BROKEN] * (BREAKER_FAILURES - 1))
    assert almost is not None
    assert (almost.breaker, is_held(almost, START_MS)) == (Breaker.CLOSED, False)
    it = after(BROKEN, state=almost, at_ms=START_MS + 7)
    assert it is not None
    assert (it.breaker, it.breaker_since_ms, it.failing_since_ms) == (Breaker.OPEN, START_MS + 7, START_MS - 5)
    assert it.held_reason == "10 attempts in a row have failed"
    restarted = after(*[BROKEN] * 9, OK, *[BROKEN] * 9)
    assert restarted is not None
    assert restarted.breaker is Breaker.CLOSED


def test_probes_come_at_growing_times_up_to_five_minutes() -> None:
    state, waits_ms = opened(), []
    for _ in range(12):
        waits_ms.append(state.held_until_ms - START_MS)
        state = probing(state, now_ms=START_MS, lease_ms=60_000)
        failed = after(HUNG, state=state)
        assert failed is not None
        state = failed
    assert waits_ms[:7] == [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000]
    assert waits_ms[-1] == PROBE_MAX_MS
    assert state.breaker_since_ms == START_MS


def test_probes_of_many_endpoints_do_not_come_together() -> None:
    waits = {it.held_until_ms for chance in (0.0, 0.5, 0.99) if (it := _opened_with(chance)) is not None}
    assert len(waits) == 3
    assert all(4_500 <= until_ms - START_MS <= 5_500 for until_ms in waits)


def _opened_with(chance: float) -> EndpointState | None:
    return weigh(after(*[HUNG] * 9), sign(HUNG, chance=chance))


def test_what_was_being_sent_when_it_opened_changes_nothing_of_its_probes() -> None:
    state = opened()
    late = after(HUNG, HUNG, state=state, at_ms=START_MS + 100)
    assert late is not None
    assert (late.held_until_ms, late.probe_count, late.breaker) == (state.held_until_ms, 0, Breaker.OPEN)


@pytest.mark.parametrize("half_open", [False, True])
def test_one_success_closes_it_and_it_is_sent_to_slowly_at_first(*, half_open: bool) -> None:
    state = probing(opened(), now_ms=START_MS, lease_ms=60_000) if half_open else opened()
    it = after(OK, state=state, at_ms=START_MS + 50)
    assert it is not None
    assert (it.breaker, it.breaker_since_ms, it.failure_count, it.failing_since_ms) == (
        *(Breaker.CLOSED, START_MS + 50),
        *(0, 0),
    )
    assert (it.concurrency, is_held(it, START_MS + 50)) == (1, False)
    assert [pace(it, START_MS + 50 + at_ms) for at_ms in (0, 1000, 10_000, 60_000)] == [10, 20, 110, 0]


def test_it_is_well_only_when_it_is_sent_as_much_as_others() -> None:
    state = after(OK, state=opened())
    for _ in range(ACTIVE_MAX):
        state = after(OK, state=state, at_ms=START_MS + 1_000)
    assert state is not None  # it takes 20/s
    assert after(OK, state=state, at_ms=START_MS + 60_000) is None


@pytest.mark.parametrize("code", sorted(SLOW_DOWN_CODES))
@pytest.mark.parametrize(
    ("asked_s", "paused_ms"), [(30.0, 30_000), (3600.0, 3_600_000), (10**7, DAY_MS), (None, 1_000)]
)
def test_who_asks_for_less_is_left_alone_for_as_long_as_it_asks(
    code: int, asked_s: float | None, paused_ms: int
) -> None:
    it = after(Answered(status_code=code, retry_after_s=asked_s))
    assert it is not None
    assert (it.breaker, it.held_until_ms - START_MS) == (Breaker.CLOSED, paused_ms)
    assert str(code) in it.held_reason
    assert ("Retry-After" in it.held_reason) is (asked_s is not None)
    assert is_held(it, START_MS + paused_ms - 1)
    assert not is_held(it, START_MS + paused_ms)


def test_other_answers_do_not_pause_it() -> None:
    it = after(Answered(status_code=500, retry_after_s=3600))
    assert it is not None
    assert not is_held(it, START_MS)


def test_a_pause_it_did_not_time_doubles_up_to_a_minute() -> None:
    state, waits_ms = None, []
    for _ in range(8):
        state = after(Answered(status_code=503), state=state)
        assert state is not None
        waits_ms.append(state.held_until_ms - START_MS)
    assert waits_ms == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]


def test_a_pause_outlasts_what_is_taken_meanwhile_and_a_shorter_pause() -> None:
    paused = after(Answered(status_code=429, retry_after_s=3600))
    taken = after(OK, state=paused, at_ms=START_MS + 100)
    again = after(Answered(status_code=503), state=taken, at_ms=START_MS + 200)
    assert paused is not None
    assert taken is not None
    assert again is not None
    assert taken.held_until_ms == again.held_until_ms == paused.held_until_ms
    assert again.held_reason == paused.held_reason


def test_after_a_long_pause_it_is_sent_to_slowly_at_first_and_after_a_short_one_at_once() -> None:
    long, short = after(Answered(status_code=429, retry_after_s=60)), after(Answered(status_code=503))
    assert pace(long, START_MS + 61_000) == 20
    assert pace(short, START_MS + 1_500) == 0


OUTCOMES = st.sampled_from(
    [OK, BROKEN, HUNG, *(Answered(status_code=503, retry_after_s=wait_s) for wait_s in (None, 1, 90_000))]
)


@given(st.lists(st.tuples(OUTCOMES, st.integers(0, 600_000), st.booleans(), st.floats(0, 0.999)), max_size=60))
def test_whatever_happens_its_state_holds_together(steps: list[tuple[Outcome, int, bool, float]]) -> None:
    state, now_ms, breakers = None, START_MS, [Breaker.CLOSED]
    for outcome, wait_ms, probes, chance in steps:
        now_ms += wait_ms
        if state and probes and state.breaker is not Breaker.CLOSED and not is_held(state, now_ms):
            state = probing(state, now_ms=now_ms, lease_ms=60_000)
            breakers.append(state.breaker)
        state = weigh(state, sign(outcome, at_ms=now_ms, chance=chance))
        breakers.append(state.breaker if state else Breaker.CLOSED)
        if state:
            assert 1 <= state.concurrency <= ACTIVE_MAX
            assert bool(state.failing_since_ms) == bool(state.failure_count) == (outcome is not OK)
            assert state.held_until_ms <= now_ms + DAY_MS
            assert state.breaker is not Breaker.OPEN or state.held_until_ms
    for before, then in pairwise(breakers):
        assert then == before or then in TRANSITIONS[before]
