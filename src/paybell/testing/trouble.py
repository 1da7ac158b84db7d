"""Receivers in trouble, to see that it is theirs alone: they hang, refuse, drip, flood, stall in TLS or ask to wait.

In a test::

    async with Trouble() as trouble:
        ...                                      # let something post to trouble.urls["hang"]
        assert trouble.peak("hang") <= 64

As a process of its own: ``python -m paybell.testing.trouble`` prints the URLs as one line of JSON and serves until it
is told to stop.
"""

import asyncio
import json
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from types import TracebackType
from typing import Final, Self

from paybell.testing.listening import close
from paybell.testing.received import Reply
from paybell.testing.receiver import Receiver

MIX: Final[Mapping[str, int]] = {"hang": 20, "refuse": 10, "drip": 1, "flood": 1, "stall": 1, "busy": 1}
"""How many of a hundred endpoints are in which trouble."""
RETRY_AFTER_S: Final = 3600
FLOOD_BYTES: Final = 10_000_000_000
_HOST: Final = "127.0.0.1"
_DRIP: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Trouble:
    """One receiver of each kind, each at its own port."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        """Where each is, by its kind."""
        self.busy = Receiver(keep=False)
        """The one that answers 429 and asks for an hour."""
        self._open: Counter[str] = Counter()
        self._peaks: Counter[str] = Counter()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to listen, but where connections are refused."""
        for kind, serve in (("hang", _hang), ("drip", _drip), ("flood", _flood), ("stall", _hang)):
            server = await asyncio.start_server(self._counted(kind, serve), _HOST, 0, backlog=1024)
            self._stack.push_async_callback(close, server)
            scheme = "https" if kind == "stall" else "http"
            self.urls[kind] = f"{scheme}://{_HOST}:{server.sockets[0].getsockname()[1]}/"
        deaf = self._stack.enter_context(closing(socket.socket()))  # holds its port and does not listen
        deaf.bind((_HOST, 0))
        self.urls["refuse"] = f"http://{_HOST}:{deaf.getsockname()[1]}/"
        self.busy.script("/", Reply(status_code=429, headers=(("retry-after", str(RETRY_AFTER_S)),)))
        self.urls["busy"] = (await self._stack.enter_async_context(self.busy)).url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no longer."""
        await self._stack.aclose()

    def peak(self, kind: str) -> int:
        """How many connections one that hangs, drips, floods or stalls has had at most at once."""
        return self._peaks[kind]

    def _counted(self, kind: str, serve: Serve) -> Serve:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._open[kind] += 1
            self._peaks[kind] = max(self._peaks[kind], self._open[kind])
            try:
                await serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # a stream that was cancelled would be complained of when the loop closes
            finally:
                self._open[kind] -= 1
                writer.close()

        return connected


def mixed(urls: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Kind and URL of every endpoint of a hundred that is in trouble."""
    return [(kind, urls[kind]) for kind, count in MIX.items() for _ in range(count)]


async def _hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything and say nothing; where TLS was expected, stall in its handshake."""
    while await reader.read(65_536):
        pass


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte a second."""
    await reader.readuntil(b"\r\n\r\n")  # what comes before is no answer to anything
    for byte in _DRIP:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)


async def _flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer far more than anybody wants to know."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % FLOOD_BYTES)
    for _ in range(FLOOD_BYTES // 65_536):
        writer.write(bytes(65_536))
        await writer.drain()


async def serve() -> None:
    """Tell the URLs on standard output, and be in trouble until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Trouble() as trouble:
        sys.stdout.write(f"{json.dumps(trouble.urls)}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve())
