"""The stores that the contract suite runs on, and a world with a source, an application and an endpoint in each.

To add a database: write a place for it (how to open a store there, and how to die without cleaning up) and add it to
``PLACES``.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec

from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application
from paybell.model.source import Organisation, Source
from paybell.ports import Book, Change, Changes, DeliveryClaim, MessageNew, OrderKey, Reading, Routed, Store
from paybell.record.rules import decide, expect
from paybell.route.rules import Mint, route_change, route_message
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import application, endpoint, message, source
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.postgres import log_file, migrated_database, server
from tests.sqlite import begin_migrated
from tests.unit.expecting import said

KEY = bytes(range(32))


class Place(Protocol):
    """Where a database is."""

    leases_outlive: bool
    """Whether a dead process's leases run on to their end (others may be at work), or its successor ends them."""

    def __init__(self, folder: Path) -> None: ...

    def store(self, clock: FakeClock, *, serve: bool = True, key: bytes = KEY) -> Store:
        """A store on that database, not opened yet."""
        ...

    def raw_bytes(self) -> bytes:
        """All that the database has written, as somebody who copies its disk would see it."""
        ...

    def die(self, store: Store) -> None:
        """Let go of what the operating system takes back from a dead process, and of nothing else."""
        ...


class SqlitePlace:
    """A SQLite file."""

    leases_outlive = False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "paybell.db"

    def store(self, clock: FakeClock, *, serve: bool = True, key: bytes = KEY) -> SqliteStore:
        begin_migrated(self.path)
        return SqliteStore(str(self.path), Seal(key, clock), clock, serve=serve)

    def raw_bytes(self) -> bytes:
        return b"".join(file.read_bytes() for file in self.path.parent.glob("paybell.db*") if file.suffix != ".key")

    def die(self, store: Store) -> None:
        assert isinstance(store, SqliteStore)
        assert store._lock is not None
        os.close(store._lock)
        store._lock = None


class PostgresPlace:
    """A database of a PostgreSQL server that the tests start themselves."""

    leases_outlive = True

    def __init__(self, folder: Path) -> None:
        self.url = migrated_database(START_MS)
        self._log_from = log_file(self.url)

    def store(self, clock: FakeClock, *, serve: bool = True, key: bytes = KEY) -> PostgresStore:
        return PostgresStore(self.url, Seal(key, clock), clock, serve=serve)

    def raw_bytes(self) -> bytes:
        return server().raw_bytes(since=self._log_from)

    def die(self, store: Store) -> None:
        """The server lets go of a dead process's connections by itself; leases run on."""


PLACES: dict[str, type[Place]] = {"sqlite": SqlitePlace, "postgres": PostgresPlace}


class World:
    """An open store with the usual things in it."""

    def __init__(self, store: Store, clock: FakeClock, place: Place) -> None:
        self.store = store
        self.clock = clock
        self.place = place
        self.organisation: Organisation
        self.source: Source
        self.application: Application
        self.endpoint: Endpoint

    async def fill(self) -> Self:
        self.organisation = await self.store.organisation_default()
        self.source = source(organisation_id=self.organisation.id)
        self.application = application(organisation_id=self.organisation.id)
        self.endpoint = self.an_endpoint("ep_1")
        await self.store.source_create(self.source)
        await self.store.application_create(self.application)
        await self.store.endpoint_create(self.endpoint)
        return self

    def an_endpoint(self, endpoint_id: str, **changes: object) -> Endpoint:
        return endpoint(id=endpoint_id, organisation_id=self.organisation.id, **changes)

    def mint(self, *, leased: bool = False) -> Mint:
        now_ms = self.clock.now_ms()
        return Mint(
            new_id=self.clock.new_id, has_room=lambda _: leased, now_ms=now_ms, lease_ends_at_ms=now_ms + 60_000
        )

    async def post(self, number: int, *endpoints: Endpoint, due_at_ms: int | None = None, **changes: Any) -> MessageNew:
        """A message for those endpoints (or the usual one), due now."""
        told = message(number, organisation_id=self.organisation.id, **changes)
        mint = self.mint()
        if due_at_ms is not None:
            mint = Mint(new_id=mint.new_id, has_room=mint.has_room, now_ms=due_at_ms, lease_ends_at_ms=0)
        jobs = route_message(told, endpoints or [self.endpoint], mint)
        posting = MessageNew(message=told, deliveries=jobs)
        await self.store.message_post(posting)
        return posting

    async def record(self, readings: Iterable[Reading]) -> None:
        """Record as the record step does, with deliveries left due."""
        await self.store.notification_record(list(readings), self.decide)

    async def expect(self, amount_minor: int, at_s: int = 0, **changes: str) -> Changes:
        """Say what the order ``o_1`` should pay, with deliveries left due."""
        plain = said(amount_minor, at_s)
        wish = msgspec.structs.replace(plain, **({"organisation_id": self.organisation.id} | changes))
        return await self.store.expectation_record(
            OrderKey(wish.organisation_id, wish.order_id),
            lambda book: expect(
                book,
                wish,
                route=lambda change, endpoints: route_change(change, endpoints, self.mint()),
                now_ms=self.clock.now_ms(),
            ),
        )

    def route(self, change: Change, endpoints: tuple[Endpoint, ...]) -> Routed:
        """Who hears of it, with deliveries left due."""
        return route_change(change, endpoints, self.mint())

    def decide(self, book: Book) -> Changes:
        """What the rules of record and route say, with deliveries left due."""
        return decide(
            book,
            route=lambda change, endpoints: route_change(change, endpoints, self.mint()),
            now_ms=self.clock.now_ms(),
        )


async def claim_due(
    store: Store,
    now_ms: int,
    lease_ends_at_ms: int,
    *,
    limit: int = 100,
    each: int = 100,
    busy: tuple[str, ...] = (),
) -> list[DeliveryJob]:
    """What is due of any endpoint, the longest waiting first."""
    known = dict.fromkeys([*await store.delivery_waiting(), *await store.endpoint_rules()])
    rooms = {name: each for name in known if name and name not in busy}
    return await store.delivery_claim(
        DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=lease_ends_at_ms, limit=limit, rooms=rooms)
    )


@asynccontextmanager
async def world(place: Place, clock: FakeClock | None = None) -> AsyncIterator[World]:
    clock = clock or FakeClock()
    store = place.store(clock)
    await store.open()
    try:
        yield await World(store, clock, place).fill()
    finally:
        await store.close()


def run(place: Place, scenario: Callable[[World], Awaitable[None]]) -> None:
    """Run a scenario in a fresh world of that place; a store that hangs fails the test."""

    async def main() -> None:
        async with asyncio.timeout(60), world(place) as it:
            await scenario(it)

    asyncio.run(main())
