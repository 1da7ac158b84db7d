"""Who may do what, and how long a key is believed without asking the store."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from paybell.model.key import SCOPES, ApiKey, Capability, KeyScope, Portal, given_by, rights
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.fake_clock import START_MS, FakeClock
from paybell.web.auth import KeyRing, Refused, hash_key
from paybell.web.rights import Need, lack, need_of

PAGE = (Path(__file__).parents[2] / "docs/keys.md").read_text()


def a_key(*scopes: KeyScope, portal: Portal | None = None) -> ApiKey:
    return ApiKey(
        id="key_1", organisation_id="org_1", name="", scopes=frozenset(scopes), created_at_ms=0, portal=portal
    )


def a_portal(*capabilities: Capability) -> Portal:
    return Portal(application_id="app_1", capabilities=frozenset(capabilities))


@pytest.mark.parametrize("scope", list(KeyScope))
def test_each_scope_allows_itself_and_only_two_allow_more(scope: KeyScope) -> None:
    more = {KeyScope.WRITE: {KeyScope.MESSAGES_WRITE}, KeyScope.ADMIN: set(KeyScope)}
    assert rights(frozenset({scope})) == {scope} | more.get(scope, set())


def test_an_operation_nobody_knows_is_closed_to_tokens_and_needs_what_its_method_does() -> None:
    assert need_of("anything_new", "GET") == Need(KeyScope.READ, None)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert need_of("anything_new", method) == Need(KeyScope.WRITE, None)
    assert "API key" in lack(a_key(portal=a_portal(*Capability)), need_of("anything_new", "GET"))


def test_a_token_has_no_scopes_and_a_key_no_capabilities() -> None:
    only_tokens = Need(None, Capability.VIEW_BASE)
    assert "portal token" in lack(a_key(KeyScope.ADMIN), only_tokens)
    token = a_key(KeyScope.ADMIN, portal=a_portal(Capability.VIEW_BASE))
    assert not lack(token, only_tokens)
    assert "ManageEndpoint" in lack(token, Need(KeyScope.READ, Capability.MANAGE_ENDPOINT))


@pytest.mark.parametrize("held", list(Capability))
@pytest.mark.parametrize("asked", list(Capability))
def test_who_manages_endpoints_manages_their_secrets_and_who_rotates_one_sees_it(
    held: Capability, asked: Capability
) -> None:
    more = {
        Capability.MANAGE_ENDPOINT: {Capability.VIEW_ENDPOINT_SECRET, Capability.MANAGE_ENDPOINT_SECRET},
        Capability.MANAGE_ENDPOINT_SECRET: {Capability.VIEW_ENDPOINT_SECRET},
    }
    assert a_portal(held).can(asked) is (asked in {held} | more.get(held, set()))


def test_who_gives_a_capability_must_be_allowed_all_that_it_includes() -> None:
    for held in Capability:
        for included in (it for it in Capability if a_portal(held).can(it)):
            assert given_by([included]) <= given_by([held]), (held, included)


def test_the_page_on_keys_names_every_scope_and_capability() -> None:
    tables = re.findall(r"^\| `([A-Za-z:]+)` \| (.+?) \|$", PAGE, re.MULTILINE)
    assert dict(tables) | {str(scope): text for scope, text in SCOPES.items()} == dict(tables)
    assert {name for name, _ in tables} == {*map(str, KeyScope), *map(str, Capability)}


READ = Need(KeyScope.READ, None)


def in_ring(scenario: Callable[[SqliteStore, FakeClock, KeyRing], Awaitable[None]]) -> None:
    """Over a store in which ``Bearer k`` is a key that may read."""

    async def main() -> None:
        clock = FakeClock()
        store = SqliteStore(":memory:", Seal(bytes(32), clock), clock)
        await store.open()
        try:
            mine = (await store.organisation_default()).id
            key = ApiKey(
                id="key_1",
                organisation_id=mine,
                name="",
                scopes=frozenset({KeyScope.READ}),
                created_at_ms=START_MS,
                expires_at_ms=START_MS + 3_600_000,
            )
            await store.api_key_create(key, hash_key("k"))
            await scenario(store, clock, KeyRing(store, clock))
        finally:
            await store.close()

    asyncio.run(main())


async def status(ring: KeyRing, authorization: str = "Bearer k", need: Need = READ) -> int:
    found = await ring.admit(authorization, need)
    return found.status_code if isinstance(found, Refused) else 200


def test_a_revoked_key_is_refused_within_a_second_by_all_and_at_once_by_who_forgets() -> None:
    async def scenario(store: SqliteStore, clock: FakeClock, ring: KeyRing) -> None:
        other = KeyRing(store, clock)
        assert [await status(it) for it in (ring, other)] == [200, 200]
        key = await store.api_key_find(hash_key("k"))
        assert key is not None
        await store.api_key_revoke(key.organisation_id, key.id, at_ms=clock.now_ms())
        ring.forget()
        assert [await status(it) for it in (ring, other)] == [401, 200]
        clock.advance(1.001)
        assert [await status(it) for it in (ring, other)] == [401, 401]

    in_ring(scenario)


def test_a_remembered_key_ends_at_the_very_millisecond() -> None:
    async def scenario(store: SqliteStore, clock: FakeClock, ring: KeyRing) -> None:
        clock.advance(3599.999)
        assert await status(ring) == 200
        clock.advance(0.001)
        assert await status(ring) == 401

    in_ring(scenario)


def test_its_last_use_is_noted_every_five_minutes_at_most() -> None:
    async def scenario(store: SqliteStore, clock: FakeClock, ring: KeyRing) -> None:
        async def used() -> int | None:
            key = await store.api_key_find(hash_key("k"))
            assert key is not None
            return key.used_at_ms

        assert await used() is None
        for passed_s, noted_s in ((0.0, 0), (2.0, 0), (290.0, 0), (10.0, 302), (299.0, 302)):
            clock.advance(passed_s)
            await status(ring, need=Need(KeyScope.WRITE, None))  # also by what it may not do
            assert await used() == START_MS + noted_s * 1000

    in_ring(scenario)


@pytest.mark.parametrize(
    "authorization", ["", "k", "Basic k", "Bearer", "Bearer k k", "Bearer ключ", f"Bearer {'k' * 600}"]
)
def test_what_is_no_bearer_key_is_refused(authorization: str) -> None:
    async def scenario(store: SqliteStore, clock: FakeClock, ring: KeyRing) -> None:
        assert await status(ring, authorization) == 401

    in_ring(scenario)
