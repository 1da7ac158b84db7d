"""From the gateway's webhook to the signed delivery at the receiver, the payment updated and the attempt recorded.

Latency counts from the intended send time of the webhook to the delivery's arrival at a receiver in another process.
*Sustained* means that the backlog (accepted, not yet delivered) does not grow: the second half of the run is delivered
at 99 % of the offered rate or more, and what is left when sending ends is delivered within a second.
"""

import asyncio
import bisect
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop
from msgspec import Struct

from benchmarks import generator, process
from benchmarks.check import compare
from benchmarks.database import opened
from benchmarks.generator import Run
from benchmarks.ingest import build_load, figures_of, figures_of_books, per_each, split, verdict
from benchmarks.options import Measured, Options
from benchmarks.report import ms
from benchmarks.stripe_events import payment_id
from benchmarks.summary import Summary, summarize

TITLE: Final = "End to end: webhook in, payment updated, signed delivery out and recorded"
DRAIN_S: Final = 30.0
DRAIN_SUSTAINED_S: Final = 1.0
KEEP_UP: Final = 0.99
CAPTURE: Final = r'"gatewayPaymentId":\s*"([^"]+)"'
_COMPLETED: Final = "SELECT gateway_payment_id FROM payments WHERE status = 'completed'"
_DELIVERED: Final = (
    "SELECT p.gateway_payment_id FROM deliveries d JOIN messages m ON m.id = d.message_id"
    " JOIN payments p ON p.id = m.payment_id WHERE d.state = 'delivered'"
)


class Arrivals(Struct, frozen=True):
    """What the receiver journalled: payments in order of arrival, and when, in seconds of the monotonic clock."""

    payments: list[str]
    times_s: list[float]


class Flow(Struct, frozen=True, kw_only=True):
    """How deliveries kept up with webhooks. Latency counts first arrivals only."""

    latency: Summary
    delivered_rate: float
    second_half_rate: float
    backlog: int
    drain_s: float


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
            application = nodes.first.post("/api/v1/app", {"name": "benchmark"})["id"]
            nodes.first.post(f"/api/v1/app/{application}/endpoint", {"url": url, "eventTypes": ["payment.completed"]})
            load = build_load(nodes, options)
            database.begin()
            before_s = [receiver.cpu_s(), *nodes.cpu_s()]
            run = uvloop.run(_send_and_drain(load, journal))
            after_s = [receiver.cpu_s(), *nodes.cpu_s()]
            database.end()
            nodes.stop()
            receiver.stop()
        kept = database.figures(run.accepted)
        arrivals = read_journal(journal)
        acknowledged, unsure = split(run)
        places = (database.column(_COMPLETED), database.column(_DELIVERED), arrivals.payments)
    first, second, third = (compare(acknowledged, unsure, found) for found in places)
    books, flow = first + second + third, judge_flow(run, arrivals, options)
    cpu_s = [after - before for after, before in zip(after_s, before_s, strict=True)]
    figures = figures_of(run, options) | _figures(flow, cpu_s, run.accepted) | kept | figures_of_books(books)
    return verdict(run, books, figures, sustained=sustains(run, flow))


def read_journal(journal: Path) -> Arrivals:
    """Read the receiver's journal."""
    lines = [line.split("\t") for line in journal.read_text().splitlines()]
    return Arrivals([line[2] for line in lines], [int(line[1]) / 1e9 for line in lines])


def judge_flow(run: Run, arrivals: Arrivals, options: Options) -> Flow:
    """Work out latencies, rates and backlog; a payment that never arrived counts with the time it was waited for."""
    first: dict[str, float] = {}
    for payment, time_s in zip(arrivals.payments, arrivals.times_s, strict=True):
        first.setdefault(payment, time_s - run.started_s)
    given_up_s = run.wall_s + DRAIN_S
    latencies = [first.get(payment_id(number), given_up_s) - due_s for number, due_s in enumerate(run.due_s)]
    times_s = sorted(first.values())
    end_s, half_s = options.seconds, options.seconds / 2
    by_end, by_half = bisect.bisect(times_s, end_s), bisect.bisect(times_s, half_s)
    last_s = times_s[-1] if len(times_s) >= run.accepted and times_s else given_up_s
    return Flow(
        latency=summarize(latencies),
        delivered_rate=by_end / end_s,
        second_half_rate=(by_end - by_half) / half_s,
        backlog=run.accepted - by_end,
        drain_s=max(0.0, last_s - end_s),
    )


def sustains(run: Run, flow: Flow) -> bool:
    """Whether the backlog did not grow, and every webhook was accepted."""
    rate = (len(run.due_s) - 1) / max(run.due_s[-1], 1e-9) if run.due_s else 0.0
    keeps_up = flow.second_half_rate >= KEEP_UP * rate and flow.drain_s <= DRAIN_SUSTAINED_S
    return keeps_up and run.accepted == len(run.statuses)


async def _send_and_drain(load: generator.Load, journal: Path) -> Run:
    """Send, then wait (up to a limit) until as many deliveries have arrived as webhooks were accepted."""
    run = await generator.run(load)
    for _ in range(int(DRAIN_S / 0.05)):
        if _lines(journal) >= run.accepted:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)  # one commit's time, so that the last attempts are recorded, and strays are seen
    return run


def _lines(journal: Path) -> int:
    return journal.read_bytes().count(b"\n")


def _figures(flow: Flow, cpu_s: Sequence[float], accepted: int) -> dict[str, str]:
    return {
        "delivered /s while sending": f"{flow.delivered_rate:.0f}",
        "delivered /s, second half": f"{flow.second_half_rate:.0f}",
        "backlog when sending ended": str(flow.backlog),
        "drain s": f"{flow.drain_s:.2f}",
        "webhook to delivery p50 ms": ms(flow.latency.p50),
        "webhook to delivery p99 ms": ms(flow.latency.p99),
        "webhook to delivery p99.9 ms": ms(flow.latency.p999),
        "webhook to delivery max ms": ms(flow.latency.max),
        "server CPU µs per payment": per_each(cpu_s[1:], accepted),
        "receiver CPU µs per delivery": per_each(cpu_s[:1], accepted),
    }
