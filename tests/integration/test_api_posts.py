"""Messages are posted before the router: every answer is what the router would have given, byte for byte."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from msgspec import Struct

from paybell.web.ingest import Receive, Scope, Send
from paybell.web.posts import Posts, is_post
from tests.databases import Database
from tests.integration.api_world import API, KEY, World, in_world

GOOD: Final = b'{"eventType":"order.paid","payload":{"a": [1.50, "\\u00e9"], "b":null}}'
OURS: Final = re.compile(rb'msg_[0-9a-f]{32}|"timestamp":"[^"]*"')
"""What no two answers have in common."""


class Asked(Struct, frozen=True, kw_only=True):
    """A request, different in something from one that is in order."""

    body: bytes = GOOD
    path: str = "/app/a/msg"
    method: str = "POST"
    headers: dict[str, str] = {}
    key: str = KEY


ASKED: Final = {
    "in order": Asked(),
    "by id": Asked(path="/app/{id}/msg"),
    "with an idempotency key": Asked(headers={"Idempotency-Key": "k-DOOR"}),
    "with an event id": Asked(body=b'{"eventType":"e","payload":{},"eventId":"ev-DOOR"}'),
    "with a null event id": Asked(body=b'{"eventType":"e","payload":{},"eventId":null}'),
    "with a slash behind it": Asked(path="/app/a/msg/"),
    "with a query": Asked(path="/app/a/msg?x=1"),
    "without content": Asked(path="/app/a/msg?with_content=false"),
    "with content": Asked(path="/app/a/msg?with_content=true"),
    "with content or not": Asked(path="/app/a/msg?with_content=perhaps"),
    "without content under a key": Asked(path="/app/a/msg?with_content=false", headers={"Idempotency-Key": "k-DOOR"}),
    "a number beyond all": Asked(body=b'{"eventType":"e","payload":{"a":1e999}}'),
    "a number beyond all, in an application": Asked(body=b'{"eventType":"e","payload":{},"application":{"n":1e999}}'),
    "half a surrogate pair in a tag": Asked(body=b'{"eventType":"e","payload":{},"tags":["\\ud800"]}'),
    "no UTF-8 in a tag": Asked(body=b'{"eventType":"e","payload":{},"tags":["\xff"]}'),
    "tags": Asked(body=b'{"eventType":"e","payload":{},"tags":["a b"],"payloadRetentionPeriod":5}'),
    "no tags": Asked(body=b'{"eventType":"e","payload":{},"tags":null,"deliverAt":null,"payloadRetentionHours":null}'),
    "a time long ago": Asked(body=b'{"eventType":"e","payload":{},"deliverAt":"2020-01-01T00:00:00Z"}'),
    "no time": Asked(body=b'{"eventType":"e","payload":{},"deliverAt":"soon"}'),
    "parameters of a transformation": Asked(body=b'{"eventType":"e","payload":{},"transformationsParams":{}}'),
    "as no JSON": Asked(headers={"Content-Type": "text/plain"}),
    "without a key": Asked(key=""),
    "with a wrong key": Asked(key="pbk_of-somebody-elses-server"),
    "of no application": Asked(path="/app/nobody/msg"),
    "of an application without a name": Asked(path="/app//msg"),
    "of two applications": Asked(path="/app/a/b/msg"),
    "of what no name is": Asked(path="/app/a%00/msg"),
    "by another method": Asked(method="PUT"),
    "too large": Asked(body=b'{"eventType":"e","payload":{"a":"' + b"x" * 1_100_000 + b'"}}'),
    "too large, without a key": Asked(body=b"x" * 1_100_000, key=""),
    "empty": Asked(body=b""),
    "cut off": Asked(body=b'{"eventType":"order.paid","payl'),
    "no object": Asked(body=b"[]"),
    "no UTF-8": Asked(body=b'{"eventType":"e","payload":{"a":"\xff"}}'),
    "half a surrogate pair": Asked(body=b'{"eventType":"e","payload":{"a":"\\ud800"}}'),
    "NaN": Asked(body=b'{"eventType":"e","payload":{"a":NaN}}'),
    "an unknown field": Asked(body=b'{"eventType":"e","payload":{},"nobody":1}'),
    "without a payload": Asked(body=b'{"eventType":"e"}'),
    "a payload that is no object": Asked(body=b'{"eventType":"e","payload":[1]}'),
    "no event type": Asked(body=b'{"eventType":"a b","payload":{}}'),
    "an event type with a line break": Asked(body=b'{"eventType":"a\\n","payload":{}}'),
    "an event id that is none": Asked(body=b'{"eventType":"e","payload":{},"eventId":"a b"}'),
    "an event id that is taken": Asked(body=b'{"eventType":"e","payload":{},"eventId":"taken"}'),
    "an event id that is taken, with an idempotency key": Asked(
        body=b'{"eventType":"e","payload":{},"eventId":"taken"}', headers={"Idempotency-Key": "k-other"}
    ),
    "an idempotency key that is none": Asked(headers={"Idempotency-Key": "a\tb"}),
    "an idempotency key of another request": Asked(headers={"Idempotency-Key": "used"}),
    "an idempotency key of another request, of no application": Asked(
        path="/app/nobody/msg", headers={"Idempotency-Key": "used"}
    ),
    "an idempotency key that is used again": Asked(
        headers={"Idempotency-Key": "used"}, body=b'{"eventType":"e","payload":{"used":true},"eventId":"taken"}'
    ),
}


async def furnish(world: World) -> str:
    """An application with one endpoint and one message, under a key; its id."""
    path, _ = await world.add_endpoint()
    await world.ask("PATCH", path, {"uid": "a"})
    again = ASKED["an idempotency key that is used again"]
    headers = {"Idempotency-Key": "used"}
    answer = await world.client.post(API + again.path, content=again.body, headers={**world.client.headers, **headers})
    assert answer.status_code == 202
    return path.removeprefix("/app/")


async def answer_of(app: Any, asked: Asked, application_id: str, door: str) -> httpx.Response:
    """What is answered at one of the doors; each has an event id and an idempotency key of its own."""
    named = asked.headers | ({"Authorization": f"Bearer {asked.key}"} if asked.key else {})
    headers = {name: value.replace("DOOR", door) for name, value in named.items()}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://pay.example.com") as client:
        path = API + asked.path.replace("{id}", application_id)
        body = asked.body.replace(b"DOOR", door.encode())
        return await client.request(asked.method, path, content=body, headers=headers)


def test_every_answer_is_the_routers(database: Database) -> None:
    async def scenario(world: World) -> None:
        application_id = await furnish(world)
        for number, (name, asked) in enumerate(ASKED.items()):
            first = await answer_of(world.bell, asked, application_id, f"{number}-door1")
            routed = await answer_of(world.bell._api, asked, application_id, f"{number}-door2")
            assert first.status_code == routed.status_code, name
            assert first.headers.raw == routed.headers.raw, name
            ends = [it.content.replace(b"door2", b"door1") for it in (first, routed)]
            assert OURS.sub(b"", ends[0]) == OURS.sub(b"", ends[1]), name

    in_world(database, scenario)


@pytest.mark.parametrize(
    "asked", ["", "?with_content=true", "?with_content=false", "?with_content=0", "?with_content=No"]
)
def test_what_comes_again_under_its_key_is_answered_as_the_first_time(database: Database, asked: str) -> None:
    async def scenario(world: World) -> None:
        await furnish(world)
        headers = {**world.client.headers, "Idempotency-Key": "k-1"}
        url = f"{API}/app/a/msg{asked}"
        first, again = [await world.client.post(url, content=GOOD, headers=headers) for _ in range(2)]
        assert first.content == again.content
        assert (b'"payload":{}' in first.content) == (asked.lower().endswith(("false", "0", "no")))
        assert again.headers["idempotency-replayed"] == "true"

    in_world(database, scenario)


async def no_router(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("the router was asked")


def test_what_is_in_order_and_what_comes_again_never_reaches_the_router(database: Database) -> None:
    async def scenario(world: World) -> None:
        application_id = await furnish(world)
        door = Posts(no_router, world.bell._api.state.parts)
        names = (
            "in order",
            "by id",
            "with an event id",
            "as no JSON",
            "tags",
            "without content",
            "with an idempotency key",
        )
        for name in (*names, "with an idempotency key", "an idempotency key that is used again"):
            assert (await answer_of(door, ASKED[name], application_id, "door1")).status_code == 202, name
        refused = await answer_of(door, ASKED["an idempotency key of another request"], application_id, "door1")
        assert refused.status_code == 422
        assert len((await world.ask("GET", "/app/a/msg"))["data"]) == 1 + len(names)

    in_world(database, scenario)


def test_a_message_is_kept_byte_for_byte_and_sent_at_once(database: Database) -> None:
    async def scenario(world: World) -> None:
        await furnish(world)
        answer = await world.client.post(f"{API}/app/a/msg", content=GOOD)
        assert b'"payload":{"a": [1.50, "\\u00e9"], "b":null}' in answer.content
        again = await world.client.get(f"{API}/app/a/msg/{answer.json()['id']}")
        assert again.content == answer.content
        assert (await world.ask("GET", "/app/a/delivery"))["data"][0]["msgId"] == answer.json()["id"]

    in_world(database, scenario)


def test_of_many_at_once_under_one_key_all_are_answered_alike(database: Database) -> None:
    async def scenario(world: World) -> None:
        await furnish(world)
        headers = {**world.client.headers, "Idempotency-Key": "k-1"}
        asked = (world.client.post(f"{API}/app/a/msg", content=GOOD, headers=headers) for _ in range(12))
        answers = await asyncio.gather(*asked)
        assert {it.status_code for it in answers} == {202}
        assert len({it.content for it in answers}) == 1
        assert sum("idempotency-replayed" in it.headers for it in answers) == 11
        assert len((await world.ask("GET", "/app/a/msg"))["data"]) == 2

    in_world(database, scenario)


def test_a_body_may_come_in_pieces(database: Database) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(GOOD), 7):
            yield GOOD[at : at + 7]

    async def scenario(world: World) -> None:
        await furnish(world)
        assert (await world.client.post(f"{API}/app/a/msg", content=pieces())).status_code == 202
        assert (await world.client.post(f"{API}/app/nobody/msg", content=pieces())).status_code == 404

    in_world(database, scenario)


@pytest.mark.parametrize("path", ["/app/a/msg", "/app/a/endpoint"])
def test_a_client_that_goes_away_posts_nothing_and_is_no_failure(database: Database, path: str) -> None:
    async def scenario(world: World) -> None:
        await furnish(world)
        events = [{"type": "http.disconnect"}, {"type": "http.request", "body": GOOD[:20], "more_body": True}]
        sent: list[object] = []

        async def receive() -> dict[str, Any]:
            return events.pop()

        async def send(event: object) -> None:
            sent.append(event)

        headers = [(b"authorization", f"Bearer {KEY}".encode())]
        scope = {"type": "http", "method": "POST", "path": API + path, "query_string": b"", "headers": headers}
        await world.bell(scope, receive, send)
        assert sent == []
        assert len((await world.ask("GET", "/app/a/msg"))["data"]) == 1

    in_world(database, scenario)


def test_mounted_under_a_path_it_is_the_same(database: Database) -> None:
    async def scenario(world: World) -> None:
        application_id = await furnish(world)
        door = Posts(no_router, world.bell._api.state.parts)

        async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
            under = {**scope, "root_path": "/pay", "path": "/pay" + scope["path"]}
            assert is_post(under, scope["path"])
            await door(under, receive, send)

        assert (await answer_of(mounted, ASKED["in order"], application_id, "door1")).status_code == 202

    in_world(database, scenario)
