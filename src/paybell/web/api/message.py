"""Messages: what an application is told, and what it posts itself."""

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Request, Response

from paybell.model.answer import Begun
from paybell.model.message import EVENT_TYPE_PATTERN, Application, Message
from paybell.web.api.application import AppPath, application_of
from paybell.web.api.caller import Caller, Calling, Filter, Paging, keyed_router
from paybell.web.api.endpoint import EndpointPath, check_enabled
from paybell.web.api.idempotency import answer_again, taken_key
from paybell.web.api.message_shapes import EVENT_ID_PATTERN, MessageOut, decode, posting, shown
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import PageOut, exact, page_ends

router = keyed_router("message")

MessagePath = Annotated[str, Path(description="The message's id, or the event id it was posted with.")]
_BODY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "MessageIn",
    "required": ["eventType", "payload"],
    "additionalProperties": False,
    "properties": {
        "eventType": {"type": "string", "pattern": EVENT_TYPE_PATTERN.pattern, "examples": ["invoice.ready"]},
        "eventId": {
            "type": ["string", "null"],
            "pattern": EVENT_ID_PATTERN.pattern,
            "description": "Your own id of the occurrence: posted twice, the second is answered 409.",
        },
        "payload": {
            "type": "object",
            "description": "Delivered byte for byte as it stands here.",
            "examples": [{"a": 1}],
        },
    },
}
_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY_SCHEMA}}}}


@router.post(
    "/app/{app}/msg",
    status_code=HTTPStatus.ACCEPTED,
    response_model=MessageOut,
    responses=WRITES,
    openapi_extra=_BODY,
)
async def message_create(app: AppPath, request: Request, caller: Calling) -> Response:
    """Post a message: kept with its deliveries before it is answered, then sent."""
    application = await application_of(caller, app)
    traceparent = request.headers.get("traceparent", "")
    new = await posting(caller.context, application, decode(await request.body()), taken_key(request), traceparent)
    found = await caller.store.message_post(new)
    if not isinstance(found, Begun):
        return answer_again(found)
    caller.context.deliver(new.deliveries)
    return Response(shown(new.message), HTTPStatus.ACCEPTED, media_type="application/json")


@router.get("/app/{app}/msg", response_model=PageOut[MessageOut])
async def message_list(
    app: AppPath,
    caller: Calling,
    paging: Paging,
    eventType: Filter = "",  # noqa: N803 - the name in the URL
) -> Response:
    """An application's messages, newest first."""
    application = await application_of(caller, app)
    page = await caller.store.message_page(paging.query(application_id=application.id, event_types=eventType))
    data = [msgspec.Raw(shown(it)) for it in page.data]
    return exact(PageOut[Any](data=data, **page_ends(page)))


@router.get("/app/{app}/msg/{message}", response_model=MessageOut)
async def message_get(app: AppPath, message: MessagePath, caller: Calling) -> Response:
    """One message."""
    found = await message_of(caller, await application_of(caller, app), message)
    return Response(shown(found), media_type="application/json")


@router.post("/app/{app}/msg/{message}/endpoint/{endpoint}/resend", status_code=HTTPStatus.ACCEPTED, responses=WRITES)
async def message_resend(app: AppPath, message: MessagePath, endpoint: EndpointPath, caller: Calling) -> dict[str, Any]:
    """Deliver a message to an endpoint once more, under the same id; 409 while it is being sent, or it is disabled."""
    application = await application_of(caller, app)
    target = check_enabled(await caller.store.endpoint_lookup(caller.organisation_id, application.id, endpoint))
    found = await message_of(caller, application, message)
    await caller.store.delivery_resend(caller.organisation_id, found.id, target.id, now_ms=caller.now_ms())
    return {}


async def message_of(caller: Caller, application: Application, name: str) -> Message:
    """An application's message by id or event id; ``NotFound`` otherwise."""
    return await caller.store.message_lookup(caller.organisation_id, application.id, name)
