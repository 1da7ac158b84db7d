"""What a backlog of messages takes on disk, and what a claim costs while it waits, on both stores.

Messages are posted through the store as the API posts them: 1 KB each, one delivery each, with an idempotency key (but
with ``--no-keys``), to 100 endpoints in turn, none of them leased. They are due at even intervals within the last hour.
The bytes are those of the database without its log, while everything waits and every key is still kept.

One claim is what the deliver step asks: which endpoints have something waiting, then 8 deliveries of each of the first
25. What is claimed stays leased, so that every claim meets other rows. Wall time is the median of the calls; the CPU
time is this process's, in which SQLite does all and PostgreSQL's work is not.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Final

from msgspec import Struct, structs

from benchmarks.messages import payload
from benchmarks.options import Measured, Options
from benchmarks.process import Failed
from paybell.clock import SystemClock
from paybell.model.answer import AnswerKey
from paybell.model.message import Message
from paybell.ports import DeliveryClaim, MessageNew, Store
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import delivery
from paybell.testing.postgres import PostgresServer

TITLE: Final = "A backlog of messages: bytes on disk, and claims"
ENDPOINTS: Final = 100
AT_ONCE: Final = 500
CLAIM_MAX: Final = 200
PER_ENDPOINT: Final = 8
CALLS_MAX: Final = 60
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS


class Claims(Struct, frozen=True, kw_only=True):
    """What claims took, in seconds."""

    rows: int
    wall_s: list[float]
    cpu_s: float


def measure_all(options: Options) -> list[Measured]:
    """One column per store and number of rows."""
    with tempfile.TemporaryDirectory(prefix="paybell-bench-") as name, PostgresServer() as server:
        places = [f"{name}/{count}.db" for count in options.rows] + [server.new_database() for _ in options.rows]
        return [
            asyncio.run(_measured(place, count, keys=options.keys))
            for place, count in zip(places, options.rows * 2, strict=True)
        ]


async def fill(store: Store, count: int, *, keys: bool = True) -> None:
    """Post so many messages, none of which is sent."""
    clock = SystemClock()
    now_ms, organisation = clock.now_ms(), await store.organisation_default()
    for begin in range(0, count, AT_ONCE):
        numbers = range(begin, min(count, begin + AT_ONCE))
        dues_ms = [now_ms - _HOUR_MS + number * _HOUR_MS // count for number in numbers]
        news = [
            posted(clock, organisation.id, number, due_at_ms, keys=keys)
            for number, due_at_ms in zip(numbers, dues_ms, strict=True)
        ]
        await asyncio.gather(*map(store.message_post, news))


def posted(clock: SystemClock, organisation_id: str, number: int, due_at_ms: int, *, keys: bool) -> MessageNew:
    """The ``number``-th message, for one endpoint."""
    message = Message(
        id=clock.new_id("msg"),
        organisation_id=organisation_id,
        application_id="app_1",
        event_type="invoice.ready",
        event_id="",
        payload=payload(number),
        payment_id="",
        created_at_ms=due_at_ms,
    )
    endpoint_id = f"ep_{number % ENDPOINTS:032}"
    job = delivery(message, id=clock.new_id("dlv"), endpoint_id=endpoint_id, due_at_ms=due_at_ms, told_at_ms=due_at_ms)
    new = MessageNew(message=message, deliveries=(job,))
    return keyed(new, clock) if keys else new


def keyed(new: MessageNew, clock: SystemClock) -> MessageNew:
    """The same under an idempotency key as random as those of the SDKs."""
    name = f"auto_{clock.new_secret(16).hex()}"
    key = AnswerKey(organisation_id=new.message.organisation_id, name=name, request_digest=clock.new_secret(16))
    return structs.replace(new, key=key, key_ends_at_ms=clock.now_ms() + _DAY_MS)


async def claim(store: Store, count: int) -> Claims:
    """Claim as the deliver step does, until half of what waits is leased or there were calls enough."""
    wall_s: list[float] = []
    rows, cpu_s = 0, time.process_time()
    while len(wall_s) < CALLS_MAX and rows < count / 2:
        begun = time.perf_counter()
        now_ms = SystemClock().now_ms()
        waiting = await store.delivery_waiting()
        due = [name for name, due_at_ms in waiting.items() if due_at_ms <= now_ms and name]
        rooms = dict.fromkeys(due[: CLAIM_MAX // PER_ENDPOINT], PER_ENDPOINT)
        jobs = await store.delivery_claim(
            DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + _HOUR_MS, limit=CLAIM_MAX, rooms=rooms)
        )
        wall_s.append(time.perf_counter() - begun)
        rows += len(jobs)
        if not jobs:
            raise Failed(f"nothing was claimed although {count - rows:,} deliveries wait")
    return Claims(rows=rows, wall_s=wall_s, cpu_s=time.process_time() - cpu_s)


@asynccontextmanager
async def opened(place: str) -> AsyncIterator[SqliteStore | PostgresStore]:
    """The store of a URL or of a file."""
    clock = SystemClock()
    seal = Seal(bytes(32), clock)
    is_url = place.startswith("postgres")
    store = PostgresStore(place, seal, clock, serve=False) if is_url else SqliteStore(place, seal, clock, serve=False)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def _measured(place: str, count: int, *, keys: bool) -> Measured:
    begun = time.perf_counter()
    async with opened(place) as store:
        empty = (await store.status()).size_bytes
        await fill(store, count, keys=keys)
        size = (await store.status()).size_bytes - empty
    if count >= 100_000:
        print(f"{count:,} messages in {time.perf_counter() - begun:.0f} s", flush=True)
    async with opened(place) as store:
        claims = await claim(store, count)
    kind = "PostgreSQL" if place.startswith("postgres") else "SQLite"
    figures = {"store": kind, "waiting": f"{count:,}", "idempotency keys": "yes" if keys else "no"} | _figures(
        count, size, claims
    )
    print(figures, flush=True)
    return Measured(figures=figures, passed=True, void=False, sustained=True, rate=0.0)


def _figures(count: int, size: int, claims: Claims) -> dict[str, str]:
    calls = len(claims.wall_s)
    return {
        "MB on disk": f"{size / 1e6:.1f}",
        "bytes per message": f"{size / count:.0f}",
        "claims": str(calls),
        "rows per claim": f"{claims.rows / calls:.0f}",
        "wall ms per claim": f"{median(claims.wall_s) * 1e3:.2f}",
        "wall µs per row": f"{median(claims.wall_s) / (claims.rows / calls) * 1e6:.1f}",
        "CPU µs per row": f"{claims.cpu_s / claims.rows * 1e6:.1f}",
    }
