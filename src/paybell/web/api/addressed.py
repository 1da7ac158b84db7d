"""Messages from an endpoint's side, and endpoints from a message's: how each stands, counted and listed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Query, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import Conflict
from paybell.model.delivery import Delivery, Standing, standing_of
from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.model.message import Message
from paybell.ports import AddressedMessage, MessageNew
from paybell.web.api.application import AppPath, application_of
from paybell.web.api.caller import Caller, Calling, Narrowed, Paging, Span, Spanning, WithContent, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of
from paybell.web.api.endpoint_shapes import EndpointOut, show
from paybell.web.api.message import MessagePath, message_of
from paybell.web.api.message_shapes import MessageOut, shown
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import EventTypeName, PageOut, Shape, Time, exact, page_ends, when_or_none
from paybell.web.api.webhook_schemas import example_of

router = keyed_router("message")

_NUMBERS: Final[Mapping[Standing, int]] = {
    Standing.SUCCESS: 0,
    Standing.PENDING: 1,
    Standing.FAIL: 2,
    Standing.SENDING: 3,
}
_OF_NUMBER: Final = {str(number): standing for standing, number in _NUMBERS.items()}
Status = Literal[0, 1, 2, 3]
StatusText = Literal["success", "pending", "fail", "sending"]


_STATS_MS: Final = 28 * 86_400_000
Since = Annotated[datetime | None, Query(description="Only what is newer.")]
Until = Annotated[datetime | None, Query(description="Only what is older.")]


class AddressedMessageOut(MessageOut):
    """A message that was for an endpoint."""

    status: Status
    status_text: StatusText
    next_attempt: Time | None


class DestinationOut(EndpointOut):
    """An endpoint that a message was for."""

    status: Status
    status_text: StatusText
    next_attempt: Time | None


class EndpointStatsOut(Shape):
    """How many messages stand how for an endpoint. What a transformation canceled is a success."""

    success: int
    pending: int
    sending: int
    fail: int
    canceled: Annotated[int, Field(description="Always 0; Svix's SDKs expect it.")] = 0


class EndpointAttemptStatsOut(Shape):
    """How many tries of a time ended how at an endpoint."""

    success: int
    fail: int
    canceled: Annotated[int, Field(description="A transformation said that nothing was to be sent.")]


class EventExampleIn(Shape):
    """What to send an example of."""

    event_type: EventTypeName


@router.get("/app/{app}/endpoint/{endpoint}/msg", response_model=PageOut[AddressedMessageOut])
async def message_list_of_endpoint(  # noqa: PLR0917 - filters come by name
    app: AppPath,
    endpoint: EndpointPath,
    caller: Calling,
    paging: Paging,
    span: Spanning,
    narrowing: Narrowed,
    status: Annotated[Literal["0", "1", "2", "3"] | None, Query()] = None,
    with_content: WithContent = True,  # noqa: FBT002
) -> Response:
    """The messages that were for an endpoint, newest first, and how each stands."""
    found = await endpoint_of(caller, app, endpoint)
    filters = narrowing.filters() | {"standing": _OF_NUMBER[status] if status is not None else ""}
    query = paging.query(application_id=found.application_id, endpoint_id=found.id, **filters)
    page = await caller.store.message_page_of_endpoint(span.of(query, "msg"))
    data = [_addressed(it, with_content=with_content) for it in page.data]
    return exact(PageOut[Any](data=data, **page_ends(page)))


@router.get("/app/{app}/msg/{message}/endpoint")
async def endpoint_list_of_message(
    app: AppPath, message: MessagePath, caller: Calling, paging: Paging
) -> PageOut[DestinationOut]:
    """The endpoints that a message was for, and how it stands for each; those that were deleted are left out."""
    found = await message_of(caller, await application_of(caller, app), message)
    page = await caller.store.delivery_page(paging.query(application_id=found.application_id, message_id=found.id))
    endpoints = {it.id: it for it in await caller.store.endpoint_list_of(found.application_id)}
    data = [_destination(endpoints[it.endpoint_id], it) for it in page.data if it.endpoint_id in endpoints]
    return PageOut(data=data, **page_ends(page))


@router.get("/app/{app}/endpoint/{endpoint}/stats")
async def endpoint_stats(
    app: AppPath, endpoint: EndpointPath, caller: Calling, since: Since = None, until: Until = None
) -> EndpointStatsOut:
    """How many of the messages of a time stand how for an endpoint; of the last 28 days, where no time is given."""
    found, times = await endpoint_of(caller, app, endpoint), _times(caller, since, until)
    counted = await caller.store.delivery_count_of(found, after=times.after_id("msg"), before=times.before_id("msg"))
    return EndpointStatsOut(**{str(it): counted.get(it, 0) for it in Standing})


@router.get("/app/{app}/endpoint/{endpoint}/attempt-stats")
async def endpoint_attempt_stats(
    app: AppPath, endpoint: EndpointPath, caller: Calling, since: Since = None, until: Until = None
) -> EndpointAttemptStatsOut:
    """How many tries of a time ended how at an endpoint; of the last 28 days, where no time is given."""
    found, times = await endpoint_of(caller, app, endpoint), _times(caller, since, until)
    after, before = times.after_id("atmpt"), times.before_id("atmpt")
    counted = await caller.store.attempt_count_of(found, after=after, before=before)
    return EndpointAttemptStatsOut(success=counted.delivered, fail=counted.failed, canceled=counted.canceled)


@router.post("/app/{app}/endpoint/{endpoint}/send-example", response_model=MessageOut, responses=WRITES)
async def endpoint_send_example(
    app: AppPath, endpoint: EndpointPath, body: EventExampleIn, caller: Calling
) -> Response:
    """Send an example of an event type to one endpoint, whatever it subscribed to."""
    found = await endpoint_of(caller, app, endpoint)
    if found.disabled:
        raise Conflict(f"{found.id} is switched off ({found.disabled_reason}): switch it on first")
    event_type = await caller.store.event_type_find(caller.organisation_id, body.event_type)
    if event_type is not None and not caller.sees(event_type.options.feature_flags):
        event_type = None
    message_id, now_ms = caller.context.clock.new_id("msg"), caller.now_ms()
    payload = example_of(body.event_type, event_type, message_id, now_ms)
    if payload is None:
        raise InvalidField("there is no example of it: give the event type a schema with examples", "eventType")
    message = Message(
        id=message_id,
        organisation_id=caller.organisation_id,
        application_id=found.application_id,
        event_type=body.event_type,
        event_id="",
        payload=payload,
        payment_id="",
        created_at_ms=now_ms,
    )
    jobs = caller.context.route(message, (_taking_all(found),))
    await caller.store.message_post(MessageNew(message=message, deliveries=jobs))
    caller.context.deliver(jobs)
    return Response(shown(message), media_type="application/json")


def _times(caller: Caller, since: datetime | None, until: datetime | None) -> Span:
    return Span(until, since or datetime.fromtimestamp((caller.now_ms() - _STATS_MS) / 1000, UTC))


def _taking_all(endpoint: Endpoint) -> Endpoint:
    """The endpoint as if it had subscribed to everything."""
    open_to_all: EndpointOptions = replace(endpoint.options, channels=frozenset(), filter="")
    return replace(endpoint, event_types=frozenset(), options=open_to_all)


def _standing(standing: Standing, due_at_ms: int | None) -> dict[str, Any]:
    return {
        "status": _NUMBERS[standing],
        "statusText": str(standing),
        "nextAttempt": when_or_none(due_at_ms) if standing in {Standing.PENDING, Standing.SENDING} else None,
    }


def _addressed(it: AddressedMessage, *, with_content: bool) -> dict[str, Any]:
    message: dict[str, msgspec.Raw] = msgspec.json.decode(
        shown(it.message, with_content=with_content), type=dict[str, msgspec.Raw]
    )
    return {**message, **_standing(it.standing, it.due_at_ms)}


def _destination(endpoint: Endpoint, delivery: Delivery) -> DestinationOut:
    standing = standing_of(delivery.state, tried=delivery.attempt_count > 0)
    return DestinationOut(**show(endpoint).model_dump(by_alias=True), **_standing(standing, delivery.due_at_ms))
