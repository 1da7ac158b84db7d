"""Messages: what an application is told, and what it posts itself."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Path, Request, Response
from pydantic import Field, ValidationError

from paybell.errands.rules import RUNNING_MAX, errand
from paybell.errors import Conflict, NotFound
from paybell.model.answer import Begun
from paybell.model.key import KeyScope
from paybell.model.message import (
    CHANNEL_PATTERN,
    CHANNELS_MAX,
    EVENT_TYPE_PATTERN,
    PAYLOAD_GONE,
    TAG_PATTERN,
    TAGS_MAX,
    Application,
    Message,
)
from paybell.model.task import Asked, TaskKind
from paybell.web.api.application import ApplicationIn, AppPath, application_of, check_new_uid, create_application
from paybell.web.api.background_task import BegunOut, begin, show_begun
from paybell.web.api.caller import Caller, Calling, Narrowed, Paging, Spanning, WithContent, keyed_router
from paybell.web.api.endpoint import EndpointPath, check_enabled
from paybell.web.api.idempotency import answer_again, taken_key
from paybell.web.api.message_shapes import EVENT_ID_PATTERN, PAYLOAD_DAYS_MAX, MessageOut, decode, posting, shown
from paybell.web.api.problems import WRITES, Forbidden, InvalidField
from paybell.web.api.shapes import LIMIT_MAX, EventTypeName, PageOut, Shape, exact, page_ends

router = keyed_router("message")

MessagePath = Annotated[str, Path(description="The message's id, or the event id it was posted with.")]
MessageName = Annotated[str, Field(pattern=EVENT_ID_PATTERN.pattern)]
Channel = Annotated[str, Field(pattern=CHANNEL_PATTERN)]
Expunged = Literal["expunged", "not-found"]
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
        "channels": {
            "type": ["array", "null"],
            "maxItems": CHANNELS_MAX,
            "items": {"type": "string", "pattern": CHANNEL_PATTERN},
            "description": "Endpoints with channels get it only if they share one.",
        },
        "application": {
            "anyOf": [{"$ref": "#/components/schemas/ApplicationIn"}, {"type": "null"}],
            "description": "The application to make where there is none of the uid in the path.",
        },
        "orderingKey": {
            "type": ["string", "null"],
            "pattern": EVENT_ID_PATTERN.pattern,
            "description": "Endpoints with ordering fifo_by_key take messages of one key one after the other.",
        },
        "tags": {
            "type": ["array", "null"],
            "maxItems": TAGS_MAX,
            "items": {"type": "string", "pattern": TAG_PATTERN},
            "description": "Your own words; lists of messages and attempts can be narrowed to one.",
        },
        "deliverAt": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "When to send it: a minute to 24 hours ahead; what waits behind it in a line waits, too.",
        },
        "payloadRetentionPeriod": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": PAYLOAD_DAYS_MAX,
            "description": "Days after which the payload is taken away; what is not sent by then never is.",
        },
        "payloadRetentionHours": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": PAYLOAD_DAYS_MAX * 24,
            "description": "The same in hours; one of the two.",
        },
        "payload": {
            "type": "object",
            "description": "Delivered byte for byte as it stands here.",
            "examples": [{"a": 1}],
        },
    },
}
_BODY: Final = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY_SCHEMA}}}}


class PrecheckIn(Shape):
    """A message that might be posted."""

    event_type: EventTypeName
    channels: Annotated[list[Channel], Field(max_length=CHANNELS_MAX)] | None = None


class PrecheckOut(Shape):
    """Whether anybody listens."""

    active: bool


class BulkExpungeIn(Shape):
    """Whose payloads to take away."""

    ids: Annotated[list[MessageName], Field(min_length=1, max_length=LIMIT_MAX, description="Ids or event ids.")]


class BulkExpungeOut(Shape):
    """What became of each."""

    results: dict[str, Expunged]


@router.post(
    "/app/{app}/msg",
    status_code=HTTPStatus.ACCEPTED,
    response_model=MessageOut,
    responses=WRITES,
    openapi_extra=_BODY,
)
async def message_create(
    app: AppPath,
    request: Request,
    caller: Calling,
    with_content: WithContent = True,  # noqa: FBT002
) -> Response:
    """Post a message: kept with its deliveries before it is answered, then sent."""
    posted = decode(await request.body())
    application = await _application(caller, app, bytes(posted.application))
    traceparent = request.headers.get("traceparent", "")
    new = await posting(caller.context, application, posted, taken_key(request), traceparent)
    found = await caller.store.message_post(new)
    if not isinstance(found, Begun):
        return answer_again(found, with_content=with_content)
    caller.context.deliver(new.deliveries)
    return Response(shown(new.message, with_content=with_content), HTTPStatus.ACCEPTED, media_type="application/json")


@router.post("/app/{app}/msg/precheck/active", responses=WRITES)
async def message_precheck(app: AppPath, body: PrecheckIn, caller: Calling) -> PrecheckOut:
    """Whether a message would be for any endpoint; filters, which look into the payload, are not asked."""
    application = await application_of(caller, app)
    channels = frozenset(body.channels or ())
    endpoints = await caller.store.endpoint_list_of(application.id)
    return PrecheckOut(active=any(caller.context.may_take(it, body.event_type, channels) for it in endpoints))


@router.get("/app/{app}/msg", response_model=PageOut[MessageOut])
async def message_list(  # noqa: PLR0917 - filters come by name
    app: AppPath,
    caller: Calling,
    paging: Paging,
    span: Spanning,
    narrowing: Narrowed,
    with_content: WithContent = True,  # noqa: FBT002
) -> Response:
    """An application's messages, newest first."""
    application = await application_of(caller, app)
    query = span.of(paging.query(application_id=application.id, **narrowing.filters()), "msg")
    page = await caller.store.message_page(query)
    data = [msgspec.Raw(shown(it, with_content=with_content)) for it in page.data]
    return exact(PageOut[Any](data=data, **page_ends(page)))


