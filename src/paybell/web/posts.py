"""``POST /api/v1/app/{app}/msg``: a bare ASGI function before the router, because every microsecond counts here.

It answers what is in order, and a key that is used again. All else it hands to the router, body and all, so that there
is one place that says what is wrong.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from paybell.errors import ConfigurationError, Conflict, NotFound, StoreUnavailable
from paybell.model.answer import AnswerKey, Begun
from paybell.model.key import ApiKey
from paybell.model.text import is_storable
from paybell.ports import MessageNew
from paybell.web.api.caller import Parts, is_strict_json
from paybell.web.api.edge import Edge
from paybell.web.api.idempotency import HEADER, answer_again, digest, is_key
from paybell.web.api.message_shapes import decode, posting, shown
from paybell.web.api.problems import problem, unavailable
from paybell.web.auth import Refused
from paybell.web.ingest import Receive, Scope, Send
from paybell.web.rights import need_of
from paybell.web.whole import answered_whole, whole_body

App = Callable[[Scope, Receive, Send], Awaitable[None]]

BEGIN: Final = "/api/v1/app/"
END: Final = "/msg"
_HEADER: Final = HEADER.encode()
_TRACE: Final = b"traceparent"
_WITH_CONTENT: Final = {b"": True, b"with_content=true": True, b"with_content=false": False}
"""The queries that are answered here, and whether the payload is shown; Svix's SDKs send the last."""
_NEED: Final = need_of("message_create", "POST")


def is_post(scope: Scope, path: str) -> bool:
    """Whether a request may be one of these; ``path`` is that under the program it is mounted in."""
    is_path = path.startswith(BEGIN) and path.endswith(END)
    return is_path and scope["method"] == "POST" and scope["query_string"] in _WITH_CONTENT


class Posts:
    """The ASGI function for requests that :func:`is_post`; ``api`` is the router."""

    def __init__(self, api: App, parts: Parts) -> None:
        self._api = api
        self._context = parts.context
        self._keys = parts.keys
        self._guarded = Edge(self._answer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._guarded(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix(scope.get("root_path", ""))[len(BEGIN) : -len(END)]
        try:
            key = await self._keys.admit(_header(scope, b"authorization"), _NEED)
            if isinstance(key, Refused) or "/" in name or not is_storable(name):
                await self._api(scope, receive, send)
                return
            body = whole_body(scope)
            if body is None:
                body = await _read(receive)
                if body is None:
                    return
                receive = _again(body, receive)
            new = await self._new(scope, key, name, body)
            if new is None:
                await self._api(scope, receive, send)
                return
            found = await self._context.store.message_post(new)
        except Conflict as error:
            await problem(409, str(error))(scope, receive, send)
            return
        except StoreUnavailable:
            await unavailable()(scope, receive, send)
            return
        with_content = _WITH_CONTENT[scope["query_string"]]
        if not isinstance(found, Begun):
            await answer_again(found, with_content=with_content)(scope, receive, send)
            return
        self._context.deliver(new.deliveries)
        await _accept(scope, send, shown(new.message, with_content=with_content))

    async def _new(self, scope: Scope, key: ApiKey, name: str, body: bytes) -> MessageNew | None:
        """The message to write; None where something is wrong."""
        try:
            idempotency = _idempotency(scope, key, body)
            posted = decode(body)
            if not all(is_strict_json(bytes(it)) for it in (posted.payload, posted.application)):
                return None  # all else was read strictly, as what it has to be
            application = await self._context.store.application_lookup(key.organisation_id, name)
            return await posting(self._context, application, posted, idempotency, _header(scope, _TRACE))
        except (ConfigurationError, NotFound):
            return None


def _idempotency(scope: Scope, key: ApiKey, body: bytes) -> AnswerKey | None:
    name = _header(scope, _HEADER, none="\0")
    if name == "\0":
        return None
    if not is_key(name):
        raise ConfigurationError("no idempotency key")
    return AnswerKey(organisation_id=key.organisation_id, name=name, request_digest=digest(scope, body))


def _header(scope: Scope, wanted: bytes, none: str = "") -> str:
    for name, value in scope["headers"]:
        if name == wanted:
            text: str = value.decode("latin-1")
            return text
    return none


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when the client went away."""
    chunks: list[bytes] = []
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        chunks.append(event.get("body", b""))
        if not event.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """What receives the body once more, then what comes after it."""
    events: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> MutableMapping[str, Any]:
        return events.pop() if events else await receive()

    return replayed


async def _accept(scope: Scope, send: Send, body: bytes) -> None:
    if answered_whole(scope, 202, b"content-length: %d\r\ncontent-type: application/json\r\n" % len(body), body):
        return
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})
