"""API keys: who may call, and what for."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Request, Response
from pydantic import AwareDatetime, Field

from paybell.model.key import ApiKey, KeyScope, rights
from paybell.model.text import STORABLE_PATTERN
from paybell.web.api.caller import Caller, Calling, Paging, keyed_router, parts_of
from paybell.web.api.idempotency import keep_no_answer
from paybell.web.api.problems import WRITES, Forbidden, InvalidField
from paybell.web.api.shapes import PageOut, Shape, Time, page_out, when, when_or_none
from paybell.web.auth import hash_key, new_key

router = keyed_router("api-key")

KeyPath = Annotated[str, Path(description="The key's id.")]
_YEARS_MAX: Final = 100


class ApiKeyIn(Shape):
    """A new key. It may do no more than the one that makes it, and lives no longer."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=STORABLE_PATTERN, description="What it is for.")]
    scopes: Annotated[list[KeyScope], Field(min_length=1, max_length=len(KeyScope))]
    expires_at: Annotated[
        AwareDatetime | None, Field(description="As long as the key that makes it, where it is absent.")
    ] = None


class ApiKeyOut(Shape):
    """A key, of which nothing is kept that could be shown."""

    id: str
    name: str
    scopes: list[KeyScope]
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None
    used_at: Annotated[Time | None, Field(description="When it was last used, give or take five minutes.")]


class ApiKeyNewOut(ApiKeyOut):
    """A new key, shown once."""

    key: Annotated[str, Field(description="Send it as: Authorization: Bearer KEY.")]


@router.post("/api-key", status_code=HTTPStatus.CREATED, responses=WRITES)
async def api_key_create(body: ApiKeyIn, request: Request, caller: Calling) -> ApiKeyNewOut:
    """Make an API key; it is shown only now, also where an idempotency key is sent."""
    keep_no_answer(request)
    _check_rights(caller, frozenset(body.scopes), "make a key that has")
    clock = caller.context.clock
    key = new_key(clock)
    made = ApiKey(
        id=caller.new_id("key"),
        organisation_id=caller.organisation_id,
        name=body.name,
        scopes=frozenset(body.scopes),
        created_at_ms=caller.now_ms(),
        expires_at_ms=_end(caller, body.expires_at),
    )
    await caller.store.api_key_create(made, hash_key(key))
    return ApiKeyNewOut(**_show(made).model_dump(), key=key)


@router.get("/api-key")
async def api_key_list(caller: Calling, paging: Paging) -> PageOut[ApiKeyOut]:
    """API keys, newest first; revoked and expired ones, too."""
    return page_out(await caller.store.api_key_page(paging.query()), _show)


@router.get("/api-key/{api_key}")
async def api_key_get(api_key: KeyPath, caller: Calling) -> ApiKeyOut:
    """One API key."""
    return _show(await caller.store.api_key_get(caller.organisation_id, api_key))


@router.delete("/api-key/{api_key}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def api_key_revoke(api_key: KeyPath, request: Request, caller: Calling) -> None:
    """Revoke an API key: within a second no node takes it any more. It stays in the list."""
    found = await caller.store.api_key_get(caller.organisation_id, api_key)
    _check_rights(caller, found.scopes, "revoke a key that has")
    await caller.store.api_key_revoke(caller.organisation_id, found.id, at_ms=caller.now_ms())
    parts_of(request).keys.forget()


def _check_rights(caller: Caller, scopes: frozenset[KeyScope], what: str) -> None:
    """A key is lord over no key that may do more than itself."""
    lacking = sorted(rights(scopes) - rights(caller.key.scopes))
    if lacking:
        raise Forbidden(f"this key cannot {what} what it lacks itself: {', '.join(lacking)}")


def _end(caller: Caller, wanted: AwareDatetime | None) -> int | None:
    own_ms = caller.key.expires_at_ms
    if wanted is None:
        return own_ms
    now_ms, wanted_ms = caller.now_ms(), int(wanted.timestamp() * 1000)
    if not now_ms < wanted_ms <= now_ms + _YEARS_MAX * 366 * 86_400_000:
        raise InvalidField(f"must lie ahead, at most {_YEARS_MAX} years", "expiresAt")
    if own_ms is not None and wanted_ms > own_ms:
        raise Forbidden(f"this key ends at {when(own_ms)}: it cannot make one that lives longer")
    return wanted_ms


def _show(it: ApiKey) -> ApiKeyOut:
    return ApiKeyOut(
        id=it.id,
        name=it.name,
        scopes=sorted(it.scopes),
        created_at=when(it.created_at_ms),
        expires_at=when_or_none(it.expires_at_ms),
        revoked_at=when_or_none(it.revoked_at_ms),
        used_at=when_or_none(it.used_at_ms),
    )
