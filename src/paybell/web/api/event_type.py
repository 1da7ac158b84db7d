"""Event types: Paybell's own, and those that applications add."""

import json
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import ConfigurationError, Conflict, NotFound
from paybell.model.message import EVENT_TYPES, EventType, EventTypeOptions
from paybell.model.text import STORABLE_PATTERN
from paybell.ports import page_of
from paybell.web.api.caller import Caller, Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.endpoint_content import RetryDelays
from paybell.web.api.payload_schemas import check_schemas
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import EventTypeName, PageOut, Patch, Shape, Time, page_out, when

router = keyed_router("event-type")

_SCHEMAS_CHARS_MAX: Final = 262_144

Name = Annotated[str, Path(description="The event type, such as payment.completed.")]
Description = Annotated[str, Field(max_length=1024, pattern=STORABLE_PATTERN)]
Flag = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[a-zA-Z0-9\-_.]+$")]
Flags = Annotated[list[Flag], Field(max_length=64, description="Only portal tokens with one of them see it.")]
Group = Annotated[str, Field(max_length=256, pattern=STORABLE_PATTERN)]
Schemas = Annotated[
    dict[str, dict[str, Any]],
    Field(max_length=64, description="JSON Schemas of the payload by version: the newest has the highest number."),
]
Schedule = Annotated[RetryDelays, Field(description="Seconds before each further try; null for the server's schedule.")]
Enforced = Annotated[bool, Field(description="Whether a payload that the newest schema refuses is refused.")]


class EventTypePut(Shape):
    """An event type as a PUT writes it."""

    description: Description = ""
    archived: bool = False
    deprecated: bool = False
    schemas: Schemas | None = None
    schema_enforced: Enforced = False
    feature_flag: Flag | None = None
    feature_flags: Flags | None = None
    group_name: Group | None = None
    retry_delays: Schedule | None = None


class EventTypeIn(EventTypePut):
    """An event type of your own."""

    name: EventTypeName


class EventTypePatch(EventTypePut, Patch):
    """What may change; null takes schemas, flags, the group or the schedule away."""


class EventTypeOut(Shape):
    """An event type. Paybell's own have no date and show 1970."""

    name: str
    description: str
    built_in: bool
    archived: bool
    deprecated: bool
    schemas: dict[str, Any] | None
    schema_enforced: bool
    feature_flag: str | None
    feature_flags: list[str]
    group_name: str | None
    retry_delays: Schedule | None
    created_at: Time
    updated_at: Time


@router.post("/event-type", status_code=HTTPStatus.CREATED, responses=WRITES)
async def event_type_create(body: EventTypeIn, caller: Calling) -> EventTypeOut:
    """Add an event type of your own; one that was archived comes back."""
    refuse_own(body.name)
    caller.about(body.name)
    before = await caller.store.event_type_find(caller.organisation_id, body.name)
    if before is not None and before.options.is_archived:
        return await _update(caller, before, body)
    return await _create(caller, body.name, body)


@router.get("/event-type")
async def event_type_list(
    caller: Calling,
    paging: Paging,
    order: Order = "ascending",
    include_archived: Annotated[bool, Query(description="Whether archived ones are listed, too.")] = False,  # noqa: FBT002
    with_content: Annotated[bool, Query(description="Whether to show schemas.")] = True,  # noqa: FBT002
) -> PageOut[EventTypeOut]:
    """All event types, by name."""
    every = [it for it in await _all(caller) if include_archived or not it.options.is_archived]
    page = page_of(sorted(every, key=lambda it: it.name), ordered(paging.query(), order), lambda it: it.name)
    return page_out(page, lambda it: _show(it, with_content=with_content))


@router.get("/event-type/{event_type}")
async def event_type_get(event_type: Name, caller: Calling) -> EventTypeOut:
    """One event type."""
    for it in await _all(caller):
        if it.name == event_type:
            return _show(it)
    raise NotFound(f"no event type {event_type}")


@router.put(
    "/event-type/{event_type}",
    responses={**WRITES, 201: {"model": EventTypeOut, "description": "There was none of that name; now there is."}},
)
async def event_type_put(event_type: Name, body: EventTypePut, caller: Calling, response: Response) -> EventTypeOut:
    """Replace an event type of your own, or add it."""
    refuse_own(event_type)
    before = await caller.store.event_type_find(caller.organisation_id, event_type)
    if before is not None:
        return await _update(caller, before, body)
    response.status_code = HTTPStatus.CREATED
    try:
        named = EventTypeIn(name=event_type, **body.model_dump())
    except ValueError:
        raise NotFound(f"no event type {event_type}, and it cannot be a name") from None
    return await _create(caller, named.name, body)


