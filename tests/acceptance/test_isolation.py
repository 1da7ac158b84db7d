"""One endpoint's trouble is its own: a hundred endpoints, a third of them in every kind of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from paybell.testing.received import Reply
from paybell.testing.receiver import Receiver
from tests.acceptance.world import KEY, Server, eventually, free_port
from tests.databases import Database

RATE = 100
COUNT = 100
ROUNDS = 6
HANGING, REFUSING = 20, 10
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
pytestmark = pytest.mark.alone


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything and say nothing."""
    while await reader.read(65_536):
        pass


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte a second."""
    await reader.readuntil(b"\r\n\r\n")  # what comes before is no answer to anything
    for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n":
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer without an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n")
    while True:
        writer.write(bytes(65_536))
        await writer.drain()


@asynccontextmanager
async def bad(serve: Serve, counts: Counter[str], scheme: str = "http") -> AsyncIterator[str]:
    """A server in trouble: where it is. ``counts`` says how many of its connections there are, at most at once."""
    name, now = serve.__name__, 0

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now
        now += 1
        counts[name] = max(counts[name], now)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            now -= 1
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()


async def subscribed(api: httpx.AsyncClient, number: int, url: str) -> str:
    """An application of its own with one endpoint; the application."""
    app = (await api.post("/app", json={"name": f"n{number}", "uid": f"n{number}"})).json()["id"]
    made = await api.post(f"/app/{app}/endpoint", json={"url": url, "uid": "e"})
    assert made.status_code == 201, made.text
    return str(app)


async def load(api: httpx.AsyncClient, apps: list[str]) -> Counter[str]:
    """Post to each in turn, open loop; how many were accepted, by application."""
    accepted: Counter[str] = Counter()

    async def post(app: str) -> None:
        answer = await api.post(f"/app/{app}/msg", json={"eventType": "order.paid", "payload": {"app": app}})
        assert answer.status_code == 202, answer.text
        accepted[app] += 1

    begun = asyncio.get_running_loop().time()
    posting = []
    for number in range(ROUNDS * len(apps)):
        await asyncio.sleep(begun + number / RATE - asyncio.get_running_loop().time())
        posting.append(asyncio.create_task(post(apps[number % len(apps)])))
    await asyncio.gather(*posting)
    return accepted


def test_healthy_endpoints_get_all_that_is_theirs_while_others_hang_refuse_drip_flood_and_stall(
    database: Database,
) -> None:
    async def scenario(server: Server) -> None:
        peaks: Counter[str] = Counter()
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            receiver = await enter(Receiver())
            busy = await enter(Receiver())
            busy.script("/", Reply(status_code=429, headers=(("retry-after", "3600"),)))
            hanging = await enter(bad(hang, peaks))
            trouble = [
                *[hanging] * HANGING,
                *[f"http://127.0.0.1:{free_port()}/"] * REFUSING,
                await enter(bad(drip, peaks)),
                await enter(bad(flood, peaks)),
                await enter(bad(hang, Counter(), "https")),
                busy.url,
            ]
            headers = {"authorization": f"Bearer {KEY}"}
            limits = httpx.Limits(max_connections=50)
            api = await enter(
                httpx.AsyncClient(base_url=f"{server.url}/api/v1", headers=headers, limits=limits, timeout=30)
            )
            urls = [*trouble, *[receiver.url] * (COUNT - len(trouble))]
            apps = [await subscribed(api, number, url) for number, url in enumerate(urls)]
            accepted = await load(api, apps)
            assert accepted == dict.fromkeys(apps, ROUNDS)
            healthy = apps[len(trouble) :]
            received = await receiver.wait_for(ROUNDS * len(healthy), 60)
            assert len({it.webhook_id for it in received}) == ROUNDS * len(healthy) == receiver.count

            async def state(number: int) -> dict[str, Any]:
                found: dict[str, Any] = (await api.get(f"/app/n{number}/endpoint/e/state")).json()
                return found

            async def attempts(number: int) -> list[dict[str, Any]]:
                found: list[dict[str, Any]] = (await api.get(f"/app/n{number}/attempt/endpoint/e")).json()["data"]
                return found

            def tries(number: int) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
                return lambda: attempts(number)

            for number in range(len(healthy)):
                assert (await state(len(trouble) + number))["breaker"] == "closed"
            drips, floods, stalls, slowed = range(HANGING + REFUSING, len(trouble))
            for number, phase in ((0, "deadline"), (HANGING, "connect"), (drips, "deadline"), (stalls, "deadline")):
                tried: list[dict[str, Any]] = await eventually(tries(number))
                assert all(it["error"].startswith(f"{phase}: ") for it in tried), (number, tried[0]["error"])
                assert (await state(number))["failingSince"] is not None
            assert {it["statusText"] for it in await attempts(floods)} == {"success"}
            assert busy.count <= ROUNDS
            assert (await state(slowed))["pausedUntil"] is not None
            assert peaks["hang"] <= HANGING * ROUNDS
            for number in range(HANGING):
                assert (await state(number))["concurrency"] < 64

    with Server(database, PAYBELL_DELIVERY_TIMEOUT_S="2") as server:
        asyncio.run(scenario(server))
