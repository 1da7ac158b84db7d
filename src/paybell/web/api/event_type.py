"""Event types: Paybell's own, and those that applications add."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import Conflict, NotFound
from paybell.model.message import EVENT_TYPES, EventType
from paybell.model.text import STORABLE_PATTERN
from paybell.ports import page_of
from paybell.web.api.caller import Caller, Calling, Paging, keyed_router
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import EventTypeName, PageOut, Shape, Time, page_out, when

router = keyed_router("event-type")

Name = Annotated[str, Path(description="The event type, such as payment.completed.")]


class EventTypeIn(Shape):
    """An event type of your own."""

    name: EventTypeName
    description: Annotated[str, Field(max_length=1024, pattern=STORABLE_PATTERN)] = ""


class EventTypeOut(Shape):
    """An event type. Paybell's own have no date and show 1970."""

    name: str
    description: str
    built_in: bool
    deprecated: Annotated[bool, Field(description="Always false; Svix's SDKs expect it.")] = False
    created_at: Time
    updated_at: Time


@router.post("/event-type", status_code=HTTPStatus.CREATED, responses=WRITES)
async def event_type_create(body: EventTypeIn, caller: Calling) -> EventTypeOut:
    """Add an event type of your own."""
    if body.name in EVENT_TYPES:
        raise Conflict(f"{body.name} is Paybell's own event type: choose another name")
    now_ms = caller.now_ms()
    event_type = EventType(
        name=body.name,
        organisation_id=caller.organisation_id,
        description=body.description,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    await caller.store.event_type_create(event_type)
    return _show(event_type)


@router.get("/event-type")
async def event_type_list(caller: Calling, paging: Paging) -> PageOut[EventTypeOut]:
    """All event types, by name."""
    every = sorted(await _all(caller), key=lambda it: it.name)
    query = replace(paging.query(), oldest_first=True)
    return page_out(page_of(every, query, lambda it: it.name), _show)


@router.get("/event-type/{event_type}")
async def event_type_get(event_type: Name, caller: Calling) -> EventTypeOut:
    """One event type."""
    for it in await _all(caller):
        if it.name == event_type:
            return _show(it)
    raise NotFound(f"no event type {event_type}")


async def _all(caller: Caller) -> list[EventType]:
    built_in = [
        EventType(name=name, organisation_id="", description=text, created_at_ms=0, updated_at_ms=0)
        for name, text in EVENT_TYPES.items()
    ]
    own = await caller.store.event_type_list(caller.organisation_id)
    return [*built_in, *(it for it in own if caller.sees(it.options.feature_flag))]


def _show(it: EventType) -> EventTypeOut:
    return EventTypeOut(
        name=it.name,
        description=it.description,
        built_in=not it.organisation_id,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
