"""Two stores are open on one database, as two processes have it: whatever both do at once happens once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from paybell.errors import Conflict, StoreUnavailable
from paybell.model.answer import AnswerKey, Begun, KeptMessage
from paybell.model.delivery import DeliveryJob, DeliveryState
from paybell.model.fact import Fact, Kind
from paybell.ports import AttemptNew, DeliveryClaim, MessageNew, PageQuery, Reading, Store
from paybell.testing.builders import appending, attempt, delivery, fact, message, notification, reading
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.stores import Place, PostgresPlace, World, claim_due, run, world

LEASE_MS = 60_000
HOUR_LATER_MS = START_MS + 3_600_000


@asynccontextmanager
async def beside(world: World) -> AsyncIterator[Store]:
    """Another process's store on the same database."""
    store = world.place.store(world.clock, serve=False)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def together(place: Place, scenario: Callable[[World, tuple[Store, Store]], Awaitable[None]]) -> None:
    async def main(world: World) -> None:
        async with beside(world) as other:
            await scenario(world, (world.store, other))

    run(place, main)


async def claim(store: Store, limit: int = 100, now_ms: int = START_MS + 1000) -> list[DeliveryJob]:
    return await claim_due(store, now_ms, now_ms + LEASE_MS, limit=limit, each=limit)


def told(world: World, number: int, *facts: Fact) -> Reading:
    plain = reading(*facts, number=number)
    return Reading(notification=plain.notification, source=world.source, parsed=plain.parsed)


