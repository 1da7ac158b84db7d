"""From the gateway's webhook to the signed delivery at the receiver, the payment updated and the attempt recorded.

Latency counts from the intended send time of the webhook to the delivery's arrival at a receiver in another process.
*Sustained* means that the backlog (accepted, not yet delivered) does not grow: the second half of the run is delivered
at 99 % of the offered rate or more, and what is left when sending ends is delivered within a second.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from benchmarks import process
from benchmarks.check import compare
from benchmarks.database import opened
from benchmarks.flow import Flow, judge_flow, read_journal, send_and_drain, sustains
from benchmarks.ingest import build_load, figures_of, figures_of_books, per_each, split, verdict
from benchmarks.options import Measured, Options
from benchmarks.report import ms
from benchmarks.stripe_events import payment_id

TITLE: Final = "End to end: webhook in, payment updated, signed delivery out and recorded"
CAPTURE: Final = r'"gatewayPaymentId":\s*"([^"]+)"'
_COMPLETED: Final = "SELECT gateway_payment_id FROM payments WHERE status = 'completed'"
_DELIVERED: Final = (
    "SELECT p.gateway_payment_id FROM deliveries d JOIN messages m ON m.id = d.message_id"
    " JOIN payments p ON p.id = m.payment_id WHERE d.state = 'delivered'"
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
            application = nodes.first.post("/api/v1/app", {"name": "benchmark"})["id"]
            nodes.first.post(f"/api/v1/app/{application}/endpoint", {"url": url, "eventTypes": ["payment.completed"]})
            load = build_load(nodes, options)
            database.begin()
            before_s = [receiver.cpu_s(), *nodes.cpu_s()]
            run = uvloop.run(send_and_drain(load, journal))
            after_s = [receiver.cpu_s(), *nodes.cpu_s()]
            database.end()
            nodes.stop()
            receiver.stop()
        kept = database.figures(run.accepted)
        arrivals = read_journal(journal)
        acknowledged, unsure = split(run)
        places = (database.column(_COMPLETED), database.column(_DELIVERED), arrivals.names)
    first, second, third = (compare(acknowledged, unsure, found) for found in places)
    books, flow = first + second + third, judge_flow(run, arrivals, options, lambda number: (payment_id(number),))
    cpu_s = [after - before for after, before in zip(after_s, before_s, strict=True)]
    figures = figures_of(run, options) | _figures(flow, cpu_s, run.accepted) | kept | figures_of_books(books)
    return verdict(run, books, figures, sustained=sustains(run, flow))


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
