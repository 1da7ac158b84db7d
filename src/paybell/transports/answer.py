"""Reading one HTTP/1 answer from hostile bytes: it becomes a RawAnswer or a Garbled, and nothing is ever raised."""

from collections.abc import Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from msgspec import Struct

HEAD_BYTES_MAX: Final = 16_384
"""Status line and headers of an answer, with all interim answers before it."""
FRAMING_BYTES_MAX: Final = 65_536
"""Bytes beyond twice the body's limit that chunk sizes, chunk extensions and trailers may take."""
RETRY_AFTER_MAX_S: Final = 86_400.0
_INTERIM: Final = 200
_SWITCHING: Final = 101


class RawAnswer(Struct, frozen=True):
    """An answer as read. ``reusable`` is whether another request may follow on the connection."""

    status_code: int
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes
    reusable: bool


class Garbled(Struct, frozen=True):
    """Bytes that are no HTTP answer; ``reason`` in words, with none of the bytes."""

    reason: str


Reading = RawAnswer | Garbled


class AnswerReader:
    """Reads answers one after the other from one connection: ``start``, then ``feed`` until it returns something."""

    __slots__ = (
        "_answer",
        "_body",
        "_body_bytes_max",
        "_cut",
        "_extra",
        "_head_done",
        "_headers",
        "_parser",
        "_status_code",
        "wire_bytes",
    )

    def __init__(self) -> None:
        """A reader for a fresh connection."""
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self.start(0)

    def start(self, body_bytes_max: int) -> None:
        """Expect a new answer and keep at most that many bytes of its body."""
        self.wire_bytes = 0
        self._body_bytes_max = body_bytes_max
        self._status_code = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._head_done = self._cut = self._extra = False
        self._answer: RawAnswer | None = None

    def feed(self, data: bytes) -> Reading | None:
        """Take bytes as they come; None while the answer is not over."""
        room = self._room()
        return self._parse(data) if len(data) <= room else self._feed_long(data, room)

    def _room(self) -> int:
        """How many more bytes the parser is shown, so that what is read never depends on how the bytes were cut."""
        if not self._head_done:
            return HEAD_BYTES_MAX - self.wire_bytes
        return 2 * self._body_bytes_max + HEAD_BYTES_MAX + FRAMING_BYTES_MAX - self.wire_bytes

    def _feed_long(self, data: bytes, room: int) -> Reading | None:
        was_body = self._head_done
        reading = self._parse(data[:room])
        if isinstance(reading, RawAnswer):
            return RawAnswer(reading.status_code, reading.headers, reading.body, reusable=False)
        if reading is not None:
            return reading
        if not self._head_done:
            return Garbled(f"the answer's headers are longer than {HEAD_BYTES_MAX} bytes")
        return self._so_far() if was_body else self.feed(data[room:])

    def end(self) -> Reading | None:
        """The peer closed: the answer, when closing is how its body ends; None when it was cut off."""
        ends_by_closing = self._head_done and not any(_frames(name, value) for name, value in self._headers)
        return self._so_far() if ends_by_closing else None

    def close(self) -> None:
        """Let go of the parser, which holds on to the reader (a cycle that only the collector would find)."""
        self._parser = None

    def _parse(self, data: bytes) -> Reading | None:
        if self._parser is None:
            return Garbled("the connection was closed")
        self.wire_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            if self._answer is None:
                return self._so_far() if self._cut else Garbled(f"not an HTTP/1.1 answer ({type(error).__name__})")
            self._extra = True
        if self._answer is None:
            return self._so_far() if self._cut else None
        return self._so_far() if self._extra or self._cut else self._answer

    def _so_far(self) -> RawAnswer:
        """The status counts although the body is cut: the endpoint has decided. The connection is of no more use."""
        return RawAnswer(self._status_code, self._headers, bytes(self._body), reusable=False)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Bytes after the answer's end that nobody asked for."""
        if self._answer is not None:
            self._extra = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers and unasked answers are skipped."""
        if not self._head_done and self._answer is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is over. An error raised here comes out of the parser as its own error."""
        if self._answer is None and self._parser is not None:
            self._status_code = self._parser.get_status_code()
            self._head_done = True
            if self._status_code < 100:  # noqa: PLR2004 - RFC 9110 section 15
                raise ValueError(self._status_code)

    def on_body(self, data: bytes) -> None:
        """A piece of the body, without chunk framing."""
        if self._answer is None and not self._cut:
            self._body += data
            if len(self._body) > self._body_bytes_max:
                del self._body[self._body_bytes_max :]
                self._cut = True

    def on_message_complete(self) -> None:
        """The answer is over, or an interim one is, which says nothing yet."""
        if self._answer is not None or self._parser is None:
            return
        if self._status_code < _INTERIM and self._status_code != _SWITCHING:
            self._head_done = False
            self._headers = []
            return
        reusable = self._parser.should_keep_alive()
        self._answer = RawAnswer(self._status_code, self._headers, bytes(self._body), reusable)


def _frames(name: bytes, value: bytes) -> bool:
    """Whether the header says where the body ends (RFC 9112 section 6.3)."""
    lower = name.lower()
    return lower == b"content-length" or (lower == b"transfer-encoding" and value.lower().endswith(b"chunked"))


def read_retry_after_s(headers: Sequence[tuple[bytes, bytes]], now_ms: int) -> float | None:
    """Seconds to wait as ``Retry-After`` asks (RFC 9110 section 10.2.3): 0 to one day; None for none or nonsense."""
    value = next((value for name, value in headers if name.lower() == b"retry-after"), b"").strip()
    if value.isdigit():
        return min(float(value[:20]), RETRY_AFTER_MAX_S)
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        wait_s = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now_ms / 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S)
