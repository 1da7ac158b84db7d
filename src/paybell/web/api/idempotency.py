"""``Idempotency-Key``: a POST that is sent again is answered as it was the first time, and changes nothing."""

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final, assert_never

from fastapi import Request, Response

from paybell.model.answer import KEY_CHARS_MAX, AnswerKey, AnswerNew, Begun, BeingAnswered, KeptAnswer, OtherRequest
from paybell.web.api.problems import mistake_at, problem
from paybell.web.context import WebContext

HEADER: Final = "idempotency-key"
KEPT_MS: Final = 24 * 3_600_000
"""How long an answer is kept."""
ANSWERING_MS: Final = 60_000
"""How long a request may take to be answered, before the same may be tried again: its process died."""
REPLAYED: Final = {"Idempotency-Replayed": "true"}

Handle = Callable[[Request], Awaitable[Response]]


async def once(request: Request, context: WebContext, organisation_id: str, handle: Handle) -> Response:
    """Handle a request, if it has a key only once; what is refused or fails may be tried again under the same key."""
    name = request.headers.get(HEADER)
    if name is None or request.method != "POST":
        return await handle(request)
    if not 0 < len(name) <= KEY_CHARS_MAX or not name.isprintable() or not name.isascii():
        return mistake_at(f"must have 1 to {KEY_CHARS_MAX} printable characters of ASCII", "header", HEADER)
    key = AnswerKey(organisation_id=organisation_id, name=name, request_digest=await _digest(request))
    now_ms = context.clock.now_ms()
    match await context.store.answer_begin(key, now_ms=now_ms, ends_at_ms=now_ms + ANSWERING_MS):
        case Begun():
            return await _first(request, context, key, handle)
        case KeptAnswer(status_code=status_code, media_type=media_type, body=body):
            return Response(body, status_code, headers=REPLAYED, media_type=media_type or None)
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
    if answer.status_code >= 300:  # noqa: PLR2004 - the class 2xx ends there
        await context.store.answer_forget(key)
    elif request.state.answer_key is key:
        await context.store.answer_keep(_new(key, answer, context))
    return answer


def answer_of(request: Request, answer: Response, context: WebContext) -> AnswerNew | None:
    """What to keep together with what a request changes, so that no crash comes in between; None without a key."""
    key: AnswerKey | None = getattr(request.state, "answer_key", None)
    request.state.answer_key = None
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


async def _digest(request: Request) -> bytes:
    digest = blake2b(digest_size=16)
    for part in (request.url.path.encode(), request.url.query.encode(), await request.body()):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