def test_both_append_the_same_keys_and_each_is_one_row(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        copies = [notification(number, dedupe_key=f"key-{number % 25}") for number in range(1, 201)]
        answers = await asyncio.gather(
            *(stores[number % 3 % 2].notification_append(appending(it)) for number, it in enumerate(copies))
        )
        assert sum(not it.duplicate for it in answers) == 25
        assert len({it.notification_id for it in answers}) == 25
        assert (await world.store.status()).counts["notifications.pending"] == 25

    together(place, scenario)


def test_both_claim_notifications_and_never_the_same(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        numbers = range(1, 61)
        await asyncio.gather(*(world.store.notification_append(appending(notification(it))) for it in numbers))
        batches = await asyncio.gather(
            *(
                stores[turn % 2].notification_claim(limit=7, now_ms=START_MS, lease_ends_at_ms=START_MS + LEASE_MS)
                for turn in range(20)
            )
        )
        taken = [it.id for batch in batches for it in batch]
        assert len(taken) == len(set(taken))
        rest = await stores[1].notification_claim(limit=99, now_ms=START_MS, lease_ends_at_ms=START_MS + LEASE_MS)
        assert {*taken, *(it.id for it in rest)} == {notification(it).id for it in numbers}

    together(place, scenario)


def test_both_claim_deliveries_and_never_the_same(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        await asyncio.gather(*(world.post(number) for number in range(1, 61)))
        batches = await asyncio.gather(*(claim(stores[turn % 2], limit=7) for turn in range(20)))
        taken = [it.id for batch in batches for it in batch]
        assert len(taken) == len(set(taken))
        rest = await claim(stores[1])
        assert len({*taken, *(it.id for it in rest)}) == 60

    together(place, scenario)


def test_both_record_the_same_notification_with_one_effect(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        captured = fact(Kind.CAPTURED, "ch_1", 100)
        await world.store.notification_append(appending(notification(organisation_id=world.organisation.id)))
        same = [told(world, 1, captured)]
        changes = await asyncio.gather(*(stores[turn % 2].notification_record(same, world.decide) for turn in range(8)))
        assert sum(bool(it.outcomes) for it in changes) == 1
        counts = (await world.store.status()).counts
        assert [counts.get(it) for it in ("facts", "messages", "deliveries.due")] == [1, 1, 1]

    together(place, scenario)


def test_both_record_one_payment_and_no_update_is_lost(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        org = world.organisation.id
        numbers = range(1, 21)
        for number in numbers:
            await world.store.notification_append(appending(notification(number, organisation_id=org)))
        captured = fact(Kind.CAPTURED, "ch_1", 100)
        await asyncio.gather(
            *(
                stores[number % 2].notification_record(
                    [told(world, number, captured, fact(Kind.REFUND_SUCCEEDED, f"re_{number}", 1, at_s=number))],
                    world.decide,
                )
                for number in numbers
            )
        )
        (payment,) = (await world.store.payment_page(PageQuery(organisation_id=org))).data
        assert (payment.state.refunded_minor, payment.state.captured_minor) == (20, 100)

    together(place, scenario)


def test_who_lost_its_lease_to_the_other_writes_nothing(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        await world.post(1)
        (late,) = await claim(stores[0])
        (fresh,) = await claim(stores[1], now_ms=late.lease_ends_at_ms)

        def ended(job: DeliveryJob) -> AttemptNew:
            return AttemptNew(
                attempt=attempt(job), lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None
            )

        answers = await asyncio.gather(stores[0].attempt_append(ended(late)), stores[1].attempt_append(ended(fresh)))
        assert tuple(answers) == (False, True)
        assert (await world.store.status()).counts["attempts"] == 1

    together(place, scenario)


def test_both_post_under_one_key_and_it_is_one_message(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        org = world.organisation.id
        key = AnswerKey(organisation_id=org, name="k-1", request_digest=b"d" * 16)
        ends_at_ms = world.clock.now_ms() + LEASE_MS
        rivals = [message(number, organisation_id=org, event_id="ev" * (number % 2)) for number in range(1, 11)]
        news = [MessageNew(message=it, deliveries=(), key=key, key_ends_at_ms=ends_at_ms) for it in rivals]
        outcomes = await asyncio.gather(*(stores[number // 5].message_post(it) for number, it in enumerate(news)))
        assert sum(it == Begun() for it in outcomes) == 1
        assert len({it.message.id for it in outcomes if isinstance(it, KeptMessage) and it.message}) == 1
        assert (await world.store.status()).counts["messages"] == 1

    together(place, scenario)


def test_both_post_one_event_id_and_it_is_one_message(place: Place) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        org = world.organisation.id
        rivals = [message(number, organisation_id=org, event_id="same") for number in range(1, 11)]
        outcomes = await asyncio.gather(
            *(
                stores[number % 2].message_post(MessageNew(message=it, deliveries=(delivery(it, number),)))
                for number, it in enumerate(rivals)
            ),
            return_exceptions=True,
        )
        assert sum(it == Begun() for it in outcomes) == 1
        assert sum(isinstance(it, Conflict) for it in outcomes) == 9
        counts = (await world.store.status()).counts
        assert (counts["messages"], counts["deliveries.due"]) == (1, 1)

    together(place, scenario)


def test_many_that_open_an_empty_database_at_once_find_one_schema(place: Place) -> None:
    async def main() -> None:
        clock = FakeClock()
        stores = [place.store(clock, serve=False) for _ in range(4)]
        try:
            await asyncio.gather(*(it.open() for it in stores))
            assert len({(await it.organisation_default()).id for it in stores}) == 1
            assert len({(await it.status()).schema_version for it in stores}) == 1
        finally:
            await asyncio.gather(*(it.close() for it in stores))

    asyncio.run(main())


def test_who_only_looks_leaves_the_leases_of_the_server(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        await world.store.notification_append(appending(notification()))
        await world.store.notification_claim(limit=1, now_ms=START_MS, lease_ends_at_ms=START_MS + LEASE_MS)
        (job,) = await claim(world.store)
        async with beside(world) as other:
            assert await other.notification_claim(limit=1, now_ms=START_MS + 1, lease_ends_at_ms=START_MS + 2) == []
            assert await claim(other, now_ms=job.lease_ends_at_ms - 1) == []

    run(place, scenario)


def test_a_second_server_is_refused_where_only_one_may_serve(place: Place) -> None:
    async def scenario(world: World) -> None:
        second = place.store(world.clock)
        try:
            if place.leases_outlive:
                await second.open()
                assert await second.source_find("shop") == world.source
            else:
                with pytest.raises(StoreUnavailable, match="another Paybell serves"):
                    await second.open()
        finally:
            await second.close()

    run(place, scenario)


class Slow(FakeClock):
    """Whoever asks for the time again has waited ``takes_s``."""

    takes_s = 0.0

    def now_ms(self) -> int:
        self.advance(self.takes_s)
        return super().now_ms()


def test_where_many_wait_ones_own_changes_are_told_at_once_and_others_in_a_while(place: Place) -> None:
    clock = Slow()
    many = [f"ep_many_{number}" for number in range(120)]

    async def look(store: Store) -> Sequence[str]:
        """Who has something due within the hour, soonest first."""
        return [name for name, due_at_ms in (await store.delivery_waiting()).items() if due_at_ms < HOUR_LATER_MS]

    async def scenario(it: World) -> None:
        for number, name in enumerate(many):
            await it.post(number, it.an_endpoint(name), due_at_ms=START_MS + number)
        clock.takes_s = 0.1
        assert await look(it.store) == many
        clock.takes_s = 0.0
        rooms = dict.fromkeys(many[:3], 5)
        wanted = DeliveryClaim(now_ms=START_MS + 200, lease_ends_at_ms=HOUR_LATER_MS, limit=9, rooms=rooms)
        assert len(await it.store.delivery_claim(wanted)) == 3
        await it.post(120, it.an_endpoint("ep_mine"), due_at_ms=START_MS)
        assert [name for name in await look(it.store) if name] == ["ep_mine", *many[3:]]

        async with beside(it) as other:
            theirs = World(other, clock, place)
            theirs.organisation = it.organisation
            await theirs.post(121, it.an_endpoint("ep_theirs"), due_at_ms=START_MS + 1)
        if isinstance(place, PostgresPlace):
            again_ms = (await it.store.delivery_waiting())[""]
            assert 0 < again_ms - clock.now_ms() <= 5_000, "nobody would look again"
            clock.set(again_ms)
        assert await look(it.store) == ["ep_mine", "ep_theirs", *many[3:]]

    async def main() -> None:
        async with world(place, clock) as it:
            await scenario(it)

    asyncio.run(main())
