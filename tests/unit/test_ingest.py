"""What of a URL reaches a gateway: the token in its path and, at most 2 KiB of it, what follows the question mark."""

import asyncio

import pytest

from paybell.model.notification import Answer, Request
from paybell.web.ingest import Ingest, IngestConfig


class Door:
    def __init__(self) -> None:
        self.seen: list[tuple[str, Request]] = []

    async def receive(self, source_name: str, request: Request) -> Answer:
        self.seen.append((source_name, request))
        return Answer()

    async def greet(self, source_name: str, request: Request) -> Answer | None:
        self.seen.append((source_name, request))
        return None


def asked(method: str, path: str, query: bytes, body: bytes = b"") -> list[tuple[str, Request]]:
    door = Door()

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def send(_: object) -> None:
        return None

    scope = {"method": method, "headers": [(b"x-a", b"1")], "query_string": query}
    asyncio.run(Ingest(door, IngestConfig())(scope, path, receive, send))
    return door.seen


def test_a_posts_query_is_handed_on_as_it_stood() -> None:
    ((name, request),) = asked("POST", "/in/shop/to%20ken", b"data.id=A%26B&type=payment", b"{}")
    assert name == "shop"
    assert request == Request(b"{}", ((b"x-a", b"1"),), "to ken", "data.id=A%26B&type=payment")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_longer_query_is_cut(method: str) -> None:
    ((_, request),) = asked(method, "/in/shop", b"q" * 3000)
    assert request.query == "q" * 2048


def test_a_get_without_a_query_asks_nothing() -> None:
    assert asked("GET", "/in/shop", b"") == []
    ((_, request),) = asked("POST", "/in/shop", b"")
    assert request.query == ""
