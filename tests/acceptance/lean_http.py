"""Requests over kept-alive connections, and nothing else: a client that costs less than the server it drives."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import urlsplit

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Poster:
    """Connections to each host and port, kept while they answer."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._free: dict[str, list[Connection]] = defaultdict(list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The answer's status code; ``OSError`` (``TimeoutError`` too) when there is none."""
        return (await self.ask("POST", url, body, headers))[0]

    async def ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """The answer's status code and body; ``OSError`` where there is none."""
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        lines = [f"{method} {target} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        async with asyncio.timeout(self._timeout_s):
            free = self._free[parts.netloc]
            connection = free.pop() if free else await asyncio.open_connection(parts.hostname, parts.port)
            try:
                answer = await self._exchange(connection, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            except BaseException:
                connection[1].transport.abort()
                raise
            free.append(connection)
            return answer

    async def _exchange(self, connection: Connection, request: bytes) -> tuple[int, bytes]:
        reader, writer = connection
        writer.write(request)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await reader.readexactly(int(lengths[0].partition(b":")[2]))
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the answer broke off") from error
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        for connections in self._free.values():
            for _, writer in connections:
                writer.transport.abort()
