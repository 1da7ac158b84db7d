"""Idempotency keys in a store: taken by one, kept for a while, and nobody else's."""

import asyncio

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict
from paybell.model.answer import AnswerKey, AnswerNew, Beginning, Begun, BeingAnswered, KeptAnswer, OtherRequest
from paybell.ports import MessageNew, Retention
from paybell.testing.builders import message
from tests.contract.stores import Place, World, run

DONE = KeptAnswer(201, "application/json", b'{"id":"app_1","secret":"whsec_of_an_answer"}')


def key(world: World, **changes: object) -> AnswerKey:
    plain = AnswerKey(organisation_id=world.organisation.id, name="k-1", request_digest=b"d" * 16)
    return replace(plain, **changes)


async def begin(world: World, it: AnswerKey, lease_ms: int = 60_000) -> Beginning:
    now_ms = world.clock.now_ms()
    return await world.store.answer_begin(it, now_ms=now_ms, ends_at_ms=now_ms + lease_ms)


def new(world: World, it: AnswerKey, kept_ms: int = 1_000_000) -> AnswerNew:
    return AnswerNew(key=it, answer=DONE, ends_at_ms=world.clock.now_ms() + kept_ms)


def test_the_first_answers_and_the_rest_get_its_answer(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine = key(world)
        begun = await asyncio.gather(*(begin(world, mine) for _ in range(8)))
        assert sorted(type(it).__name__ for it in begun) == ["Begun", *["BeingAnswered"] * 7]
        assert isinstance(await begin(world, replace(mine, request_digest=b"e" * 16)), OtherRequest)
        assert isinstance(await begin(world, replace(mine, organisation_id="org_other")), Begun)
        await world.store.answer_keep(new(world, mine))
        assert await begin(world, mine) == DONE
        assert isinstance(await begin(world, replace(mine, request_digest=b"e" * 16)), OtherRequest)
        await world.store.answer_forget(mine)  # what is kept is not forgotten
        assert await begin(world, mine) == DONE

    run(place, scenario)
    assert b"whsec_of_an_answer" not in place.raw_bytes()


def test_a_key_is_free_when_it_is_refused_or_its_time_is_over(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine = key(world)
        assert isinstance(await begin(world, mine), Begun)
        await world.store.answer_forget(mine)
        assert isinstance(await begin(world, mine), Begun)
        world.clock.advance(61)
        assert isinstance(await begin(world, mine), Begun), "its process died"
        await world.store.answer_keep(new(world, mine))
        assert await begin(world, mine) == DONE
        world.clock.advance(1_001)
        other = replace(mine, request_digest=b"e" * 16)
        assert isinstance(await begin(world, other), Begun)
        await world.store.answer_keep(new(world, mine))  # too late: the key is another request's now
        assert isinstance(await begin(world, other), BeingAnswered)

    run(place, scenario)


def test_a_message_and_its_answer_are_kept_together(place: Place) -> None:
    async def scenario(world: World) -> None:
        first, second = key(world), key(world, name="k-2")
        told = message(1, organisation_id=world.organisation.id, event_id="ev")
        for it in (first, second):
            await begin(world, it)
        await world.store.message_post(MessageNew(message=told, deliveries=(), answer=new(world, first)))
        again = message(2, organisation_id=world.organisation.id, event_id="ev")
        with pytest.raises(Conflict):
            await world.store.message_post(MessageNew(message=again, deliveries=(), answer=new(world, second)))
        assert await begin(world, first) == DONE
        assert isinstance(await begin(world, second), BeingAnswered)

    run(place, scenario)


def test_old_answers_are_dropped(place: Place) -> None:
    async def scenario(world: World) -> None:
        for number in range(3):
            it = key(world, name=f"k-{number}")
            await begin(world, it)
            await world.store.answer_keep(new(world, it, kept_ms=1_000 if number else 10_000_000))
        world.clock.advance(100)
        await world.store.tend(Retention(), now_ms=world.clock.now_ms())
        # Dropped or not, the key of an old one is free; the young one's is not.
        assert await begin(world, key(world, name="k-0")) == DONE
        assert isinstance(await begin(world, key(world, name="k-1")), Begun)

    run(place, scenario)
