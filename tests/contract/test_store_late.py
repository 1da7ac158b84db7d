"""The trap of ``id > cursor``: what has a lower id, and is committed after one with a higher id was seen, is seen too.

In PostgreSQL one append is held up in its transaction by somebody who has its key, while others go on. In SQLite, where
one writes at a time, it simply comes later.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from paybell.ports import MessageNew, NotificationNew, Page, PageQuery, Store
from paybell.testing.builders import appending, delivery, message, notification
from tests.contract.stores import Place, PostgresPlace, World, run
from tests.contract.test_store_together import beside, claim

LOW, HIGH = 1, 9
LEASE_MS = 60_000


class Late:
    """One write that is begun first and committed last."""

    def __init__(self, write: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._write = write

    async def begin(self) -> None:
        """Only where writes can be under way side by side."""

    async def commit(self) -> None:
        await self._write()


class HeldUp(Late):
    """A write that waits, in its transaction, for a key that somebody else has inserted and not committed."""

    def __init__(self, write: Callable[[], Coroutine[Any, Any, object]], rival: Any, eye: Any, key: str) -> None:
        super().__init__(write)
        self._rival, self._eye, self._key = rival, eye, key

    async def begin(self) -> None:
        await self._rival.execute("BEGIN")
        await self._rival.execute(f"INSERT INTO {self._key}")
        self._writing = asyncio.create_task(self._write())
        while True:
            if await self._eye.fetchval("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"):
                return

    async def commit(self) -> None:
        assert not self._writing.done()
        await self._rival.execute("ROLLBACK")
        await self._writing


@asynccontextmanager
async def late(place: Place, key: str, write: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[Late]:
    if not isinstance(place, PostgresPlace):
        yield Late(write)
        return
    rival, eye = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
    try:
        yield HeldUp(write, rival, eye, key)
    finally:
        await rival.close()
        await eye.close()


Append = Callable[[Store, World, int], Coroutine[Any, Any, object]]
Claim = Callable[[Store, int], Awaitable[list[str]]]


async def append_notification(store: Store, world: World, number: int) -> None:
    await store.notification_append(new_notification(world, number))


def new_notification(world: World, number: int) -> NotificationNew:
    kept = notification(number, organisation_id=world.organisation.id)
    return appending(kept, due_at_ms=world.clock.now_ms())


async def append_delivery(store: Store, world: World, number: int) -> None:
    told = message(number, organisation_id=world.organisation.id)
    job = delivery(told, number, due_at_ms=world.clock.now_ms())
    await store.message_post(MessageNew(message=told, deliveries=(job,)))


async def claim_notifications(store: Store, now_ms: int) -> list[str]:
    found = await store.notification_claim(limit=100, now_ms=now_ms, lease_ends_at_ms=now_ms + LEASE_MS)
    return [it.id for it in found]


async def claim_deliveries(store: Store, now_ms: int) -> list[str]:
    return [it.id for it in await claim(store, now_ms=now_ms)]


KINDS = {
    "notifications": (
        append_notification,
        claim_notifications,
        f"notification_keys VALUES ('src_1', 'key-{LOW}', 'ntf_rival')",
        [notification(LOW).id, notification(HIGH).id],
    ),
    "deliveries": (
        append_delivery,
        claim_deliveries,
        f"message_keys VALUES ('app_1', 'event-{LOW}', 'msg_rival')",
        [delivery(message(LOW), LOW).id, delivery(message(HIGH), HIGH).id],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lower_id_that_is_committed_after_a_higher_one_was_claimed_is_claimed_too(place: Place, kind: str) -> None:
    append, claimed, key, (low_id, high_id) = KINDS[kind]

    async def scenario(world: World) -> None:
        clock = world.clock
        async with beside(world) as other, late(place, key, lambda: append(other, world, LOW)) as low:
            for _ in range(3):  # looks that go back no further than they usually do
                clock.advance(0.01)
                assert await claimed(world.store, clock.now_ms()) == []
            await low.begin()
            clock.advance(0.01)
            await append(world.store, world, HIGH)
            assert await claimed(world.store, clock.now_ms()) == [high_id]
            clock.advance(0.5)
            assert await claimed(world.store, clock.now_ms()) == []
            await low.commit()
            assert await claimed(world.store, clock.now_ms()) == [low_id]
            assert await claimed(other, clock.now_ms()) == []

    run(place, scenario)


PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "notification_page": ("notifications", {}),
    "message_page": ("deliveries", {"application_id": "app_1"}),
    "delivery_page": ("deliveries", {}),
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("behind", [True, False], ids=["still to come", "passed already"])
def test_a_lower_id_that_is_committed_while_a_list_is_read_is_in_it_or_in_the_next_and_none_is_twice(
    place: Place, name: str, *, behind: bool
) -> None:
    """Numbers 2 to 4 and 9 are there; read is the first page, down to 9 or to 4, before number 1 or 5 appears."""
    kind, filters = PAGES[name]
    append, _, key, _ = KINDS[kind]
    late_no = LOW if behind else 5

    async def scenario(world: World) -> None:
        query = PageQuery(organisation_id=world.organisation.id, limit=2, filters=filters)

        async def rest(iterator: str) -> list[str]:
            """The ids of the pages that follow."""
            found: list[str] = []
            while True:
                page = await turned(world.store, name, query, iterator)
                found += [id_of(it) for it in page.data]
                if page.done:
                    return found
                iterator = page.iterator

        held = key.replace(f"-{LOW}'", f"-{late_no}'")
        async with beside(world) as other, late(place, held, lambda: append(other, world, late_no)) as one:
            for number in (2, 3, 4):
                await append(world.store, world, number)
            await one.begin()
            await append(world.store, world, HIGH)
            first = await turned(world.store, name, query, "")
            await one.commit()
        seen = [id_of(it) for it in first.data] + await rest(first.iterator)
        assert numbers(seen) == ([9, 4, 3, 2, 1] if behind else [9, 4, 3, 2])
        assert numbers(await rest("")) == sorted({9, 4, 3, 2, late_no}, reverse=True)

    run(place, scenario)


async def turned(store: Store, name: str, query: PageQuery, iterator: str) -> Page[Any]:
    turn: Callable[[PageQuery], Awaitable[Page[Any]]] = getattr(store, name)
    return await turn(
        PageQuery(organisation_id=query.organisation_id, limit=query.limit, iterator=iterator, filters=query.filters)
    )


def id_of(row: Any) -> str:
    found: str = getattr(row, "notification", row).id
    return found


def numbers(ids: list[str]) -> list[int]:
    """What the builders made them of."""
    return [int(it.rpartition("_")[2][12:], 16) for it in ids]
