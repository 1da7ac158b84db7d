"""How deliveries kept up with what was accepted: latencies, rates and backlog, from the receiver's journal."""

import asyncio
import bisect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks import generator
from benchmarks.generator import Load, Run
from benchmarks.options import Options
from benchmarks.summary import Summary, summarize

DRAIN_S: Final = 30.0
DRAIN_SUSTAINED_S: Final = 1.0
KEEP_UP: Final = 0.99
Names = Callable[[int], Sequence[str]]
"""What is to arrive of a request, by its number."""


class Arrivals(Struct, frozen=True):
    """What the receiver journalled: names in order of arrival, and when, in seconds of the monotonic clock."""

    names: list[str]
    times_s: list[float]


class Flow(Struct, frozen=True, kw_only=True):
    """How deliveries kept up with requests. Latency counts first arrivals only.

    ``through_rate``: deliveries a second from the first request to the last arrival.
    """

    latency: Summary
    delivered_rate: float
    second_half_rate: float
    through_rate: float
    backlog: int
    drain_s: float


def read_journal(journal: Path, *, by_path: bool = False) -> Arrivals:
    """Read the receiver's journal: what it captured, with the path behind it where that tells two deliveries apart."""
    lines = [line.split("\t") for line in journal.read_text().splitlines()]
    names = [f"{line[2]} {line[3]}" if by_path else line[2] for line in lines]
    return Arrivals(names, [int(line[1]) / 1e9 for line in lines])


def judge_flow(run: Run, arrivals: Arrivals, options: Options, names: Names) -> Flow:
    """Work out latencies, rates and backlog; what never arrived counts with the time it was waited for."""
    first: dict[str, float] = {}
    for name, time_s in zip(arrivals.names, arrivals.times_s, strict=True):
        first.setdefault(name, time_s - run.started_s)
    given_up_s = run.wall_s + DRAIN_S
    latencies = [
        first.get(name, given_up_s) - due_s for number, due_s in enumerate(run.due_s) for name in names(number)
    ]
    times_s, expected = sorted(first.values()), run.accepted * len(names(0))
    end_s, half_s = options.seconds, options.seconds / 2
    by_end, by_half = bisect.bisect(times_s, end_s), bisect.bisect(times_s, half_s)
    last_s = times_s[-1] if len(times_s) >= expected and times_s else given_up_s
    return Flow(
        latency=summarize(latencies),
        delivered_rate=by_end / end_s,
        second_half_rate=(by_end - by_half) / half_s,
        through_rate=len(times_s) / last_s,
        backlog=expected - by_end,
        drain_s=max(0.0, last_s - end_s),
    )


def sustains(run: Run, flow: Flow, each: int = 1) -> bool:
    """Whether the backlog did not grow, and every request was accepted; ``each`` is how many deliveries it makes."""
    rate = each * (len(run.due_s) - 1) / max(run.due_s[-1], 1e-9) if run.due_s else 0.0
    keeps_up = flow.second_half_rate >= KEEP_UP * rate and flow.drain_s <= DRAIN_SUSTAINED_S
    return keeps_up and run.accepted == len(run.statuses)


async def send_and_drain(load: Load, journal: Path, each: int = 1) -> Run:
    """Send, then wait (up to a limit) until as many deliveries have arrived as what was accepted makes."""
    run = await generator.run(load)
    await drained(journal, run.accepted * each)
    return run


async def drained(journal: Path, count: int) -> None:
    """Wait (up to a limit) until so many deliveries have arrived."""
    for _ in range(int(DRAIN_S / 0.05)):
        if _lines(journal) >= count:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)  # one commit's time, so that the last attempts are recorded, and strays are seen


def _lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n")