@router.get("/app/{app}/msg/{message}", response_model=MessageOut)
async def message_get(
    app: AppPath,
    message: MessagePath,
    caller: Calling,
    with_content: WithContent = True,  # noqa: FBT002
) -> Response:
    """One message."""
    found = await message_of(caller, await application_of(caller, app), message)
    return Response(shown(found, with_content=with_content), media_type="application/json")


@router.delete("/app/{app}/msg/{message}/content", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def message_expunge(app: AppPath, message: MessagePath, caller: Calling) -> None:
    """Take a message's payload away for good: what waits of it is not sent any more."""
    found = await message_of(caller, await application_of(caller, app), message)
    await caller.store.message_expunge(found, reason=PAYLOAD_GONE, now_ms=caller.now_ms())


@router.post("/app/{app}/msg/bulk-expunge", responses=WRITES)
async def message_bulk_expunge(app: AppPath, body: BulkExpungeIn, caller: Calling) -> BulkExpungeOut:
    """Take the payloads of many messages away for good; what is not there is said to be so."""
    application = await application_of(caller, app)
    results: dict[str, Expunged] = {}
    for name in body.ids:
        try:
            found = await message_of(caller, application, name)
        except NotFound:
            results[name] = "not-found"
            continue
        await caller.store.message_expunge(found, reason=PAYLOAD_GONE, now_ms=caller.now_ms())
        results[name] = "expunged"
    return BulkExpungeOut(results=results)


@router.post("/app/{app}/msg/expunge-all-contents", status_code=202, response_model=BegunOut, responses=WRITES)
async def message_expunge_all(app: AppPath, caller: Calling, request: Request) -> Response:
    """Take the payloads of all messages of an application away for good, as a task; what is posted later stays."""
    application = await application_of(caller, app)
    now_ms = caller.now_ms()
    task = errand(
        TaskKind.PURGE_CONTENT,
        caller.organisation_id,
        Asked(since_ms=0, until_ms=now_ms),
        new_id=caller.new_id("bgtask"),
        now_ms=now_ms,
        about=application.id,
    )
    return await begin(caller, request, task, BegunOut(**show_begun(task)), RUNNING_MAX)


@router.post("/app/{app}/msg/{message}/endpoint/{endpoint}/resend", status_code=HTTPStatus.ACCEPTED, responses=WRITES)
async def message_resend(app: AppPath, message: MessagePath, endpoint: EndpointPath, caller: Calling) -> dict[str, Any]:
    """Deliver a message to an endpoint once more, under the same id; 409 while it is being sent, or it is disabled."""
    application = await application_of(caller, app)
    target = check_enabled(await caller.store.endpoint_lookup(caller.organisation_id, application.id, endpoint))
    found = await message_of(caller, application, message)
    if not found.payload:
        raise Conflict(f"{found.id} cannot be sent again: {PAYLOAD_GONE}")
    await caller.store.delivery_resend(caller.organisation_id, found.id, target.id, now_ms=caller.now_ms())
    return {}


async def _application(caller: Caller, name: str, body: bytes) -> Application:
    """The application that is posted to; the one that the body describes, where there is none and it describes one."""
    try:
        return await application_of(caller, name)
    except NotFound:
        if body == b"null":
            raise
    if not caller.key.may(KeyScope.WRITE):
        raise Forbidden("this key may post messages, not make applications: make the application first")
    try:
        described = ApplicationIn.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidField(first["msg"], "application", *map(str, first["loc"])) from None
    check_new_uid(name, described.uid)
    with suppress(Conflict):  # somebody else has just made it
        return await create_application(caller, described, name)
    return await application_of(caller, name)


async def message_of(caller: Caller, application: Application, name: str) -> Message:
    """An application's message by id or event id; ``NotFound`` otherwise."""
    return await caller.store.message_lookup(caller.organisation_id, application.id, name)
