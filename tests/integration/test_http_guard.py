"""Where the HTTP sender connects to: the guard at work."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence

import pytest

from paybell.model.delivery import Answered
from paybell.transports import HttpSenderConfig
from paybell.transports.dial import by_turns
from tests.integration.http_world import LOOPBACK, World, failed, ok, resolver_of
from tests.loops import RUNNERS, Run


@pytest.fixture(params=list(RUNNERS))
def run(request: pytest.FixtureRequest) -> Run:
    """Each test on both event loops: they report a peer's end in different ways."""
    return RUNNERS[request.param]


def test_one_bad_address_refuses_the_host(run: Run) -> None:
    async def main() -> None:
        # 127.0.0.1 is allowed here and comes first; the second address alone refuses the host.
        async with World(ok, resolver=resolver_of("127.0.0.1", "10.0.0.1")) as world:
            failed(await world.send(url=f"http://hooks.example:{world.port}/"), "guard", "10.0.0.1")
            assert not world.connections

    run(main())


def test_a_name_is_connected_at_the_judged_address(run: Run) -> None:
    async def main() -> None:
        async with World(ok, resolver=resolver_of("127.0.0.1")) as world:
            assert isinstance(await world.send(url=f"http://hooks.example:{world.port}/"), Answered)

    run(main())


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/", "http://localhost:{}/", "http://[::ffff:127.0.0.1]:{}/"])
def test_loopback_is_closed_unless_allowed(run: Run, url: str) -> None:
    async def main() -> None:
        async with World(ok, HttpSenderConfig()) as world:
            failed(await world.send(url=url.format(world.port)), "guard", "not a public address")
            assert not world.connections

    run(main())


def test_a_second_address_is_tried_when_the_first_refuses(run: Run) -> None:
    async def main() -> None:
        # The server listens on 127.0.0.1 alone.
        async with World(ok, resolver=resolver_of("127.0.0.2", "127.0.0.1")) as world:
            assert isinstance(await world.send(url=f"http://hooks.example:{world.port}/"), Answered)

    run(main())


@contextlib.contextmanager
def deaf(address: str, port: int) -> Iterator[None]:
    """Somebody who takes no connection: the queue of those that wait for it is full."""
    with socket.create_server((address, port), backlog=0), socket.create_connection((address, port)):
        yield


def test_an_address_that_does_not_answer_delays_the_next_but_a_moment(run: Run) -> None:
    async def main() -> None:
        config = HttpSenderConfig(allowed_networks=LOOPBACK, connect_timeout_s=60, connect_stagger_s=0.01)
        addresses = resolver_of("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4")
        async with World(ok, config, resolver=addresses) as world:
            with deaf("127.0.0.2", world.port), deaf("127.0.0.3", world.port):
                url = f"http://hooks.example:{world.port}/"
                assert isinstance(await world.send(url=url, timeout_s=30), Answered)
                assert len(world.connections) == 1

    run(main())


def test_a_host_of_which_no_address_answers_is_a_failure_in_its_time(run: Run) -> None:
    async def main() -> None:
        config = HttpSenderConfig(allowed_networks=LOOPBACK, connect_timeout_s=0.1, connect_stagger_s=0.01)
        async with World(ok, config, resolver=resolver_of("127.0.0.2", "127.0.0.3")) as world:
            with deaf("127.0.0.2", world.port), deaf("127.0.0.3", world.port):
                url = f"http://hooks.example:{world.port}/"
                failed(await world.send(url=url), "connect", f"port {world.port}: no connection within 0.1 s")
                task = asyncio.create_task(world.send(url=url))
                await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    run(main())


def test_addresses_that_answer_at_once_are_not_raced(run: Run) -> None:
    async def main() -> None:
        async with World(ok, resolver=resolver_of("127.0.0.1", "127.0.0.1")) as world:
            for number in range(20):
                url = f"http://hooks-{number}.example:{world.port}/"
                assert isinstance(await world.send(url=url), Answered)
            assert len(world.connections) == 20

    run(main())


def test_families_take_turns() -> None:
    six, four = [f"2606:4700::{number}" for number in range(5)], ["1.1.1.1", "8.8.8.8"]
    assert by_turns([*six, *four])[:4] == [six[0], four[0], six[1], four[1]]
    assert by_turns([*four, *six]) == [four[0], six[0], four[1], *six[1:]]
    assert by_turns(four) == four
    assert by_turns(six[:1]) == six[:1]


def test_a_name_without_address_is_a_failure(run: Run) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        for resolver in (unknown, resolver_of()):
            async with World(ok, resolver=resolver) as world:
                failed(await world.send(url="http://hooks.example/"), "resolve", "hooks.example")

    run(main())
