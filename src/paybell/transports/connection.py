"""One connection: a request out, its answer in, one at a time."""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from msgspec import Struct

from paybell.model.delivery import Failed
from paybell.transports.answer import AnswerReader, Garbled, RawAnswer
from paybell.transports.reasons import words

_TICK_S = 0.001
"""Timers may fire this much early: uvloop counts in milliseconds."""


class Closed(Struct, frozen=True):
    """The peer closed before its answer was over. ``answer_begun`` is whether any byte of one had come.

    ``phase`` as in :class:`~paybell.model.delivery.Failed`: TLS 1.3 tells only after its handshake that the server
    does not take the client's certificate, or misses one.
    """

    reason: str
    answer_begun: bool
    phase: str = "answer"


Reply = RawAnswer | Closed | Failed


class Connection(asyncio.Protocol):
    """A connection of one pool. It drops itself whenever it cannot carry another request.

    One timer serves the deadline of each request and the idle time between them: it stays armed, and looks when it
    fires what it is needed for now. Arming and cancelling one for each request costs more than reading the answer.
    """

    __slots__ = (
        "_deadline",
        "_future",
        "_idle_until",
        "_loop",
        "_on_gone",
        "_reader",
        "_timeout_s",
        "_timer",
        "_timer_at",
        "_transport",
        "closed",
        "opened_at",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, on_gone: Callable[["Connection"], None]) -> None:
        """``on_gone`` is called once, when the connection can carry no more requests."""
        self._loop = loop
        self._on_gone = on_gone
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._future: asyncio.Future[Reply] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._idle_until = self._timer_at = self._timeout_s = 0.0
        self.opened_at = loop.time()
        self.closed = False

    def ask(self, request: bytes, *, answer_bytes_max: int, deadline: float, timeout_s: float) -> asyncio.Future[Reply]:
        """Write ``request``; the future never raises. ``deadline`` is on the loop's clock."""
        future: asyncio.Future[Reply] = self._loop.create_future()
        if self.closed or self._transport is None:
            future.set_result(Closed("the connection was closed", answer_begun=False))
            return future
        self._future = future
        self._deadline = deadline
        self._timeout_s = timeout_s
        self._reader.start(answer_bytes_max)
        if self._timer is None or deadline < self._timer_at:
            self._arm(deadline)
        self._transport.write(request)
        return future

    def rest(self, until: float) -> None:
        """Wait unused for the next request, at most ``until`` (loop time)."""
        self._idle_until = until
        if self._timer is None or until < self._timer_at:
            self._arm(until)

    def is_fresh(self, now: float) -> bool:
        """Whether a request may still be written to it."""
        return not self.closed and now < self._idle_until

    @property
    def unwritten_bytes(self) -> int:
        """Bytes of the last request that the peer has not taken, though it may have answered."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def drop(self) -> None:
        """Close at once, without waiting for the peer; a request under way ends as closed."""
        if self._transport is not None:
            self._transport.abort()
        self._go("the sender closed the connection")

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket (and TLS) is ready."""
        # uvloop's transport is one in all but its class, so there is nothing to ask it.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer; bytes that nobody asked for end the connection."""
        if self._future is None:
            self.drop()
            return
        reading = self._reader.feed(data)
        if reading is None:
            return
        if isinstance(reading, Garbled):
            self._finish(Failed(phase="answer", reason=reading.reason))
            self.drop()
            return
        self._finish(reading)
        if not reading.reusable:
            self.drop()

    def eof_received(self) -> bool:
        """The peer will send no more; the transport closes itself."""
        self._hear_end("the endpoint closed the connection before its answer was over")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if exc is None:
            self._hear_end("the endpoint closed the connection before its answer was over")
        elif isinstance(exc, ssl.SSLError):
            self._go(f"TLS ended before the answer was over: {words(exc)}", phase="tls")
        else:
            self._go(f"the connection broke before the answer was over ({words(exc)})")

    def _hear_end(self, reason: str) -> None:
        reading = self._reader.end() if self._future is not None else None
        if isinstance(reading, RawAnswer):
            self._finish(reading)
        self._go(reason)

    def _go(self, reason: str, phase: str = "answer") -> None:
        """The end, whoever brought it about; only the first call counts."""
        if self.closed:
            return
        self.closed = True
        self._reader.close()
        self._finish(Closed(reason, answer_begun=self._reader.wire_bytes > 0, phase=phase))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_gone(self)

    def _finish(self, reply: Reply) -> None:
        future, self._future = self._future, None
        if future is not None and not future.done():
            future.set_result(reply)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        due_at = self._deadline if self._future is not None else self._idle_until
        if due_at - self._loop.time() > _TICK_S:
            self._arm(due_at)
            return
        self._finish(Failed(phase="deadline", reason=f"no whole answer within {self._timeout_s:g} s"))
        self.drop()
