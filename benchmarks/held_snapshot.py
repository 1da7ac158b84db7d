"""Claims while somebody holds a snapshot open, so that no vacuum removes anything.

As many rows go through a queue as 30 minutes at 300/s make, as fast as it goes: the store's clock moves on by a third
of a second with each hundred. All are inserted due, claimed, and ended; of the deliveries every fourth fails twice
first, which postpones, updates and claims its row again.

"before" is the same without a snapshot, after 30 seconds of that clock; "closed" begins when the snapshot is given
up. Pages and the server's time are those of EXPLAIN (ANALYZE, BUFFERS), explained twice of which the second counts,
per claim with all that belongs to it (the sweep, and for deliveries the look for endpoints); the wall times are of
every claim of the five minutes up to the one named.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import mean, median
from typing import Final

import asyncpg
from msgspec import Struct

from benchmarks.metered import Cost, Metered, metered, per_call
from benchmarks.options import Measured, Options
from paybell.model.delivery import DeliveryJob, DeliveryState
from paybell.ports import AttemptNew, DeliveryClaim
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.testing.builders import attempt
from paybell.testing.fake_clock import FakeClock
from paybell.testing.postgres import PostgresServer

TITLE: Final = "Claims while a snapshot is held open, on PostgreSQL"
ROWS: Final = 100
STEP_S: Final = ROWS / 300
SEGMENTS: Final = 6
WARM_UP: Final = 90
EXPLAINED: Final = 30
"""Ten seconds of the clock: one of them looks further back."""
RATIO_MAX: Final = 2.0
NOTIFICATIONS: Final = """
WITH made AS (
    INSERT INTO notifications
    SELECT 'ntf_' || lpad(to_hex({now_ms}), 12, '0') || lpad(i::text, 20, '0'), 'src_1', 'org_1', i::text, 'webhook', 0,
           {now_ms}, '[]', decode(repeat('61', 200), 'hex')
      FROM generate_series(1, {rows}) i
    RETURNING id
)
INSERT INTO notification_queue (notification_id, organisation_id, source_id, state, leased, due_at_ms)
SELECT id, 'org_1', 'src_1', 'pending', false, {now_ms} FROM made
"""
DELIVERIES: Final = """
WITH made AS (
    INSERT INTO messages
    SELECT 'msg_' || lpad(to_hex({now_ms}), 12, '0') || lpad(i::text, 20, '0'), 'org_1', 'app_1', 'payment.completed',
           '', decode(repeat('61', 200), 'hex'), '', {now_ms}
      FROM generate_series(1, {rows}) i
    RETURNING id
)
INSERT INTO delivery_queue (id, message_id, endpoint_id, application_id, organisation_id, event_type, state,
                            attempt_count, lease_no, due_at_ms, created_at_ms)
SELECT 'dlv_' || substr(id, 5), id, 'ep_' || right(id, 1), 'app_1', 'org_1', 'payment.completed', 'due', 0, 0, {now_ms},
       {now_ms}
  FROM made
