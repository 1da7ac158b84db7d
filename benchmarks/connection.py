"""One keep-alive connection of the load generator: writes a request, reads its answer, nothing else."""

import asyncio
from typing import Protocol, cast

import httptools


class Owner(Protocol):
    """Who a connection reports to."""

    def opened(self, connection: "Connection") -> None:
        """It is new, and can be used."""
        ...

    def answered(self, index: int, status: int) -> None:
        """Request ``index`` has its answer."""
        ...

    def ready(self, connection: "Connection") -> None:
        """It can be used again."""
        ...

    def closed(self, connection: "Connection", index: int | None) -> None:
        """It is gone, and with it request ``index`` (None for no request)."""
        ...


class Connection(asyncio.Protocol):
    """Not more than one request at a time."""

    __slots__ = ("_index", "_owner", "_parser", "_sent_s", "_transport", "timed_out")

    def __init__(self, owner: Owner) -> None:
        """Report to ``owner``."""
        self._owner = owner
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._index: int | None = None
        self._sent_s = 0.0
        self.timed_out = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report for duty."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._owner.opened(self)

    def send(self, index: int, request: bytes, now_s: float) -> None:
        """Write request ``index``."""
        self._index = index
        self._sent_s = now_s
        if self._transport is not None:
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is no HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.abort()

    def on_message_complete(self) -> None:
        """Report the answer, then be ready (or gone, if the server wants to close or nobody asked)."""
        index, self._index = self._index, None
        if index is not None:
            self._owner.answered(index, self._parser.get_status_code())
        if index is not None and self._parser.should_keep_alive():
            self._owner.ready(self)
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Report the loss."""
        self._owner.closed(self, self._index)

    def expire(self, latest_s: float) -> None:
        """Break off when the request under way was sent at or before ``latest_s``."""
        if self._index is not None and self._sent_s <= latest_s:
            self.timed_out = True
            self.abort()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
