"""What failed leaves nothing behind: no descriptor, no task, no connection in memory."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.x509 import DNSName

from paybell.transports.connection import Connection
from tests.authority import Authority
from tests.integration.http_world import Peer, World, resolver_of
from tests.loops import RUNNERS, Run

TIMES = 40


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they close in different ways."""
    return RUNNERS[request.param]


async def stalls(peer: Peer) -> None:
    await peer.reader.read()


async def garbles(peer: Peer) -> None:
    await peer.reader.read(10)
    peer.writer.write(b"220 mail ready\r\n")
    await peer.reader.read()


async def hangs_up(peer: Peer) -> None:
    await peer.reader.read(10)


async def in_time(world: World, scheme: str) -> None:
    await world.send(url=f"{scheme}://hooks.example:{world.port}/", timeout_s=0.05)


async def cancelled(world: World, scheme: str) -> None:
    task = asyncio.create_task(world.send(url=f"{scheme}://hooks.example:{world.port}/", timeout_s=0.5))
    await asyncio.sleep(0.005)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("way", [in_time, cancelled])
@pytest.mark.parametrize("script", [stalls, garbles, hangs_up])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_failures_leave_nothing_behind(
    run: Run, script: Callable[[Peer], Awaitable[None]], scheme: str, way: Callable[[World, str], Awaitable[None]]
) -> None:
    async def main() -> None:
        async with World(script, resolver=resolver_of("127.0.0.1")) as world:
            before = held()
            await asyncio.gather(*[way(world, scheme) for _ in range(TIMES)])
            await settled(before)

    run(main())


def test_refused_certificates_leave_nothing_behind(run: Run, tmp_path: Path) -> None:
    tls = Authority().server(tmp_path, DNSName("hooks.example"))

    async def main() -> None:
        async with World(stalls, resolver=resolver_of("127.0.0.1"), server_tls=tls) as world:
            before = held()
            await asyncio.gather(*[world.send(url=f"https://hooks.example:{world.port}/") for _ in range(TIMES)])
            await settled(before)

    run(main())


def held() -> tuple[int, int]:
    """Connections that count as open, and descriptors."""
    gc.collect()
    lines = sum(1 for it in gc.get_objects() if type(it) is Connection and not it.closed)
    return lines, sum(1 for _ in Path("/proc/self/fd").iterdir())


async def settled(before: tuple[int, int]) -> None:
    """Both ends need some turns of the loop to let go."""
    for _ in range(200):
        lines, descriptors = held()
        if lines <= before[0] and descriptors <= before[1]:
            return
        await asyncio.sleep(0.01)
    raise AssertionError((held(), before))
