"""What comes and goes in one piece is what ASGI's messages make, byte for byte, and leaves its connection alike."""

import asyncio
import gc
import re
from collections.abc import MutableMapping
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from paybell.web.api.edge import Edge
from paybell.web.ingest import Receive, Scope, Send
from paybell.web.whole import WHOLE, answered_whole, whole_body
from tests.integration.serving import serving

BODY = b'{"id":"msg_1"}'
FIELDS = b"content-length: %d\r\ncontent-type: application/json\r\n" % len(BODY)
ONE = b"POST /%b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
LAST = b"POST /%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
OLD = b"POST /%b HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}"
DATE = re.compile(rb"date: [^\r]*")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers ``/whole`` in one piece and ``/apart`` in two."""
    await receive()
    if scope["path"] == "/whole":
        assert answered_whole(scope, 202, FIELDS, BODY)
        return
    headers = [tuple(line.split(b": ")) for line in FIELDS.splitlines()]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    assert not answered_whole(scope, 202, FIELDS, BODY), "it is answered already"
    await send({"type": "http.response.body", "body": BODY})


class Bodies:
    """Tells each body, as it is when the request is handed on and as it is received."""

    def __init__(self) -> None:
        self.was_asked = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers any path."""
        self.was_asked.set()
        whole, received, more = whole_body(scope), b"", True
        while more:
            event = await receive()
            received, more = received + event["body"], event["more_body"]
        told = b"%r %r\n" % (whole, received)
        headers = [(b"content-length", b"%d" % len(told))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": told})


async def asked(port: int, *requests: bytes) -> bytes:
    """All that is answered to requests that are sent at once; the last one asks for an end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests))
    answers = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return DATE.sub(b"date: now", answers)


@pytest.mark.parametrize("requests", [(LAST,), (OLD,), (ONE, LAST), (ONE, ONE, ONE, LAST)])
def test_both_ways_say_the_same(requests: tuple[bytes, ...]) -> None:
    async def scenario() -> None:
        async with serving(app) as port:
            whole, apart = [await asked(port, *(it % name for it in requests)) for name in (b"whole", b"apart")]
            assert whole == apart
            assert whole.count(BODY) == len(requests)

    asyncio.run(scenario())


def test_both_ways_follow_each_other_on_a_connection() -> None:
    async def scenario() -> None:
        async with serving(app) as port:
            answers = await asked(port, ONE % b"whole", ONE % b"apart", ONE % b"whole", LAST % b"apart")
            assert answers.count(b"HTTP/1.1 202 Accepted") == answers.count(BODY) == 4

    asyncio.run(scenario())


def test_a_server_that_does_not_offer_it_is_answered_by_messages() -> None:
    assert not answered_whole({"type": "http"}, 202, FIELDS, BODY)


@pytest.mark.parametrize("count", [0, 3])
def test_a_body_that_came_with_its_head_is_told_with_the_request(count: int) -> None:
    async def scenario() -> None:
        async with serving(Bodies()) as port:
            answers = await asked(port, *[ONE % b"x"] * count, LAST % b"x")
            assert answers.count(b"b'{}' b'{}'\n") == count + 1

    asyncio.run(scenario())


def test_a_request_without_a_body_is_whole_with_its_head() -> None:
    async def scenario() -> None:
        async with serving(Bodies()) as port:
            answer = await asked(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert answer.endswith(b"\r\n\r\nb'' b''\n")

    asyncio.run(scenario())


def test_a_body_that_comes_later_is_received_only() -> None:
    async def scenario() -> None:
        bodies = Bodies()
        async with serving(bodies) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head, _, body = (LAST % b"x").partition(b"\r\n\r\n")
            writer.write(head + b"\r\n\r\n" + body[:1])
            await bodies.was_asked.wait()
            writer.write(body[1:])
            assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"None b'{}'\n")
            writer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("size", "status"), [(1_048_576, 200), (1_048_577, 413)])
def test_a_whole_body_has_the_limit_of_others(size: int, status: int) -> None:
    class Offer:
        body = b"x" * size

    async def scenario() -> None:
        sent: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": Offer.body, "more_body": False}

        async def send(event: MutableMapping[str, Any]) -> None:
            sent.append(event.get("status", 0))

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "headers": [],
            "extensions": {WHOLE: {"offer": Offer()}},
        }
        await Edge(Bodies())(scope, receive, send)
        assert sent == [status, 0]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", [b"whole", b"apart"])
def test_a_request_that_is_over_is_gone_without_the_garbage_collector(name: bytes) -> None:
    async def scenario() -> None:
        async with serving(app) as port:
            before = sum(isinstance(it, RequestResponseCycle) for it in gc.get_objects())
            await asked(port, *[ONE % name] * 20, LAST % name)
            assert sum(isinstance(it, RequestResponseCycle) for it in gc.get_objects()) <= before + 1

    gc.collect()
    gc.disable()
    try:
        asyncio.run(scenario())
    finally:
        gc.enable()
