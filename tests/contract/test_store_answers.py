"""Idempotency keys in a store: taken by one, kept for a while, and nobody else's."""

import asyncio

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict
from paybell.model.answer import (
    AnswerKey,
    AnswerNew,
    Beginning,
    Begun,
    BeingAnswered,
    KeptAnswer,
    KeptMessage,
    OtherRequest,
)
from paybell.model.message import Message
from paybell.ports import MessageNew, PageQuery, Retention
from paybell.testing.builders import message
from tests.contract.stores import Place, World, run

EVERY = {"application_id": "app_1"}
DONE = KeptAnswer(201, "application/json", b'{"id":"app_1","secret":"whsec_of_an_answer"}')


def key(world: World, **changes: object) -> AnswerKey:
    plain = AnswerKey(organisation_id=world.organisation.id, name="k-1", request_digest=b"d" * 16)
    return replace(plain, **changes)


async def begin(world: World, it: AnswerKey, lease_ms: int = 60_000) -> Beginning:
    now_ms = world.clock.now_ms()
    return await world.store.answer_begin(it, now_ms=now_ms, ends_at_ms=now_ms + lease_ms)


def new(world: World, it: AnswerKey, kept_ms: int = 1_000_000) -> AnswerNew:
    return AnswerNew(key=it, answer=DONE, ends_at_ms=world.clock.now_ms() + kept_ms)


def posting(world: World, told: Message, it: AnswerKey | None, kept_ms: int = 1_000_000) -> MessageNew:
    return MessageNew(message=told, deliveries=(), key=it, key_ends_at_ms=world.clock.now_ms() + kept_ms)


async def messages(world: World) -> list[str]:
    page = await world.store.message_page(PageQuery(organisation_id=world.organisation.id, limit=50, filters=EVERY))
    return sorted(it.id for it in page.data)


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


def test_a_message_and_its_key_are_kept_together(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, org = key(world), world.organisation.id
        told, other = message(1, organisation_id=org), message(2, organisation_id=org)
        assert await world.store.message_post(posting(world, told, mine)) == Begun()
        assert await world.store.message_post(posting(world, other, mine)) == KeptMessage(told)
        assert await begin(world, mine) == KeptMessage(told)
        changed = replace(mine, request_digest=b"e" * 16)
        assert await world.store.message_post(posting(world, other, changed)) == OtherRequest()
        assert await messages(world) == [told.id]
        theirs = message(3, organisation_id="org_other")
        assert (
            await world.store.message_post(posting(world, theirs, replace(mine, organisation_id="org_other")))
            == Begun()
        )
        world.clock.advance(1_001)
        assert await world.store.message_post(posting(world, other, changed)) == Begun()
        assert await messages(world) == [told.id, other.id]

    run(place, scenario)


def test_of_many_at_once_under_one_key_one_is_posted(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, org = key(world), world.organisation.id
        rivals = [message(number, organisation_id=org, event_id="ev" * (number % 2)) for number in range(1, 9)]
        posted = await asyncio.gather(*(world.store.message_post(posting(world, it, mine)) for it in rivals))
        assert sorted(type(it).__name__ for it in posted) == ["Begun", *["KeptMessage"] * 7]
        (there,) = await messages(world)
        assert {it.message.id for it in posted if isinstance(it, KeptMessage) and it.message} == {there}

    run(place, scenario)


def test_the_key_of_a_message_that_is_refused_is_free(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, org = key(world), world.organisation.id
        first, second = (message(number, organisation_id=org, event_id="ev") for number in (1, 2))
        await world.store.message_post(posting(world, first, None))
        with pytest.raises(Conflict):
            await world.store.message_post(posting(world, second, mine))
        assert await begin(world, mine) == Begun()
        with pytest.raises(Conflict):
            await world.store.message_post(posting(world, second, mine))
        assert await world.store.message_post(posting(world, replace(second, event_id="ev-2"), mine)) == Begun()
        assert await messages(world) == [first.id, second.id]

    run(place, scenario)


def test_a_key_that_the_same_request_has_begun_is_its_own(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, org = key(world), world.organisation.id
        assert await begin(world, mine) == Begun()
        other = replace(mine, request_digest=b"e" * 16)
        assert await world.store.message_post(posting(world, message(2, organisation_id=org), other)) == OtherRequest()
        assert await world.store.message_post(posting(world, message(1, organisation_id=org), mine)) == Begun()
        await world.store.answer_forget(mine)  # what is kept is not forgotten
        assert isinstance(await begin(world, mine), KeptMessage)

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
