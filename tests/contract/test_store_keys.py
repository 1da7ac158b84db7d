"""Organisations, API keys and portal tokens."""

from typing import Any

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict, NotFound
from paybell.model.key import ApiKey, Capability, KeyScope, Portal
from paybell.model.source import Organisation
from paybell.ports import PageQuery, Retention
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run

DAY_MS = 86_400_000


def a_key(world: World, number: int, **given: Any) -> ApiKey:
    usual: dict[str, Any] = {
        "id": f"key_{number}",
        "organisation_id": world.organisation.id,
        "name": "ops",
        "scopes": frozenset({KeyScope.READ, KeyScope.MESSAGES_WRITE}),
        "created_at_ms": START_MS,
    }
    return ApiKey(**(usual | given))


def a_token(world: World, number: int, application_id: str = "app_1", session_id: str = "") -> ApiKey:
    portal = Portal(
        application_id=application_id,
        capabilities=frozenset({Capability.VIEW_BASE, Capability.MANAGE_ENDPOINT}),
        feature_flags=frozenset({"beta"}),
        session_id=session_id,
    )
    given = {"scopes": frozenset[KeyScope](), "portal": portal, "expires_at_ms": START_MS + DAY_MS}
    return a_key(world, number, id=f"tok_{number}", **given)


def hashed(key: ApiKey) -> bytes:
    return key.id.encode().ljust(32, b".")


async def kept(world: World, *keys: ApiKey) -> None:
    for it in keys:
        await world.store.api_key_create(it, hashed(it))


def test_keys_are_found_by_their_hash_and_kept_as_first_written(place: Place) -> None:
    async def scenario(world: World) -> None:
        key, token = a_key(world, 1, expires_at_ms=5), a_token(world, 1, session_id="s")
        await kept(world, key, token)
        await world.store.api_key_create(replace(key, id="key_2"), hashed(key))
        assert await world.store.api_key_find(hashed(key)) == key
        assert await world.store.api_key_find(hashed(token)) == token
        assert await world.store.api_key_find(b"g" * 32) is None

    run(place, scenario)


def test_keys_are_listed_newest_first_without_portal_tokens_and_others_keys(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.organisation_create(Organisation(id="org_z", name="z", created_at_ms=1))
        mine = [a_key(world, number) for number in (1, 2, 3)]
        await kept(world, *mine, a_token(world, 4), a_key(world, 5, organisation_id="org_z"))
        query = PageQuery(organisation_id=world.organisation.id, limit=2)
        first = await world.store.api_key_page(query)
        assert (list(first.data), first.done) == ([mine[2], mine[1]], False)
        rest = await world.store.api_key_page(replace(query, iterator=first.iterator))
        assert (list(rest.data), rest.done) == ([mine[0]], True)
        assert await world.store.api_key_get(world.organisation.id, "key_1") == mine[0]
        for organisation_id, key_id in (("org_z", "key_1"), (world.organisation.id, "tok_4"), ("org_z", "none")):
            with pytest.raises(NotFound):
                await world.store.api_key_get(organisation_id, key_id)

    run(place, scenario)


def test_a_key_is_revoked_once_and_by_its_own_organisation_alone(place: Place) -> None:
    async def scenario(world: World) -> None:
        key = a_key(world, 1)
        await kept(world, key)
        with pytest.raises(NotFound):
            await world.store.api_key_revoke("org_z", key.id, at_ms=START_MS)
        for at_ms, ends_ms in ((START_MS + 9, START_MS + 9), (START_MS + 20, START_MS + 9), (START_MS, START_MS)):
            await world.store.api_key_revoke(world.organisation.id, key.id, at_ms=at_ms)
            assert await world.store.api_key_find(hashed(key)) == replace(key, revoked_at_ms=ends_ms)
        await world.store.api_key_touch(key.id, now_ms=START_MS + 1)
        found = await world.store.api_key_find(hashed(key))
        assert found == replace(key, revoked_at_ms=START_MS, used_at_ms=START_MS + 1)

    run(place, scenario)


def test_portal_tokens_end_by_application_or_session_and_never_later_than_before(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine = world.organisation.id
        first, second, other = a_token(world, 1, session_id="s"), a_token(world, 2), a_token(world, 3, "app_2")
        await kept(world, a_key(world, 9), first, second, other)

        async def ends() -> list[int | None]:
            found = [await world.store.api_key_find(hashed(it)) for it in (first, second, other, a_key(world, 9))]
            return [it.revoked_at_ms for it in found if it is not None]

        await world.store.portal_revoke("org_z", "app_1", (), at_ms=START_MS)
        await world.store.portal_revoke(mine, "app_1", ("none",), at_ms=START_MS)
        assert await ends() == [None] * 4
        await world.store.portal_revoke(mine, "app_1", ("s",), at_ms=START_MS)
        assert await ends() == [START_MS, None, None, None]
        await world.store.portal_revoke(mine, "app_1", (), at_ms=START_MS + 1)
        assert await ends() == [START_MS, START_MS + 1, None, None]

    run(place, scenario)


def test_portal_tokens_are_gone_with_their_application_and_dropped_when_they_have_expired(place: Place) -> None:
    async def scenario(world: World) -> None:
        key, deleted, old = a_key(world, 9, expires_at_ms=START_MS), a_token(world, 1), a_token(world, 2, "app_2")
        await kept(world, key, deleted, old)
        await world.store.application_delete(world.organisation.id, "app_1")
        assert await world.store.api_key_find(hashed(deleted)) is None
        await world.store.tend(Retention(), now_ms=START_MS + DAY_MS - 1)
        assert await world.store.api_key_find(hashed(old)) == old
        await world.store.tend(Retention(), now_ms=START_MS + DAY_MS)
        assert await world.store.api_key_find(hashed(old)) is None
        assert await world.store.api_key_find(hashed(key)) == key

    run(place, scenario)


def test_organisations_have_names_of_their_own(place: Place) -> None:
    async def scenario(world: World) -> None:
        second = Organisation(id="org_z", name="second", created_at_ms=1)
        await world.store.organisation_create(second)
        with pytest.raises(Conflict):
            await world.store.organisation_create(Organisation(id="org_zz", name="second", created_at_ms=2))
        assert await world.store.organisation_list() == (world.organisation, second)
        assert await world.store.organisation_default() == world.organisation

    run(place, scenario)
