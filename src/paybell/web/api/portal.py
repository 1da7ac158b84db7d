"""Portal tokens: what an application's own people see and set up themselves."""

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import Field, model_validator

from paybell.errors import NotFound
from paybell.model.key import ApiKey, Capability, Portal, given_by, rights
from paybell.model.message import Application
from paybell.model.text import STORABLE_PATTERN
from paybell.web.api.application import ApplicationIn, AppPath, application_of, check_new_uid, create_application
from paybell.web.api.caller import Caller, Calling, keyed_router, parts_of
from paybell.web.api.idempotency import keep_no_answer
from paybell.web.api.problems import WRITES, Forbidden
from paybell.web.api.shapes import Shape
from paybell.web.auth import hash_key, new_key

router = keyed_router("authentication")

_HOUR_S: Final = 3600
_WEEK_S: Final = 7 * 24 * _HOUR_S
FeatureFlag = Annotated[str, Field(pattern=r"^[a-zA-Z0-9\-_.]{1,256}$")]
SessionId = Annotated[str, Field(min_length=1, max_length=256, pattern=STORABLE_PATTERN)]


class PortalAccessIn(Shape):
    """What a token may do, and for how long."""

    application: Annotated[
        ApplicationIn | None, Field(description="Made under the uid in the path, where there is none of that name.")
    ] = None
    feature_flags: Annotated[list[FeatureFlag], Field(max_length=100)] = []  # noqa: RUF012 - pydantic copies it
    capabilities: Annotated[
        list[Capability] | None, Field(min_length=1, max_length=len(Capability), description="All, where absent.")
    ] = None
    read_only: Annotated[bool, Field(description="The same as the capability ViewBase alone.")] = False
    expiry: Annotated[int, Field(ge=_HOUR_S, le=_WEEK_S, description="In seconds.")] = _WEEK_S
    session_id: SessionId | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "PortalAccessIn":
        if self.read_only and self.capabilities is not None:
            raise ValueError("readOnly and capabilities say the same: send one of them")
        return self

    def wanted(self) -> frozenset[Capability]:
        """The capabilities; the first is always among them."""
        if self.read_only:
            return frozenset({Capability.VIEW_BASE})
        return frozenset(Capability if self.capabilities is None else self.capabilities) | {Capability.VIEW_BASE}


class PortalAccessOut(Shape):
    """A token, shown once."""

    url: Annotated[str, Field(description="`portal_url`, else the application itself; app and key in the fragment.")]
    token: str


class PortalExpireIn(Shape):
    """Which tokens end, and when."""

    expiry: Annotated[int, Field(ge=0, le=_WEEK_S, description="In so many seconds.")] = 0
    session_ids: Annotated[list[SessionId], Field(max_length=100, description="All, where there is none.")] = []  # noqa: RUF012 - pydantic copies it


@router.post("/auth/app-portal-access/{app}", responses=WRITES)
async def portal_access(app: AppPath, body: PortalAccessIn, request: Request, caller: Calling) -> PortalAccessOut:
    """Make a portal token for one application; it is shown only now, also where an idempotency key is sent."""
    keep_no_answer(request)
    _check_rights(caller, body.wanted())
    application = await _application(caller, app, body.application)
    clock = caller.context.clock
    token, now_ms = new_key(clock, "pbt"), caller.now_ms()
    ends_ms = (now_ms + body.expiry * 1000, caller.key.expires_at_ms)
    portal = Portal(
        application_id=application.id,
        capabilities=body.wanted(),
        feature_flags=frozenset(body.feature_flags),
        session_id=body.session_id or "",
    )
    made = ApiKey(
        id=caller.new_id("tok"),
        organisation_id=caller.organisation_id,
        name="",
        scopes=frozenset(),
        created_at_ms=now_ms,
        expires_at_ms=min(it for it in ends_ms if it is not None),
        portal=portal,
    )
    await caller.store.api_key_create(made, hash_key(token))
    return PortalAccessOut(url=_url(caller, application, token), token=token)


@router.post("/auth/logout", status_code=HTTPStatus.NO_CONTENT, response_class=Response, responses=WRITES)
async def portal_logout(request: Request, caller: Calling) -> None:
    """End the portal token that this is sent with."""
    await caller.store.api_key_revoke(caller.organisation_id, caller.key.id, at_ms=caller.now_ms())
    parts_of(request).keys.forget()


@router.post("/auth/app/{app}/expire-all", status_code=HTTPStatus.NO_CONTENT, response_class=Response, responses=WRITES)
async def portal_expire(app: AppPath, request: Request, caller: Calling, body: PortalExpireIn | None = None) -> None:
    """End an application's portal tokens: all, or those of some sessions."""
    application = await application_of(caller, app)
    asked = body or PortalExpireIn()
    at_ms = caller.now_ms() + asked.expiry * 1000
    await caller.store.portal_revoke(caller.organisation_id, application.id, asked.session_ids, at_ms=at_ms)
    parts_of(request).keys.forget()


def _check_rights(caller: Caller, capabilities: frozenset[Capability]) -> None:
    lacking = sorted(given_by(capabilities) - rights(caller.key.scopes))
    if lacking:
        raise Forbidden(
            f"this key cannot give what it lacks itself ({', '.join(lacking)}): name fewer capabilities, or readOnly"
        )


async def _application(caller: Caller, name: str, wanted: ApplicationIn | None) -> Application:
    try:
        return await application_of(caller, name)
    except NotFound:
        if wanted is None:
            raise
    check_new_uid(name, wanted.uid)
    return await create_application(caller, wanted, name)


def _url(caller: Caller, application: Application, token: str) -> str:
    """In the fragment, which browsers send to nobody."""
    place = caller.context.portal_url or f"{caller.base_url}/api/v1/app/{application.id}"
    return f"{place}#{urlencode({'app': application.id, 'key': token})}"
