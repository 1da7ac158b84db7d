"""Polling: messages by numbers that only grow, whatever is committed when, and how far consumers have read."""

import asyncio

from paybell.ports import MessageNew, Numbering, Position, Retention, Store
from paybell.store.polling import AT_ONCE
from paybell.testing.builders import message
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run
from tests.contract.test_store_late import HIGH, LOW, append_delivery, late
from tests.contract.test_store_together import beside

DAY_MS = 86_400_000


async def polled(store: Store, world: World, position: Position) -> tuple[list[int], Position]:
    """What a poll gives from there on, and where it ends."""
    await store.poll_number("app_1", now_ms=world.clock.now_ms())
    found = await store.poll_read("app_1", position, 100)
    numbers = [int(it.message.id.rpartition("_")[2][12:], 16) for it in found]
    return numbers, Position(found[-1].no, position.after_id) if found else position


async def post(world: World, *numbers: int) -> None:
    for number in numbers:
        told = message(number, organisation_id=world.organisation.id)
        await world.store.message_post(MessageNew(message=told, deliveries=()))


def test_what_is_committed_late_under_a_lower_id_is_polled_after_what_was_polled_already(place: Place) -> None:
    key = f"message_keys VALUES ('app_1', 'event-{LOW}', 'msg_rival')"

    async def scenario(world: World) -> None:
        async with beside(world) as other, late(place, key, lambda: append_delivery(other, world, LOW)) as low:
            await post(world, 2)
            first, here = await polled(world.store, world, Position())
            await low.begin()
            await post(world, HIGH)
            second, here = await polled(world.store, world, here)
            assert (await polled(other, world, here))[0] == []
            await low.commit()
            third, here = await polled(other, world, here)
            assert (first, second, third) == ([2], [HIGH], [LOW])
            assert (await polled(world.store, world, here))[0] == []
            assert (await polled(world.store, world, Position()))[0] == [2, HIGH, LOW]

    run(place, scenario)


def test_what_is_committed_half_an_hour_late_is_polled_within_a_minute(place: Place) -> None:
    async def scenario(world: World) -> None:
        await post(world, 1_800_000)
        _, here = await polled(world.store, world, Position())
        await post(world, 1)
        assert (await polled(world.store, world, here))[0] == []
        world.clock.advance(61)
        assert (await polled(world.store, world, here))[0] == [1]

    run(place, scenario)


def test_two_who_number_at_once_give_each_message_one_number(place: Place) -> None:
    async def scenario(world: World) -> None:
        async with beside(world) as other:
            for number in range(1, 21):
                await post(world, number)
                now_ms = world.clock.now_ms()
                await asyncio.gather(*(it.poll_number("app_1", now_ms=now_ms) for it in (world.store, other) * 2))
        found = await world.store.poll_read("app_1", Position(), 100)
        assert [it.no for it in found] == list(range(1, 21))
        assert [it.message for it in found] == [
            message(number, organisation_id=world.organisation.id) for number in range(1, 21)
        ]

    run(place, scenario)


def test_a_history_gets_its_numbers_bit_by_bit(place: Place) -> None:
    count = AT_ONCE + 5

    async def scenario(world: World) -> None:
        await asyncio.gather(*(post(world, number) for number in range(1, count + 1)))
        now_ms = world.clock.now_ms()
        assert await world.store.poll_number("app_1", now_ms=now_ms) == Numbering(AT_ONCE, more=True)
        assert await world.store.poll_number("app_1", now_ms=now_ms) == Numbering(count, more=False)
        assert await world.store.poll_number("app_1", now_ms=now_ms) == Numbering(count, more=False)

    run(place, scenario)


def test_a_poll_may_start_at_a_time(place: Place) -> None:
    async def scenario(world: World) -> None:
        await post(world, 5, 9)
        await world.store.poll_number("app_1", now_ms=world.clock.now_ms())
        await post(world, 3)  # late, and older than what is asked for
        for after, wanted in ((5, [5, 9]), (6, [9]), (10, [])):
            after_id = f"msg_{START_MS + after:012x}"
            found, _ = await polled(world.store, world, await world.store.poll_start("app_1", after_id))
            assert found == wanted
        assert await world.store.poll_start("app_none", "msg_") == Position(0, "msg_")

    run(place, scenario)


def test_a_consumers_position_never_goes_back_by_itself_and_goes_where_it_is_put(place: Place) -> None:
    async def scenario(world: World) -> None:
        store, at = world.store, {"now_ms": world.clock.now_ms()}
        assert await store.poll_consumer_get("ep_1", "books") == Position()
        await store.poll_consumer_advance("ep_1", "books", Position(5, "msg_1"), **at)
        await store.poll_consumer_advance("ep_1", "books", Position(3), **at)
        assert await store.poll_consumer_get("ep_1", "books") == Position(5, "msg_1")
        await store.poll_consumer_advance("ep_1", "books", Position(7), **at)
        assert await store.poll_consumer_get("ep_1", "books") == Position(7, "msg_1")
        assert await store.poll_consumer_get("ep_1", "other") == Position()
        await store.poll_consumer_seek("ep_1", "books", Position(2), **at)
        assert await store.poll_consumer_get("ep_1", "books") == Position(2)
        await store.endpoint_delete(world.organisation.id, "ep_1")
        assert await store.poll_consumer_get("ep_1", "books") == Position()

    run(place, scenario)


def test_numbers_go_with_their_messages_and_applications(place: Place) -> None:
    async def scenario(world: World) -> None:
        await post(world, 1, 2)
        _, here = await polled(world.store, world, Position())
        kept = Retention(notifications_ms=0, messages_ms=30 * DAY_MS)
        await world.store.tend(kept, now_ms=START_MS)
        assert (await polled(world.store, world, Position()))[0] == [1, 2]
        await world.store.tend(kept, now_ms=START_MS + 60 * DAY_MS)
        assert await rows_of(world) == 0
        await post(world, 3)
        assert (await polled(world.store, world, here))[0] == [3]
        await world.store.application_delete(world.organisation.id, "app_1")
        assert await rows_of(world) == 0

    run(place, scenario)


async def rows_of(world: World) -> int:
    """How many numbers are kept."""
    async with world.store.archive_read(alone=False) as reader:
        return sum([len(batch) async for batch in reader.batches("archive_poll_numbers", 10)])
