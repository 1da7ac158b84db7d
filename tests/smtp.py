"""A mail server for tests: speaks just enough SMTP to take mail, or to refuse it, and keeps what it took."""

import asyncio
import contextlib
import ssl
from collections import deque
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Self

from msgspec import Struct

from paybell.testing.listening import close


class Mail(Struct, frozen=True):
    """One mail as it came."""

    recipient: str
    content: bytes

    def read(self) -> EmailMessage:
        return BytesParser(EmailMessage, policy=default).parsebytes(self.content)


class MailServer:
    """Listens on loopback. Replies to a recipient are scripted, one each; after that all are taken.

    With ``context`` it offers STARTTLS, or with ``tls`` speaks TLS from the first byte.
    """

    def __init__(self, *replies: str, context: ssl.SSLContext | None = None, tls: bool = False) -> None:
        self._context, self._tls = context, tls
        self._replies = deque(replies)
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.came = asyncio.Event()
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0, ssl=self._context if self._tls else None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await close(self._server)
        await asyncio.gather(*self._serving)

    @property
    def url(self) -> str:
        return "{}://{}:{}".format("smtps" if self._tls else "smtp", *self._server.sockets[0].getsockname()[:2])

    async def wait_for(self, count: int) -> list[Mail]:
        """The first so many mails; TimeoutError after 20 s."""
        async with asyncio.timeout(20):
            while len(self.mails) < count:
                self.came.clear()
                await self.came.wait()
        return self.mails[:count]

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.create_task(self._serve_safely(reader, writer)))

    async def _serve_safely(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # whoever does not believe our certificate goes away
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 test.example\r\n")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            verb = line.partition(" ")[0].upper()
            reply = "250 as you wish"
            if verb == "EHLO" and self._context is not None:
                writer.write(b"250-test.example\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n")
            elif verb == "AUTH":
                reply = "235 welcome"
            elif verb == "STARTTLS" and self._context is not None:
                writer.write(b"220 go on\r\n")
                await writer.start_tls(self._context)
                continue
            elif verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                reply = self._replies.popleft() if self._replies else reply
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(Mail(recipient, content.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")))
                self.came.set()
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            writer.write(f"{reply}\r\n".encode())
            await writer.drain()
        writer.close()
        await writer.wait_closed()
