"""uvicorn's HTTP/1.1 protocol with limits on what comes before a request: the head's time and size, open connections.

uvicorn waits for ever for a head, reads one of any length, and takes any number of connections; a few hundred clients
that drip theirs would keep the honest ones out. Bodies have their limits in :mod:`paybell.web`.
"""

import asyncio
from typing import Any, ClassVar, Final, cast
from weakref import ref

from msgspec import Struct
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from paybell.web.whole import WHOLE

HEAD_BYTES_MAX: Final = 16_384
_LINGER_S: Final = 1.0
"""How long a refused client's bytes are read and dropped: closing on them at once would tear its answer away."""
_IN_BODY: Final = -(1 << 62)
"""Added to by any body, and still below zero."""
_HEADER_OVERHEAD_BYTES: Final = 4

_BAD_REQUEST: Final = (400, b'{"code":"bad_request","detail":"this is no HTTP/1.1 request"}', b"")
_TOO_SLOW: Final = (408, b'{"code":"timeout","detail":"the request head took too long to arrive"}', b"")
_TOO_LARGE: Final = (431, b'{"code":"head_too_large","detail":"the request head is too large"}', b"")
_FULL: Final = (
    503,
    b'{"code":"overloaded","detail":"too many connections; try again in a second"}',
    b"retry-after: 1\r\n",
)
_Refusal = tuple[int, bytes, bytes]


class HttpLimits(Struct, frozen=True, kw_only=True):
    """What a connection may take before its request is handed on."""

    header_timeout_s: float = 10.0
    """From the connection's opening, or from the first byte of a later request's head, to the head's end."""
    connections_max: int = 4096
    """Open connections; further ones are answered 503 and closed."""


class _HeadTooLarge(Exception):
    pass


class _OwnFields:
    """uvicorn's own header fields as bytes; it makes new ones each second."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def lines(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        """As they stand in an answer."""
        if fields is not self._fields:
            self._fields, self._lines = fields, b"".join(b"%b: %b\r\n" % field for field in fields)
        return self._lines


class _Whole:
    """A :class:`~paybell.web.whole.Whole`: what uvicorn does in two steps, for an answer that needs no look."""

    __slots__ = ("_asked", "_own_fields", "body")

    def __init__(self, asked: RequestResponseCycle, body: bytes | None, own_fields: _OwnFields) -> None:
        # Weak, since the cycle has the scope: what holds itself waits for the garbage collector, which stops all else.
        self._asked = ref(asked)
        self._own_fields = own_fields
        self.body = body

    def answer(self, status_code: int, fields: bytes, body: bytes) -> bool:
        cycle = self._asked()
        if cycle is None or cycle.disconnected or cycle.response_started or cycle.flow.write_paused:
            return False
        own = self._own_fields.lines(cycle.default_headers)
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        cycle.transport.write(b"".join((STATUS_LINE[status_code], own, fields, close, b"\r\n", body)))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class LimitedProtocol(HttpToolsProtocol):
    """One connection. What it adds to a request that comes in one piece is a few comparisons, and no timer."""

    limits: ClassVar[HttpLimits]
    own_fields: ClassVar[_OwnFields]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Bytes of a head that is not over yet (at most its chunk too many); 0 between requests, below 0 in a body.
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._refusal: _Refusal = _BAD_REQUEST
        self._refused = False
        self._draining = False
        self._rests_until = 0.0
        self._parsing = False
        self._begun: tuple[RequestResponseCycle, ASGI3Application] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the first head's time, or refuse a connection too many."""
        super().connection_made(cast("asyncio.Transport", transport))  # uvloop's is none by inheritance
        if len(self.connections) > self.limits.connections_max:
            self._refuse(_FULL, linger=False)
        else:
            self._head_timer = self.loop.call_later(self.limits.header_timeout_s, self._ring)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; hand on what it found; then see whether a head has begun that is not over."""
        if self._refused:
            return
        self._head_bytes += len(data)
        self._parsing = True
        super().data_received(data)
        self._parsing = False
        if self._begun is not None:
            begun, self._begun = self._begun, None
            self._start_asgi_task(*begun)
        if self._head_bytes and not self._refused:
            self._watch()

    def on_headers_complete(self) -> None:
        """The head is over: measure it (exactly, where its bytes may be too many) and hand the request on."""
        if self._head_bytes > HEAD_BYTES_MAX and self._measured() > HEAD_BYTES_MAX:
            self._refusal = _TOO_LARGE
            raise _HeadTooLarge  # the one way to stop the parser; uvicorn calls send_400_response
        self._head_bytes = _IN_BODY
        if self._head_timer is not None:
            self._stop_timer()
        super().on_headers_complete()
        if self._draining:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is over."""
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn has it, but for the timer of an unused connection: one for each request costs as much as its head.

        It stays armed, and looks when it fires whether the connection is still unused.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._rests_until = self.loop.time() + self.timeout_keep_alive
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_at(self._rests_until, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection, unless it is in use, or has been meanwhile."""
        self.timeout_keep_alive_task = None
        if self._head_bytes or _is_answering(self.cycle):
            return
        if self.loop.time() < self._rests_until:
            self.timeout_keep_alive_task = self.loop.call_at(self._rests_until, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def _unset_keepalive_if_required(self) -> None:
        pass  # it looks for itself

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature; its words are not ours
        """Refuse what the parser did not take."""
        self._refuse(self._refusal)

    def shutdown(self) -> None:
        """The server stops: end with the answer to what is being received, else at once."""
        if self._head_bytes > 0 and not self._refused:
            self._draining = True
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Hand a request on; not before all that was read with its head is parsed: most are whole by then."""
        if self._parsing:
            self._begun = cycle, app
            return
        body = None if cycle.more_body else bytes(cycle.body)
        cycle.scope["extensions"] = {WHOLE: {"offer": _Whole(cycle, body, self.own_fields)}}
        super()._start_asgi_task(cycle, app)

    def _measured(self) -> int:
        fields = sum(len(name) + len(value) + _HEADER_OVERHEAD_BYTES for name, value in self.headers)
        return len(self.url) + fields

    def _watch(self) -> None:
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(_TOO_LARGE)
        elif self._head_timer is None and (self._head_bytes > 0 or self.cycle.response_complete):
            # A head has begun; or a body still drips that was answered already, and uvicorn has stopped its own timer.
            self._head_timer = self.loop.call_later(self.limits.header_timeout_s, self._ring)

    def _ring(self) -> None:
        self._head_timer = None
        if self._refused:
            self.transport.abort()
        elif _is_answering(self.cycle):
            self.cycle.keep_alive = False  # it waits for this answer, which will be its last
        elif self._head_bytes > 0:
            self._refuse(_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, refusal: _Refusal, *, linger: bool = True) -> None:
        """Answer and close; a client that still sends is given a moment to read the answer."""
        self._refused = True
        self._stop_timer()
        status_code, body, extra = refusal
        fields = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
        self.transport.write(STATUS_LINE[status_code] + fields + extra + b"\r\n" + body)
        if linger and self.transport.can_write_eof():
            self.transport.write_eof()
            self._head_timer = self.loop.call_later(_LINGER_S, self._ring)
        else:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _is_answering(cycle: RequestResponseCycle | None) -> bool:
    return cycle is not None and not cycle.response_complete


def protocol_with(given: HttpLimits) -> type[LimitedProtocol]:
    """The class to give to uvicorn, which makes the connections itself."""

    class Limited(LimitedProtocol):
        limits = given
        own_fields = _OwnFields()

    return Limited
