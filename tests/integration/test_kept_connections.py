"""An unused connection is closed when its time is over: not while it is used, and not sooner for having been used."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from paybell.cli.http_protocol import HttpLimits
from paybell.web.ingest import Receive, Scope, Send
from tests.integration.serving import serving
from tests.loops import Loop

KEPT_S = 75
ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


class Client:
    """One connection, and the time."""

    def __init__(self, loop: Loop, app: Slow, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.loop, self.app, self.reader, self.writer = loop, app, reader, writer

    async def ask(self) -> None:
        self.writer.write(ASKED)
        assert (await self.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")

    async def pass_by(self, seconds: float) -> bool:
        """Let time pass; whether the connection is still open then."""
        self.loop.ahead_s += seconds
        for _ in range(10):  # a timer fires, the transport closes, the socket tells, the reader hears
            await asyncio.sleep(0)
        return not self.reader.at_eof()


@contextlib.asynccontextmanager
async def connected(loop: Loop) -> AsyncIterator[Client]:
    app = Slow()
    async with serving(app, kept_s=KEPT_S, limits=HttpLimits(header_timeout_s=10)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        yield Client(loop, app, reader, writer)
        writer.close()


def run(scenario: Callable[[Client], Awaitable[None]]) -> None:
    loop = Loop()

    async def main() -> None:
        async with connected(loop) as client:
            await scenario(client)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())


def test_a_connection_is_kept_from_its_last_answer_on() -> None:
    async def scenario(client: Client) -> None:
        for _ in range(3):
            await client.ask()
            assert await client.pass_by(KEPT_S - 1)
        await client.ask()
        assert await client.pass_by(KEPT_S - 1)
        assert not await client.pass_by(2)

    run(scenario)


def test_a_connection_is_kept_while_an_answer_is_made() -> None:
    async def scenario(client: Client) -> None:
        await client.ask()
        client.app.may_answer.clear()
        asked = asyncio.ensure_future(client.ask())
        assert await client.pass_by(0)
        assert await client.pass_by(2 * KEPT_S)
        client.app.may_answer.set()
        await asked
        assert await client.pass_by(KEPT_S - 1)
        assert not await client.pass_by(2)

    run(scenario)


def test_a_head_that_begins_late_has_its_own_time() -> None:
    async def scenario(client: Client) -> None:
        await client.ask()
        assert await client.pass_by(KEPT_S - 1)
        client.writer.write(ASKED[:9])
        assert await client.pass_by(0)
        assert await client.pass_by(2), "its head has ten seconds"
        client.writer.write(ASKED[9:])
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await client.pass_by(KEPT_S - 1)
        assert not await client.pass_by(2)

    run(scenario)
