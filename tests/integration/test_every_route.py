"""Every route of the OpenAPI document: asked by its owner, by another organisation, without a key, with a wrong one."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct

from paybell.model.key import Capability, KeyScope, Portal
from paybell.web.auth import hash_key
from tests.authority import Authority
from tests.databases import Database
from tests.integration.api_world import API, World, in_world
from tests.integration.test_api_accounts import FACTS

CODE = "def handler(webhook):\n    return webhook\n"
OPEN = {"health", "api_health", "api_ping", "metrics"}
RECENTLY = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
BODIES: dict[str, dict[str, Any]] = {
    "source_create": {"uid": "second", "gateway": "stripe", "secrets": ["whsec_1"]},
    "source_patch": {"enabled": True},
    "application_create": {"name": "B"},
    "application_put": {"name": "A"},
    "application_patch": {"name": "A"},
    "endpoint_create": {"url": "https://example.com/other"},
    "endpoint_put": {"url": "https://example.com/hook"},
    "endpoint_patch": {"description": "d"},
    "endpoint_secret_rotate": {},
    "client_certificate_put": {"certificate": Authority().client_pem("paybell")},
    "transformation_patch": {"code": CODE},
    "transformation_simulate": {"code": CODE, "eventType": "order.paid", "payload": {"a": 1}},
    "message_create": {"eventType": "order.paid", "payload": {"a": 1}},
    "message_precheck": {"eventType": "order.paid"},
    "message_bulk_expunge": {"ids": ["ev"]},
    "stats_usage_app": {"since": RECENTLY, "until": "2200-01-01T00:00:00Z"},
    "endpoint_recover": {"since": RECENTLY, "reasons": ["exhausted"]},
    "endpoint_replay_missing": {"since": RECENTLY},
    "endpoint_bulk_replay": {"since": RECENTLY, "eventTypes": ["order.paid"], "status": 2},
    "event_type_create": {"name": "order.sent"},
    "event_type_import": {"spec": {"webhooks": {"order.kept": {"post": {"description": "Kept."}}}}},
    "event_type_put": {"description": "d", "schemas": {"1": {"example": {"a": 1}}}},
    "event_type_patch": {"description": "e"},
    "endpoint_headers_put": {"headers": {"x-a": "b"}},
    "endpoint_headers_patch": {"headers": {"x-a": None}},
    "endpoint_send_example": {"eventType": "order.paid"},
    "poller_consumer_seek": {"after": "2026-01-02T03:04:05Z"},
    "operational_endpoint_create": {"url": "https://example.com/ops"},
    "operational_endpoint_put": {"url": "https://example.com/ops"},
    "operational_endpoint_headers_put": {"headers": {"x-team": "payments"}},
    "operational_endpoint_secret_rotate": {},
    "product_put": {"name": "Gold"},
    "expectation_create": {"orderId": "o_1", "amount": 90, "currency": "USD"},
    "api_key_create": {"name": "ci", "scopes": ["read"]},
    "portal_access": {"featureFlags": ["beta"]},
    "portal_expire": {"sessionIds": ["nobody"]},
}
ANYBODYS = {"application_put", "product_put", "event_type_put", "entitlement_of", "operational_endpoint_put"}
"""What is answered of names that nobody has: a PUT makes it, and a customer whom nobody knows may use nothing."""
TOKENS_ALONE = {"portal_logout"}
"""What no API key may."""
LEAVES = {"message_expunge", "attempt_expunge", "event_type_delete", "api_key_revoke"}
"""What is deleted leaves a shell behind: an id without its payload, an archived name, a revoked key."""
ACCOUNT = ("payout", "subscription", "invoice", "customer")
LISTS = (
    *(f"/{subject}" for subject in ACCOUNT),
    "/entitlement",
    "/product",
    "/source",
    "/payment",
    "/payment-expectation",
    "/ledger/posting",
    "/ledger/balance",
    "/notification",
    "/refusal",
    "/app",
    "/event-type",
    "/background-task",
    "/operational-webhook/endpoint",
)
PAID = (
    b'{"event":"payment.updated","timestamp":"2024-06-26T11:08:07Z","data":{"paymentId":"p_1","status":"completed",'
    b'"amount":100.00,"currency":"USD","orderId":"o_1"}}'
)


class Route(Struct, frozen=True):
    """An operation of the document."""

    method: str
    template: str
    name: str
    statuses: frozenset[int]

    def path(self, names: Mapping[str, str]) -> str:
        return self.template.format_map(names).removeprefix(API)


async def routes(world: World) -> list[Route]:
    """All that need a key; those that delete come last, what lies deepest first."""
    paths = (await world.client.get("/openapi.json")).json()["paths"]
    found = [
        Route(method.upper(), template, it["operationId"], frozenset(int(status) for status in it["responses"]))
        for template, operations in paths.items()
        for method, it in operations.items()
        if it["operationId"] not in OPEN
    ]
    assert {it.name for it in found} >= set(BODIES)
    return sorted(found, key=lambda it: (it.method == "DELETE", -it.template.count("/")))


async def furnished(world: World) -> tuple[dict[str, str], dict[str, str]]:
    """One of each thing: the names that stand in paths, by id and, where there is one, by uid."""
    source = await world.add_source()
    await world.notify(PAID)
    await world.notify(PAID, "a-forgers-secret")
    await world.record(*FACTS)
    await world.ask("PUT", "/product/gold", BODIES["product_put"], status=201)
    path, endpoint = await world.add_endpoint(uid="e", url="https://127.0.0.1:1/")
    await world.ask("PUT", f"{path}/endpoint/e/client-certificate", BODIES["client_certificate_put"])
    await world.ask("PATCH", path, {"uid": "a"})
    await world.ask("POST", "/event-type", {"name": "order.paid", **BODIES["event_type_put"]}, status=201)
    operational = {"url": "http://127.0.0.1:1/", "uid": "o"}
    listener = await world.ask("POST", "/operational-webhook/endpoint", operational, status=201)
    body = {"eventType": "order.paid", "payload": {}, "eventId": "ev"}
    message = await world.ask("POST", f"{path}/msg", body, status=202)
    await world.ask("POST", "/payment-expectation", BODIES["expectation_create"], status=201)
    task = await world.ask("POST", f"{path}/endpoint/e/recover", BODIES["endpoint_recover"], status=202)
    await world.bell.deliver.run_once()
    await world.bell.deliver.settle()
    ids = {
        "source": source["id"],
        "notification": (await world.ask("GET", "/notification"))["data"][0]["id"],
        "payment": (await world.ask("GET", "/payment"))["data"][0]["id"],
        "app": path.removeprefix("/app/"),
        "endpoint": endpoint["id"],
        "sink": endpoint["id"],
        "consumer": "books",
        "message": message["id"],
        "attempt": (await world.ask("GET", f"{path}/attempt/msg/{message['id']}"))["data"][0]["id"],
        "event_type": "order.paid",
        "orderId": "o_1",
        "product": "gold",
        "operational_endpoint": listener["id"],
        "api_key": (await world.ask("POST", "/api-key", BODIES["api_key_create"], status=201))["id"],
        "task": task["id"],
        **{it: (await world.ask("GET", f"/{it}"))["data"][0]["id"] for it in ACCOUNT},
    }
    return ids, ids | {
        "source": "shop",
        "app": "a",
        "endpoint": "e",
        "sink": "e",
        "message": "ev",
        "operational_endpoint": "o",
    }


async def everything(world: World) -> list[Any]:
    """What the owner sees."""
    paths = [*LISTS, "/api-key", "/app/a/endpoint", "/app/a/msg", "/app/a/delivery", "/app/a/endpoint/e/secret"]
    return [await world.ask("GET", path) for path in paths]


def test_without_a_valid_key_every_route_answers_401_and_does_nothing(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, _ = await furnished(world)
        log = await lines(world)
        ended = [
            await world.key(expires_at_ms=1),
            await world.key(revoked_at_ms=1),
            await portal(world, ids, ended=True),
        ]
        before = await everything(world)
        wrong_keys = ["", "Bearer pbk_of-somebody-elses-server", *(f"Bearer {it}" for it in ended)]
        for route in await routes(world):
            for authorization in wrong_keys:
                given = {"json": BODIES.get(route.name), "headers": {"Authorization": authorization}}
                answer = await world.client.request(route.method, API + route.path(ids), **given)
                assert answer.status_code == 401, (route, authorization)
                assert answer.json()["code"] == "authentication_failed"
                assert set(answer.json()) == {"code", "detail"}
                assert answer.headers["www-authenticate"] == "Bearer"
        assert await everything(world) == before
        assert await lines(world) == log

    in_world(database, scenario)


def test_with_another_organisations_key_nothing_is_there(database: Database) -> None:
    async def scenario(world: World) -> None:
        before_ids, before_uids = await furnished(world)
        before = await everything(world)
        theirs = {"headers": {"Authorization": f"Bearer {await world.key('org_other')}"}}
        asked = [it for it in await routes(world) if "{" in it.template and it.name not in ANYBODYS]
        assert (await world.ask("GET", "/api-key", **theirs))["data"][0]["name"] == "k"
        assert len(asked) > 25
        for route in asked:
            for names in (before_ids, before_uids):
                given = {"status": 404, **theirs}
                refused = await world.ask(route.method, route.path(names), BODIES.get(route.name), **given)
                assert refused["code"] == "not_found", route
                assert set(refused) == {"code", "detail"}
        for listed in LISTS:
            found = (await world.ask("GET", listed, **theirs))["data"]
            assert [it for it in found if not it.get("builtIn")] == [], listed
        access = await world.ask("GET", f"/customer/{before_ids['customer']}/entitlement", **theirs)
        assert (access["allowed"], access["data"]) == (False, [])
        await world.ask("PUT", "/product/gold", {"name": "theirs"}, status=201, **theirs)
        # A PUT makes what is not there: an application of their own, which has nothing of ours.
        put = BODIES["application_put"]
        for name in (before_ids["app"], "a"):
            made = await world.ask("PUT", f"/app/{name}", put, status=201, **theirs)
            assert made["id"] != before_ids["app"]
            assert (await world.ask("GET", f"/app/{name}/endpoint", **theirs))["data"] == []
        assert await everything(world) == before

    in_world(database, scenario)


async def portal(world: World, ids: Mapping[str, str], app: str = "app", *, ended: bool = False) -> str:
    """A portal token for an application, with every capability."""
    held = Portal(application_id=ids[app], capabilities=frozenset(Capability))
    return await world.key(scopes=frozenset(), portal=held, expires_at_ms=1 if ended else None)


OF_PORTALS = {
    *("application_get", "endpoint_list", "endpoint_get", "endpoint_create", "endpoint_put", "endpoint_patch"),
    *("endpoint_delete", "endpoint_secret", "endpoint_secret_rotate", "message_list", "message_get", "message_resend"),
    *("client_certificate_get", "client_certificate_put", "client_certificate_delete"),
    *("transformation_get", "transformation_patch", "transformation_simulate"),
    *("attempt_list_of_endpoint", "attempt_list_of_message", "attempt_get", "delivery_list"),
    *("dead_letter_list", "dead_letter_count"),
    *("event_type_list", "event_type_get", "portal_logout"),
    *("endpoint_headers_get", "endpoint_headers_put", "endpoint_headers_patch", "endpoint_stats", "endpoint_state"),
    "endpoint_attempt_stats",
    *("endpoint_recover", "endpoint_replay_missing", "endpoint_bulk_replay"),
    *("endpoint_send_example", "endpoint_list_of_message", "message_list_of_endpoint"),
    *("poller_poll", "poller_consumer_poll", "poller_consumer_seek"),
}
"""All that a portal token may ask: a route that is new is closed to it until it stands here, too."""
SECRET = {"endpoint_secret", "operational_endpoint_secret", "api_key_list", "api_key_get", "audit_list"}
"""GETs for which ``read`` is too little."""
ABOVE_WRITE = {"api_key_create", "api_key_revoke", "portal_access", *TOKENS_ALONE}
"""Changes for which ``write`` is too little; a token that sees secrets is given by who may see them."""


def wanted_of(caller: str, route: Route) -> int:
    """What a caller with little rights is to be answered; 200 for anything done."""
    if caller == "read":
        return 200 if route.method == "GET" and route.name not in SECRET else 403
    if caller == "sender":
        return 200 if route.name in {"message_create", "message_precheck"} else 403
    if caller == "writer":
        return 200 if route.method != "GET" and route.name not in ABOVE_WRITE else 403
    if route.name not in OF_PORTALS:
        return 403
    return 200 if caller == "own portal" or "{app}" not in route.template else 404


@pytest.mark.parametrize("caller", ["read", "sender", "writer", "own portal", "other portal"])
def test_a_key_with_little_rights_does_what_it_may_and_nothing_else(database: Database, caller: str) -> None:
    async def scenario(world: World) -> None:
        ids, uids = await furnished(world)
        ids["other"] = (await world.ask("POST", "/app", {"name": "B"}, status=201))["id"]
        scopes = {"read": {KeyScope.READ}, "sender": {KeyScope.MESSAGES_WRITE}, "writer": {KeyScope.WRITE}}
        key = (
            await world.key(scopes=frozenset(scopes[caller]))
            if caller in scopes
            else await portal(world, ids, "app" if caller == "own portal" else "other")
        )
        headers = {"Authorization": f"Bearer {key}"}
        found = await routes(world)
        assert {it.name for it in found} >= OF_PORTALS | SECRET
        before, log = await everything(world), await lines(world)
        refused = [it for it in found if wanted_of(caller, it) != 200]
        assert len(refused) > 15
        for route in refused:
            for names in (ids, ids | uids):
                wanted = {"status": wanted_of(caller, route), "headers": headers}
                told = await world.ask(route.method, route.path(names), BODIES.get(route.name), **wanted)
                assert told["code"] == {403: "forbidden", 404: "not_found"}[wanted["status"]], route
                assert wanted["status"] in route.statuses, route
        assert without_use(await everything(world)) == without_use(before)
        assert await lines(world) == log
        for route in found:
            if route not in refused:
                body = BODIES.get(route.name)
                answer = await world.client.request(route.method, API + route.path(ids), json=body, headers=headers)
                assert answer.status_code < 300, (route, answer.text)
                if route.name == "portal_logout":  # and with it goes all that it could do
                    await world.ask("GET", "/event-type", status=401, headers=headers)
                    key = await portal(world, ids, "app" if caller == "own portal" else "other")
                    headers = {"Authorization": f"Bearer {key}"}

    in_world(database, scenario)


UNAUDITED = {"message_create", "message_precheck", "transformation_simulate"}
"""A message is its own record, and what is only tried changes nothing."""
NAMED = {"app", "endpoint", "source"}
"""What a path may name by a uid and the log names by its id."""


async def lines(world: World, **filters: str) -> list[dict[str, Any]]:
    """The whole audit log of an organisation, newest first."""
    return list((await world.ask("GET", "/audit", params={"limit": "250"} | filters))["data"])


def test_nothing_is_changed_without_a_line_in_the_audit_log(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, uids = await furnished(world)
        actor = next(it["id"] for it in (await world.ask("GET", "/api-key"))["data"] if it["name"] == "bootstrap")
        for route in await routes(world):
            log = await lines(world)
            names = ids | (uids if route.method != "DELETE" else {})
            given: dict[str, Any] = {"json": BODIES.get(route.name)}
            wanted = actor
            if route.name in TOKENS_ALONE:
                token = await portal(world, ids)
                given["headers"] = {"Authorization": f"Bearer {token}"}
                found = await world.bell.store.api_key_find(hash_key(token))
                assert found is not None
                wanted = found.id
            answer = await world.client.request(route.method, API + route.path(names), **given)
            assert answer.status_code < 300, (route, answer.text)
            after = await lines(world)
            new = after[: len(after) - len(log)]
            if route.method == "GET" or route.name in UNAUDITED:
                assert new == [], route
                continue
            (line,) = new
            assert (line["actor"], line["operation"], line["address"]) == (wanted, route.name, "127.0.0.1"), route
            assert line["fields"] == sorted(BODIES.get(route.name, {})), route
            parts = re.findall(r"{(\w+)}", route.template)
            assert line["objects"][: len(parts)] == [(ids if it in NAMED else names)[it] for it in parts], route
            if route.method == "POST" and route.name.endswith("_create"):
                made = answer.json()
                assert line["objects"][-1] in {made.get(it) for it in ("id", "name", "orderId")}, route
            for name in line["objects"]:
                assert line in await lines(world, object=name), route

    in_world(database, scenario)


def test_what_was_refused_leaves_no_line(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, _ = await furnished(world)
        log = await lines(world)
        for route in await routes(world):
            if route.name in BODIES:
                answer = await world.client.request(route.method, API + route.path(ids), json={"nobody": 1})
                assert answer.status_code == 422, route
        await world.ask("POST", "/app", {"name": "again", "uid": "a"}, status=409)
        await world.ask("DELETE", "/app/nobody", status=404)
        assert await lines(world) == log

    in_world(database, scenario)


def test_a_request_that_is_answered_again_leaves_no_second_line(database: Database) -> None:
    async def scenario(world: World) -> None:
        for _ in range(2):
            await world.ask("POST", "/app", {"name": "A"}, status=201, headers={"Idempotency-Key": "k-1"})
        assert [it["operation"] for it in await lines(world)] == ["application_create"]

    in_world(database, scenario)


def test_the_log_is_found_by_actor_operation_and_object_and_is_nobody_elses(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, _ = await furnished(world)
        key = await world.key(id="key_of_the_writer", scopes=frozenset({KeyScope.WRITE}))
        headers = {"Authorization": f"Bearer {key}"}
        await world.ask("PATCH", "/app/a", {"name": "Other"}, headers=headers)
        (line,) = await lines(world, operation="application_patch", actor="key_of_the_writer")
        assert (line["objects"], line["fields"]) == ([ids["app"]], ["name"])
        assert line in await lines(world, object=ids["app"])
        assert line not in await lines(world, object=ids["endpoint"])
        for nothing in (ids["app"][:-1], "%", '"', "APP"):
            assert await lines(world, object=nothing) == []
        whole = await lines(world)
        assert await lines(world, limit="2", iterator=whole[1]["id"]) == whole[2:4]
        theirs = {"headers": {"Authorization": f"Bearer {await world.key('org_other')}"}}
        assert (await world.ask("GET", "/audit", **theirs))["data"] == []

    in_world(database, scenario)


def without_use(seen: list[Any]) -> list[Any]:
    """When a key was last used is noted now and then."""
    return [it | {"data": [row | {"usedAt": None} for row in it["data"]]} if "data" in it else it for it in seen]


def test_with_its_owners_key_every_route_works_as_documented(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, _ = await furnished(world)
        for route in await routes(world):
            body = BODIES.get(route.name)
            answer = await world.client.request(route.method, API + route.path(ids), json=body)
            assert (answer.status_code < 300) is (route.name not in TOKENS_ALONE), (route, answer.text)
            assert answer.status_code in route.statuses, (route, answer.text)
            if route.method == "DELETE" and route.name not in LEAVES:
                await world.ask("GET", route.path(ids), status=404)

    in_world(database, scenario)


def test_every_mistake_is_told_in_the_form_the_document_promises(database: Database) -> None:
    async def scenario(world: World) -> None:
        ids, _ = await furnished(world)
        for route in await routes(world):
            if route.name not in BODIES:
                continue
            for body in (b"{", b'{"nobody": 1}', b"[]", b"\xff"):
                headers = {"Content-Type": "application/json"}
                answer = await world.client.request(route.method, API + route.path(ids), content=body, headers=headers)
                assert answer.status_code == 422, (route, body, answer.text)
                (told,) = answer.json()["detail"][:1]
                assert set(told) == {"loc", "msg", "type"}, (route, body)
                assert told["loc"][0] == "body", (route, body)
                assert told["msg"], (route, body)

    in_world(database, scenario)
