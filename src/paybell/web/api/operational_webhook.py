"""Operational webhooks: where an organisation hears of its own endpoints and deliveries."""

import contextlib
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Response
from msgspec.structs import replace

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.model.operational import operational_application, operational_application_id
from paybell.web.api.application import application_of, check_new_uid
from paybell.web.api.caller import Caller, Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.endpoint import SecretOut, SecretRotateIn, rotated
from paybell.web.api.endpoint_shapes import check_endpoint, check_secret, disabling
from paybell.web.api.operational_shapes import (
    OperationalEndpointIn,
    OperationalEndpointOut,
    OperationalEndpointPut,
    OperationalHeadersIn,
    OperationalHeadersOut,
    show,
)
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import PageOut, masked, merged, page_out

router = keyed_router("operational-webhook")

_PATH: Final = "/operational-webhook/endpoint"
_ONE: Final = _PATH + "/{operational_endpoint}"
OperationalPath = Annotated[str, Path(description="The operational endpoint's id or uid.")]


@router.post(_PATH, status_code=HTTPStatus.CREATED, responses=WRITES)
async def operational_endpoint_create(body: OperationalEndpointIn, caller: Calling) -> OperationalEndpointOut:
    """Add an operational endpoint."""
    secret = body.secret or caller.context.new_secret("")
    return await _create(caller, body, secret=secret, headers=tuple((body.headers or {}).items()))


@router.get(_PATH)
async def operational_endpoint_list(
    caller: Calling, paging: Paging, order: Order = "descending"
) -> PageOut[OperationalEndpointOut]:
    """Operational endpoints, newest first."""
    query = ordered(paging.query(application_id=operational_application_id(caller.organisation_id)), order)
    return page_out(await caller.store.endpoint_page(query), show)


@router.get(_ONE)
async def operational_endpoint_get(operational_endpoint: OperationalPath, caller: Calling) -> OperationalEndpointOut:
    """One operational endpoint."""
    return show(await _endpoint_of(caller, operational_endpoint))


@router.put(
    _ONE,
    responses={
        **WRITES,
        201: {"model": OperationalEndpointOut, "description": "There was none of that uid; now there is."},
    },
)
async def operational_endpoint_put(
    operational_endpoint: OperationalPath, body: OperationalEndpointPut, caller: Calling, response: Response
) -> OperationalEndpointOut:
    """Replace an operational endpoint, or add one with that uid. Its secrets and headers stay, and an absent uid."""
    try:
        before = await _endpoint_of(caller, operational_endpoint)
    except NotFound:
        check_new_uid(operational_endpoint, body.uid)
        response.status_code = HTTPStatus.CREATED
        named = body.model_copy(update={"uid": operational_endpoint})
        return await _create(caller, named, secret=caller.context.new_secret(""), headers=())
    changed = replace(
        before,
        url=body.url,
        uid=body.uid or before.uid,
        description=body.description or "",
        event_types=body.subscribed(),
        options=await _options(caller, body, before.options),
        **disabling(before, disabled=bool(body.disabled)),
    )
    return show(await _update(caller, before, changed))


@router.delete(_ONE, status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def operational_endpoint_delete(operational_endpoint: OperationalPath, caller: Calling) -> None:
    """Delete an operational endpoint; what waits for it becomes dead letters."""
    found = await _endpoint_of(caller, operational_endpoint)
    await caller.store.endpoint_delete(caller.organisation_id, found.id)


@router.get(_ONE + "/headers")
async def operational_endpoint_headers(operational_endpoint: OperationalPath, caller: Calling) -> OperationalHeadersOut:
    """The headers that are sent with every delivery, masked."""
    found = await _endpoint_of(caller, operational_endpoint)
    return OperationalHeadersOut(headers={name: masked(value) for name, value in found.headers})


@router.put(_ONE + "/headers", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def operational_endpoint_headers_put(
    operational_endpoint: OperationalPath, body: OperationalHeadersIn, caller: Calling
) -> None:
    """Replace those headers; a value sent back as it was shown stays."""
    before = await _endpoint_of(caller, operational_endpoint)
    gone = dict.fromkeys(name for name, _ in before.headers if name not in body.headers)
    headers = merged(dict(before.headers), {**gone, **body.headers})
    await _update(caller, before, replace(before, headers=tuple((name, str(it)) for name, it in headers.items())))


@router.get(_ONE + "/secret")
async def operational_endpoint_secret(operational_endpoint: OperationalPath, caller: Calling) -> SecretOut:
    """What to verify its deliveries with: the newest signing secret, or the public key of one that is not shared."""
    return SecretOut(key=caller.context.receivers_key((await _endpoint_of(caller, operational_endpoint)).secrets[0]))


@router.post(_ONE + "/secret/rotate", status_code=HTTPStatus.NO_CONTENT, response_class=Response, responses=WRITES)
async def operational_endpoint_secret_rotate(
    operational_endpoint: OperationalPath, caller: Calling, body: SecretRotateIn | None = None
) -> None:
    """Put a new signing secret before the old ones, of which up to ten sign further, the last until its grace ends."""
    asked = body or SecretRotateIn()
    before = await _endpoint_of(caller, operational_endpoint)
    key = asked.key or caller.context.new_secret(before.secrets[0])
    check_secret(caller.context, key, "key")
    await _update(caller, before, rotated(before, key, caller.now_ms(), asked.grace_period_seconds))


async def _endpoint_of(caller: Caller, name: str) -> Endpoint:
    application_id = operational_application_id(caller.organisation_id)
    return await caller.store.endpoint_lookup(caller.organisation_id, application_id, name)


async def _options(caller: Caller, body: OperationalEndpointPut, before: EndpointOptions) -> EndpointOptions:
    """What it asks for; whom it hears of stays where nothing is said, since mail to one must not become mail of all."""
    if "app_ids" not in body.model_fields_set:
        return replace(body.options(), applications=before.applications)
    found: set[str] = set()
    for name in body.app_ids or ():
        try:
            found.add((await application_of(caller, name)).id)
        except NotFound:
            raise InvalidField(f"{name} is no application's id or uid", "appIds") from None
    return replace(body.options(), applications=frozenset(found))


async def _create(
    caller: Caller, body: OperationalEndpointPut, *, secret: str, headers: tuple[tuple[str, str], ...]
) -> OperationalEndpointOut:
    now_ms = caller.now_ms()
    endpoint = Endpoint(
        id=caller.new_id("ep"),
        organisation_id=caller.organisation_id,
        application_id=operational_application_id(caller.organisation_id),
        uid=body.uid or "",
        url=body.url,
        description=body.description or "",
        event_types=body.subscribed(),
        secrets=(secret,),
        headers=headers,
        options=await _options(caller, body, EndpointOptions()),
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )
    endpoint = replace(endpoint, **disabling(endpoint, disabled=bool(body.disabled)))
    _check(caller, endpoint, None)
    if not await caller.store.endpoint_list_of(endpoint.application_id):
        with contextlib.suppress(Conflict):  # what the endpoints belong to is there already
            await caller.store.application_create(operational_application(caller.organisation_id, now_ms))
    await caller.store.endpoint_create(endpoint)
    return show(endpoint)


async def _update(caller: Caller, before: Endpoint, changed: Endpoint) -> Endpoint:
    after = replace(changed, updated_at_ms=caller.now_ms())
    _check(caller, after, before)
    await caller.store.endpoint_update(after)
    return after


def _check(caller: Caller, after: Endpoint, before: Endpoint | None) -> None:
    check_endpoint(replace(caller.context, check_url=caller.context.check_listener), after, before)
