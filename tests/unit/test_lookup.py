"""Name look-ups with a name server that answers when the test lets it."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from paybell.transports.lookup import Lookups


class NameServer:
    """Holds back the answers for hosts named ``slow…`` until they are released; knows who was asked for."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.asked: list[str] = []
        self.released = threading.Event()
        self._came = asyncio.Event()

    def look_up(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        self.loop.call_soon_threadsafe(self._came.set)
        if host.startswith("slow"):
            assert self.released.wait(30)
        if host.startswith("none"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [f"198.51.100.{port}"]

    async def wait_until_asked(self, count: int) -> None:
        while len(self.asked) < count:
            await self._came.wait()
            self._came.clear()


def run(scenario: Callable[[NameServer], Awaitable[None]]) -> None:
    async def main() -> None:
        problems: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["message"]))
        server = NameServer()
        try:
            async with asyncio.timeout(30):
                await scenario(server)
        finally:
            server.released.set()
        assert not problems

    asyncio.run(main())


def start(lookups: Lookups, *hosts: str, port: int = 7) -> list[asyncio.Task[Sequence[str]]]:
    return [asyncio.create_task(lookups(host, port)) for host in hosts]


async def blocked(tasks: Sequence[asyncio.Task[Sequence[str]]]) -> bool:
    return not (await asyncio.wait(tasks, timeout=0))[0]


def test_a_name_that_does_not_resolve_in_time_delays_no_other() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=2, look_up=server.look_up)
        waiting = start(lookups, *["slow.example"] * 50)
        await server.wait_until_asked(1)
        for number in range(20):
            assert await lookups(f"quick-{number}.example", number) == [f"198.51.100.{number}"]
        assert await blocked(waiting)
        server.released.set()
        assert await asyncio.gather(*waiting) == [["198.51.100.7"]] * 50
        assert server.asked.count("slow.example") == 1

    run(scenario)


def test_nothing_is_remembered_of_an_answer() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=2, look_up=server.look_up)
        assert await lookups("quick.example", 1) == ["198.51.100.1"]
        assert await lookups("quick.example", 2) == ["198.51.100.2"]
        assert await lookups("quick.example", 2) == ["198.51.100.2"]
        assert len(server.asked) == 3

    run(scenario)


def test_no_more_threads_than_allowed() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=3, look_up=server.look_up)
        waiting = start(lookups, *(f"slow-{number}.example" for number in range(10)))
        late = start(lookups, "quick.example")
        await server.wait_until_asked(3)
        assert await blocked([*waiting, *late])
        assert server.asked == ["slow-0.example", "slow-1.example", "slow-2.example"]
        server.released.set()
        assert len(await asyncio.gather(*waiting, *late)) == 11
        assert len(server.asked) == 11

    run(scenario)


def test_names_that_were_slow_before_share_a_quarter_of_the_threads() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=4, slow_s=-1.0, look_up=server.look_up)  # every answer counts as slow
        names = [f"slow-{number}.example" for number in range(6)]
        server.released.set()
        await asyncio.gather(*start(lookups, *names))
        server.released.clear()
        waiting = start(lookups, *names)
        await server.wait_until_asked(7)
        assert await lookups("quick.example", 7) == ["198.51.100.7"]
        assert await blocked(waiting)
        assert len(server.asked) == 8
        server.released.set()
        await asyncio.gather(*waiting)

    run(scenario)


def test_slow_and_other_names_together_stay_within_the_limit() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=2, slow_s=-1.0, look_up=server.look_up)
        server.released.set()
        await lookups("slow-old.example", 7)
        server.released.clear()
        waiting = start(lookups, "slow-old.example", "slow-new-1.example", "slow-new-2.example")
        await server.wait_until_asked(3)
        assert await blocked(waiting)
        assert server.asked[1:] == ["slow-old.example", "slow-new-1.example"]
        server.released.set()
        await asyncio.gather(*waiting)

    run(scenario)


def test_a_name_that_is_quick_again_is_free_again() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=2, slow_s=30.0, look_up=server.look_up)
        for host in ("slow-0.example", "slow-1.example"):
            lookups._slow_hosts[host] = None
        server.released.set()
        await asyncio.gather(*start(lookups, "slow-0.example", "slow-1.example"))
        server.released.clear()
        waiting = start(lookups, "slow-0.example", "slow-1.example")
        await server.wait_until_asked(4)  # both at once
        server.released.set()
        await asyncio.gather(*waiting)

    run(scenario)


def test_an_error_reaches_all_who_asked() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=2, look_up=server.look_up)
        for task in start(lookups, "none.example", "none.example"):
            with pytest.raises(socket.gaierror, match="not known"):
                await task
        assert server.asked == ["none.example"]

    run(scenario)


def test_who_gives_up_leaves_the_look_up_to_the_others() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=1, look_up=server.look_up)
        hasty, patient = start(lookups, "slow.example", "slow.example")
        await server.wait_until_asked(1)
        hasty.cancel()
        server.released.set()
        assert await patient == ["198.51.100.7"]
        assert hasty.cancelled()

    run(scenario)


def test_what_nobody_waits_for_any_more_is_not_looked_up() -> None:
    async def scenario(server: NameServer) -> None:
        lookups = Lookups(threads_max=1, look_up=server.look_up)
        first, second, third = start(lookups, "slow.example", "gone.example", "quick.example")
        await server.wait_until_asked(1)
        second.cancel()
        await asyncio.wait([second])
        server.released.set()
        await asyncio.gather(first, third)
        assert server.asked == ["slow.example", "quick.example"]
        assert await lookups("gone.example", 7) == ["198.51.100.7"]

    run(scenario)


def test_the_process_ends_while_a_name_is_looked_up() -> None:
    program = """
import asyncio, threading
from paybell.transports.lookup import Lookups

async def main():
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    def look_up(host, port):
        loop.call_soon_threadsafe(begun.set)
        threading.Event().wait()
    waiting = asyncio.create_task(Lookups(threads_max=1, look_up=look_up)("slow.example", 7))
    await begun.wait()
    waiting.cancel()

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=20, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
