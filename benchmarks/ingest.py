"""How fast gateway webhooks are verified, deduplicated and made durable: ``POST /in/{source}`` until its answer.

Each node runs the receiving step alone, in one process. A run in which an acknowledged webhook is not in the database
exactly once has failed, however fast it was.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from benchmarks import generator, process
from benchmarks.check import Books, compare
from benchmarks.database import opened
from benchmarks.generator import Load, Run
from benchmarks.options import Measured, Options
from benchmarks.report import ms
from benchmarks.stripe_events import SECRET, StripeEvents, payment_id
from benchmarks.summary import summarize

TITLE: Final = "Durable ingest"
ROLES: Final = "receive,web"
SATURATION_RATE_MAX: Final = 20_000
"""How many events are made ready per second of a run that looks for the highest rate."""
_STORED: Final = {
    "sqlite": "SELECT json_extract(CAST(body AS TEXT), '$.data.object.id') FROM notifications",
    "postgres": "SELECT convert_from(body, 'UTF8')::jsonb #>> '{data,object,id}' FROM notifications",
}


def measure(options: Options) -> Measured:
    """One run against fresh nodes."""
    with (
        tempfile.TemporaryDirectory(prefix="paybell-bench-") as name,
        opened(options.database, Path(name)) as database,
    ):
        with process.nodes(Path(name), options, database=database.url, env=database.env, roles=ROLES) as nodes:
            load = build_load(nodes, options)
            database.begin()
            before_s = nodes.cpu_s()
            run = uvloop.run(generator.run(load))
            cpu_s = [after_s - earlier_s for after_s, earlier_s in zip(nodes.cpu_s(), before_s, strict=True)]
            database.end()
            nodes.stop()
        kept = database.figures(run.accepted)
        books = compare(*split(run), database.column(_STORED[database.kind]))
    figures = figures_of(run, options) | {
        "server CPU µs per event": per_each(cpu_s, run.accepted),
        "server CPU cores": f"{sum(cpu_s) / run.wall_s:.2f}",
    }
    return verdict(run, books, figures | kept | figures_of_books(books), sustained=True)


def per_each(cpu_s: Sequence[float], count: int) -> str:
    """Microseconds for each of so many, of each node."""
    return " + ".join(f"{it / max(1, count) * 1e6:.0f}" for it in cpu_s)


def build_load(nodes: process.Nodes, options: Options) -> Load:
    """Create the source and make the events, all before the clock starts."""
    path = nodes.first.create_source(SECRET)
    rate = SATURATION_RATE_MAX if options.rate == 0 else options.rate
    count = int(rate * options.seconds)
    requests = StripeEvents(count, path=path, host=nodes.first.host, signed_at_s=int(time.time()))
    offsets_s = generator.evenly(options.rate, options.seconds) if options.rate else None
    return Load(
        host="127.0.0.1",
        ports=nodes.ports,
        requests=requests,
        connections=options.connections,
        offsets_s=offsets_s,
        seconds_max=options.seconds,
    )


def split(run: Run) -> tuple[list[str], list[str]]:
    """The payments whose webhooks were answered 2xx, and those whose were not."""
    sure: list[str] = []
    unsure: list[str] = []
    for number, status in enumerate(run.statuses):
        (sure if 200 <= status < 300 else unsure).append(payment_id(number))
    return sure, unsure


def figures_of(run: Run, options: Options) -> dict[str, str]:
    """What the generator saw."""
    summary = summarize(run.latencies_s)
    names = {generator.NO_ANSWER: "connection lost", generator.TIMED_OUT: "no answer in time"}
    statuses = sorted(Counter(run.statuses).items())
    return {
        "offered /s": f"{options.rate:.0f}" if options.rate else "as many as answered (closed loop)",
        "seconds": f"{run.wall_s:.1f}",
        "connections": str(options.connections),
        "accepted /s": f"{run.accepted / run.wall_s:.0f}",
        "answers": ", ".join(f"{names.get(status, status)}: {count}" for status, count in statuses),
        "p50 ms": ms(summary.p50),
        "p99 ms": ms(summary.p99),
        "p99.9 ms": ms(summary.p999),
        "max ms": ms(summary.max),
        "generator CPU µs per request": f"{run.cpu_s / max(1, len(run.statuses)) * 1e6:.0f}",
        "generator lag p99 ms": ms(run.lag_p99_s) if options.rate else "none (closed loop)",
    }


def figures_of_books(books: Books) -> dict[str, str]:
    """The check's figures."""
    return {
        "lost": str(books.lost),
        "unexpected": str(books.unexpected),
        "duplicated": str(books.duplicated),
        "recovered": str(books.recovered),
    }


def verdict(run: Run, books: Books, figures: dict[str, str], *, sustained: bool) -> Measured:
    """Judge a run: failed if the books do not balance or nothing was accepted, void if the generator was late."""
    passed = books.balanced and run.accepted > 0
    judged = "VOID: the generator was late" if run.void else "counts"
    word = judged if passed else "FAILED: the books do not balance, or nothing was accepted"
    rate = run.accepted / run.wall_s if run.wall_s else 0.0
    return Measured(figures=figures | {"verdict": word}, passed=passed, void=run.void, sustained=sustained, rate=rate)
