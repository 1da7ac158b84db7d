"""Endpoints: where an application's messages go."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Response
from msgspec.structs import replace
from pydantic import Field

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.web.api.application import AppPath, application_of, check_new_uid
from paybell.web.api.caller import Caller, Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.endpoint_shapes import (
    OF_OPTIONS,
    EndpointIn,
    EndpointOut,
    EndpointPatch,
    EndpointPut,
    check_endpoint,
    check_secret,
    disabling,
    show,
)
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import PageOut, Shape, merged, page_out

router = keyed_router("endpoint")

EndpointPath = Annotated[str, Path(description="The endpoint's id or uid.")]
_OLD_SECRETS_MAX: Final = 10
_GRACE_S: Final = 86_400
_GRACE_MAX_S: Final = 7 * 86_400


class SecretOut(Shape):
    """What deliveries are verified with: the newest secret, ``whsec_…``, or its public key, ``whpk_…``."""

    key: str


class SecretRotateIn(Shape):
    """The next signing secret; a fresh one of the same kind where it is absent."""

    key: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    grace_period_seconds: (
        Annotated[int, Field(ge=0, le=_GRACE_MAX_S, description="How long the secret before it signs on.")] | None
    ) = _GRACE_S


@router.post("/app/{app}/endpoint", status_code=HTTPStatus.CREATED, responses=WRITES)
async def endpoint_create(app: AppPath, body: EndpointIn, caller: Calling) -> EndpointOut:
    """Add an endpoint."""
    application = await application_of(caller, app)
    return await _create(caller, application.id, body, secret=body.secret)


@router.get("/app/{app}/endpoint")
async def endpoint_list(
    app: AppPath, caller: Calling, paging: Paging, order: Order = "descending"
) -> PageOut[EndpointOut]:
    """An application's endpoints, newest first."""
    application = await application_of(caller, app)
    query = ordered(paging.query(application_id=application.id), order)
    return page_out(await caller.store.endpoint_page(query), show)


@router.get("/app/{app}/endpoint/{endpoint}")
async def endpoint_get(app: AppPath, endpoint: EndpointPath, caller: Calling) -> EndpointOut:
    """One endpoint."""
    return show(await endpoint_of(caller, app, endpoint))


@router.put(
    "/app/{app}/endpoint/{endpoint}",
    responses={**WRITES, 201: {"model": EndpointOut, "description": "There was none of that uid; now there is."}},
)
async def endpoint_put(
    app: AppPath, endpoint: EndpointPath, body: EndpointPut, caller: Calling, response: Response
) -> EndpointOut:
    """Replace an endpoint, or add one with that uid. Its secrets stay, and what Svix's SDKs cannot say where absent."""
    application = await application_of(caller, app)
    try:
        before = await caller.store.endpoint_lookup(caller.organisation_id, application.id, endpoint)
    except NotFound:
        check_new_uid(endpoint, body.uid)
        response.status_code = HTTPStatus.CREATED
        return await _create(caller, application.id, body.model_copy(update={"uid": endpoint}))
    changed = replace(
        before,
        url=body.url,
        uid=body.uid or before.uid,
        description=body.description,
        event_types=body.subscribed(),
        headers=before.headers if body.headers is None else tuple(body.headers.items()),
        options=body.options(before.options),
        **disabling(before, disabled=body.disabled),
    )
    return await update_endpoint(caller, before, changed)


@router.patch("/app/{app}/endpoint/{endpoint}", responses=WRITES)
async def endpoint_patch(app: AppPath, endpoint: EndpointPath, body: EndpointPatch, caller: Calling) -> EndpointOut:
    """Change what is given of an endpoint; in ``headers`` null removes and what is absent stays."""
    before = await endpoint_of(caller, app, endpoint)
    changes = {name: value for name, value in body.given().items() if name not in OF_OPTIONS}
    changes["options"] = body.options(before.options)
    if changes.keys() & {"event_types", "filter_types"}:
        changes["event_types"] = body.subscribed()
        changes.pop("filter_types", None)
    if "uid" in changes:
        changes["uid"] = body.uid or ""
    if "headers" in changes:
        changes["headers"] = tuple(merged(dict(before.headers), body.headers).items())
    if "disabled" in changes:
        changes |= disabling(before, disabled=body.disabled)
    return await update_endpoint(caller, before, replace(before, **changes))


