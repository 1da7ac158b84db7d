"""API keys and portal tokens by the API: what they may hand on, and when they end."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from paybell.clock import SystemClock
from paybell.model.key import Capability, KeyScope
from paybell.web.auth import hash_key
from tests.databases import Database
from tests.integration.api_world import World, in_world

DAY_MS = 86_400_000


def bearer(key: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {key}"}}


def test_a_key_is_made_shown_once_listed_used_and_revoked(database: Database) -> None:
    async def scenario(world: World) -> None:
        wish = {"name": "ci", "scopes": ["write", "read"], "expiresAt": "2099-01-01T00:00:00+01:00"}
        made = await world.ask("POST", "/api-key", wish, status=201)
        key = made.pop("key")
        assert (made["scopes"], made["expiresAt"]) == (["read", "write"], "2098-12-31T23:00:00.000Z")
        assert await world.ask("GET", f"/api-key/{made['id']}") == made
        await world.ask("GET", "/app", **bearer(key))
        (listed, *_) = (await world.ask("GET", "/api-key"))["data"]
        assert listed["usedAt"] is not None
        assert listed | {"usedAt": None} == made
        await world.ask("DELETE", f"/api-key/{made['id']}", status=204)
        await world.ask("GET", "/app", status=401, **bearer(key))
        assert (await world.ask("GET", f"/api-key/{made['id']}"))["revokedAt"] is not None

    in_world(database, scenario)


@pytest.mark.parametrize("scope", list(KeyScope))
def test_a_key_makes_and_revokes_none_that_may_do_more_than_itself(database: Database, scope: KeyScope) -> None:
    async def scenario(world: World) -> None:
        keys, write = KeyScope.KEYS_WRITE, KeyScope.WRITE
        mine = bearer(await world.key(scopes=frozenset({keys, write})))
        may = scope in {keys, write, KeyScope.MESSAGES_WRITE}
        told = await world.ask("POST", "/api-key", {"name": "x", "scopes": [scope]}, status=201 if may else 403, **mine)
        if not may:
            assert told["code"] == "forbidden"
            assert scope in told["detail"]
            told = await world.ask("POST", "/api-key", {"name": "x", "scopes": [scope]}, status=201)
        await world.ask("DELETE", f"/api-key/{told['id']}", status=204 if may else 403, **mine)

    in_world(database, scenario)


def test_no_key_makes_one_that_outlives_it(database: Database) -> None:
    async def scenario(world: World) -> None:
        ends_ms = SystemClock().now_ms() + DAY_MS
        mine = bearer(await world.key(expires_at_ms=ends_ms))
        wish = {"name": "x", "scopes": ["admin"]}
        await world.ask("POST", "/api-key", wish | {"expiresAt": "2099-01-01T00:00:00Z"}, status=403, **mine)
        made = await world.ask("POST", "/api-key", wish, status=201, **mine)
        told = await world.ask("POST", "/api-key", wish | {"expiresAt": made["expiresAt"]}, status=201, **mine)
        assert told["expiresAt"] == made["expiresAt"] is not None
        for wrong in ("2020-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2099-01-01T00:00:00", "soon"):
            await world.ask("POST", "/api-key", wish | {"expiresAt": wrong}, status=422)

    in_world(database, scenario)


def test_a_key_that_is_asked_for_again_is_another_and_the_first_is_kept_nowhere(database: Database) -> None:
    async def scenario(world: World) -> None:
        once = {"headers": {"Idempotency-Key": "k-1"}}
        wish = {"name": "x", "scopes": ["read"]}
        made = [await world.ask("POST", "/api-key", wish, status=201, **once) for _ in range(2)]
        assert made[0]["key"] != made[1]["key"]

    in_world(database, scenario)


def test_an_answer_is_not_replayed_to_who_may_see_less(database: Database) -> None:
    async def scenario(world: World) -> None:
        wish = {"uid": "hints", "gateway": "ippopay"}
        made = await world.ask("POST", "/source", wish, status=201, headers={"Idempotency-Key": "k-1"})
        token = made["url"].rpartition("/")[2]
        assert len(token) > 20
        writer = await world.key(scopes=frozenset({KeyScope.WRITE, KeyScope.READ}))
        headers = bearer(writer)["headers"] | {"Idempotency-Key": "k-1"}
        await world.ask("POST", "/source", wish, status=422, headers=headers)
        for path in ("/source/hints", "/source"):
            shown = await world.ask("GET", path, **bearer(writer))
            assert token not in str(shown)
            assert "/in/hints/****" in str(shown)

    in_world(database, scenario)


def test_a_source_of_another_organisation_is_reached_by_the_url_that_is_shown(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        theirs = bearer(await world.key("org_other"))
        wish = {"uid": "shop", "gateway": "generic", "secrets": ["s"], "options": {"header": "x-signature"}}
        source = await world.ask("POST", "/source", wish, status=201, **theirs)
        assert source["url"].endswith(f"/in/{source['id']}")
        await world.client.post(source["url"], content=b"{}", headers={"x-signature": "wrong"})
        assert len((await world.ask("GET", "/refusal", **theirs))["data"]) == 1
        assert (await world.ask("GET", "/refusal"))["data"] == []

    in_world(database, scenario)


async def access(world: World, app: str, **wish: Any) -> tuple[str, str]:
    made = await world.ask("POST", f"/auth/app-portal-access/{app}", wish)
    return made["token"], made["url"]


def test_a_portal_token_is_made_with_its_application_and_ends_by_logout(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.ask("POST", "/auth/app-portal-access/shop", {}, status=404)
        token, url = await access(world, "shop", application={"name": "Shop", "uid": "shop"})
        mine = bearer(token)
        shop = await world.ask("GET", "/app/shop", **mine)
        assert parse_qs(urlsplit(url).fragment) == {"app": [shop["id"]], "key": [token]}
        shown = await world.client.get(url.partition("#")[0], **mine)
        assert shown.json() == shop
        again, _ = await access(world, "shop", application={"name": "Another", "uid": "shop"})
        assert (await world.ask("GET", "/app/shop", **bearer(again)))["name"] == "Shop"
        await world.ask("POST", "/auth/logout", status=204, **mine)
        await world.ask("GET", "/app/shop", status=401, **mine)
        await world.ask("GET", "/app/shop", **bearer(again))
        assert [it["name"] for it in (await world.ask("GET", "/api-key"))["data"]] == ["bootstrap"]

    in_world(database, scenario)


def test_a_link_leads_to_the_page_that_is_set(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.ask("POST", "/app", {"name": "A", "uid": "a"}, status=201)
        _, url = await access(world, "a")
        assert url.startswith("https://portal.example.com/hooks#app=app_")

    in_world(database, scenario, portal_url="https://portal.example.com/hooks")


def test_tokens_end_by_session_or_all_together_at_once_or_later(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.ask("POST", "/app", {"name": "A", "uid": "a"}, status=201)
        ann, ben, cleo = [(await access(world, "a", sessionId=it))[0] for it in ("ann", "ben", "cleo")]

        async def statuses() -> list[int]:
            path = "/api/v1/app/a"
            return [(await world.client.get(path, **bearer(it))).status_code for it in (ann, ben, cleo)]

        await world.ask("POST", "/auth/app/a/expire-all", {"expiry": 60}, status=204)
        assert await statuses() == [200, 200, 200]
        await world.ask("POST", "/auth/app/a/expire-all", {"sessionIds": ["ann", "zoe"]}, status=204)
        assert await statuses() == [401, 200, 200]
        await world.ask("POST", "/auth/app/a/expire-all", status=204)
        assert await statuses() == [401, 401, 401]

    in_world(database, scenario)


def test_a_token_is_given_by_who_may_do_as_much_and_lives_no_longer(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.ask("POST", "/app", {"name": "A", "uid": "a"}, status=201)
        scopes, ends_ms = frozenset({KeyScope.READ, KeyScope.WRITE}), SystemClock().now_ms() + DAY_MS
        mine = bearer(await world.key(scopes=scopes, expires_at_ms=ends_ms))
        path = "/auth/app-portal-access/a"
        for wish in ({}, {"capabilities": ["ManageEndpoint"]}, {"capabilities": ["ViewEndpointSecret"]}):
            told = await world.ask("POST", path, wish, status=403, **mine)
            assert "secrets:read" in told["detail"]
        for wish in ({"readOnly": True}, {"capabilities": ["CreateAttempts"]}):
            token = (await world.ask("POST", path, wish, **mine))["token"]
            kept = await world.bell.store.api_key_find(hash_key(token))
            assert kept is not None
            assert kept.expires_at_ms == ends_ms
        both = {"readOnly": True, "capabilities": ["ViewBase"]}
        for wrong in (both, {"expiry": 3599}, {"expiry": 604_801}, {"capabilities": []}, {"featureFlags": ["a b"]}):
            await world.ask("POST", path, wrong, status=422)

    in_world(database, scenario)


def test_what_a_token_lacks_it_may_not_do(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint()
        app = path.removeprefix("/app/")
        hook = f"{path}/endpoint/{endpoint['id']}"
        token, _ = await access(world, app, capabilities=["ViewEndpointSecret"])
        assert (await world.ask("GET", f"{hook}/secret", **bearer(token)))["key"].startswith("whsec_")
        for method, asked, body in (
            ("POST", f"{hook}/secret/rotate", {}),
            ("PATCH", hook, {"disabled": True}),
            ("DELETE", hook, None),
            ("POST", f"{path}/msg", {"eventType": "a", "payload": {}}),
            ("POST", f"/auth/app-portal-access/{app}", {}),
        ):
            assert (await world.ask(method, asked, body, status=403, **bearer(token)))["code"] == "forbidden"
        plain, _ = await access(world, app, readOnly=True)
        told = await world.ask("GET", f"{hook}/secret", status=403, **bearer(plain))
        assert Capability.VIEW_ENDPOINT_SECRET in told["detail"]

    in_world(database, scenario)


def test_a_token_posts_under_idempotency_keys_of_its_own(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        await world.ask("POST", "/app", {"name": "B"}, status=201, headers={"Idempotency-Key": "k-1"})
        token, _ = await access(world, path.removeprefix("/app/"))
        headers = bearer(token)["headers"] | {"Idempotency-Key": "k-1"}
        wish = {"url": "https://example.com/theirs"}
        made = [await world.ask("POST", f"{path}/endpoint", wish, status=201, headers=headers) for _ in range(2)]
        assert made[0] == made[1]

    in_world(database, scenario)
