"""One endpoint's trouble is its own: a hundred endpoints, a third of them in every kind of it."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from benchmarks import isolation
from benchmarks.options import Options
from paybell.testing.receiver import Receiver
from paybell.testing.trouble import MIX, Trouble, mixed
from tests.acceptance.world import KEY, Server, eventually
from tests.databases import Database

RATE = 100
COUNT = 100
ROUNDS = 6
pytestmark = pytest.mark.alone


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
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            receiver = await enter(Receiver())
            trouble = await enter(Trouble())
            kinds, bad = zip(*mixed(trouble.urls), strict=True)
            headers = {"authorization": f"Bearer {KEY}"}
            limits = httpx.Limits(max_connections=50)
            api = await enter(
                httpx.AsyncClient(base_url=f"{server.url}/api/v1", headers=headers, limits=limits, timeout=30)
            )
            urls = [*bad, *[receiver.url] * (COUNT - len(bad))]
            apps = [await subscribed(api, number, url) for number, url in enumerate(urls)]
            accepted = await load(api, apps)
            assert accepted == dict.fromkeys(apps, ROUNDS)
            healthy = apps[len(bad) :]
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
                assert (await state(len(bad) + number))["breaker"] == "closed"
            for kind, phase in (
                ("hang", "deadline"),
                ("refuse", "connect"),
                ("drip", "deadline"),
                ("stall", "deadline"),
            ):
                number = kinds.index(kind)
                tried: list[dict[str, Any]] = await eventually(tries(number))
                assert all(it["error"].startswith(f"{phase}: ") for it in tried), (kind, tried[0]["error"])
                assert (await state(number))["failingSince"] is not None
            assert {it["statusText"] for it in await attempts(kinds.index("flood"))} == {"success"}
            assert trouble.busy.count <= ROUNDS
            assert (await state(kinds.index("busy")))["pausedUntil"] is not None
            assert trouble.peak("hang") <= MIX["hang"] * ROUNDS
            for number in range(MIX["hang"]):
                assert (await state(number))["concurrency"] < 64

    with Server(database, PAYBELL_DELIVERY_TIMEOUT_S="2") as server:
        asyncio.run(scenario(server))


@pytest.mark.long
@pytest.mark.parametrize(("kind", "growth_max_mb"), [("sqlite", 80), ("postgres", 16)])
def test_at_300_a_second_for_a_minute_nothing_is_lost_and_memory_stays(kind: str, growth_max_mb: int) -> None:
    """A run of the benchmark, without its judgement of time: that is the machine's. SQLite keeps 64 MB of pages."""
    options = Options(rate=300, seconds=60, connections=64, saturate=False, database=kind)
    outcome = isolation.measure(options, troubled=True)
    assert outcome.books.balanced, outcome.figures
    assert outcome.memory.growth <= growth_max_mb * 1e6, outcome.figures
