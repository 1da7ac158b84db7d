"""Applications: tenants that subscribe."""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Path, Query, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import NotFound
from paybell.model.message import Application, ApplicationOptions
from paybell.model.text import STORABLE_PATTERN, is_uid
from paybell.web.api.caller import Caller, Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import (
    Metadata,
    MetadataChange,
    PageOut,
    Patch,
    Shape,
    ThrottleRate,
    Time,
    Uid,
    noted,
    page_out,
    when,
)

router = keyed_router("application")

AppPath = Annotated[str, Path(description="The application's id or uid.")]
Title = Annotated[str, Field(min_length=1, max_length=256, pattern=STORABLE_PATTERN)]


class ApplicationIn(Shape):
    """An application."""

    name: Title
    uid: Uid | None = None
    metadata: Metadata = Field(default_factory=dict)
    throttle_rate: ThrottleRate | None = None

    def options(self) -> ApplicationOptions:
        """What it asks for."""
        return ApplicationOptions(metadata=tuple(self.metadata.items()), throttle_rate=self.throttle_rate or 0)


class ApplicationPatch(Patch):
    """What may change; null takes the uid, the rate or a note of the metadata away."""

    name: Title = ""
    uid: Uid | None = None
    metadata: MetadataChange = Field(default_factory=dict)
    throttle_rate: ThrottleRate | None = None

    def options(self, before: ApplicationOptions) -> ApplicationOptions:
        """What it asks for after the change."""
        changes: dict[str, Any] = {}
        if "metadata" in self.model_fields_set:
            changes["metadata"] = noted(before.metadata, self.metadata)
        if "throttle_rate" in self.model_fields_set:
            changes["throttle_rate"] = self.throttle_rate or 0
        return replace(before, **changes)


class ApplicationOut(Shape):
    """An application."""

    id: str
    uid: str | None
    name: str
    metadata: Metadata
    throttle_rate: ThrottleRate | None
    created_at: Time
    updated_at: Time


@router.post(
    "/app",
    status_code=HTTPStatus.CREATED,
    responses={**WRITES, 200: {"model": ApplicationOut, "description": "It was there already, and was not changed."}},
)
async def application_create(
    body: ApplicationIn,
    caller: Calling,
    response: Response,
    get_if_exists: Annotated[bool, Query(description="Whether to answer what has that uid already.")] = False,  # noqa: FBT002
) -> ApplicationOut:
    """Add an application."""
    if get_if_exists and body.uid:
        with suppress(NotFound):
            found = await application_of(caller, body.uid)
            response.status_code = HTTPStatus.OK
            return _show(found)
    return _show(await create_application(caller, body, body.uid or ""))


@router.get("/app")
async def application_list(
    caller: Calling,
    paging: Paging,
    order: Order = "descending",
    *,
    exclude_apps_with_no_endpoints: Annotated[bool, Query(description="Only those that have any.")] = False,
    exclude_apps_with_disabled_endpoints: Annotated[
        bool, Query(description="Only those without a disabled one.")
    ] = False,
) -> PageOut[ApplicationOut]:
    """Applications, newest first."""
    narrow = {"with_endpoints": exclude_apps_with_no_endpoints, "all_enabled": exclude_apps_with_disabled_endpoints}
    query = paging.query(**{name: "yes" for name, wanted in narrow.items() if wanted})
    return page_out(await caller.store.application_page(ordered(query, order)), _show)


@router.get("/app/{app}")
async def application_get(app: AppPath, caller: Calling) -> ApplicationOut:
    """One application."""
    return _show(await application_of(caller, app))


@router.put(
    "/app/{app}",
    responses={**WRITES, 201: {"model": ApplicationOut, "description": "There was none of that uid; now there is."}},
)
async def application_put(app: AppPath, body: ApplicationIn, caller: Calling, response: Response) -> ApplicationOut:
    """Change an application, or add one with that uid. An absent uid stays."""
    try:
        before = await application_of(caller, app)
    except NotFound:
        check_new_uid(app, body.uid)
        response.status_code = HTTPStatus.CREATED
        return _show(await create_application(caller, body, app))
    changed = replace(before, name=body.name, uid=body.uid or before.uid, options=body.options())
    return await _update(caller, changed)


@router.patch("/app/{app}", responses=WRITES)
async def application_patch(app: AppPath, body: ApplicationPatch, caller: Calling) -> ApplicationOut:
    """Change what is given of an application."""
    before = await application_of(caller, app)
    changes: dict[str, Any] = {"options": body.options(before.options)}
    if "name" in body.model_fields_set:
        changes["name"] = body.name
    if "uid" in body.model_fields_set:
        changes["uid"] = body.uid or ""
    return await _update(caller, replace(before, **changes))


@router.delete("/app/{app}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def application_delete(app: AppPath, caller: Calling) -> None:
    """Delete an application and its endpoints; what waits for them becomes dead letters."""
    found = await application_of(caller, app)
    await caller.store.application_delete(caller.organisation_id, found.id)


async def application_of(caller: Caller, name: str) -> Application:
    """The caller's application by id or uid; ``NotFound`` otherwise."""
    return await caller.store.application_lookup(caller.organisation_id, name)


def check_new_uid(name: str, uid: str | None) -> None:
    """Whether a PUT may create what its path names: as a uid, the same as the body's."""
    if not is_uid(name):
        raise NotFound(f"nothing is named {name[:64]!r}, and it cannot be a uid")
    if uid not in (None, name):
        raise InvalidField("must be the uid in the path, or absent, where the PUT creates", "uid")


async def create_application(caller: Caller, body: ApplicationIn, uid: str) -> Application:
    """Add the application that a body describes, under that uid."""
    now_ms = caller.now_ms()
    application = Application(
        id=caller.new_id("app"),
        organisation_id=caller.organisation_id,
        uid=uid,
        name=body.name,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        options=body.options(),
    )
    await caller.store.application_create(application)
    return application


async def _update(caller: Caller, changed: Application) -> ApplicationOut:
    after = replace(changed, updated_at_ms=caller.now_ms())
    await caller.store.application_update(after)
    return _show(after)


def _show(it: Application) -> ApplicationOut:
    return ApplicationOut(
        id=it.id,
        uid=it.uid or None,
        name=it.name,
        metadata=dict(it.options.metadata),
        throttle_rate=it.options.throttle_rate or None,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
