"""The benchmark's own instrument: does it see what a server hides?"""

import asyncio
import time

import pytest

from benchmarks import generator
from benchmarks.generator import Load, Run
from benchmarks.summary import percentile, summarize
from paybell.testing.receiver import Answer, Received, Receiver, Reply

FREEZE_S = 0.1
PERIOD_S = 1.0
REQUEST = b"POST /in HTTP/1.1\r\nhost: test\r\ncontent-length: 2\r\n\r\n{}"


def freezing() -> Answer:
    """A server that freezes in the middle of each period: what comes meanwhile is answered when it thaws."""
    begun: list[float] = []

    def answer(received: Received) -> Reply:
        begun.append(received.arrived_s) if not begun else None
        into_s = (received.arrived_s - begun[0]) % PERIOD_S - PERIOD_S / 2
        return Reply(delay_s=FREEZE_S - into_s if 0 <= into_s < FREEZE_S else 0.0)

    return answer


def measured(
    answer: Answer,
    *,
    rate: float | None,
    seconds: float,
    connections: int = 64,
    timeout_s: float = 10.0,
    requests_max: int = 100_000,
) -> Run:
    async def scenario() -> Run:
        async with Receiver(answer=answer, keep=False) as receiver:
            load = Load(
                host="127.0.0.1",
                ports=[receiver.port],
                requests=[REQUEST] * requests_max,
                connections=connections,
                offsets_s=None if rate is None else generator.evenly(rate, seconds),
                seconds_max=seconds,
                timeout_s=timeout_s,
            )
            return await generator.run(load)

    return asyncio.run(scenario())


def test_an_open_loop_sees_a_server_that_freezes_a_tenth_of_the_time() -> None:
    run = measured(freezing(), rate=400, seconds=2)

    summary = summarize(run.latencies_s)
    assert run.accepted == len(run.statuses) == 800
    # A tenth of the requests wait evenly between 0 and 100 ms, so one in a hundred waits more than 90 ms.
    assert 0.08 < summary.p99 < 0.2
    assert summary.p50 < 0.05


def test_an_open_loop_counts_the_wait_for_a_free_connection() -> None:
    run = measured(freezing(), rate=400, seconds=2, connections=1)

    assert run.accepted == 800
    assert summarize(run.latencies_s).p99 > 0.08  # although only one request at a time could be under way


def test_a_closed_loop_hides_the_freeze() -> None:
    run = measured(freezing(), rate=None, seconds=1, connections=1)

    summary = summarize(run.latencies_s)
    assert summary.max > 0.08  # it met the freeze
    assert summary.p99 < 0.05  # and yet its percentile does not show it


def test_requests_without_an_answer_stay_in_the_figures() -> None:
    run = measured(lambda _: Reply(delay_s=60), rate=50, seconds=0.2, connections=2, timeout_s=0.3)

    assert list(run.statuses) == [generator.TIMED_OUT] * 10
    assert min(run.latencies_s) > 0.2


def test_a_broken_connection_is_replaced_and_its_request_counted() -> None:
    drops = iter([True, False, True])
    run = measured(lambda _: Reply(status_code=0 if next(drops, False) else 200), rate=100, seconds=0.2, connections=1)

    assert sorted(run.statuses) == [generator.NO_ANSWER] * 2 + [200] * 18


def test_a_generator_that_was_late_itself_makes_the_run_void() -> None:
    def blocking(_: Received) -> Reply:
        time.sleep(0.02)  # this server runs on the generator's own thread
        return Reply()

    late = measured(blocking, rate=200, seconds=0.5)

    assert late.void
    assert late.lag_p99_s > generator.LAG_P99_MAX_S


def test_a_closed_loop_ends_when_the_requests_run_out() -> None:
    run = measured(lambda _: Reply(), rate=None, seconds=30, requests_max=100)

    assert list(run.statuses) == [200] * 100


def test_nothing_listening_is_an_error() -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            port = receiver.port
        await generator.run(Load(host="127.0.0.1", ports=[port], requests=[REQUEST], connections=1, timeout_s=0.2))

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())


def test_percentiles_are_nearest_rank() -> None:
    values = [float(number) for number in range(1, 101)]

    assert [percentile(values, fraction) for fraction in (0.5, 0.99, 0.999, 1.0)] == [50, 99, 100, 100]
    assert percentile([], 0.5) == 0
