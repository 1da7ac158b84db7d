"""An endpoint's transformation: code of its owner's that changes what is sent."""

import json
from http import HTTPStatus
from typing import Annotated, Any, Final, NoReturn

from fastapi import HTTPException, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.model.endpoint import Endpoint
from paybell.model.text import STORABLE_PATTERN
from paybell.ports import Fault, Webhook
from paybell.web.api.application import AppPath
from paybell.web.api.caller import Caller, Calling, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of
from paybell.web.api.problems import RETRY_AFTER_S, InvalidField
from paybell.web.api.shapes import EventTypeName, Patch, Shape, Time, when

router = keyed_router("endpoint")

_CODE_CHARS_MAX: Final = 51_200
_EXAMPLE: Final = 'def handler(webhook):\n    webhook["payload"]["shop"] = "7"\n    return webhook\n'

Code = Annotated[
    str,
    Field(
        max_length=_CODE_CHARS_MAX,
        pattern=STORABLE_PATTERN,
        description="Python that defines handler(webhook) and returns the webhook.",
        examples=[_EXAMPLE],
    ),
]
Variables = Annotated[dict[str, str], Field(max_length=0, description="Always empty; Svix's SDKs expect it.")]


class TransformationPatch(Patch):
    """What may change; null takes the code away."""

    code: Code | None = None
    enabled: bool = False
    variables: Variables | None = None


class TransformationOut(Shape):
    """An endpoint's transformation; ``code`` is null where there is none."""

    code: str | None
    enabled: bool
    variables: Variables = Field(default_factory=dict)
    updated_at: Time


class TransformationSimulateIn(Shape):
    """A message to try the code on; the endpoint's own code where none is given."""

    code: Code | None = None
    event_type: EventTypeName
    payload: dict[str, Any]
    channels: Annotated[list[str], Field(max_length=256)] | None = None


class TransformationSimulateOut(Shape):
    """What would be sent; nothing where it is canceled."""

    payload: Annotated[str, Field(description="The JSON of it.")]
    method: str
    url: str
    headers: Annotated[dict[str, str], Field(description="Those that the code adds.")]
    canceled: bool


@router.get("/app/{app}/endpoint/{endpoint}/transformation")
async def transformation_get(app: AppPath, endpoint: EndpointPath, caller: Calling) -> TransformationOut:
    """The endpoint's transformation, and whether it is applied."""
    found = await endpoint_of(caller, app, endpoint)
    return TransformationOut(
        code=found.options.transformation or None,
        enabled=found.options.transformation_enabled,
        updated_at=when(found.updated_at_ms),
    )


@router.patch(
    "/app/{app}/endpoint/{endpoint}/transformation", status_code=HTTPStatus.NO_CONTENT, response_class=Response
)
async def transformation_patch(
    app: AppPath, endpoint: EndpointPath, body: TransformationPatch, caller: Calling
) -> None:
    """Set the endpoint's code, or switch it on or off; new code is tried in the sandbox first."""
    before = await endpoint_of(caller, app, endpoint)
    changes = body.given()
    code = (body.code or "") if "code" in changes else before.options.transformation
    enabled = body.enabled if "enabled" in changes else before.options.transformation_enabled and bool(code)
    if enabled and not code:
        raise InvalidField("there is no code to enable: give code, too", "enabled")
    if code and code != before.options.transformation:
        fault = await caller.context.transformer.check(code, owner=before.application_id)
        if fault is not None:
            _refuse(fault)
    options = replace(before.options, transformation=code, transformation_enabled=enabled)
    await caller.store.endpoint_update(replace(before, options=options, updated_at_ms=caller.now_ms()))


@router.post("/app/{app}/endpoint/{endpoint}/transformation/simulate")
async def transformation_simulate(
    app: AppPath, endpoint: EndpointPath, body: TransformationSimulateIn, caller: Calling
) -> TransformationSimulateOut:
    """Try code on a message that is not sent, and see what would be."""
    found = await endpoint_of(caller, app, endpoint)
    code = body.code or found.options.transformation
    if not code:
        raise InvalidField("the endpoint has no code of its own: give code, too", "code")
    webhook = _webhook(caller, found, body)
    made = await caller.context.transformer.transform(code, webhook, owner=found.application_id)
    if isinstance(made, Fault):
        _refuse(made)
    return TransformationSimulateOut(
        payload=made.payload.decode(),
        method="POST",
        url=found.url,
        headers=dict(made.headers),
        canceled=made.canceled,
    )


def _webhook(caller: Caller, endpoint: Endpoint, body: TransformationSimulateIn) -> Webhook:
    try:
        payload = json.dumps(body.payload, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise InvalidField("holds NaN, Infinity or is too deep: JSON has no such thing", "payload") from None
    return Webhook(
        id=caller.context.clock.new_id("msg"),
        event_type=body.event_type,
        payload=payload,
        channels=tuple(sorted(body.channels or ())),
        url=endpoint.url,
        at_ms=caller.now_ms(),
    )


def _refuse(fault: Fault) -> NoReturn:
    if fault.busy:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": str(RETRY_AFTER_S)})
    raise InvalidField(fault.text(), "code")
