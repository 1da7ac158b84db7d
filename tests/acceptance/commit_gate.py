"""A gate before PostgreSQL that reads what clients ask and are answered, and can end one of them at a commit."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Self
from urllib.parse import urlsplit

from tests.acceptance.mortal import Count, Moment

_TLS: Final = (80877103).to_bytes(4, "big")
"""A client that asks for TLS says this, where others give the version of the protocol."""
_IDLE: Final = b"I"
_LENGTH_BYTES: Final = 4


class Gate:
    """Listens on loopback; ``url`` is the database's through it.

    Source of the messages: PostgreSQL's documentation, "Frontend/Backend Protocol", "Message Formats".
    """

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.arm(None, lambda: None)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = self._to._replace(netloc=f"{self._to.username}@127.0.0.1:{port}").geturl()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def arm(self, moment: Moment | None, kill: Callable[[], None]) -> None:
        """Look out for that moment from now on."""
        self.count, self.kill = Count(moment, "postgres"), kill

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_connection(self._to.hostname, self._to.port)
        talk = Talk(self)
        try:
            back_writer.write(await _hello(reader, writer))
            ways = [talk.forth(reader, back_writer), talk.back(back_reader, writer)]
            tasks = [asyncio.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            back_writer.close()


class Talk:
    """One connection: what its transaction has asked so far."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._count = gate.count
        self._statements: dict[bytes, str] = {}
        self._asked: set[str] = set()
        self._status = _IDLE
        self._is_last = False

    async def forth(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what is asked, but not the commit before which the end comes."""
        async for kind, body in _messages(reader):
            if self._is_commit(kind, body):
                now, self._is_last = self._count.begin(self._asked)
                if now:
                    self._gate.kill()
                    return
            writer.write(_framed(kind, body))

    async def back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what is answered, but not to the commit after which the end comes."""
        async for kind, body in _messages(reader):
            if kind == b"Z":
                self._status = body
            if kind == b"Z" and body == _IDLE:
                if self._is_last:
                    self._gate.kill()
                    return
                self._asked.clear()
            writer.write(_framed(kind, body))

    def _is_commit(self, kind: bytes, body: bytes) -> bool:
        """Note what is asked; whether a transaction ends with it, where all goes well."""
        match kind:
            case b"P":
                name, sql, _ = body.split(b"\0", 2)
                self._statements[name] = self._count.name(sql.decode())
            case b"B":
                self._asked.add(self._statements.get(body.split(b"\0", 2)[1], ""))
            case b"Q":
                return self._status == _IDLE or body.startswith(b"COMMIT")
            case b"S":
                return self._status == _IDLE
            case _:
                pass
        return False


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """A client's first message, which has no kind; there is no TLS here."""
    while True:
        length = await reader.readexactly(_LENGTH_BYTES)
        body = await reader.readexactly(int.from_bytes(length, "big") - _LENGTH_BYTES)
        if body != _TLS:
            return length + body
        writer.write(b"N")


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(1 + _LENGTH_BYTES)
            yield head[:1], await reader.readexactly(int.from_bytes(head[1:], "big") - _LENGTH_BYTES)


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + _LENGTH_BYTES).to_bytes(4, "big") + body
