"""Messages: what an application is told, and what it posts itself."""

import re
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Request, Response
from msgspec import Meta, Struct

from paybell.model.message import EVENT_TYPE_PATTERN, Application, Message
from paybell.ports import MessageNew
from paybell.web.api.application import AppPath, application_of
from paybell.web.api.caller import Caller, Calling, Filter, Paging, keyed_router
from paybell.web.api.endpoint import EndpointPath
from paybell.web.api.idempotency import answer_of
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, when

router = keyed_router("message")

MessagePath = Annotated[str, Path(description="The message's id, or the event id it was posted with.")]
_EVENT_ID: Final = r"^[a-zA-Z0-9_.:-]{1,256}$"
_PLACE: Final = re.compile(r" - at `\$\.?(\w*)")


class _Posted(Struct, forbid_unknown_fields=True, rename="camel"):
    """Decoded without a look into the payload, whose bytes are kept as they came."""

    event_type: Annotated[str, Meta(pattern=EVENT_TYPE_PATTERN.pattern)]
    payload: msgspec.Raw
    event_id: Annotated[str, Meta(pattern=_EVENT_ID)] | None = None


_DECODER: Final = msgspec.json.Decoder(_Posted)
_BODY_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "MessageIn",
    "required": ["eventType", "payload"],
    "additionalProperties": False,
    "properties": {
        "eventType": {"type": "string", "pattern": EVENT_TYPE_PATTERN.pattern, "examples": ["invoice.ready"]},
        "eventId": {
            "type": ["string", "null"],
            "pattern": _EVENT_ID,
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


class MessageOut(Shape):
    """A message."""

    id: str
    event_type: str
    event_id: str | None
    payload: dict[str, Any]
    timestamp: Time


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
    message = _message(caller, application, _decode(await request.body()))
    endpoints = await caller.store.endpoint_list_of(application.id)
    jobs = caller.context.route(message, endpoints)
    answer = exact(_show(message), HTTPStatus.ACCEPTED, payload=message.payload)
    kept = answer_of(request, answer, caller.context)
    await caller.store.message_post(MessageNew(message=message, deliveries=jobs, answer=kept))
    caller.context.deliver(jobs)
    return answer


@router.get("/app/{app}/msg", response_model=PageOut[MessageOut])
async def message_list(
    app: AppPath,
    caller: Calling,
    paging: Paging,
    eventType: Filter = "",  # noqa: N803 - the name in the URL
) -> Response:
    """An application's messages, newest first."""
    application = await application_of(caller, app)
    page = await caller.store.message_page(paging.query(application_id=application.id, event_type=eventType))
    shown = [_show(it).model_dump(by_alias=True) | {"payload": msgspec.Raw(it.payload)} for it in page.data]
    return exact(PageOut[Any](data=shown, **page_ends(page)))


@router.get("/app/{app}/msg/{message}", response_model=MessageOut)
async def message_get(app: AppPath, message: MessagePath, caller: Calling) -> Response:
    """One message."""
    found = await message_of(caller, await application_of(caller, app), message)
    return exact(_show(found), payload=found.payload)


@router.post("/app/{app}/msg/{message}/endpoint/{endpoint}/resend", status_code=HTTPStatus.ACCEPTED, responses=WRITES)
async def message_resend(app: AppPath, message: MessagePath, endpoint: EndpointPath, caller: Calling) -> dict[str, Any]:
    """Deliver a message to an endpoint once more, under the same id."""
    application = await application_of(caller, app)
    target = await caller.store.endpoint_lookup(caller.organisation_id, application.id, endpoint)
    found = await message_of(caller, application, message)
    await caller.store.delivery_resend(caller.organisation_id, found.id, target.id, now_ms=caller.now_ms())
    return {}


async def message_of(caller: Caller, application: Application, name: str) -> Message:
    """An application's message by id or event id; ``NotFound`` otherwise."""
    return await caller.store.message_lookup(caller.organisation_id, application.id, name)


def _decode(body: bytes) -> _Posted:
    try:
        posted = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        text, place = str(error), _PLACE.search(str(error))
        raise InvalidField(_PLACE.split(text)[0], *((place[1],) if place and place[1] else ())) from None
    if not EVENT_TYPE_PATTERN.fullmatch(posted.event_type):
        raise InvalidField(f"must match {EVENT_TYPE_PATTERN.pattern}", "eventType")
    if posted.event_id is not None and not re.fullmatch(_EVENT_ID, posted.event_id):
        raise InvalidField(f"must match {_EVENT_ID}", "eventId")
    if not bytes(posted.payload).startswith(b"{"):
        raise InvalidField("must be a JSON object", "payload")
    return posted


def _message(caller: Caller, application: Application, posted: _Posted) -> Message:
    return Message(
        id=caller.context.clock.new_id("msg"),
        organisation_id=caller.organisation_id,
        application_id=application.id,
        event_type=posted.event_type,
        event_id=posted.event_id or "",
        payload=bytes(posted.payload),
        payment_id="",
        created_at_ms=caller.now_ms(),
    )


def _show(it: Message) -> MessageOut:
    return MessageOut(
        id=it.id,
        event_type=it.event_type,
        event_id=it.event_id or None,
        payload={},  # its place is taken by the bytes themselves
        timestamp=when(it.created_at_ms),
    )
