"""Whether the server works, and what it has counted; both without a key."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from paybell.errors import PaybellError
from paybell.web.api.caller import parts_of
from paybell.web.api.problems import RETRY_AFTER_S, documented, problem
from paybell.web.api.shapes import Shape
from paybell.web.context import WebContext
from paybell.web.metrics import Metrics

router = APIRouter(tags=["health"], responses=documented(413, 503))


class HealthOut(Shape):
    """The server takes requests and its database answers."""

    status: str


@router.get("/health", response_model=HealthOut)
async def health(request: Request) -> HealthOut | Response:
    """Say whether the server has started and its database answers."""
    return HealthOut(status="ok") if await _is_well(parts_of(request).context) else _unwell()


@router.get("/api/v1/health", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def api_health(request: Request) -> Response:
    """The same without words, as Svix's SDKs ask for it."""
    return Response(status_code=HTTPStatus.NO_CONTENT) if await _is_well(parts_of(request).context) else _unwell()


@router.get("/api/v1/health/ping", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def api_ping() -> None:
    """Say that the server answers at all."""


def _unwell() -> Response:
    return problem(503, "Starting, stopping, or without its database.", {"Retry-After": str(RETRY_AFTER_S)})


async def _is_well(context: WebContext) -> bool:
    try:
        return context.is_ready() and await context.store.api_key_find(b"") is None
    except PaybellError:
        return False


@router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
)
async def metrics(request: Request, accept: Annotated[str, Header(include_in_schema=False)] = "") -> Response:
    """Counters and gauges, as Prometheus reads them."""
    body, content_type = Metrics(parts_of(request).context).render(accept)
    return Response(body, headers={"Content-Type": content_type})
