"""The benchmark of isolation judges by what endpoints that are well have of it, and by nothing else."""

import pytest

from benchmarks.check import Books
from benchmarks.flow import Arrivals
from benchmarks.generator import Run
from benchmarks.isolation import ENDPOINTS, Memory, Outcome, judge, latency_of, namer
from benchmarks.messages import number_text
from benchmarks.summary import summarize
from paybell.testing.trouble import MIX, mixed

BALANCED = Books(lost=0, unexpected=0, duplicated=0, recovered=0)
SICK = sum(MIX.values())
MB = 1_000_000


def outcome(
    *, troubled: bool, p99_s: float = 0.01, grows: int = 0, books: Books = BALANCED, void: bool = False
) -> Outcome:
    return Outcome(
        troubled=troubled,
        latency=summarize([p99_s]),
        books=books,
        memory=Memory([100 * MB] * 10 + [100 * MB + grows] * 20),
        void=void,
        figures={},
    )


def verdicts(*outcomes: Outcome) -> list[str]:
    return [it.figures["verdict"] for it in judge(outcomes)]


def test_a_third_of_the_endpoints_are_in_trouble_each_in_its_own() -> None:
    urls = {kind: f"http://{kind}/" for kind in MIX}
    assert [kind for kind, _ in mixed(urls)] == [*["hang"] * 20, *["refuse"] * 10, "drip", "flood", "stall", "busy"]
    assert all(url == urls[kind] for kind, url in mixed(urls))


def test_what_is_for_one_in_trouble_is_not_waited_for() -> None:
    names = namer(SICK)
    assert [len(names(number)) for number in (0, SICK - 1, SICK, ENDPOINTS - 1, ENDPOINTS)] == [0, 0, 1, 1, 0]
    assert list(names(ENDPOINTS + SICK)) == [f"{number_text(ENDPOINTS + SICK)} /e{SICK}"]
    assert len(namer(0)(0)) == 1


def test_latency_counts_from_the_intended_time_to_the_first_arrival_at_those_that_are_well() -> None:
    run = Run(
        started_s=100.0,
        due_s=[number / 100 for number in range(ENDPOINTS)],
        latencies_s=[0.0] * ENDPOINTS,
        statuses=[202] * ENDPOINTS,
        lags_s=[0.0],
        wall_s=1.0,
        cpu_s=0.1,
    )
    names = [name for number in range(ENDPOINTS) for name in namer(0)(number)]
    arrivals = Arrivals([*names, *names], [100.02 + it / 100 for it in range(ENDPOINTS)] + [200.0] * ENDPOINTS)

    assert latency_of(run, arrivals, namer(SICK)).max == pytest.approx(0.02)
    assert latency_of(run, arrivals, namer(SICK)).count == ENDPOINTS - SICK
    lost = Arrivals(arrivals.names[: ENDPOINTS - 1], arrivals.times_s[: ENDPOINTS - 1])
    assert latency_of(run, lost, namer(SICK)).max > 30


def test_others_may_notice_little_of_trouble() -> None:
    assert verdicts(outcome(troubled=False), outcome(troubled=True, p99_s=0.0169)) == ["counts", "counts"]
    calm, sick = verdicts(outcome(troubled=False), outcome(troubled=True, p99_s=0.0171))
    assert (calm, sick) == ("counts", "FAILED: p99 17.10 ms is over 17.00")


def test_of_several_pairs_the_medians_are_compared() -> None:
    pairs = [(0.01, 0.01), (0.05, 0.01), (0.01, 0.3)]
    outcomes = [outcome(troubled=bool(at), p99_s=pair[at]) for pair in pairs for at in (0, 1)]
    assert set(verdicts(*outcomes)) == {"counts"}


def test_memory_may_not_grow_by_more_than_without_trouble() -> None:
    assert verdicts(outcome(troubled=False), outcome(troubled=True, grows=7 * MB)) == ["counts"] * 2
    assert verdicts(outcome(troubled=False, grows=30 * MB), outcome(troubled=True, grows=37 * MB)) == ["counts"] * 2
    _, sick = verdicts(outcome(troubled=False), outcome(troubled=True, grows=9 * MB))
    assert sick == "FAILED: memory grows by 9.0 MB, over 8.0"


def test_what_is_lost_or_came_twice_fails_the_run_and_a_late_generator_voids_it() -> None:
    lost = Books(lost=1, unexpected=0, duplicated=0, recovered=0)
    judged = judge([outcome(troubled=False, void=True), outcome(troubled=True, books=lost)])
    assert [it.figures["verdict"] for it in judged] == [
        "VOID: the generator was late",
        "FAILED: the books do not balance",
    ]
    assert [(it.passed, it.void) for it in judged] == [(True, True), (False, False)]
