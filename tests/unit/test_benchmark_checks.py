"""What makes a benchmark's run count: the books, the backlog, the climb, and events a gateway could have sent."""

import json

import pytest
import stripe

from benchmarks.check import Books, compare
from benchmarks.climb import climb
from benchmarks.flow import Arrivals, Flow, judge_flow, sustains
from benchmarks.generator import Run
from benchmarks.ingest import verdict
from benchmarks.options import Options
from benchmarks.stripe_events import SECRET, StripeEvents, payment_id

OPTIONS = Options(rate=10, seconds=1, connections=1, saturate=False)


def names_of(number: int) -> tuple[str]:
    return (payment_id(number),)


def run_of(count: int, *, lag_s: float = 0.0) -> Run:
    return Run(
        started_s=100.0,
        due_s=[number / 10 for number in range(count)],
        latencies_s=[0.01] * count,
        statuses=[200] * count,
        lags_s=[lag_s] * count,
        wall_s=1.0,
        cpu_s=0.1,
    )


def arrivals_of(count: int, delay_s: float) -> Arrivals:
    return Arrivals([payment_id(number) for number in range(count)], [100 + i / 10 + delay_s for i in range(count)])


@pytest.mark.parametrize(
    ("found", "books"),
    [
        ("abc", Books(lost=0, unexpected=0, duplicated=0, recovered=0)),
        ("ab", Books(lost=1, unexpected=0, duplicated=0, recovered=0)),
        ("abbc", Books(lost=0, unexpected=0, duplicated=1, recovered=0)),
        ("abcx", Books(lost=0, unexpected=1, duplicated=0, recovered=0)),
        ("abcu", Books(lost=0, unexpected=0, duplicated=0, recovered=1)),
        ("abcuu", Books(lost=0, unexpected=0, duplicated=1, recovered=1)),
    ],
)
def test_books_compare_what_was_sent_with_what_was_found(found: str, books: Books) -> None:
    assert compare("abc", "uv", found) == books


def test_only_what_the_gateway_would_send_again_leaves_books_balanced() -> None:
    assert Books(lost=0, unexpected=0, duplicated=0, recovered=9).balanced
    assert not Books(lost=1, unexpected=0, duplicated=0, recovered=0).balanced
    assert not Books(lost=0, unexpected=1, duplicated=0, recovered=0).balanced
    assert not Books(lost=0, unexpected=0, duplicated=1, recovered=0).balanced


def test_a_lost_event_fails_a_run_and_a_late_generator_voids_it() -> None:
    balanced = compare("a", "", "a")
    assert verdict(run_of(3), balanced, {}, sustained=True).passed
    assert not verdict(run_of(3), compare("a", "", ""), {}, sustained=True).passed
    assert verdict(run_of(3, lag_s=1.0), balanced, {}, sustained=True).void


def test_latency_counts_from_the_intended_time_to_the_first_arrival() -> None:
    arrivals = arrivals_of(10, 0.05)
    again = Arrivals([*arrivals.names, payment_id(0)], [*arrivals.times_s, 109.0])

    flow = judge_flow(run_of(10), again, OPTIONS, names_of)

    assert flow.latency.max == pytest.approx(0.05)
    assert flow.backlog == 0
    assert sustains(run_of(10), flow)


def test_what_never_arrived_counts_with_the_time_it_was_waited_for() -> None:
    flow = judge_flow(run_of(10), arrivals_of(9, 0.05), OPTIONS, names_of)

    assert flow.latency.max > 29
    assert flow.backlog == 1
    assert not sustains(run_of(10), flow)


def test_a_growing_backlog_is_not_sustained() -> None:
    late = Arrivals([payment_id(number) for number in range(10)], [100 + number / 5 for number in range(10)])

    flow: Flow = judge_flow(run_of(10), late, OPTIONS, names_of)

    assert flow.backlog == 4
    assert flow.second_half_rate < 10
    assert not sustains(run_of(10), flow)


@pytest.mark.parametrize("limit", [499, 500, 1234, 2000])
def test_a_climb_ends_just_under_the_limit(limit: float) -> None:
    tried: list[float] = []

    def holds(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    found = climb(500, holds)

    assert len(tried) <= 11
    assert found == 0 if limit < 500 else 0.94 * limit <= found <= limit


def test_events_are_distinct_and_signed_as_the_gateways_own_library_wants_it() -> None:
    events = StripeEvents(3, path="/in/src_1", host="127.0.0.1:1", signed_at_s=1_700_000_000)

    requests = [event.split(b"\r\n\r\n", 1) for event in events]
    headers = [head.decode().split("\r\n") for head, _ in requests]
    signatures = [next(line for line in lines if line.startswith("Stripe-Signature: "))[18:] for lines in headers]
    for (_, body), signature in zip(requests, signatures, strict=True):
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, SECRET)
        assert 1_800 < len(body) == events.body_bytes < 2_400
    found = [json.loads(body) for _, body in requests]
    assert [event["data"]["object"]["id"] for event in found] == [payment_id(number) for number in range(3)]
    assert len({event["id"] for event in found}) == 3