"""


class Flow:
    """Rows through one queue of a store whose clock moves on with every hundred."""

    def __init__(self, store: PostgresStore, clock: FakeClock, meter: Metered) -> None:
        self.store = store
        self.clock = clock
        self.meter = meter

    async def step(self) -> float:
        """Insert, claim, end; how long the claim took."""
        async with self.meter.session() as session:
            await session.run(self.inserting.format(now_ms=self.clock.now_ms(), rows=ROWS))
        begun = time.perf_counter()
        end = await self.claim()
        took = time.perf_counter() - begun
        await end()
        self.clock.advance(STEP_S)
        return took

    async def steps(self, count: int) -> list[float]:
        """Many, with what each claim took in seconds."""
        return [await self.step() for _ in range(count)]

    async def costs(self) -> dict[str, list[Cost]]:
        """What the statements of ``EXPLAINED`` claims cost the server now."""
        costs: dict[str, list[Cost]] = {}
        for _ in range(EXPLAINED):
            self.meter.costs = costs
            await self.step()
            self.meter.costs = None
        return costs

    inserting: str

    async def claim(self) -> Callable[[], Awaitable[None]]:
        """Claim what is due; gives what ends it."""
        raise NotImplementedError


class NotificationFlow(Flow):
    """Received here, recorded there."""

    inserting = NOTIFICATIONS

    async def claim(self) -> Callable[[], Awaitable[None]]:
        """As the record step does."""
        now_ms = self.clock.now_ms()
        claimed = await self.store.notification_claim(limit=ROWS, now_ms=now_ms, lease_ends_at_ms=now_ms + 30_000)

        async def end() -> None:
            each = len(claimed)
            values = (["recorded"] * each, [""] * each, [""] * each, [now_ms] * each, [it.id for it in claimed])
            await self.meter.rows("notification_finish", *values)

        return end


class DeliveryFlow(Flow):
    """Due at ten endpoints, some tried three times."""

    inserting = DELIVERIES

    async def claim(self) -> Callable[[], Awaitable[None]]:
        """As the deliver step does."""
        now_ms = self.clock.now_ms()
        rooms = {name: 128 for name, due_at_ms in (await self.store.delivery_waiting()).items() if due_at_ms <= now_ms}
        jobs = await self.store.delivery_claim(
            DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + 60_000, limit=200, rooms=rooms)
        )

        async def end() -> None:
            await asyncio.gather(*(self.store.attempt_append(_judged(job, now_ms)) for job in jobs))

        return end


def _judged(job: DeliveryJob, now_ms: int) -> AttemptNew:
    again = int(job.id[-2:]) % 4 == 0 and job.attempt_count < 2
    return AttemptNew(
        attempt=attempt(job, delivered=not again, started_at_ms=now_ms),
        lease_no=job.lease_no,
        state=DeliveryState.DUE if again else DeliveryState.DELIVERED,
        due_at_ms=now_ms + 5_000 * (1 + job.attempt_count) if again else None,
    )


@asynccontextmanager
async def flowing(server: PostgresServer, flow: type[Flow]) -> AsyncIterator[Flow]:
    """A flow in a database of its own."""
    clock = FakeClock()
    store = PostgresStore(server.new_database(), Seal(bytes(32), clock), clock, serve=False)
    meter = metered(store)
    await store.open()
    try:
        yield flow(store, clock, meter)
    finally:
        await store.close()


@asynccontextmanager
async def held_snapshot(url: str) -> AsyncIterator[None]:
    """A transaction elsewhere that has read something and does not end."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetch("SELECT count(*) FROM directory")
            yield
    finally:
        await connection.close()


class Point(Struct, frozen=True):
    """How claims went up to some time."""

    name: str
    seconds: Sequence[float]
    cost: Cost


def measure_all(options: Options) -> list[Measured]:
    """One column per kind and time."""
    with PostgresServer() as server:
        return asyncio.run(_measure_all(server, options.rows[-1]))


async def _measure_all(server: PostgresServer, rows: int) -> list[Measured]:
    found: list[Measured] = []
    for name, flow in (("notifications", NotificationFlow), ("deliveries", DeliveryFlow)):
        async with flowing(server, flow) as it:
            points = await _points(it, rows // ROWS // SEGMENTS)
        found += [_measured(name, point, points[0]) for point in points]
    return found


async def _points(flow: Flow, steps: int) -> list[Point]:
    points: list[Point] = []

    async def point(name: str, count: int) -> None:
        points.append(Point(name, await flow.steps(count), per_call(await flow.costs(), EXPLAINED)))
        print(name, points[-1].cost, f"{median(points[-1].seconds) * 1e3:.2f} ms", flush=True)

    await flow.steps(WARM_UP)
    await point("before", WARM_UP)
    async with held_snapshot(flow.meter.url):
        for segment in range(1, SEGMENTS + 1):
            await point(f"{segment * 30 // SEGMENTS} min held", steps)
    await point("closed", steps // 3)
    return points


def _measured(kind: str, point: Point, before: Point) -> Measured:
    pages, wall = point.cost.buffers / before.cost.buffers, mean(point.seconds) / mean(before.seconds)
    figures = {
        "kind": kind,
        "when": point.name,
        "claims": str(len(point.seconds)),
        "pages per claim": f"{point.cost.buffers:.0f}",
        "server ms per claim": f"{point.cost.ms:.2f}",
        "wall ms, median": f"{median(point.seconds) * 1e3:.2f}",
        "wall ms, mean": f"{mean(point.seconds) * 1e3:.2f}",
        "wall ms, max": f"{max(point.seconds) * 1e3:.1f}",
        "pages, times before": f"{pages:.2f}",
        "mean wall, times before": f"{wall:.2f}",
        "verdict": "holds" if pages <= RATIO_MAX and wall <= RATIO_MAX else "TOO SLOW",
    }
    return Measured(figures=figures, passed=pages <= RATIO_MAX, void=False, sustained=True, rate=0.0)
