"""Where the HTTP sender connects to: the guard at work."""

import socket
from collections.abc import Sequence

import pytest

from paybell.model.delivery import Answered
from paybell.transports import HttpSenderConfig
from tests.integration.http_world import RUNNERS, Run, World, failed, ok, resolver_of


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


def test_a_name_without_address_is_a_failure(run: Run) -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def main() -> None:
        for resolver in (unknown, resolver_of()):
            async with World(ok, resolver=resolver) as world:
                failed(await world.send(url="http://hooks.example/"), "resolve", "hooks.example")

    run(main())
