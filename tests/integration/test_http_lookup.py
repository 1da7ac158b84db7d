"""Names that do not resolve in time, as the sender meets them."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from paybell.model.delivery import Answered
from paybell.transports.lookup import Lookups
from tests.integration.http_world import World, failed, ok
from tests.loops import RUNNERS, Run


@pytest.fixture(params=RUNNERS)
def run(request: pytest.FixtureRequest) -> Run:
    return RUNNERS[request.param]


def test_endpoints_with_a_dead_name_server_delay_no_other_endpoint(run: Run) -> None:
    async def scenario() -> None:
        released, asked = threading.Event(), []

        def look_up(host: str, port: int) -> Sequence[str]:
            asked.append(host)
            if host.startswith("dead"):
                released.wait(30)
            return ["127.0.0.1"]

        lookups = Lookups(threads_max=64, look_up=look_up)
        async with World(ok, resolver=lookups) as world:
            dead = [
                asyncio.ensure_future(
                    world.send(pool=f"ep_{number}", url=f"http://dead-{number % 8}.example:{world.port}/", timeout_s=1)
                )
                for number in range(200)
            ]
            for number in range(20):
                sent = await world.send(pool="ep_live", url=f"http://live-{number}.example:{world.port}/")
                assert isinstance(sent, Answered)
            assert not any(it.done() for it in dead)
            for outcome in await asyncio.gather(*dead):
                failed(outcome, "deadline")
            assert len([host for host in asked if host.startswith("dead")]) == 8
            released.set()

    run(scenario())


def test_a_name_of_this_machine_is_found(run: Run) -> None:
    async def scenario() -> None:
        async with World(ok) as world:
            assert isinstance(await world.send(url=f"http://localhost:{world.port}/"), Answered)

    run(scenario())