@router.patch("/event-type/{event_type}", responses=WRITES)
async def event_type_patch(event_type: Name, body: EventTypePatch, caller: Calling) -> EventTypeOut:
    """Change what is given of an event type of your own."""
    before = await _own(caller, event_type)
    changes = body.given()
    after = replace(
        before,
        description=changes.pop("description", before.description),
        options=replace(before.options, **_options(changes)),
    )
    return await _write(caller, after)


@router.delete("/event-type/{event_type}", status_code=HTTPStatus.NO_CONTENT, response_class=Response, responses=WRITES)
async def event_type_delete(
    event_type: Name,
    caller: Calling,
    expunge: Annotated[bool, Query(description="Whether to forget it; else it is archived.")] = False,  # noqa: FBT002
) -> None:
    """Archive an event type of your own: it is not listed any more, but messages of it can be posted."""
    before = await _own(caller, event_type)
    if expunge:
        await caller.store.event_type_delete(caller.organisation_id, before.name)
    else:
        await _write(caller, replace(before, options=replace(before.options, is_archived=True)))


async def _all(caller: Caller) -> list[EventType]:
    built_in = [
        EventType(name=name, organisation_id="", description=text, created_at_ms=0, updated_at_ms=0)
        for name, text in EVENT_TYPES.items()
    ]
    own = await caller.store.event_type_list(caller.organisation_id)
    return [*built_in, *(it for it in own if caller.sees(it.options.feature_flags))]


async def _own(caller: Caller, name: str) -> EventType:
    found = await caller.store.event_type_find(caller.organisation_id, name)
    if found is None:
        refuse_own(name)
        raise NotFound(f"no event type {name}")
    return found


def refuse_own(name: str) -> None:
    """``Conflict`` for a name of Paybell's own."""
    if name in EVENT_TYPES:
        raise Conflict(f"{name} is Paybell's own event type: choose another name")


async def _create(caller: Caller, name: str, body: EventTypePut) -> EventTypeOut:
    now_ms = caller.now_ms()
    event_type = EventType(
        name=name,
        organisation_id=caller.organisation_id,
        description=body.description,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        options=EventTypeOptions(**_options(body.model_dump())),
    )
    check_event_type(event_type)
    await caller.store.event_type_create(event_type)
    return _show(event_type)


async def _update(caller: Caller, before: EventType, body: EventTypePut) -> EventTypeOut:
    options = replace(before.options, **_options(body.model_dump()))
    return await _write(caller, replace(before, description=body.description, options=options))


async def _write(caller: Caller, changed: EventType) -> EventTypeOut:
    after = replace(changed, updated_at_ms=caller.now_ms())
    check_event_type(after)
    await caller.store.event_type_update(after)
    return _show(after)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of a body as those of the options; what is not given is left out."""
    names = {"archived": "is_archived", "deprecated": "is_deprecated", "schema_enforced": "is_enforced"}
    options = {to: given[name] for name, to in names.items() if name in given}
    if "schemas" in given:
        options["schemas"] = json.dumps(given["schemas"], separators=(",", ":")) if given["schemas"] else ""
    if "group_name" in given:
        options["group_name"] = given["group_name"] or ""
    if "retry_delays" in given:
        delays = given["retry_delays"]
        options["retry_delays_s"] = None if delays is None else tuple(delays)
    flags = [*(given.get("feature_flags") or ()), *([one] if (one := given.get("feature_flag")) else ())]
    if given.keys() & {"feature_flag", "feature_flags"}:
        options["feature_flags"] = tuple(dict.fromkeys(flags))
    return options


def check_event_type(event_type: EventType) -> None:
    """Refuse, with :class:`InvalidField`, schemas that are none, and an enforcement of nothing."""
    options = event_type.options
    if len(options.schemas) > _SCHEMAS_CHARS_MAX:
        raise InvalidField(f"at most {_SCHEMAS_CHARS_MAX} characters of JSON", "schemas")
    if options.is_enforced and not options.schemas:
        raise InvalidField("there is no schema to enforce: give schemas", "schemaEnforced")
    try:
        check_schemas(options.schemas)
    except ConfigurationError as error:
        raise InvalidField(str(error), "schemas") from None


def _show(it: EventType, *, with_content: bool = True) -> EventTypeOut:
    options = it.options
    return EventTypeOut(
        name=it.name,
        description=it.description,
        built_in=not it.organisation_id,
        archived=options.is_archived,
        deprecated=options.is_deprecated,
        schemas=json.loads(options.schemas) if options.schemas and with_content else None,
        schema_enforced=options.is_enforced,
        feature_flag=options.feature_flags[0] if options.feature_flags else None,
        feature_flags=list(options.feature_flags),
        group_name=options.group_name or None,
        retry_delays=None if options.retry_delays_s is None else list(options.retry_delays_s),
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
