"""Polling: a sink's messages by iterator and by consumer, and what of them is sent."""

from typing import Any

from paybell.web.api import poller
from tests.databases import Database
from tests.integration.api_world import World, in_world
from tests.integration.test_api_sending import posted

SINK = {"uid": "sink", "polled": True}


async def told(world: World, path: str, *numbers: int, **given: Any) -> list[dict[str, Any]]:
    return [await posted(world, path, payload={"n": number}, **given) for number in numbers]


def numbers(page: dict[str, Any]) -> list[int]:
    return [it["payload"]["n"] for it in page["data"]]


def test_a_sink_is_sent_nothing_and_gives_its_messages_oldest_first(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, sink = await world.add_endpoint(**SINK)
        assert sink["polled"] is True
        first, *_ = await told(world, path, 1, 2, 3, channels=["b", "a"], eventId=None)
        page = await world.ask("GET", f"{path}/poller/sink?limit=2")
        assert (numbers(page), page["done"]) == ([1, 2], False)
        assert page["data"][0] == {**first, "channels": ["a", "b"]}
        rest = await world.ask("GET", f"{path}/poller/{sink['id']}?iterator={page['iterator']}")
        assert (numbers(rest), rest["done"]) == ([3], True)
        assert (await world.ask("GET", f"{path}/poller/sink?iterator={rest['iterator']}"))["data"] == []
        assert (await world.ask("GET", f"{path}/delivery"))["data"] == []
        refused = await world.ask("POST", f"{path}/msg/{first['id']}/endpoint/sink/resend", status=409)
        assert "polled" in refused["detail"]
        await world.ask("PATCH", f"{path}/endpoint/sink", {"polled": False})
        await told(world, path, 4)
        assert len((await world.ask("GET", f"{path}/delivery"))["data"]) == 1
        assert numbers(await world.ask("GET", f"{path}/poller/sink?iterator={rest['iterator']}")) == [4]

    in_world(database, scenario)


def test_a_sinks_own_wishes_and_those_of_a_poll_say_what_it_gives(database: Database) -> None:
    async def scenario(world: World) -> None:
        wishes = {"eventTypes": ["order.paid", "order.sent"], "channels": ["a"], "filter": {"n": {"$gt": 1}}}
        path, _ = await world.add_endpoint(**SINK, **wishes)
        await told(world, path, 1, 2, channels=["a", "b"])
        await told(world, path, 3, channels=["b"])
        await told(world, path, 4, channels=["a"], eventType="order.lost")
        await told(world, path, 5, channels=["a"], eventType="order.sent")
        poll = f"{path}/poller/sink"
        assert numbers(await world.ask("GET", poll)) == [2, 5]
        assert numbers(await world.ask("GET", f"{poll}?event_type=order.sent")) == [5]
        assert numbers(await world.ask("GET", f"{poll}?channel=b")) == [2]
        assert numbers(await world.ask("GET", f"{poll}?after=2020-01-01T00:00:00Z")) == [2, 5]
        later = await world.ask("GET", f"{poll}?after=2100-01-01T00:00:00Z")
        assert (later["data"], later["done"]) == ([], True)
        await told(world, path, 6, channels=["a"])
        assert numbers(await world.ask("GET", f"{poll}?iterator={later['iterator']}")) == []
        await world.ask("PATCH", f"{path}/endpoint/sink", {"disabled": True})
        assert numbers(await world.ask("GET", poll)) == [2, 5, 6]

    in_world(database, scenario)


def test_a_poll_that_finds_little_for_its_sink_ends_and_is_not_done(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint(**SINK, filter={"n": 0})
        await told(world, path, *range(1, poller._READS_MAX + 2), 0)
        first = await world.ask("GET", f"{path}/poller/sink?limit=1")
        assert (first["data"], first["done"]) == ([], False)
        assert numbers(await world.ask("GET", f"{path}/poller/sink?limit=1&iterator={first['iterator']}")) == [0]

    in_world(database, scenario)


def test_a_consumer_goes_on_where_the_iterator_that_it_gave_back_stood(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint(**SINK)
        mine, other = (f"{path}/poller/sink/consumer/{it}" for it in ("mine", "other"))
        await told(world, path, 1, 2, 3)
        first = await world.ask("GET", f"{mine}?limit=2")
        assert numbers(first) == numbers(await world.ask("GET", f"{mine}?limit=2")) == [1, 2]
        second = await world.ask("GET", f"{mine}?iterator={first['iterator']}")
        assert numbers(second) == numbers(await world.ask("GET", mine)) == [3]
        assert (await world.ask("GET", f"{mine}?iterator={second['iterator']}"))["data"] == []
        assert numbers(await world.ask("GET", f"{mine}?iterator={first['iterator']}")) == [3]
        assert (await world.ask("GET", mine))["data"] == []
        assert numbers(await world.ask("GET", other)) == [1, 2, 3]
        back = await world.ask("POST", f"{mine}/seek", {"after": "2020-01-01T00:00:00Z"})
        assert numbers(await world.ask("GET", mine)) == [1, 2, 3]
        assert numbers(await world.ask("GET", f"{mine}?iterator={back['iterator']}")) == [1, 2, 3]
        await world.ask("POST", f"{mine}/seek", {"after": "2100-01-01T00:00:00Z"})
        await told(world, path, 4)
        assert (await world.ask("GET", mine))["data"] == []

    in_world(database, scenario)


def test_an_iterator_that_no_poll_has_answered_is_refused(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint(**SINK)
        await told(world, path, 1)
        for wrong in ("2", "x", "-1", "1-x", "1.5", "9" * 40):
            for poll in ("poller/sink", "poller/sink/consumer/c"):
                refused = await world.ask("GET", f"{path}/{poll}?iterator={wrong}", status=422)
                assert refused["detail"][0]["loc"] == ["query", "iterator"]
        assert numbers(await world.ask("GET", f"{path}/poller/sink/consumer/c")) == [1]
        await world.ask("GET", f"{path}/poller/none", status=404)
        await world.ask("POST", f"{path}/poller/sink/consumer/c/seek", {}, status=422)
        await world.ask("GET", f"{path}/poller/sink/consumer/a%20b", status=422)

    in_world(database, scenario)
