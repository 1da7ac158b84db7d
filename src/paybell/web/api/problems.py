"""Every answer that is not 2xx: JSON with a code and a sentence that says what to do, never a trace or a secret."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from paybell.errors import ConfigurationError, Conflict, NotFound, PaybellError, StoreUnavailable
from paybell.web.api.shapes import Mistakes, Problem

RETRY_AFTER_S: Final = 1
_CODES: Final = {
    401: "authentication_failed",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    503: "unavailable",
}
_TEXTS: Final = {
    401: "The key is missing, unknown, expired or revoked.",
    403: "The key may not do this.",
    404: "Nothing is there.",
    405: "The path knows other methods: see Allow.",
    408: "The body took too long to arrive.",
    409: "The name is taken, or the state does not allow it.",
    413: "The body is larger than 1 MiB.",
    422: "The request cannot be carried out as it is.",
    503: "The server cannot do it now; try again after Retry-After seconds.",
}
_REFERENCE: Final = "#/components/schemas/{model}"
Answers = dict[int | str, dict[str, Any]]


def documented(*statuses: int) -> Answers:
    """What OpenAPI says about these answers.

    By reference: for each model that a route names FastAPI makes a serializer, for these a thousand, at every start.
    """
    return {status: {"description": _TEXTS[status], "content": _content(status)} for status in statuses}


def _content(status: int) -> dict[str, Any]:
    model = Mistakes if status == HTTPStatus.UNPROCESSABLE_ENTITY else Problem
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def describe_problems(document: dict[str, Any]) -> None:
    """Add to an OpenAPI document what its answers refer to."""
    _, schema = models_json_schema([(Problem, "serialization"), (Mistakes, "serialization")], ref_template=_REFERENCE)
    schemas = document["components"]["schemas"] | schema["$defs"]
    document["components"]["schemas"] = dict(sorted(schemas.items()))


READS: Final = documented(401, 403, 404, 408, 413, 422, 503)
WRITES: Final = documented(409)


class InvalidField(ConfigurationError):
    """A setting in a body is wrong; ``loc`` says where."""

    def __init__(self, text: str, *loc: str) -> None:
        super().__init__(text)
        self.loc = loc


class Forbidden(PaybellError):
    """The key may ask this, but not for so much."""


def problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """An answer of any status but 422; without a ``detail`` it says what that status means everywhere."""
    code = _CODES.get(status, "internal_error" if status >= 500 else "bad_request")  # noqa: PLR2004 - the class 5xx
    return _answer({"code": code, "detail": detail or _TEXTS.get(status, "")}, status, headers)


def unavailable() -> Response:
    """The 503 of a store that may be there again soon."""
    return problem(503, "", {"Retry-After": str(RETRY_AFTER_S)})


def mistake(msg: str, kind: str, *loc: str | int) -> Response:
    """A 422 with one line about the body."""
    return _answer({"detail": [{"loc": ["body", *loc], "msg": msg, "type": kind}]}, 422)


def mistake_at(msg: str, *loc: str) -> Response:
    """A 422 with one line about another place, such as a header."""
    return _answer({"detail": [{"loc": list(loc), "msg": msg, "type": "value_error"}]}, 422)


def _answer(body: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    # Escaped to ASCII: a mistake's place may hold half a surrogate pair, which UTF-8 cannot.
    return Response(json.dumps(body), status, headers=headers, media_type="application/json")


def handle_problems(api: FastAPI) -> None:
    """Turn errors into answers. What is not named here is a fault of ours: see :mod:`paybell.web.api.edge`."""

    @api.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body that cannot be read
            return mistake("the body cannot be read as JSON", "json_invalid")
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            return problem(405, "", {"Allow": _allowed(request)})
        return problem(error.status_code, "" if error.status_code in _TEXTS else str(error.detail), error.headers)

    @api.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> Response:
        mistakes = [{"loc": it["loc"], "msg": it["msg"], "type": it["type"]} for it in error.errors()]
        return _answer({"detail": mistakes}, 422)

    @api.exception_handler(ConfigurationError)
    async def _wrong(_request: Request, error: ConfigurationError) -> Response:
        return mistake(str(error), "value_error", *(error.loc if isinstance(error, InvalidField) else ()))

    @api.exception_handler(NotFound)
    async def _missing(_request: Request, error: NotFound) -> Response:
        return problem(404, str(error))

    @api.exception_handler(Forbidden)
    async def _forbidden(_request: Request, error: Forbidden) -> Response:
        return problem(403, str(error))

    @api.exception_handler(Conflict)
    async def _conflict(_request: Request, error: Conflict) -> Response:
        return problem(409, str(error))

    @api.exception_handler(StoreUnavailable)
    async def _unavailable(_request: Request, _error: StoreUnavailable) -> Response:
        return unavailable()


def _allowed(request: Request) -> str:
    """All methods of a path; the router alone names those of the first route that has it."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    known: dict[str, dict[str, Any]] = request.app.openapi()["paths"]
    methods = {
        method.upper()
        for template, operations in known.items()
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        for method in operations
    }
    return ", ".join(sorted(methods))
