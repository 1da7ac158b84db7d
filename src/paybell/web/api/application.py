"""Applications: tenants that subscribe."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import NotFound
from paybell.model.message import Application
from paybell.model.text import STORABLE_PATTERN, is_uid
from paybell.web.api.caller import Caller, Calling, Paging, keyed_router
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import PageOut, Patch, Shape, Time, Uid, page_out, when

router = keyed_router("application")

AppPath = Annotated[str, Path(description="The application's id or uid.")]
Title = Annotated[str, Field(min_length=1, max_length=256, pattern=STORABLE_PATTERN)]


class ApplicationIn(Shape):
    """An application."""

    name: Title
    uid: Uid | None = None


class ApplicationPatch(Patch):
    """What may change; null takes the uid away."""

    name: Title = ""
    uid: Uid | None = None


class ApplicationOut(Shape):
    """An application."""

    id: str
    uid: str | None
    name: str
    metadata: dict[str, str] = Field(default_factory=dict, description="Always empty; Svix's SDKs expect it.")
    created_at: Time
    updated_at: Time


@router.post("/app", status_code=HTTPStatus.CREATED, responses=WRITES)
async def application_create(body: ApplicationIn, caller: Calling) -> ApplicationOut:
    """Add an application."""
    return _show(await create_application(caller, body.name, body.uid or ""))


@router.get("/app")
async def application_list(caller: Calling, paging: Paging) -> PageOut[ApplicationOut]:
    """Applications, newest first."""
    return page_out(await caller.store.application_page(paging.query()), _show)


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
        return _show(await create_application(caller, body.name, app))
    return await _update(caller, replace(before, name=body.name, uid=body.uid or before.uid))


@router.patch("/app/{app}", responses=WRITES)
async def application_patch(app: AppPath, body: ApplicationPatch, caller: Calling) -> ApplicationOut:
    """Change what is given of an application."""
    before = await application_of(caller, app)
    changes = body.given()
    if "uid" in changes:
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


async def create_application(caller: Caller, name: str, uid: str) -> Application:
    """A new application; Conflict when the uid is taken."""
    now_ms = caller.now_ms()
    application = Application(
        id=caller.context.clock.new_id("app"),
        organisation_id=caller.organisation_id,
        uid=uid,
        name=name,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    await caller.store.application_create(application)
    return application


async def _update(caller: Caller, changed: Application) -> ApplicationOut:
    after = replace(changed, updated_at_ms=caller.now_ms())
    await caller.store.application_update(after)
    return _show(after)


def _show(it: Application) -> ApplicationOut:
    return ApplicationOut(
        id=it.id, uid=it.uid or None, name=it.name, created_at=when(it.created_at_ms), updated_at=when(it.updated_at_ms)
    )
