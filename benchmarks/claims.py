"""What a claim costs on both stores, whatever waits.

One claim of notifications takes 100; one of deliveries takes up to 200 as the deliver step calls for them (when the
next is due, then the claim), at most 128 of one endpoint. What is claimed stays leased, so that every claim meets
other rows.

Wall time is the median of the calls; the server's time and the pages touched are those of EXPLAIN (ANALYZE, BUFFERS)
of the store's own prepared statements, per call. Each is explained twice and the second one counts, so that the
server's time is that with everything in memory: what a cold cache, full-page images and commits cost is in the wall
time alone. Rows are due at even intervals within the last hour. The server is durable and has the settings it comes
with, so that at ten million rows the tables are fifty times as large as its shared buffers.

SQLite is in this process: its "server" time is the process's CPU, the deliver step's own included, and its pages are
those its connections looked at. Deliveries alone are claimed of it, up to a million.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

from msgspec import Struct

from benchmarks import claims_sqlite
from benchmarks.metered import Cost, Metered, metered, per_call
from benchmarks.options import Measured, Options
from paybell.clock import SystemClock
from paybell.ports import DeliveryClaim
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.postgres import PostgresServer

TITLE: Final = "What a claim costs"
SQLITE_ROWS_MAX: Final = 1_000_000
NOTIFICATIONS: Final = """
INSERT INTO notifications
SELECT 'ntf_' || lpad(i::text, 32, '0'), 'src_1', 'org_1', 'k' || i, 'webhook', 0, i, '[]',
       decode(repeat('61', 200), 'hex')
  FROM generate_series(1, {count}) i;
"""
NOTIFICATION_QUEUE: Final = """
TRUNCATE notification_queue;
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, due_at_ms)
SELECT 'ntf_' || lpad(i::text, 32, '0'), 'org_1', 'src_1', 'pending', false, {now_ms} - 3600000 + i * 3600000 / {count}
  FROM generate_series(1::bigint, {count}) i;
"""
MESSAGES: Final = """
INSERT INTO messages
SELECT 'msg_' || lpad(i::text, 32, '0'), 'org_1', 'app_1', 'payment.completed', '', decode(repeat('61', 200), 'hex'),
       '', i
  FROM generate_series(1, {count}) i;
"""
DELIVERY_QUEUE: Final = """
TRUNCATE delivery_queue;
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state,
                            attempt_count, lease_no, due_at_ms, created_at_ms)
SELECT 'dlv_' || lpad(i::text, 32, '0'), 'msg_' || lpad(i::text, 32, '0'),
       'ep_' || lpad((i % {endpoints})::text, 32, '0'), 'app_1', 'org_1', 'payment.completed', 'due', 0, 0,
       {now_ms} - 3600000 + i * 3600000 / {count}, i
  FROM generate_series(1::bigint, {count}) i;
