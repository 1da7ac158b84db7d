"""Two thousand endpoints at once on real sockets: each on connections of its own, and no more kept than allowed."""

import asyncio
import re
import resource
from collections.abc import Iterator

import pytest

from paybell.model.delivery import Answered
from paybell.transports import HttpSenderConfig
from tests.integration.http_world import LOOPBACK, OK, Peer, World
from tests.loops import RUNNERS, Run

ENDPOINTS = 2_000
KEPT_MAX = 300


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Both ends of every connection are this process's, which may have 1,024 open unless it asks for more."""
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(3 * ENDPOINTS, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("run", list(RUNNERS.values()), ids=list(RUNNERS))
def test_each_of_many_endpoints_has_connections_of_its_own_and_few_are_kept(run: Run) -> None:
    users: dict[int, set[bytes]] = {}
    open_now: set[int] = set()
    calm = asyncio.Event()

    async def script(peer: Peer) -> None:
        open_now.add(peer.no)
        try:
            while True:
                request = await peer.request()
                users.setdefault(peer.no, set()).update(re.findall(rb"x-endpoint: (\S+)", request))
                peer.writer.write(OK)
        finally:
            open_now.discard(peer.no)
            if len(open_now) <= KEPT_MAX:
                calm.set()

    async def main() -> None:
        config = HttpSenderConfig(allowed_networks=LOOPBACK, idle_connections_max=KEPT_MAX, connect_timeout_s=30)
        async with World(script, config) as world:

            async def send(number: int) -> None:
                endpoint = f"ep_{number}"
                answer = await world.send(pool=endpoint, headers=(("x-endpoint", endpoint),), timeout_s=30)
                assert answer == Answered(status_code=200, body=b"ok")

            for _ in range(3):
                calm.clear()
                await asyncio.gather(*map(send, range(ENDPOINTS)))
                assert len(world.sender._idle) == KEPT_MAX
                await asyncio.wait_for(calm.wait(), 20)
            for _ in range(2):
                for number in range(50):
                    await send(number)
            assert {len(it) for it in users.values()} == {1}
            assert 3 * ENDPOINTS - 2 * KEPT_MAX <= len(world.connections) <= 3 * ENDPOINTS + 50

    run(main())
