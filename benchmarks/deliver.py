"""From the API's ``POST …/msg`` to the signed delivery at the receiver and the recorded 2xx.

Latency counts from the intended time of the API call to the delivery's arrival at a receiver in another process.
Messages are of about 1 KB and go to ``--endpoints`` applications in turn, each with one endpoint; with ``--fan-out`` to
one application with that many endpoints, each of which gets every message. Each call has an ``Idempotency-Key``, as
those of Svix's SDKs have, but with ``--no-keys``. With ``--saturate`` each connection posts as soon as it is answered,
and what counts is the rate from the first call to the last arrival.

Load generator, receiver and server share the machine. CPU time is what is compared: wall time is others' too.
"""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import uvloop

from benchmarks import generator, process
from benchmarks.check import Books, compare
from benchmarks.database import Database, opened
from benchmarks.flow import Arrivals, Flow, Names, judge_flow, read_journal, send_and_drain, sustains
from benchmarks.generator import Load, Run
from benchmarks.ingest import SATURATION_RATE_MAX, figures_of, figures_of_books, per_each, verdict
from benchmarks.messages import CAPTURE, EVENT_TYPE, Messages, Posted, number_text
from benchmarks.options import Measured, Options
from benchmarks.report import ms

TITLE: Final = "From the API to the recorded 2xx"
_NUMBER: Final = {
    "sqlite": "json_extract(CAST(m.payload AS TEXT), '$.number')",
    "postgres": "(convert_from(m.payload, 'UTF8')::jsonb ->> 'number')",
}
_KEPT: Final = "SELECT {number} FROM messages m"
_DELIVERED: Final = (
    "SELECT {number} || ' /' || e.uid FROM messages m JOIN deliveries d ON d.message_id = m.id"
    " JOIN endpoints e ON e.id = d.endpoint_id WHERE d.state = 'delivered'"
)


def measure(options: Options) -> Measured:
    """One run against fresh nodes and a fresh receiver."""
    with (
        tempfile.TemporaryDirectory(prefix="paybell-bench-") as name,
        opened(options.database, Path(name)) as database,
    ):
        journal = Path(name) / "journal"
        with (
            process.receiver(journal, CAPTURE) as (receiver, url),
            process.nodes(Path(name), options, database=database.url, env=database.env) as nodes,
        ):
            load = build_load(nodes, options, [f"{url}e{number}" for number in range(options.endpoints)])
            database.begin()
            before_s = [receiver.cpu_s(), *nodes.cpu_s()]
            run = uvloop.run(send_and_drain(load, journal, _each(options)))
            after_s = [receiver.cpu_s(), *nodes.cpu_s()]
            database.end()
            nodes.stop()
            receiver.stop()
        kept = of_messages(database.figures(run.accepted))
        arrivals = read_journal(journal, by_path=True)
        books = balance(run, namer(options), database, arrivals)
    flow = judge_flow(run, arrivals, options, namer(options))
    cpu_s = [after - before for after, before in zip(after_s, before_s, strict=True)]
    figures = _figures(run, flow, cpu_s, options) | kept | figures_of_books(books)
    return verdict(run, books, figures, sustained=sustains(run, flow, _each(options)))


def build_load(nodes: process.Nodes, options: Options, urls: Sequence[str]) -> Load:
    """Make applications and endpoints, one for each of ``urls``, all before the clock starts."""
    first = nodes.first
    applications = [
        first.post("/api/v1/app", {"name": f"benchmark {number}"})["id"]
        for number in range(1 if options.fan_out else options.endpoints)
    ]
    for number, url in enumerate(urls):
        wanted = {"url": url, "uid": f"e{number}", "eventTypes": [EVENT_TYPE]}
        first.post(f"/api/v1/app/{applications[number % len(applications)]}/endpoint", wanted)
    count = int((options.rate or SATURATION_RATE_MAX) * options.seconds)
    run = secrets.token_hex(8) if options.keys else ""
    return Load(
        host="127.0.0.1",
        ports=nodes.ports,
        requests=Messages(count, Posted(applications=applications, host=first.host, key=first.key, run=run)),
        connections=options.connections,
        offsets_s=generator.evenly(options.rate, options.seconds) if options.rate else None,
        seconds_max=options.seconds,
    )


def namer(options: Options) -> Names:
    """What is to arrive of a message: its number, and the path of each endpoint that gets it."""
    if options.fan_out:
        paths = [f" /e{number}" for number in range(options.endpoints)]
        return lambda number: [number_text(number) + path for path in paths]
    return lambda number: (f"{number_text(number)} /e{number % options.endpoints}",)


def balance(
    run: Run, names: Names, database: Database, arrivals: Arrivals, *, counts: Callable[[str], bool] = lambda _: True
) -> Books:
    """Every message that was accepted is kept once; what it makes is recorded as delivered once, and came once.

    ``counts``: of which deliveries, by their names, what is recorded counts.
    """
    sure, unsure = _split(run)
    due = [name for it in sure for name in names(it)]
    perhaps = [name for it in unsure for name in names(it)]
    number = _NUMBER[database.kind]
    kept = compare(map(number_text, sure), map(number_text, unsure), database.column(_KEPT.format(number=number)))
    told = (filter(counts, database.column(_DELIVERED.format(number=number))), arrivals.names)
    first, second = (compare(due, perhaps, found) for found in told)
    return kept + first + second


def of_messages(figures: dict[str, str]) -> dict[str, str]:
    """A database's figures by their names here."""
    return {name.replace("payment", "message").replace("notification", "message"): it for name, it in figures.items()}


def _split(run: Run) -> tuple[list[int], list[int]]:
    """The numbers of those answered 2xx, and of the others."""
    sure: list[int] = []
    unsure: list[int] = []
    for number, status in enumerate(run.statuses):
        (sure if 200 <= status < 300 else unsure).append(number)
    return sure, unsure


def _each(options: Options) -> int:
    """How many deliveries a message makes."""
    return options.endpoints if options.fan_out else 1


def _figures(run: Run, flow: Flow, cpu_s: Sequence[float], options: Options) -> dict[str, str]:
    each = _each(options)
    return {
        "endpoints": f"{options.endpoints}, each gets every message" if options.fan_out else str(options.endpoints),
        "idempotency keys": "yes" if options.keys else "no",
        **figures_of(run, options),
        "accepted": str(run.accepted),
        "delivered /s while sending": f"{flow.delivered_rate:.0f}",
        "delivered /s, second half": f"{flow.second_half_rate:.0f}",
        "delivered /s, first call to last arrival": f"{flow.through_rate:.0f}",
        "backlog when sending ended": str(flow.backlog),
        "drain s": f"{flow.drain_s:.2f}",
        "call to delivery p50 ms": ms(flow.latency.p50),
        "call to delivery p99 ms": ms(flow.latency.p99),
        "call to delivery p99.9 ms": ms(flow.latency.p999),
        "call to delivery max ms": ms(flow.latency.max),
        "server CPU µs per message": per_each(cpu_s[1:], run.accepted),
        "server CPU µs per delivery": per_each(cpu_s[1:], run.accepted * each),
        "receiver CPU µs per delivery": per_each(cpu_s[:1], run.accepted * each),
    }