@router.delete("/app/{app}/endpoint/{endpoint}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def endpoint_delete(app: AppPath, endpoint: EndpointPath, caller: Calling) -> None:
    """Delete an endpoint; what waits for it becomes dead letters."""
    found = await endpoint_of(caller, app, endpoint)
    await caller.store.endpoint_delete(caller.organisation_id, found.id)


@router.get("/app/{app}/endpoint/{endpoint}/secret")
async def endpoint_secret(app: AppPath, endpoint: EndpointPath, caller: Calling) -> SecretOut:
    """What to verify deliveries with: the newest signing secret, or the public key of one that is not shared."""
    return SecretOut(key=caller.context.receivers_key((await endpoint_of(caller, app, endpoint)).secrets[0]))


@router.post(
    "/app/{app}/endpoint/{endpoint}/secret/rotate",
    responses=WRITES,
)
async def endpoint_secret_rotate(
    app: AppPath, endpoint: EndpointPath, caller: Calling, body: SecretRotateIn | None = None
) -> SecretOut:
    """Put a new signing secret before the old ones; deliveries are signed with it and up to ten old ones."""
    before = await endpoint_of(caller, app, endpoint)
    asked = body or SecretRotateIn()
    key = asked.key or caller.context.new_secret(before.secrets[0])
    check_secret(caller.context, key, "key")
    await update_endpoint(caller, before, rotated(before, key, caller.now_ms(), asked.grace_period_seconds))
    return SecretOut(key=caller.context.receivers_key(key))  # Svix's newer SDKs read it, older ones pass it over


def rotated(before: Endpoint, key: str, now_ms: int, grace_s: int | None) -> Endpoint:
    """The secret in use ends with the grace (a day, where none is given), older ones when they were to."""
    ends_at_ms = now_ms + (_GRACE_S if grace_s is None else grace_s) * 1000
    old = [(before.secrets[0], ends_at_ms), *before.old_secrets]
    live = [it for it in old if it[0] != key and (it[1] is None or it[1] > now_ms)][:_OLD_SECRETS_MAX]
    return replace(
        before, secrets=(key, *(secret for secret, _ in live)), secrets_end_at_ms=tuple(end_ms for _, end_ms in live)
    )


def check_enabled(it: Endpoint) -> Endpoint:
    """Refuse, with ``Conflict``, to have anything sent to an endpoint that is off."""
    if it.disabled:
        why = f" ({it.disabled_reason})" if it.disabled_reason else ""
        raise Conflict(f"endpoint {it.id} is disabled{why}: switch it on first, PATCH it with disabled: false")
    if it.options.polled:
        raise Conflict(f"endpoint {it.id} is polled, nothing is sent to it: PATCH it with polled: false")
    return it


async def endpoint_of(caller: Caller, app: str, name: str) -> Endpoint:
    """An application's endpoint by id or uid; ``NotFound`` otherwise."""
    application = await application_of(caller, app)
    return await caller.store.endpoint_lookup(caller.organisation_id, application.id, name)


async def _create(caller: Caller, application_id: str, body: EndpointPut, secret: str | None = None) -> EndpointOut:
    now_ms = caller.now_ms()
    endpoint = Endpoint(
        id=caller.new_id("ep"),
        organisation_id=caller.organisation_id,
        application_id=application_id,
        uid=body.uid or "",
        url=body.url,
        description=body.description,
        event_types=body.subscribed(),
        secrets=(secret or caller.context.new_secret(""),),
        headers=tuple((body.headers or {}).items()),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
        options=body.options(EndpointOptions()),
    )
    endpoint = replace(endpoint, **disabling(endpoint, disabled=body.disabled))
    check_endpoint(caller.context, endpoint, None)
    await caller.store.endpoint_create(endpoint)
    return show(endpoint)


async def update_endpoint(caller: Caller, before: Endpoint, changed: Endpoint) -> EndpointOut:
    """Write a changed endpoint, if it can be delivered to."""
    after = replace(changed, updated_at_ms=caller.now_ms())
    check_endpoint(caller.context, after, before)
    await caller.store.endpoint_update(after)
    return show(after)
