"""Clients that drip, flood or hold connections, over real sockets: they are sent away, and honest ones are served."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from itertools import chain, repeat

import pytest

from paybell.testing.gateways import gateway
from tests.acceptance.world import Server, eventually
from tests.databases import Database

SECRET = "whsec_of_the_slow"
SLOW = 300
HEAD = b"POST /in/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
TIMEOUT_S = "1"


@pytest.fixture(scope="module")
def server(module_database: Database) -> Iterator[Server]:
    limits = {"PAYBELL_READ_TIMEOUT_S": TIMEOUT_S, "PAYBELL_HEADER_TIMEOUT_S": TIMEOUT_S}
    with Server(module_database, **limits) as it:
        it.source("stripe", "stripe", SECRET)
        yield it


class Client:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> int:
        self.writer.write(request)
        return await self.status_code()

    async def status_code(self) -> int:
        """Of the next answer; 0 when the server closes without one."""
        async with asyncio.timeout(20):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0
            length = next(line[15:] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await self.reader.readexactly(int(length))
            return int(head[9:12])

    async def drip(self, begun: bytes, drop: bytes, every_s: float) -> int:
        """Send a beginning, then one drop after the other until there is an answer."""
        answered = asyncio.ensure_future(self.status_code())
        for piece in chain([begun], repeat(drop)):
            self.writer.write(piece)
            if (await asyncio.wait([answered], timeout=every_s))[0]:
                return answered.result()
        raise AssertionError("the drops have run out")


Connect = Callable[[], Awaitable[Client]]


def run(server: Server, scenario: Callable[[Connect], Awaitable[None]]) -> None:
    """Run a scenario; what it connected is closed at the end."""

    async def main() -> None:
        async with AsyncExitStack() as stack:

            async def connect() -> Client:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                stack.push_async_callback(_close, writer)
                return Client(reader, writer)

            await scenario(connect)

    asyncio.run(main())


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def webhook(number: int) -> bytes:
    request = gateway("stripe").signed(
        "payment_intent.succeeded",
        payment_id=f"pi_{number}",
        secret=SECRET,
        at_s=int(time.time()),
        event_id=f"evt_{number}",
    )
    fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    head = f"POST /in/stripe HTTP/1.1\r\nhost: x\r\n{fields}content-length: {len(request.body)}\r\n\r\n"
    return head.encode() + request.body


@pytest.mark.alone
def test_an_honest_client_is_served_among_three_hundred_that_drip(server: Server) -> None:
    async def scenario(connect: Connect) -> None:
        honest = await connect()
        slow = [await connect() for _ in range(SLOW)]
        heads = [it.drip(HEAD + b"x-drop: ", b"o", 0.2) for it in slow[: SLOW // 2]]
        bodies = [it.drip(HEAD + b"\r\n", b"o", 0.2) for it in slow[SLOW // 2 :]]
        dripping = asyncio.gather(*heads, *bodies)
        longest_s, count = 0.0, 0
        while not dripping.done():
            count += 1
            asked_at = time.monotonic()
            assert await honest.ask(webhook(count)) == 200
            longest_s = max(longest_s, time.monotonic() - asked_at)
            await asyncio.wait([dripping], timeout=0.02)
        assert Counter(await dripping) == {408: SLOW}
        assert (
            await honest.ask(webhook(count + 1)) == 200
        )  # its connection has been open for longer than a head may take
        assert count > 10
        assert longest_s < 0.8

    run(server, scenario)


@pytest.mark.alone
def test_a_later_head_on_the_same_connection_has_the_same_time(server: Server) -> None:
    async def scenario(connect: Connect) -> None:
        client = await connect()
        assert await client.ask(webhook(1)) == 200
        begun_at = time.monotonic()
        assert await client.drip(b"POST /in/stri", b"p", 0.1) == 408
        assert time.monotonic() - begun_at < 5
        assert await client.reader.read() == b""

    run(server, scenario)


def test_bytes_that_begin_no_request_do_not_keep_a_connection_open(server: Server) -> None:
    async def scenario(connect: Connect) -> None:
        silent = await connect()
        blank = await connect()
        answers = await asyncio.gather(silent.status_code(), blank.drip(b"", b"\r\n", 0.1))
        assert answers == [0, 408]

    run(server, scenario)


@pytest.mark.parametrize(("size", "pieces"), [(17_000, 1), (17_000, 3), (1_000_000, 40)])
def test_a_head_over_sixteen_kibibytes_is_refused(server: Server, size: int, pieces: int) -> None:
    async def scenario(connect: Connect) -> None:
        client = await connect()
        head = HEAD + b"x-large: " + b"o" * size + b"\r\n\r\n"
        step = -(-len(head) // pieces)
        for start in range(0, len(head), step):
            client.writer.write(head[start : start + step])
            await client.writer.drain()
        assert await client.status_code() == 431
        assert await client.reader.read() == b""

    run(server, scenario)


def test_a_head_that_never_ends_is_refused_long_before_its_time(server: Server) -> None:
    async def scenario(connect: Connect) -> None:
        client = await connect()
        assert await client.drip(HEAD, b"x-more: " + b"o" * 3_000 + b"\r\n", 0.01) == 431

    run(server, scenario)


def test_a_large_body_in_one_piece_with_its_head_is_no_large_head(server: Server) -> None:
    async def scenario(connect: Connect) -> None:
        client = await connect()
        large = b"POST /in/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\n" + b"x" * 60_000
        fits = b"POST /in/stripe HTTP/1.1\r\nhost: x\r\nx-fits: " + b"o" * 16_000 + b"\r\ncontent-length: 0\r\n\r\n"
        assert await client.ask(large) == 401
        client.writer.write(large + large)  # the second one's head comes in the chunk of the first one's body
        assert [await client.status_code(), await client.status_code()] == [401, 401]
        assert await client.ask(fits) == 401

    run(server, scenario)


def test_a_connection_too_many_is_told_to_come_back(database: Database) -> None:
    with Server(database, PAYBELL_CONNECTIONS_MAX="10") as server:
        server.source("stripe", "stripe", SECRET)

        async def scenario(connect: Connect) -> None:
            held = [await connect() for _ in range(10)]
            late = await connect()
            assert b"\r\nretry-after: 1\r\n" in await asyncio.wait_for(late.reader.readuntil(b"\r\n\r\n"), 10)
            assert (await late.reader.read()).startswith(b'{"code":"overloaded"')
            for client in held:
                client.writer.close()

            async def served() -> bool:
                return await (await connect()).ask(webhook(1)) == 200

            await eventually(served)

        run(server, scenario)
