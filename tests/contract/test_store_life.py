"""Opening, closing, dying, and taking over from the dead."""

import asyncio

import pytest

from paybell.errors import StoreUnavailable
from paybell.model.notification import NotificationState
from paybell.ports import PageQuery
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.stores import Place, World, claim_due, run, world


def test_what_was_handed_in_before_the_close_is_kept(place: Place) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with world(place, clock) as it:
            org = it.organisation.id
            tasks = []
            for number in range(1, 51):
                kept = notification(number, organisation_id=org)
                tasks.append(asyncio.ensure_future(it.store.notification_append(appending(kept))))
                await asyncio.sleep(0)  # the first are being committed while the last still wait
        async with asyncio.timeout(10):
            assert not any([(await one).duplicate for one in tasks])
        again = place.store(clock)
        await again.open()
        page = await again.notification_page(PageQuery(organisation_id=org, limit=100))
        await again.close()
        assert len(page.data) == 50

    asyncio.run(scenario())


def test_a_closed_store_says_so(place: Place) -> None:
    async def scenario() -> None:
        async with world(place) as it:
            store = it.store
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(store.notification_append(appending(notification())), timeout=10)

    asyncio.run(scenario())


def test_opening_again_finds_everything_as_it_was(place: Place) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        async with world(place, clock) as it:
            await it.post(1)
            before = await it.store.status()
            source = it.source
        again = place.store(clock)
        await again.open()
        assert (await again.status()).counts == before.counts
        assert (await again.status()).schema_version == before.schema_version
        assert await again.source_find("shop") == source
        await again.close()

    asyncio.run(scenario())


def test_what_the_dead_had_leased_comes_back_to_the_living(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        await world.post(1)
        await world.store.notification_append(appending(notification(1, organisation_id=org)))
        hint = notification(2, hint=True, organisation_id=org)
        retry_at_ms = START_MS + 10**7
        await world.store.notification_append(appending(hint, NotificationState.NEEDS_FETCH, retry_at_ms))
        ends_ms = START_MS + 30_000
        assert await world.store.notification_claim(limit=9, now_ms=START_MS, lease_ends_at_ms=ends_ms)
        (lost,) = await claim_due(world.store, START_MS + 1, ends_ms)
        place.die(world.store)
        living = place.store(world.clock)
        await living.open()
        now_ms = ends_ms + 1 if place.leases_outlive else START_MS + 2
        found = await living.notification_claim(limit=9, now_ms=now_ms, lease_ends_at_ms=now_ms + 9)
        assert [it.id for it in found] == [notification(1).id]
        (delivery,) = await claim_due(living, now_ms, now_ms + 9)
        assert delivery.lease_no == lost.lease_no + 1
        assert await living.fetch_claim(limit=9, now_ms=now_ms, lease_ends_at_ms=now_ms + 9) == []
        await living.close()

    run(place, scenario)


def test_the_status_counts_what_there_is(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        await world.store.notification_append(appending(notification()))
        status = await world.store.status()
        assert status.size_bytes > 0
        assert status.schema_version > 0
        expected = {
            "sources": 1,
            "applications": 1,
            "endpoints": 1,
            "messages": 1,
            "deliveries.due": 1,
            "notifications.pending": 1,
        }
        assert expected.items() <= status.counts.items()

    run(place, scenario)
