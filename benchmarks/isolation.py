"""What endpoints that are well notice of others' trouble.

A hundred applications with an endpoint each get messages in turn, at a fixed rate (open loop). In every second run 34
of the endpoints are in trouble: 20 hang to the deadline of 15 s, 10 refuse connections, one drips a byte a second, one
answers 10 GB, one stalls in TLS, one answers 429 with Retry-After 3600. In the run before it the same endpoints are
all well. Latency is that of the other 66 in both, from the intended time of the API call to the arrival there.

The verdict: p99 with trouble is at most 1.2 times that before it and 5 ms, nothing of these 66 is lost or came twice,
and from the first third of the run to the last the server's memory (the median of each) grows by at most 8 MB more than
without trouble. (SQLite keeps up to 64 MB of pages, and fills them in either.) With several pairs it is the medians of
p99 and of the growth that are compared.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

import uvloop
from msgspec import Struct, structs

from benchmarks import generator, process
from benchmarks.check import Books
from benchmarks.database import opened
from benchmarks.deliver import balance, build_load, of_messages
from benchmarks.flow import DRAIN_S, Arrivals, Names, drained, read_journal
from benchmarks.generator import Load, Run
from benchmarks.ingest import figures_of, figures_of_books, per_each
from benchmarks.messages import CAPTURE, number_text
from benchmarks.options import Measured, Options
from benchmarks.report import ms
from benchmarks.summary import Summary, summarize
from paybell.testing.trouble import mixed

TITLE: Final = "What one endpoint's trouble costs others"
ENDPOINTS: Final = 100
P99_FACTOR: Final = 1.2
P99_MORE_S: Final = 0.005
GROWTH_MORE_BYTES: Final = 8_000_000
_SAMPLE_S: Final = 0.25


class Memory(Struct, frozen=True):
    """What the server's memory was, in bytes, at even intervals while messages were posted."""

    samples: list[int]

    @property
    def first_third(self) -> float:
        """The median of the first third."""
        return median(self.samples[: max(1, len(self.samples) // 3)])

    @property
    def last_third(self) -> float:
        """The median of the last third."""
        return median(self.samples[-max(1, len(self.samples) // 3) :])

    @property
    def growth(self) -> float:
        """By how much it grew for as long as the trouble lasted."""
        return self.last_third - self.first_third


class Outcome(Struct, frozen=True, kw_only=True):
    """One run: what came of it at the endpoints that are well in both of a pair."""

    troubled: bool
    latency: Summary
    books: Books
    memory: Memory
    void: bool
    figures: dict[str, str]


def measure_all(options: Options) -> list[Measured]:
    """As many pairs as are asked for, each without trouble and then with it."""
    outcomes = [measure(options, troubled=troubled) for _ in range(options.pairs) for troubled in (False, True)]
    return judge(outcomes)


def measure(options: Options, *, troubled: bool) -> Outcome:
    """One run against fresh nodes and fresh receivers."""
    options = structs.replace(options, endpoints=ENDPOINTS)
    with (
        tempfile.TemporaryDirectory(prefix="paybell-bench-") as name,
        opened(options.database, Path(name)) as database,
    ):
        journal = Path(name) / "journal"
        with (
            process.receiver(journal, CAPTURE) as (receiver, url),
            process.trouble() as (bad, bad_urls),
            process.nodes(Path(name), options, database=database.url, env=database.env) as nodes,
        ):
            urls = [f"{url}e{number}" for number in range(ENDPOINTS)]
            sick = mixed(bad_urls) if troubled else ()
            load = build_load(nodes, options, [*(bad_url for _, bad_url in sick), *urls[len(sick) :]])
            database.begin()
            before_s = nodes.cpu_s()
            run, samples = uvloop.run(_send(load, journal, nodes.first.child.rss_bytes, 1 - len(sick) / ENDPOINTS))
            cpu_s = [after - before for after, before in zip(nodes.cpu_s(), before_s, strict=True)]
            database.end()
            nodes.stop()
            receiver.stop()
            bad.stop()
        kept = of_messages(database.figures(run.accepted))
        arrivals = read_journal(journal, by_path=True)
        names = namer(len(sick))
        books = balance(run, names, database, arrivals, counts=lambda it: int(it.rpartition("/e")[2]) >= len(sick))
    latency = latency_of(run, arrivals, namer(len(mixed(bad_urls))))
    memory = Memory(samples)
    figures = _figures(run, latency, memory, cpu_s, options) | kept | figures_of_books(books)
    word = {"trouble": "34 of 100 endpoints" if troubled else "none"}
    return Outcome(
        troubled=troubled, latency=latency, books=books, memory=memory, void=run.void, figures=word | figures
    )


def namer(sick_count: int) -> Names:
    """What is to arrive of a message, by its number: nothing that is for one of the first so many endpoints."""

    def names(number: int) -> Sequence[str]:
        endpoint = number % ENDPOINTS
        return (f"{number_text(number)} /e{endpoint}",) if endpoint >= sick_count else ()

    return names


def latency_of(run: Run, arrivals: Arrivals, names: Names) -> Summary:
    """From when each was due to its first arrival; what never came counts with the time it was waited for."""
    first: dict[str, float] = {}
    for name, time_s in zip(arrivals.names, arrivals.times_s, strict=True):
        first.setdefault(name, time_s - run.started_s)
    given_up_s = run.wall_s + DRAIN_S
    return summarize(
        first.get(name, given_up_s) - due_s for number, due_s in enumerate(run.due_s) for name in names(number)
    )


def judge(outcomes: Sequence[Outcome]) -> list[Measured]:
    """Every run's figures, each with what is wrong with it; those with trouble beside those without."""
    calm, sick = ([it for it in outcomes if it.troubled is troubled] for troubled in (False, True))
    p99_s, growth = median(it.latency.p99 for it in sick), median(it.memory.growth for it in sick)
    p99_max_s = P99_FACTOR * median(it.latency.p99 for it in calm) + P99_MORE_S
    growth_max = max(0.0, median(it.memory.growth for it in calm)) + GROWTH_MORE_BYTES
    wrong = []
    if p99_s > p99_max_s:
        wrong.append(f"p99 {ms(p99_s)} ms is over {ms(p99_max_s)}")
    if growth > growth_max:
        wrong.append(f"memory grows by {growth / 1e6:.1f} MB, over {growth_max / 1e6:.1f}")
    return [_judged(it, wrong if it.troubled else ()) for it in outcomes]


def _judged(it: Outcome, found: Sequence[str]) -> Measured:
    wrong = [*found] if it.books.balanced else [*found, "the books do not balance"]
    passed = not wrong
    judged = "VOID: the generator was late" if it.void else "counts"
    return Measured(
        figures=it.figures | {"verdict": judged if passed else f"FAILED: {'; '.join(wrong)}"},
        passed=passed,
        void=it.void,
        sustained=passed,
        rate=0.0,
    )


async def _send(load: Load, journal: Path, rss_bytes: Callable[[], int], share: float) -> tuple[Run, list[int]]:
    """Post all, watch the memory meanwhile, and wait for what goes to endpoints that are well."""
    samples: list[int] = []
    watching = asyncio.create_task(_watch(rss_bytes, samples))
    try:
        run = await generator.run(load)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    await drained(journal, int(run.accepted * share))
    return run, samples


async def _watch(rss_bytes: Callable[[], int], samples: list[int]) -> None:
    while True:
        samples.append(rss_bytes())
        await asyncio.sleep(_SAMPLE_S)


def _figures(run: Run, latency: Summary, memory: Memory, cpu_s: Sequence[float], options: Options) -> dict[str, str]:
    return {
        **figures_of(run, options),
        "accepted": str(run.accepted),
        "call to delivery p50 ms": ms(latency.p50),
        "call to delivery p99 ms": ms(latency.p99),
        "call to delivery p99.9 ms": ms(latency.p999),
        "call to delivery max ms": ms(latency.max),
        "memory MB, first third": f"{memory.first_third / 1e6:.1f}",
        "memory MB, last third": f"{memory.last_third / 1e6:.1f}",
        "memory MB, most": f"{max(memory.samples) / 1e6:.1f}",
        "server CPU µs per message": per_each(cpu_s, run.accepted),
        "server CPU cores": f"{sum(cpu_s) / run.wall_s:.2f}",
    }
