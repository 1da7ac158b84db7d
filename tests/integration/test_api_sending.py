"""The API of whoever sends webhooks to customers of their own: notes, channels, rates, schemas, lists, expunging."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from paybell.model.key import KeyScope
from paybell.model.message import EVENT_TYPES
from paybell.model.operational import OPERATIONAL_EVENT_TYPES
from tests.databases import Database
from tests.integration.api_world import API, World, in_world

SCHEMA = {
    "type": "object",
    "properties": {"total": {"type": "integer", "minimum": 0}},
    "required": ["total"],
    "examples": [{"total": 5}],
}


async def posted(world: World, path: str, **given: Any) -> dict[str, Any]:
    body = {"eventType": "order.paid", "payload": {"a": 1}} | given
    told: dict[str, Any] = await world.ask("POST", f"{path}/msg", body, status=202)
    return told


def test_notes_channels_and_rates_are_kept_changed_and_taken_away(database: Database) -> None:
    async def scenario(world: World) -> None:
        asked = {"metadata": {"plan": "gold", "team": "a"}, "throttleRate": 5}
        app = await world.ask("POST", "/app", {"name": "A", "uid": "a", **asked}, status=201)
        assert {name: app[name] for name in asked} == asked
        changed = await world.ask("PATCH", "/app/a", {"metadata": {"team": None, "tier": "1"}, "throttleRate": None})
        assert (changed["metadata"], changed["throttleRate"]) == ({"plan": "gold", "tier": "1"}, None)
        assert (await world.ask("PATCH", "/app/a", {"name": "B"}))["metadata"] == changed["metadata"]
        assert (await world.ask("PUT", "/app/a", {"name": "B"}))["metadata"] == {}
        asked |= {"channels": ["b", "a"]}
        url = {"url": "https://example.com/hook"}
        made = await world.ask("POST", "/app/a/endpoint", {**url, "uid": "e", **asked}, status=201)
        assert (made["metadata"], made["throttleRate"], made["channels"]) == (asked["metadata"], 5, ["a", "b"])
        same = await world.ask("PATCH", "/app/a/endpoint/e", {"description": "d"})
        assert (same["metadata"], same["throttleRate"], same["channels"]) == (asked["metadata"], 5, ["a", "b"])
        gone = await world.ask("PATCH", "/app/a/endpoint/e", {"channels": None, "metadata": {"plan": None}})
        assert (gone["metadata"], gone["throttleRate"], gone["channels"]) == ({"team": "a"}, 5, None)
        plain = await world.ask("PUT", "/app/a/endpoint/e", url)
        assert (plain["metadata"], plain["throttleRate"], plain["channels"]) == ({}, None, None)
        for wrong in ({"channels": []}, {"channels": ["a b"]}, {"throttleRate": 0}, {"metadata": {"a": 1}}):
            await world.ask("PATCH", "/app/a/endpoint/e", wrong, status=422)
        many = {"metadata": {str(number): "" for number in range(40)}}
        await world.ask("PATCH", "/app/a", many)
        more = {"metadata": {str(number): "" for number in range(40, 80)}}
        await world.ask("PATCH", "/app/a", more, status=422)

    in_world(database, scenario)


def test_an_application_that_is_there_can_be_had_instead_of_a_conflict(database: Database) -> None:
    async def scenario(world: World) -> None:
        first = await world.ask("POST", "/app?get_if_exists=true", {"name": "A", "uid": "a"}, status=201)
        assert await world.ask("POST", "/app?get_if_exists=true", {"name": "B", "uid": "a"}) == first
        await world.ask("POST", "/app", {"name": "B", "uid": "a"}, status=409)

    in_world(database, scenario)


def test_applications_are_narrowed_by_how_their_endpoints_are(database: Database) -> None:
    async def scenario(world: World) -> None:
        for uid, states in {"none": [], "well": [False], "mixed": [False, True]}.items():
            await world.ask("POST", "/app", {"name": uid, "uid": uid}, status=201)
            for disabled in states:
                body = {"url": "https://example.com/hook", "disabled": disabled}
                await world.ask("POST", f"/app/{uid}/endpoint", body, status=201)

        async def listed(**query: bool) -> list[str]:
            asked = "&".join(f"{name}={str(value).lower()}" for name, value in query.items())
            return [it["uid"] for it in (await world.ask("GET", f"/app?{asked}"))["data"]]

        assert await listed() == ["mixed", "well", "none"]
        assert await listed(exclude_apps_with_no_endpoints=True) == ["mixed", "well"]
        assert await listed(exclude_apps_with_disabled_endpoints=True) == ["well", "none"]
        both = {"exclude_apps_with_no_endpoints": True, "exclude_apps_with_disabled_endpoints": True}
        assert await listed(**both) == ["well"]

    in_world(database, scenario)


def test_a_message_may_bring_its_application(database: Database) -> None:
    async def scenario(world: World) -> None:
        described = {"name": "New", "uid": "new"}
        told = await posted(world, "/app/new", application=described)
        assert (await world.ask("GET", "/app/new"))["name"] == "New"
        await posted(world, "/app/new", application={"name": "Other"})
        sender = await world.key(scopes=frozenset({KeyScope.MESSAGES_WRITE}))
        given: dict[str, Any] = {"headers": {"Authorization": f"Bearer {sender}"}}
        bringing = {"eventType": "a", "payload": {}, "application": {"name": "Other"}}
        await world.ask("POST", "/app/other/msg", bringing, status=403, **given)
        await world.ask("POST", "/app/new/msg", bringing, status=202, **given)
        assert (await world.ask("GET", "/app/new"))["name"] == "New"
        assert told["id"] in [it["id"] for it in (await world.ask("GET", "/app/new/msg"))["data"]]
        body = {"eventType": "a", "payload": {}}
        await world.ask("POST", "/app/none/msg", body, status=404)
        await world.ask("POST", "/app/none/msg", {**body, "application": {"name": 1}}, status=422)
        await world.ask("POST", "/app/none/msg", {**body, "application": {"name": "A", "uid": "b"}}, status=422)

    in_world(database, scenario)


def test_lists_are_narrowed_by_time_channel_and_event_type_and_lead_both_ways(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint(url="http://127.0.0.1:1/")
        first = await posted(world, path, channels=["red"], eventId="e-1")
        second = await posted(world, path, eventType="order.sent", channels=["red", "blue"])
        third = await posted(world, path, eventType="order.lost")
        assert (first["channels"], second["channels"], third["channels"]) == (["red"], ["blue", "red"], None)

        async def ids(query: str) -> list[str]:
            return [it["id"] for it in (await world.ask("GET", f"{path}/msg?{query}"))["data"]]

        assert await ids("channel=red") == [second["id"], first["id"]]
        assert await ids("event_types=order.sent,order.lost") == [third["id"], second["id"]]
        assert await ids("event_types=order.sent&event_types=order.paid&channel=blue") == [second["id"]]
        assert await ids("before=2020-01-01T00:00:00Z") == []
        assert len(await ids("after=2020-01-01T00:00:00Z")) == 3
        page = await world.ask("GET", f"{path}/msg?limit=2")
        rest = await world.ask("GET", f"{path}/msg?limit=2&iterator={page['iterator']}")
        back = await world.ask("GET", f"{path}/msg?limit=2&iterator={rest['prevIterator']}")
        assert (back["data"], back["done"]) == (page["data"], True)
        assert (await world.ask("GET", f"{path}/msg?with_content=false"))["data"][0]["payload"] == {}
        assert (await world.ask("GET", f"{path}/msg/e-1?with_content=false"))["payload"] == {}
        body = {"eventType": "a", "payload": {"b": 1}}
        bare = await world.ask("POST", f"{path}/msg?with_content=false", body, status=202)
        assert (bare["payload"], (await world.ask("GET", f"{path}/msg/{bare['id']}"))["payload"]) == ({}, {"b": 1})
        for wrong in ("channel=a%20b", "before=yesterday", "event_types=,"):
            await world.ask("GET", f"{path}/msg?{wrong}", status=422)
        for name in ("app", "event-type"):
            up = (await world.ask("GET", f"/{name}?order=ascending"))["data"]
            assert (await world.ask("GET", f"/{name}?order=descending"))["data"] == up[::-1]

    in_world(database, scenario)


def test_how_messages_stand_is_seen_from_the_endpoint_and_from_the_message(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(url="http://127.0.0.1:1/")
        told = await posted(world, path, channels=["red"])
        await world.bell.deliver.run_once()
        await world.bell.deliver.settle()
        at = f"{path}/endpoint/{endpoint['id']}"
        (seen,) = (await world.ask("GET", f"{at}/msg"))["data"]
        assert (seen["id"], seen["statusText"], seen["status"], seen["payload"]) == (told["id"], "sending", 3, {"a": 1})
        assert seen["nextAttempt"] is not None
        for query, count in {
            "status=3": 1,
            "status=0": 0,
            "channel=red": 1,
            "channel=blue": 0,
            "event_types=x": 0,
        }.items():
            assert len((await world.ask("GET", f"{at}/msg?{query}"))["data"]) == count, query
        (place,) = (await world.ask("GET", f"{path}/msg/{told['id']}/endpoint"))["data"]
        assert (place["id"], place["statusText"]) == (endpoint["id"], "sending")
        stats = await world.ask("GET", f"{at}/stats")
        assert stats == {"success": 0, "pending": 0, "sending": 1, "fail": 0, "canceled": 0}
        assert (await world.ask("GET", f"{at}/stats?until=2020-01-01T00:00:00Z"))["sending"] == 0
        tries = await world.ask("GET", f"{at}/attempt-stats")
        assert tries == {"success": 0, "fail": 1, "canceled": 0}
        assert (await world.ask("GET", f"{at}/attempt-stats?until=2020-01-01T00:00:00Z"))["fail"] == 0
        by = f"{path}/attempt/endpoint/{endpoint['id']}"
        (attempt,) = (await world.ask("GET", by))["data"]
        assert attempt["msg"] is None
        (beside,) = (await world.ask("GET", f"{by}?with_msg=true"))["data"]
        assert beside == attempt | {"msg": told}
        for query, count in {
            "status=2": 1,
            "status=0": 0,
            "status=1": 0,
            "status_code_class=0": 1,
            "status_code_class=500": 0,
            "channel=red": 1,
            "event_types=order.sent": 0,
            "before=2020-01-01T00:00:00Z": 0,
        }.items():
            assert len((await world.ask("GET", f"{by}?{query}"))["data"]) == count, query
        of_message = f"{path}/attempt/msg/{told['id']}"
        assert len((await world.ask("GET", f"{of_message}?endpoint_id={endpoint['id']}"))["data"]) == 1
        assert (await world.ask("GET", f"{of_message}?endpoint_id=ep_none"))["data"] == []
        await world.ask("DELETE", f"{path}/msg/{told['id']}/attempt/{attempt['id']}/content", status=204)
        assert (await world.ask("GET", f"{path}/msg/{told['id']}/attempt/{attempt['id']}"))["response"] == ""

    in_world(database, scenario)


def test_a_payload_that_is_expunged_is_nowhere_and_goes_nowhere(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(url="http://127.0.0.1:1/")
        told = await posted(world, path, payload={"card": "a-secret-number"})
        at = f"{path}/msg/{told['id']}"
        await world.ask("DELETE", f"{at}/content", status=204)
        shown = await world.client.get(API + at)
        assert (shown.json()["payload"], "a-secret-number" in shown.text) == ({}, False)
        (dead,) = (await world.ask("GET", f"{path}/delivery?state=dead"))["data"]
        assert dead["lastError"] == "its payload was deleted"
        await world.ask("POST", f"{at}/endpoint/{endpoint['id']}/resend", status=409)
        await world.ask("DELETE", f"{at}/content", status=204)
        kept = await posted(world, path, eventId="ev-1")
        asked = {"ids": [told["id"], "ev-1", "nobody"]}
        done = await world.ask("POST", f"{path}/msg/bulk-expunge", asked)
        assert done["results"] == {told["id"]: "expunged", "ev-1": "expunged", "nobody": "not-found"}
        assert (await world.ask("GET", f"{path}/msg/{kept['id']}"))["payload"] == {}
        await world.ask("POST", f"{path}/msg/bulk-expunge", {"ids": []}, status=422)

    in_world(database, scenario)


def test_a_message_says_by_which_words_it_is_found_when_it_is_sent_and_how_long_it_is_kept(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(url="http://127.0.0.1:1/")
        later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        key = {"headers": {"Idempotency-Key": "k-1"}}
        body = {"eventType": "order.paid", "payload": {"a": 1}, "tags": ["user 7", "ü"], "deliverAt": later}
        told = await world.ask("POST", f"{path}/msg", {**body, "payloadRetentionHours": 3}, status=202, **key)
        assert (told["tags"], told["deliverAt"][:16]) == (["user 7", "ü"], later[:16])
        again = await world.ask("POST", f"{path}/msg", {**body, "payloadRetentionHours": 3}, status=202, **key)
        assert again == told
        plain = await posted(world, path)
        assert (plain["tags"], plain["deliverAt"]) == (None, None)
        await world.bell.deliver.run_once()
        await world.bell.deliver.settle()
        (waiting,) = (await world.ask("GET", f"{path}/delivery?message={told['id']}"))["data"]
        assert (waiting["state"], waiting["attemptCount"], waiting["dueAt"]) == ("due", 0, told["deliverAt"])
        at = f"{path}/endpoint/{endpoint['id']}/msg"
        for listed in (f"{path}/msg", at):
            assert [it["id"] for it in (await world.ask("GET", f"{listed}?tag=user%207"))["data"]] == [told["id"]]
            assert (await world.ask("GET", f"{listed}?tag=user"))["data"] == []
        tried = f"{path}/attempt/endpoint/{endpoint['id']}"
        assert len((await world.ask("GET", tried))["data"]) == 1
        assert (await world.ask("GET", f"{tried}?tag=user%207"))["data"] == []
        soon, far, naive = (datetime.now(UTC) + timedelta(seconds=it) for it in (5, 90_000, 7_200))
        for wrong, place in (
            ({"deliverAt": soon.isoformat()}, "deliverAt"),
            ({"deliverAt": far.isoformat()}, "deliverAt"),
            ({"deliverAt": naive.replace(tzinfo=None).isoformat()}, "deliverAt"),
            ({"deliverAt": later, "payloadRetentionHours": 1}, "deliverAt"),
            ({"payloadRetentionHours": 1, "payloadRetentionPeriod": 1}, "body"),
            ({"payloadRetentionPeriod": 91}, "payloadRetentionPeriod"),
            ({"tags": ["a\n"]}, "tags"),
            ({"transformationsParams": {"rawPayload": "x"}}, "transformationsParams"),
        ):
            refused = await world.ask("POST", f"{path}/msg", {"eventType": "a", "payload": {}, **wrong}, status=422)
            assert refused["detail"][0]["loc"][-1] == place, wrong
        for name in ("transformationsParams", "tags", "deliverAt", "payloadRetentionPeriod"):
            await posted(world, path, **{name: None})

    in_world(database, scenario)


def test_whether_anybody_would_hear_of_a_message_is_said_before_it_is_posted(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(eventTypes=["order.paid"], channels=["red"])
        asked = f"{path}/msg/precheck/active"

        async def active(event_type: str, *channels: str) -> bool:
            body = {"eventType": event_type, "channels": list(channels) or None}
            told: bool = (await world.ask("POST", asked, body))["active"]
            return told

        assert await active("order.paid", "red", "blue")
        assert not await active("order.paid")
        assert not await active("order.sent", "red")
        await world.ask("PATCH", f"{path}/endpoint/{endpoint['id']}", {"disabled": True})
        assert not await active("order.paid", "red")
        assert (await world.ask("GET", f"{path}/msg"))["data"] == []

    in_world(database, scenario)


def test_headers_have_paths_of_their_own(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(headers={"x-old": "an-old-secret"})
        at = f"{path}/endpoint/{endpoint['id']}/headers"
        assert await world.ask("GET", at) == {"headers": {"x-old": "****cret"}, "sensitive": ["x-old"]}
        await world.ask("PATCH", at, {"headers": {"x-new": "new-value", "x-old": "****cret"}}, status=204)
        kept = await world.bell.store.endpoint_get(endpoint["id"])
        assert kept is not None
        assert dict(kept.headers) == {"x-old": "an-old-secret", "x-new": "new-value"}
        await world.ask("PUT", at, {"headers": {"x-only": "1"}}, status=204)
        assert (await world.ask("GET", at))["headers"] == {"x-only": "****"}
        for wrong in ({"webhook-id": "1"}, {"x": "a\r\nb"}, {"host": "h"}):
            await world.ask("PUT", at, {"headers": wrong}, status=422)

    in_world(database, scenario)


def test_event_types_are_changed_archived_and_forgotten(database: Database) -> None:
    async def scenario(world: World) -> None:
        body = {
            "name": "order.paid",
            "description": "d",
            "schemas": {"1": SCHEMA},
            "featureFlag": "beta",
            "groupName": "o",
        }
        made = await world.ask("POST", "/event-type", body, status=201)
        assert (made["schemas"], made["featureFlags"], made["groupName"]) == ({"1": SCHEMA}, ["beta"], "o")
        changed = await world.ask("PATCH", "/event-type/order.paid", {"deprecated": True, "featureFlags": None})
        assert (changed["deprecated"], changed["featureFlag"], changed["schemas"]) == (True, None, {"1": SCHEMA})
        assert changed["retryDelays"] is None
        timed = await world.ask("PATCH", "/event-type/order.paid", {"retryDelays": [1, 60]})
        assert timed["retryDelays"] == [1, 60]
        assert (await world.ask("PATCH", "/event-type/order.paid", {"description": "f"}))["retryDelays"] == [1, 60]
        await world.ask("PATCH", "/event-type/order.paid", {"retryDelays": [0]}, status=422)
        put = await world.ask("PUT", "/event-type/order.paid", {"description": "e"})
        assert (put["description"], put["schemas"], put["deprecated"]) == ("e", None, False)
        await world.ask("PUT", "/event-type/order.new", {"description": ""}, status=201)
        await world.ask("PUT", "/event-type/order new", {"description": ""}, status=404)
        for method, given in (("PUT", {}), ("PATCH", {}), ("DELETE", None)):
            await world.ask(method, "/event-type/payment.completed", given, status=409)
        await world.ask("DELETE", "/event-type/order.paid", status=204)

        async def names(query: str) -> list[str]:
            listed = (await world.ask("GET", f"/event-type?limit=250&{query}"))["data"]
            return [it["name"] for it in listed if not it["builtIn"]]

        assert (await names(""), await names("include_archived=true")) == (["order.new"], ["order.new", "order.paid"])
        again = await world.ask("POST", "/event-type", {"name": "order.paid"}, status=201)
        assert again["archived"] is False
        await world.ask("DELETE", "/event-type/order.paid?expunge=true", status=204)
        await world.ask("GET", "/event-type/order.paid", status=404)

    in_world(database, scenario)


def test_a_schema_is_enforced_where_its_event_type_asks_for_it(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        older = {"type": "object", "required": ["never"]}
        kind = {"name": "order.paid", "schemas": {"9": older, "10": SCHEMA}, "schemaEnforced": True}
        await world.ask("POST", "/event-type", kind, status=201)
        await posted(world, path, payload={"total": 5})
        wrong = await world.ask(
            "POST", f"{path}/msg", {"eventType": "order.paid", "payload": {"total": "5"}}, status=422
        )
        assert wrong["detail"][0]["loc"] == ["body", "payload"]
        assert "$.total" in wrong["detail"][0]["msg"]
        await world.ask("PATCH", "/event-type/order.paid", {"schemaEnforced": False})
        await posted(world, path, payload={"total": "5"})
        for schemas in (
            {"1": {"type": "nothing"}},
            {"1": {"$ref": "http://127.0.0.1:1/"}},
            {"1": {"$ref": "file:///etc/hosts"}},
        ):
            await world.ask("PATCH", "/event-type/order.paid", {"schemas": schemas}, status=422)
        await world.ask("PATCH", "/event-type/order.paid", {"schemas": None, "schemaEnforced": True}, status=422)

    in_world(database, scenario)


def test_an_example_goes_to_one_endpoint_whatever_it_subscribed_to(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(eventTypes=["nothing.else"], channels=["red"])
        at = f"{path}/endpoint/{endpoint['id']}"
        kind = {"name": "order.paid", "schemas": {"1": SCHEMA}}
        await world.ask("POST", "/event-type", kind, status=201)
        sent = await world.ask("POST", f"{at}/send-example", {"eventType": "order.paid"})
        assert sent["payload"] == {"total": 5}
        own = await world.ask("POST", f"{at}/send-example", {"eventType": "payment.completed"})
        assert (own["payload"]["id"], own["payload"]["event"]) == (own["id"], "payment.completed")
        (place,) = (await world.ask("GET", f"{path}/msg/{own['id']}/endpoint"))["data"]
        assert place["id"] == endpoint["id"]
        await world.ask("POST", f"{at}/send-example", {"eventType": "order.unknown"}, status=422)
        await world.ask("PATCH", at, {"disabled": True})
        await world.ask("POST", f"{at}/send-example", {"eventType": "order.paid"}, status=409)

    in_world(database, scenario)


def test_the_document_shows_what_each_of_our_event_types_looks_like(database: Database) -> None:
    async def scenario(world: World) -> None:
        document = (await world.client.get("/openapi.json")).json()
        assert set(document["webhooks"]) == set(EVENT_TYPES) | set(OPERATIONAL_EVENT_TYPES)
        for name, operations in document["webhooks"].items():
            schema = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
            assert json.dumps(name) in json.dumps(schema), name

    in_world(database, scenario)