"""


def measure_all(options: Options) -> list[Measured]:
    """One column per store, kind and number of rows."""
    found = [
        _measured_sqlite(count, endpoints)
        for count in options.rows
        if count <= SQLITE_ROWS_MAX
        for endpoints in _spreads(count)
    ]
    with PostgresServer() as server:
        return [*found, *asyncio.run(_measure_all(server, options.rows))]


def _measured_sqlite(count: int, endpoints: int) -> Measured:
    rounds, calls, _ = _effort(count)
    claimed = claims_sqlite.measure(count, endpoints, _delivery_claim, rounds=rounds, calls=calls)
    figures = {"store": "SQLite", "kind": "deliveries", "waiting": f"{count:,}", "endpoints": f"{endpoints:,}"}
    return _shown(figures | _costs(claimed.wall_s, claimed.rows, claimed.cost))


def _shown(figures: dict[str, str]) -> Measured:
    print(figures, flush=True)
    return Measured(figures=figures, passed=True, void=False, sustained=True, rate=0.0)


def _spreads(count: int) -> list[int]:
    """Over how many endpoints so many deliveries are spread."""
    return [it for it in (1, 100, 10_000) if it <= count and (it <= 100 or count <= 1_000_000)]


def _effort(count: int) -> tuple[int, int, int]:
    """Rounds, calls in each, and how many of those are explained: a claim takes much away where little waits."""
    return (1, 600, 10) if count > 100_000 else (12, 2, 1)


class Kind(Struct, frozen=True):
    """What waits, how it is made (``extra`` once, ``queue`` before every round), and one claim of it."""

    name: str
    extra: str
    queue: str
    claim: Callable[[PostgresStore], Awaitable[int]]


async def _measure_all(server: PostgresServer, sizes: Sequence[int]) -> list[Measured]:
    found: list[Measured] = []
    for count in sizes:
        url = server.new_database()
        for kind in KINDS:
            await _run(url, kind.extra, count)
            spreads = _spreads(count) if kind.name == "deliveries" else [1]
            found += [await _measured(url, kind, count, endpoints) for endpoints in spreads]
    return found


async def _run(url: str, script: str, count: int, endpoints: int = 1) -> None:
    begun = time.perf_counter()
    async with _opened(url) as store, store.database.session() as session:
        await session.run("SET statement_timeout = 0")
        now_ms = SystemClock().now_ms()
        await session.run(script.format(count=count, endpoints=endpoints, now_ms=now_ms))
        await session.run("VACUUM ANALYZE")
        await session.run("CHECKPOINT")
    if count > 100_000:
        print(f"{count:,} rows in {time.perf_counter() - begun:.0f} s", flush=True)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[PostgresStore]:
    clock = SystemClock()
    store = PostgresStore(url, Seal(bytes(32), clock), clock, serve=False)
    metered(store)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _measured(url: str, kind: Kind, count: int, endpoints: int) -> Measured:
    rounds, calls, explained = _effort(count)
    wall: list[float] = []
    costs: dict[str, list[Cost]] = {}
    taken = 0
    for _ in range(rounds):
        await _run(url, kind.queue, count, endpoints)
        async with _opened(url) as store:
            await kind.claim(store)  # makes the plans
            for _ in range(calls):
                begun = time.perf_counter()
                taken += await kind.claim(store)
                wall.append(time.perf_counter() - begun)
            await _explain(store, kind, explained, costs)
    return _shown(_figures(kind, count, endpoints) | _costs(wall, taken, per_call(costs, rounds * explained)))


async def _explain(store: PostgresStore, kind: Kind, calls: int, into: dict[str, list[Cost]]) -> None:
    assert isinstance(store.database, Metered)  # noqa: S101 - tells the type
    store.database.costs = into
    for _ in range(calls):
        await kind.claim(store)
    store.database.costs = None


def _figures(kind: Kind, count: int, endpoints: int) -> dict[str, str]:
    return {
        "store": "PostgreSQL",
        "kind": kind.name,
        "waiting": f"{count:,}",
        "endpoints": f"{endpoints:,}" if "{endpoints}" in kind.queue else "",
    }


def _costs(wall: Sequence[float], taken: int, cost: Cost) -> dict[str, str]:
    each = taken / len(wall)
    return {
        "calls": str(len(wall)),
        "rows per call": f"{each:.0f}",
        "wall ms per call": f"{median(wall) * 1e3:.2f}",
        "wall µs per row": f"{median(wall) / each * 1e6:.1f}",
        "rows per second": f"{taken / sum(wall):,.0f}",
        "server ms per call": f"{cost.ms:.2f}",
        "pages per call": f"{cost.buffers:.0f}",
        "pages per row": f"{cost.buffers / each:.1f}",
    }


async def _notification_claim(store: PostgresStore) -> int:
    now_ms = SystemClock().now_ms()
    return len(await store.notification_claim(limit=100, now_ms=now_ms, lease_ends_at_ms=now_ms + 600_000))


async def _delivery_claim(store: PostgresStore | SqliteStore) -> int:
    now_ms = SystemClock().now_ms()
    waiting = await store.delivery_waiting()
    due = [name for name, due_at_ms in waiting.items() if due_at_ms <= now_ms and name]
    each = min(128, max(8, 200 // len(due)))
    rooms = dict.fromkeys(due[: 200 // each + 1], each)
    wanted = DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + 600_000, limit=200, rooms=rooms)
    return len(await store.delivery_claim(wanted))


KINDS: Final = (
    Kind("notifications", NOTIFICATIONS, NOTIFICATION_QUEUE, _notification_claim),
    Kind("deliveries", MESSAGES, DELIVERY_QUEUE, _delivery_claim),
)
