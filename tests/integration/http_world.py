"""A scripted server on loopback and a sender that may reach it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Self

import msgspec

from paybell.clock import Clock, SystemClock
from paybell.model.delivery import Failed, Outcome
from paybell.ports import Sending
from paybell.testing.listening import close
from paybell.transports import HttpSender, HttpSenderConfig
from paybell.transports.dial import Resolver
from paybell.transports.tls import NewContext

LOOPBACK = (ip_network("127.0.0.0/8"),)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Script = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One accepted connection, as the server's script sees it."""

    def __init__(self, no: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.no, self.reader, self.writer = no, reader, writer

    async def request(self) -> bytes:
        """Read one whole request; IncompleteReadError when the client has gone."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        return head + await self.reader.readexactly(length)

    async def serve(self, answer: bytes) -> None:
        """Answer every request alike."""
        while True:
            await self.request()
            self.writer.write(answer)


class World(AsyncExitStack):
    """A server that follows a script, and a sender that may reach it."""

    def __init__(
        self,
        script: Script,
        config: HttpSenderConfig | None = None,
        *,
        resolver: Resolver | None = None,
        server_tls: ssl.SSLContext | None = None,
        client_tls: NewContext = ssl.create_default_context,
        clock: Clock | None = None,
    ) -> None:
        super().__init__()
        self.script, self.server_tls = script, server_tls
        self.connections: list[Peer] = []
        self.gone = asyncio.Event()
        config = config or HttpSenderConfig(allowed_networks=LOOPBACK)
        self.sender = HttpSender(clock or SystemClock(), config, new_tls_context=client_tls, resolver=resolver)

    async def __aenter__(self) -> Self:
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.server_tls, limit=2**20, backlog=4_096
        )
        self.push_async_callback(self._stop, server)
        self.port = int(server.sockets[0].getsockname()[1])
        return self

    async def _stop(self, server: asyncio.Server) -> None:
        await self.sender.close()
        await close(server)
        for peer in self.connections:
            peer.writer.transport.abort()  # where TLS waits for the other side's farewell, too
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(len(self.connections) + 1, reader, writer)
        self.connections.append(peer)
        try:
            await self.script(peer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.gone.set()
            writer.close()

    async def send(self, **changes: object) -> Outcome:
        plain = Sending(
            pool="ep_1",
            url=f"http://127.0.0.1:{self.port}/hook",
            headers=(("content-type", "application/json"),),
            body=b'{"a":1}',
            timeout_s=5,
        )
        return await self.sender.send(msgspec.structs.replace(plain, **changes))


async def ok(peer: Peer) -> None:
    await peer.serve(OK)


def failed(outcome: Outcome, phase: str, words: str = "") -> None:
    assert isinstance(outcome, Failed)
    assert (outcome.phase, words in outcome.reason) == (phase, True), outcome


def resolver_of(*addresses: str) -> Resolver:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolver
