"""``Idempotency-Key``: a POST that is sent again is answered as it was the first time, and changes nothing."""

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final, assert_never

from fastapi import Request, Response

from paybell.model.answer import (
    KEY_CHARS_MAX,
    AnswerKey,
    AnswerNew,
    Begun,
    BeingAnswered,
    KeptAnswer,
    KeptMessage,
    OtherRequest,
    Taken,
)
from paybell.model.key import ApiKey, rights
from paybell.web.api.message_shapes import KEPT_MS, shown
from paybell.web.api.problems import mistake_at, problem
from paybell.web.context import WebContext
from paybell.web.ingest import Scope

HEADER: Final = "idempotency-key"
ANSWERING_MS: Final = 60_000
"""How long a request may take to be answered, before the same may be tried again: its process died."""
REPLAYED: Final = {"Idempotency-Replayed": "true"}
_NO: Final = frozenset({"0", "f", "false", "n", "no", "off"})

Handle = Callable[[Request], Awaitable[Response]]


async def once(request: Request, context: WebContext, caller: ApiKey, handle: Handle) -> Response:
    """Handle a request, if it has a key only once; what is refused or fails may be tried again under the same key."""
    name = request.headers.get(HEADER)
    if name is None or request.method != "POST":
        return await handle(request)
    if not is_key(name):
        return mistake_at(f"must have 1 to {KEY_CHARS_MAX} printable characters of ASCII", "header", HEADER)
    key = AnswerKey(
        organisation_id=caller.organisation_id,
        name=f"{caller.portal.application_id}/{name}" if caller.portal else name,
        request_digest=digest(request.scope, await request.body(), _seen(request, caller)),
    )
    now_ms = context.clock.now_ms()
    found = await context.store.answer_begin(key, now_ms=now_ms, ends_at_ms=now_ms + ANSWERING_MS)
    if isinstance(found, Begun):
        return await _first(request, context, key, handle)
    return answer_again(found, with_content=_asks_for_content(request))


def _asks_for_content(request: Request) -> bool:
    """As FastAPI reads the parameter; the request that was answered first had the same."""
    return request.query_params.get("with_content", "").lower() not in _NO


def is_key(name: str) -> bool:
    """Whether it may be an idempotency key."""
    return 0 < len(name) <= KEY_CHARS_MAX and name.isprintable() and name.isascii()


def answer_again(found: Taken, *, with_content: bool) -> Response:
    """The answer to a request whose key is taken; ``with_content``: whether a message is shown with its payload."""
    match found:
        case KeptAnswer(status_code=status_code, media_type=media_type, body=body):
            return Response(body, status_code, headers=REPLAYED, media_type=media_type or None)
        case KeptMessage(message=message):
            if message is None:
                return problem(404, "the message that was posted under this Idempotency-Key is no longer kept")
            body = shown(message, with_content=with_content)
            return Response(body, 202, headers=REPLAYED, media_type="application/json")
        case BeingAnswered():
            return problem(409, "a request with this Idempotency-Key is being answered: send it again a little later")
        case OtherRequest():
            return mistake_at("was used for another request: take a new key for each", "header", HEADER)
        case other:
            assert_never(other)


async def _first(request: Request, context: WebContext, key: AnswerKey, handle: Handle) -> Response:
    request.state.answer_key = key
    try:
        answer = await handle(request)
    except BaseException:
        await context.store.answer_forget(key)
        raise
    if answer.status_code >= 300 or getattr(request.state, "answer_is_secret", False):  # noqa: PLR2004 - 2xx ends there
        await context.store.answer_forget(key)
    elif request.state.answer_key is key:
        await context.store.answer_keep(_new(key, answer, context))
    return answer


def taken_key(request: Request) -> AnswerKey | None:
    """The key to write together with what a request changes, so that no crash comes in between; None without one."""
    key: AnswerKey | None = getattr(request.state, "answer_key", None)
    request.state.answer_key = None
    return key


def keep_no_answer(request: Request) -> None:
    """The answer holds a key, of which a hash alone is kept: the same request again makes another one."""
    request.state.answer_is_secret = True


def answer_of(request: Request, answer: Response, context: WebContext) -> AnswerNew | None:
    """The answer to keep together with what a request changes; None without a key."""
    key = taken_key(request)
    return None if key is None else _new(key, answer, context)


def _new(key: AnswerKey, answer: Response, context: WebContext) -> AnswerNew:
    kept = KeptAnswer(answer.status_code, answer.media_type or "", bytes(answer.body))
    return AnswerNew(key=key, answer=kept, ends_at_ms=context.clock.now_ms() + KEPT_MS)


def describe_key(operation: dict[str, Any]) -> None:
    """Add the header, and the 409 that it may bring, to what OpenAPI says of a POST."""
    pattern = f"^[ -~]{{1,{KEY_CHARS_MAX}}}$"
    operation.setdefault("parameters", []).append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same request under the same key is answered as the first time, and changes nothing.",
            "schema": {"type": "string", "pattern": pattern},
        }
    )
    problem_of = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    described = {"description": "The name is taken, the state does not allow it, or the same is being answered."}
    operation["responses"].setdefault("409", {**described, "content": problem_of})


def digest(scope: Scope, body: bytes, seen: str = "") -> bytes:
    """What tells a request from others that have the same key; ``seen`` says what its caller may see."""
    path, query = scope["path"].encode("utf-8", "surrogateescape"), scope["query_string"]
    digested = blake2b(b"%b%d %b %d %b " % (seen.encode(), len(path), path, len(query), query), digest_size=16)
    digested.update(body)
    return digested.digest()


def _seen(request: Request, caller: ApiKey) -> str:
    """An answer is for nobody who may see less; that to a message holds nothing but what was posted."""
    if request.scope["route"].name == "message_create":
        return ""
    return (",".join(sorted(rights(caller.scopes))) if caller.portal is None else caller.id) + " "
