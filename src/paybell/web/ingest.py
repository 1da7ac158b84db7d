"""``POST /in/{source}[/{token}]``: a bare ASGI function before the router, because every microsecond counts here."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol
from urllib.parse import unquote

from msgspec import Struct

from paybell.model.notification import Answer, Request
from paybell.web.watch import Watch
from paybell.web.whole import answered_whole, whole_body

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX: Final = "/in/"
_METHOD: Final = Answer(b'{"code":"method_not_allowed","detail":"send a POST"}', status_code=405)
_QUERY_BYTES_MAX: Final = 2048
_TOO_LARGE: Final = Answer(b'{"code":"too_large","detail":"the body is too large"}', status_code=413)
_TOO_SLOW: Final = Answer(b'{"code":"timeout","detail":"the body took too long to arrive"}', status_code=408)
_NAME_CHARS_MAX: Final = 256


class Receiver(Protocol):
    """The first step."""

    async def receive(self, source_name: str, request: Request) -> Answer:
        """Judge and keep a request."""
        ...

    async def greet(self, source_name: str, request: Request) -> Answer | None:
        """Answer a GET that tries the address out; None for any other."""
        ...


class IngestConfig(Struct, frozen=True, kw_only=True):
    """How requests are read."""

    body_bytes_max: int = 1_048_576
    """Larger bodies are answered 413."""
    read_timeout_s: float = 10.0
    """Bodies that take longer are answered 408."""


class _Broken(Exception):
    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer


class Ingest:
    """The ASGI function for webhook requests."""

    def __init__(self, receiver: Receiver, config: IngestConfig) -> None:
        self._receiver = receiver
        self._config = config

    async def __call__(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        """Answer one request; ``path`` begins with :data:`PREFIX`."""
        source, _, token = path[len(PREFIX) :].partition("/")
        if scope["method"] != "POST":
            request = _request(scope, token, b"")
            greets = scope["method"] == "GET" and bool(request.query)
            greeting = await self._receiver.greet(unquote(source)[:_NAME_CHARS_MAX], request) if greets else None
            await _answer(send, greeting or _METHOD, extra=[] if greeting else [(b"allow", b"POST")])
            return
        try:
            body = await self._body(scope, receive)
        except _Broken as broken:
            if broken.answer is not None:
                await _answer(send, broken.answer, extra=[(b"connection", b"close")])
            return
        answer = await self._receiver.receive(unquote(source)[:_NAME_CHARS_MAX], _request(scope, token, body))
        if answer.status_code != 200 or not answered_whole(scope, 200, _fields(answer), answer.body):  # noqa: PLR2004
            extra = [(b"retry-after", b"1")] if answer.status_code == 503 else []  # noqa: PLR2004
            await _answer(send, answer, extra=extra)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        whole = whole_body(scope)
        if whole is not None and len(whole) <= self._config.body_bytes_max:
            return whole
        for name, value in scope["headers"]:
            if name == b"content-length" and (not value.isdigit() or int(value) > self._config.body_bytes_max):
                raise _Broken(_TOO_LARGE)
        watch = Watch(self._config.read_timeout_s)
        try:
            return await self._chunks(receive)
        except asyncio.CancelledError:
            if watch.has_rung:
                raise _Broken(_TOO_SLOW) from None
            raise
        finally:
            watch.stop()

    async def _chunks(self, receive: Receive) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise _Broken(None)
            chunk: bytes = event.get("body", b"")
            size += len(chunk)
            if size > self._config.body_bytes_max:
                raise _Broken(_TOO_LARGE)
            chunks.append(chunk)
            if not event.get("more_body", False):
                return chunk if len(chunks) == 1 else b"".join(chunks)


def _request(scope: Scope, token: str, body: bytes) -> Request:
    query = scope["query_string"][:_QUERY_BYTES_MAX].decode("latin-1")
    return Request(body, tuple(scope["headers"]), unquote(token)[:_NAME_CHARS_MAX], query)


def _fields(answer: Answer) -> bytes:
    return b"content-type: %b\r\ncontent-length: %d\r\n" % (answer.content_type, len(answer.body))


async def _answer(send: Send, answer: Answer, extra: list[tuple[bytes, bytes]]) -> None:
    headers = [(b"content-type", answer.content_type), (b"content-length", b"%d" % len(answer.body)), *extra]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
