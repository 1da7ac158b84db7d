"""An endpoint's own headers, on paths of their own."""

from http import HTTPStatus

from fastapi import Response
from msgspec.structs import replace

from paybell.web.api.application import AppPath
from paybell.web.api.caller import Calling, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of, update_endpoint
from paybell.web.api.endpoint_shapes import Headers, HeadersChange
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import Shape, masked, merged

router = keyed_router("endpoint")


class EndpointHeadersIn(Shape):
    """All headers of an endpoint."""

    headers: Headers


class EndpointHeadersPatch(Shape):
    """Headers to change; null removes one."""

    headers: HeadersChange


class EndpointHeadersOut(Shape):
    """An endpoint's headers: values show their last four characters, and so each is named sensitive."""

    headers: dict[str, str]
    sensitive: list[str]


@router.get("/app/{app}/endpoint/{endpoint}/headers")
async def endpoint_headers_get(app: AppPath, endpoint: EndpointPath, caller: Calling) -> EndpointHeadersOut:
    """What is sent with every delivery to the endpoint."""
    found = await endpoint_of(caller, app, endpoint)
    shown = {name: masked(value) for name, value in found.headers}
    return EndpointHeadersOut(headers=shown, sensitive=sorted(shown))


@router.put(
    "/app/{app}/endpoint/{endpoint}/headers",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=WRITES,
)
async def endpoint_headers_put(app: AppPath, endpoint: EndpointPath, body: EndpointHeadersIn, caller: Calling) -> None:
    """Send these headers and no others."""
    before = await endpoint_of(caller, app, endpoint)
    await update_endpoint(caller, before, replace(before, headers=tuple(body.headers.items())))


@router.patch(
    "/app/{app}/endpoint/{endpoint}/headers",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=WRITES,
)
async def endpoint_headers_patch(
    app: AppPath, endpoint: EndpointPath, body: EndpointHeadersPatch, caller: Calling
) -> None:
    """Change what is given of the headers; null removes one."""
    before = await endpoint_of(caller, app, endpoint)
    after = tuple((name, str(value)) for name, value in merged(dict(before.headers), body.headers).items())
    await update_endpoint(caller, before, replace(before, headers=after))
