"""A message is written with its deliveries or not at all, and its event id is its application's own."""

import asyncio

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict, NotFound
from paybell.model.answer import Begun
from paybell.ports import MessageNew, PageQuery
from paybell.testing.builders import application, delivery, message
from tests.contract.stores import Place, World, run


async def written(world: World) -> tuple[int, int]:
    counts = (await world.store.status()).counts
    return counts["messages"], counts.get("deliveries.due", 0)


def test_a_message_comes_back_as_it_was_posted(place: Place) -> None:
    async def scenario(world: World) -> None:
        told = message(1, organisation_id=world.organisation.id, payload=bytes(range(256)), payment_id="pay_1")
        told = replace(told, trace=f"{'4b' * 16}-01", channels=frozenset({"a", "b"}))
        await world.store.message_post(MessageNew(message=told, deliveries=()))
        page = await world.store.message_page(
            PageQuery(organisation_id=world.organisation.id, filters={"application_id": "app_1"})
        )
        assert page.data == (told,)

    run(place, scenario)


def test_a_message_whose_delivery_cannot_be_written_is_not_written(place: Place) -> None:
    """Two deliveries for one endpoint: the second is refused after the message and the first were written."""

    async def scenario(world: World) -> None:
        told = message(1, organisation_id=world.organisation.id)
        twice = (delivery(told, 1), delivery(told, 2))
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await world.store.message_post(MessageNew(message=told, deliveries=twice))
        assert await written(world) == (0, 0)
        await world.store.message_post(MessageNew(message=told, deliveries=twice[:1]))
        assert await written(world) == (1, 1)

    run(place, scenario)


def test_another_application_may_use_the_same_event_id(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        await world.store.application_create(application(id="app_2", organisation_id=org))
        mine = (await world.post(1)).message
        theirs = message(2, organisation_id=org, application_id="app_2", event_id=mine.event_id)
        await world.store.message_post(MessageNew(message=theirs, deliveries=()))
        assert await world.store.message_lookup(org, "app_1", mine.event_id) == mine
        assert await world.store.message_lookup(org, "app_2", mine.event_id) == theirs

    run(place, scenario)


def test_an_event_id_is_taken_once_per_application_and_nothing_else_is_written(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        again = message(2, organisation_id=world.organisation.id, event_id="event-1")
        with pytest.raises(Conflict, match="event-1"):
            await world.store.message_post(MessageNew(message=again, deliveries=(delivery(again, 2),)))
        assert await written(world) == (1, 1)
        nameless = [message(number, organisation_id=world.organisation.id, event_id="") for number in (3, 4)]
        for it in nameless:
            await world.store.message_post(MessageNew(message=it, deliveries=()))

    run(place, scenario)


def test_messages_posted_at_once_with_one_event_id_are_one_message(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        rivals = [message(number, organisation_id=org, event_id="same") for number in range(1, 21)]
        postings = [MessageNew(message=it, deliveries=(delivery(it, n),)) for n, it in enumerate(rivals)]
        outcomes = await asyncio.gather(*(world.store.message_post(it) for it in postings), return_exceptions=True)
        assert sum(it == Begun() for it in outcomes) == 1
        assert sum(isinstance(it, Conflict) for it in outcomes) == 19
        assert await written(world) == (1, 1)

    run(place, scenario)


def test_those_of_many_messages_are_listed_that_are_there(place: Place) -> None:
    async def scenario(world: World) -> None:
        told = [(await world.post(number)).message for number in range(1, 5)]
        org, ids = world.organisation.id, [it.id for it in told[1:]]
        listed = await world.store.message_list(org, ["msg_0", *ids, "'\"\\", ids[0]])
        assert sorted(listed, key=lambda it: it.id) == told[1:]
        assert await world.store.message_list(org, []) == []
        assert await world.store.message_list("org_other", ids) == []

    run(place, scenario)


def test_messages_are_found_by_id_and_event_id_within_their_application(place: Place) -> None:
    async def scenario(world: World) -> None:
        told = (await world.post(1)).message
        org = world.organisation.id
        for name in (told.id, told.event_id):
            assert await world.store.message_lookup(org, "app_1", name) == told
        for organisation_id, application_id, name in (
            ("org_other", "app_1", told.id),
            ("org_other", "app_1", told.event_id),
            (org, "app_2", told.event_id),
            (org, "app_2", told.id),
            (org, "app_1", "msg_0"),
            (org, "app_1", ""),
        ):
            with pytest.raises(NotFound):
                await world.store.message_lookup(organisation_id, application_id, name)

    run(place, scenario)
