"""Event types taken from the webhooks of an OpenAPI document."""

import asyncio
import json
from collections.abc import Iterable
from typing import Annotated, Any, Final

from msgspec.structs import replace
from pydantic import Field

from paybell.errors import ConfigurationError
from paybell.model.message import EventType, EventTypeOptions
from paybell.web.api.caller import Caller, Calling, keyed_router
from paybell.web.api.event_type import check_event_type, refuse_own
from paybell.web.api.openapi_import import Described, described, read_document
from paybell.web.api.payload_schemas import newest_of
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import Shape

router = keyed_router("event-type")

_VERSIONS_MAX: Final = 64


class ImportIn(Shape):
    """An OpenAPI document, in one of two forms, and what to do with it."""

    spec: dict[str, Any] | None = None
    spec_raw: (
        Annotated[str, Field(max_length=1_048_576, description="The same as text: YAML without aliases, or JSON.")]
        | None
    ) = None
    dry_run: Annotated[bool | None, Field(description="Only say what would change.")] = None
    replace_all: Annotated[bool | None, Field(description="Archive all of your event types that it lacks.")] = None


class ImportedOut(Shape):
    """An event type as it would be."""

    name: str
    description: str
    deprecated: bool
    archived: bool
    schemas: dict[str, Any] | None
    group_name: str | None
    feature_flags: list[str]


class ImportDataOut(Shape):
    """What changed, or would. What is as it should be is in neither list."""

    modified: list[str]
    to_modify: Annotated[list[ImportedOut] | None, Field(alias="to_modify")] = None


class ImportOut(Shape):
    """What came of an import."""

    data: ImportDataOut


@router.post("/event-type/import/openapi", responses=WRITES)
async def event_type_import(body: ImportIn, caller: Calling) -> ImportOut:
    """Add or change event types by the webhooks of an OpenAPI document. All is checked before anything is written."""
    place = "spec" if body.spec is not None else "specRaw"
    if (body.spec is None) == (body.spec_raw is None):
        raise InvalidField("give spec (an object) or specRaw (YAML or JSON as text), and not both", place)
    try:
        found = await asyncio.to_thread(_read, body)
    except ConfigurationError as error:
        raise InvalidField(str(error), place) from None
    before = {it.name: it for it in await caller.store.event_type_list(caller.organisation_id)}
    changed = [it for one in found if (it := _after(caller, one, before.get(one.name))) != before.get(one.name)]
    if body.replace_all:
        changed += _archived(before.values(), {it.name for it in found})
    for it in changed:
        _check(it, place)
    if body.dry_run:
        return ImportOut(data=ImportDataOut(modified=[], to_modify=[_show(it) for it in changed]))
    for it in changed:
        await _write(caller, it, is_new=it.name not in before)
    return ImportOut(data=ImportDataOut(modified=[it.name for it in changed]))


def _read(body: ImportIn) -> list[Described]:
    return described(body.spec if body.spec is not None else read_document(body.spec_raw or ""))


def _after(caller: Caller, told: Described, before: EventType | None) -> EventType:
    """An event type as the document has it: what it does not speak of stays."""
    now_ms = caller.now_ms()
    plain = EventType(
        name=told.name,
        organisation_id=caller.organisation_id,
        description="",
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    base = before or plain
    options: EventTypeOptions = replace(
        base.options,
        schemas=_versions(base.options.schemas, told),
        is_archived=False,
        is_deprecated=told.deprecated,
        group_name=told.group_name or base.options.group_name,
        feature_flags=told.feature_flags or base.options.feature_flags,
    )
    return replace(base, description=told.description or base.description, options=options)


def _versions(before: str, told: Described) -> str:
    """The schemas by version, with one more where the newest says something else; the oldest go beyond so many."""
    if told.schema is None or newest_of(before) == told.schema:
        return before
    versions: dict[str, Any] = json.loads(before or "{}")
    number = max((int(it) for it in versions if it.isdecimal()), default=0) + 1
    kept = list(versions.items())[-(_VERSIONS_MAX - 1) :]
    return json.dumps({**dict(kept), str(number): told.schema}, separators=(",", ":"))


def _archived(before: Iterable[EventType], named: set[str]) -> list[EventType]:
    gone = [it for it in before if it.name not in named and not it.options.is_archived]
    return [replace(it, options=replace(it.options, is_archived=True)) for it in gone]


def _check(it: EventType, place: str) -> None:
    refuse_own(it.name)
    try:
        check_event_type(it)
    except InvalidField as error:
        raise InvalidField(f"{it.name}: {error}", place) from None


async def _write(caller: Caller, it: EventType, *, is_new: bool) -> None:
    after = replace(it, updated_at_ms=caller.now_ms())
    if is_new:
        await caller.store.event_type_create(after)
    else:
        await caller.store.event_type_update(after)


def _show(it: EventType) -> ImportedOut:
    options = it.options
    return ImportedOut(
        name=it.name,
        description=it.description,
        deprecated=options.is_deprecated,
        archived=options.is_archived,
        schemas=json.loads(options.schemas) if options.schemas else None,
        group_name=options.group_name or None,
        feature_flags=list(options.feature_flags),
    )
