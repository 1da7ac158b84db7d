"""The receiver's side of one HTTP/1.1 connection, on httptools' parser: about 15 µs of CPU per request."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

import httptools

from paybell.testing.received import Received, Reply

BODY_BYTES_MAX: Final = 4 << 20
_OK_CODE: Final = 200
_OK: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Owner(Protocol):
    """Who the connections belong to."""

    now: Callable[[], float]
    connections: set["Connection"]

    def take(self, received: Received) -> Reply:
        """Keep the request and say what to answer."""
        ...


class Connection(asyncio.Protocol):
    """Reads requests one after the other and answers each; meant for clients that do not pipeline."""

    def __init__(self, owner: Owner) -> None:
        """Belong to ``owner``."""
        self._owner = owner
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start reading."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._owner.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget the connection; a delayed reply finds it gone."""
        self._transport = None
        self._owner.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that are no HTTP end the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def close(self) -> None:
        """Drop the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """Forget the request before."""
        self._path = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Collect the path (it may come in pieces)."""
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body, up to the limit."""
        self._body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self.close()
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand the request over and answer it."""
        reply = self._owner.take(
            Received(
                arrived_s=self._owner.now(),
                method=self._parser.get_method().decode(),
                path=self._path.decode("latin-1"),
                headers=tuple(self._headers),
                body=b"".join(self._body),
            )
        )
        if reply.delay_s > 0:
            asyncio.get_running_loop().call_later(reply.delay_s, self._answer, reply)
        else:
            self._answer(reply)

    def _answer(self, reply: Reply) -> None:
        if reply.status_code == 0:
            self.close()
        elif self._transport is not None:
            self._transport.write(encode(reply))


def encode(reply: Reply) -> bytes:
    """The answer's bytes; the plain 200 costs nothing."""
    if reply.status_code == _OK_CODE and not reply.body and not reply.headers:
        return _OK
    lines = [f"HTTP/1.1 {reply.status_code} ", f"content-length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body
