"""What recording costs: facts a second with the database, and a payment whose facts grow.

"Facts a second" is the recording alone: reading the book, deciding, writing, committing; batches of 100 notifications
as the record step takes them, each with two facts of one payment, four notifications to a payment, one endpoint that
wants every change. The notifications were appended before.

"Fold" is the projection and the ledger of a payment with so many facts, in CPU: the best of 15 rounds. "One more fact"
is a transaction that records one fact of such a payment: the median of 30, after three that do not count.

"Neighbours" are 20 notifications of 20 new payments, recorded as one batch, 60 times: alone, then in one batch with a
fact of a payment that has as many facts as the largest number of "fold", then while another call records that fact. The
run fails when a neighbour waits more than 20 ms longer at the median.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

from benchmarks.options import Measured, Options
from benchmarks.process import Failed
from paybell.model.fact import Fact, Kind
from paybell.model.source import Source
from paybell.ports import Book, Changes, Reading, Store
from paybell.record.ledger import entries
from paybell.record.projection import project
from paybell.record.rules import decide
from paybell.route.rules import Mint, route_change
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import appending, application, endpoint, fact, notification, reading, source
from paybell.testing.fake_clock import FakeClock
from paybell.testing.postgres import PostgresServer

TITLE: Final = "Folding facts into payments and ledger"
KEY: Final = bytes(32)
BATCH: Final = 100
PAYMENTS: Final = 2_500
TOLD: Final = 4
NEIGHBOURS: Final = 20
ROUNDS: Final = 60
ONE_MORE: Final = 30
WARM_UP: Final = 3
SLOWER_MS_MAX: Final = 20.0
CPU_ROUNDS: Final = 15


class Bench:
    """An open store with a source and an endpoint, and the notifications it is given."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.source: Source
        self._count = 0
        self._facts: set[bytes] = set()

    async def fill(self) -> None:
        """Make the source and the endpoint."""
        mine = (await self.store.organisation_default()).id
        self.source = source(organisation_id=mine)
        await self.store.source_create(self.source)
        await self.store.application_create(application(organisation_id=mine))
        await self.store.endpoint_create(endpoint(organisation_id=mine))

    async def arrive(self, told: Iterable[Sequence[Fact]]) -> list[Reading]:
        """Append a notification for each group of facts; gives them as they are read."""
        readings = []
        for facts in told:
            self._count += 1
            kept = notification(self._count, organisation_id=self.source.organisation_id)
            parsed = reading(*facts, number=self._count).parsed
            self._facts |= {each.digest() for each in facts}
            readings.append(Reading(notification=kept, source=self.source, parsed=parsed))
        await asyncio.gather(*(self.store.notification_append(appending(it.notification)) for it in readings))
        return readings

    async def record(self, readings: Sequence[Reading]) -> float:
        """Record them in one transaction; how long that took, in seconds."""
        begun = time.perf_counter()
        await self.store.notification_record(readings, self._decide)
        return time.perf_counter() - begun

    async def check(self) -> None:
        """Fail where a notification waits still, or a fact is not there, or there twice."""
        counts = (await self.store.status()).counts
        waiting, facts = counts.get("notifications.pending", 0), counts["facts"]
        if waiting or facts != len(self._facts):
            raise Failed(f"{len(self._facts)} facts were told: {facts} are there, {waiting} notifications wait")

    def _decide(self, book: Book) -> Changes:
        mint = Mint(new_id=self.clock.new_id, has_room=lambda _: False, now_ms=self.clock.now_ms(), lease_ends_at_ms=0)
        return decide(book, route=lambda change, them: route_change(change, them, mint), now_ms=self.clock.now_ms())


class Neighbours(Struct, frozen=True):
    """How long a batch of neighbours took, in milliseconds, at the median."""

    alone: float
    in_one_batch: float
    beside: float

    @property
    def slower_ms(self) -> float:
        """By how much the busy payment holds them up, the worse of both ways."""
        return max(self.in_one_batch, self.beside) - self.alone


def measure_all(options: Options) -> list[Measured]:
    """One column per database."""
    with tempfile.TemporaryDirectory() as folder, PostgresServer() as server:
        clock = FakeClock()
        stores: dict[str, Store] = {
            "sqlite": SqliteStore(str(Path(folder) / "paybell.db"), Seal(KEY, clock), clock),
            "postgres": PostgresStore(server.new_database(), Seal(KEY, clock), clock, serve=False),
        }
        return [asyncio.run(_measured(name, store, clock, options.rows)) for name, store in stores.items()]


async def _measured(name: str, store: Store, clock: FakeClock, sizes: Sequence[int]) -> Measured:
    async with _opened(store, clock) as bench:
        rate = await facts_per_second(bench)
        one_more = {size: await one_more_fact_ms(bench, size) for size in sizes}
        neighbours = await neighbours_ms(bench, max(sizes))
        await bench.check()
    passed = neighbours.slower_ms <= SLOWER_MS_MAX
    return Measured(
        figures={
            "database": name,
            "facts recorded per second": f"{rate:.0f}",
            **{f"fold {size} facts, µs": f"{fold_us(history(size)):.0f}" for size in sizes},
            **{f"one more fact after {size}, ms": f"{took:.2f}" for size, took in one_more.items()},
            f"{NEIGHBOURS} neighbours alone, ms": f"{neighbours.alone:.2f}",
            f"… with a payment of {max(sizes)} facts in the batch, ms": f"{neighbours.in_one_batch:.2f}",
            "… with it recorded at the same time, ms": f"{neighbours.beside:.2f}",
            "verdict": "holds" if passed else "TOO SLOW",
        },
        passed=passed,
        void=False,
        sustained=True,
        rate=rate,
    )


@asynccontextmanager
async def _opened(store: Store, clock: FakeClock) -> AsyncIterator[Bench]:
    await store.open()
    try:
        bench = Bench(store, clock)
        await bench.fill()
        yield bench
    finally:
        await store.close()


def history(count: int, aggregate: str = "pi_busy") -> list[Fact]:
    """A payment with so many facts: a capture, and then refunds, one a second."""
    captured = fact(Kind.CAPTURED, "ch_1", 10**9, aggregate=aggregate)
    return [captured, *(refund(number, aggregate) for number in range(1, count))]


def refund(number: int, aggregate: str = "pi_busy") -> Fact:
    """The payment's refund with that number."""
    return fact(Kind.REFUND_SUCCEEDED, f"re_{number}", 100, number, aggregate=aggregate)


async def facts_per_second(bench: Bench, payments: int = PAYMENTS) -> float:
    """Record new payments until all is recorded."""
    told = [
        (fact(Kind.PAYMENT_CREATED, "", 1_000 + turn, turn, aggregate=f"pi_{number}"), _step(turn, f"pi_{number}"))
        for turn in range(TOLD)
        for number in range(payments)
    ]
    readings = await bench.arrive(told)
    spent = [await bench.record(readings[start : start + BATCH]) for start in range(0, len(readings), BATCH)]
    return 2 * len(readings) / sum(spent)


def _step(turn: int, aggregate: str) -> Fact:
    kinds = (Kind.AUTHORIZED, Kind.CAPTURED, Kind.FEE, Kind.REFUND_SUCCEEDED)
    return fact(kinds[turn], f"op_{turn}", 900, turn, aggregate=aggregate)


def fold_us(facts: Sequence[Fact], rounds: int = CPU_ROUNDS) -> float:
    """What projection and ledger take in CPU."""
    return min(_cpu_s(lambda: (project(facts), entries(facts))) for _ in range(rounds)) * 1e6


def _cpu_s(work: Callable[[], object]) -> float:
    calls = 0
    begun = time.process_time()
    while (spent := time.process_time() - begun) < 0.005:
        work()
        calls += 1
    return spent / calls


async def one_more_fact_ms(bench: Bench, size: int, times: int = ONE_MORE) -> float:
    """Record a payment of that size, and then facts of it one by one."""
    aggregate = f"pi_of_{size}"
    await bench.record(await bench.arrive([history(size, aggregate)]))
    readings = await bench.arrive([(refund(size + number, aggregate),) for number in range(WARM_UP + times)])
    spent = [await bench.record([it]) for it in readings]
    return median(spent[WARM_UP:]) * 1e3


async def neighbours_ms(bench: Bench, size: int, rounds: int = ROUNDS) -> Neighbours:
    """Batches of new payments: alone, with a fact of a large one among them, and beside a call that has it."""
    busy = "pi_busy"
    await bench.record(await bench.arrive([history(size, busy)]))
    alone, in_one_batch, beside = [], [], []
    for number in range(rounds):
        batches = [await bench.arrive(_new_payments(f"pi_{number}_{turn}")) for turn in range(3)]
        facts = await bench.arrive([(refund(size + 2 * number + turn, busy),) for turn in range(2)])
        alone.append(await bench.record(batches[0]))
        in_one_batch.append(await bench.record([*batches[1], facts[0]]))
        took, _ = await asyncio.gather(bench.record(batches[2]), bench.record([facts[1]]))
        beside.append(took)
    return Neighbours(*(median(them) * 1e3 for them in (alone, in_one_batch, beside)))


def _new_payments(prefix: str) -> list[tuple[Fact]]:
    return [(fact(Kind.CAPTURED, "ch_1", 1_000, aggregate=f"{prefix}_{number}"),) for number in range(NEIGHBOURS)]
