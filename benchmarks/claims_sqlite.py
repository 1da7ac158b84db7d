"""What a claim of deliveries costs on SQLite, by this process's CPU time and the pages its connections look at."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from benchmarks.metered import Cost
from paybell.clock import SystemClock
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore

_FILL: Final = """
DELETE FROM deliveries;
INSERT OR IGNORE INTO messages (id, organisation_id, application_id, event_type, event_id, payload, payment_id,
                                created_at_ms)
  WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})
SELECT printf('msg_%032d', i), 'org_1', 'app_1', 'payment.completed', '', zeroblob(200), '', i FROM numbers;
INSERT INTO deliveries (id, message_id, endpoint_id, application_id, organisation_id, event_type, state, attempt_count,
                        lease_no, due_at_ms, created_at_ms)
  WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {count})
SELECT printf('dlv_%032d', i), printf('msg_%032d', i), printf('ep_%032d', i % {endpoints}), 'app_1', 'org_1',
       'payment.completed', 'due', 0, 0, {now_ms} - 3600000 + i * 3600000 / {count}, i FROM numbers;
ANALYZE;
"""
Claim = Callable[[SqliteStore], Awaitable[int]]


class Claimed(Struct, frozen=True, kw_only=True):
    """What claims took: seconds of each, rows in all, and what one costs."""

    wall_s: Sequence[float]
    rows: int
    cost: Cost


def measure(count: int, endpoints: int, claim: Claim, *, rounds: int, calls: int) -> Claimed:
    """Claim ``calls`` times in each round, while so many wait; each round begins with all of them waiting."""
    with tempfile.TemporaryDirectory(prefix="paybell-bench-") as name:
        return asyncio.run(_measured(Path(name) / "paybell.db", count, endpoints, claim, rounds=rounds, calls=calls))


async def _measured(file: Path, count: int, endpoints: int, claim: Claim, *, rounds: int, calls: int) -> Claimed:
    wall_s: list[float] = []
    rows, pages, cpu_s = 0, 0, 0.0
    clock = SystemClock()
    for _ in range(rounds):
        store = SqliteStore(str(file), Seal(bytes(32), clock), clock, serve=False)
        await store.open()
        store.database.writer.execute(_FILL.format(count=count, endpoints=endpoints, now_ms=clock.now_ms()))
        await claim(store)  # makes the plans
        pages -= _pages(store)
        cpu_s -= time.process_time()
        for _ in range(calls):
            begun = time.perf_counter()
            rows += await claim(store)
            wall_s.append(time.perf_counter() - begun)
        cpu_s += time.process_time()
        pages += _pages(store)
        await store.close()
    return Claimed(wall_s=wall_s, rows=rows, cost=Cost(pages / len(wall_s), cpu_s / len(wall_s) * 1e3))


def _pages(store: SqliteStore) -> int:
    """How often a page was looked at so far, whether or not it was in memory."""
    connections = [store.database.writer, *store.database._read_connections]  # noqa: SLF001 - nothing else tells
    kinds = (apsw.SQLITE_DBSTATUS_CACHE_HIT, apsw.SQLITE_DBSTATUS_CACHE_MISS)
    return sum(connection.status(kind)[0] for connection in connections for kind in kinds)
