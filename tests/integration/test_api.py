"""The management API over its ASGI door: every resource, every refusal."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from paybell.app.bell import Paybell
from paybell.deliver.signing import private_secret_from, receivers_key
from paybell.errors import StoreUnavailable
from paybell.store.postgres.database import Database as PostgresConnections
from paybell.testing.receiver import Receiver
from tests.databases import Database
from tests.integration.api_world import API, KEY, World, in_world

PAID = (
    b'{"event":"payment.updated","timestamp":"2024-06-26T11:08:07Z","data":{"paymentId":"p_1","status":"completed",'
    b'"amount":100.00,"currency":"USD","orderId":"o_1"}}'
)


# ------------------------------------------------------------------------------------------------- the edge


def test_every_route_asks_for_a_key_before_anything_else(database: Database) -> None:
    async def scenario(world: World) -> None:
        paths = (await world.client.get("/openapi.json")).json()["paths"]
        keyed = [
            (m, p) for p, methods in paths.items() for m in methods if p.startswith(API + "/") and "health" not in p
        ]
        assert len(keyed) > 35
        bad = [
            "",
            "Bearer",
            f"Basic {KEY}",
            "Bearer not-this-one-at-all",
            f"Bearer {KEY}x",
            f"Bearer {KEY} x",
            "Bearer \xe9",
        ]
        for method, path in keyed:
            answer = await world.client.request(method, path, content=b"{", headers={"Authorization": ""})
            assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed"), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
        for value in bad:
            given = {"Authorization": value.encode("latin-1")}
            answer = await world.client.get(f"{API}/app", headers=given)
            assert answer.status_code == 401, value
        assert (await world.client.get(f"{API}/app", headers={"Authorization": f"bearer {KEY}"})).status_code == 200

    in_world(database, scenario)


def test_expired_and_revoked_keys_are_refused(database: Database) -> None:
    async def scenario(world: World) -> None:
        never = 2**52
        cases = [({}, 200), ({"expires_at_ms": never}, 200), ({"expires_at_ms": 1}, 401)]
        for given, status in cases:
            key = await world.key(**given)
            for _ in range(2):  # from the store, then from memory
                await world.ask("GET", "/app", status=status, headers={"Authorization": f"Bearer {key}"})
        key = await world.key()
        await world.ask("GET", "/app", headers={"Authorization": f"Bearer {key}"})

    in_world(database, scenario)


def test_another_organisations_things_are_not_there(database: Database) -> None:
    async def scenario(world: World) -> None:
        source = await world.add_source()
        await world.notify(PAID)
        await world.notify(PAID, "a-forgers-secret")
        path, endpoint = await world.add_endpoint(uid="e")
        message = await world.ask("POST", f"{path}/msg", {"eventType": "a", "payload": {}}, status=202)
        payment = (await world.ask("GET", "/payment"))["data"][0]["id"]
        notification = (await world.ask("GET", "/notification"))["data"][0]["id"]
        theirs = {"headers": {"Authorization": f"Bearer {await world.key('org_other')}"}}
        hidden = [
            ("GET", f"/source/{source['id']}"),
            ("DELETE", "/source/shop"),
            ("GET", f"/payment/{payment}"),
            ("GET", f"/payment/{payment}/timeline"),
            ("GET", f"/notification/{notification}"),
            ("POST", f"/notification/{notification}/replay"),
            ("GET", path),
            ("DELETE", path),
            ("GET", f"{path}/endpoint/{endpoint['id']}/secret"),
            ("GET", f"{path}/msg/{message['id']}"),
            ("GET", f"{path}/attempt/msg/{message['id']}"),
            ("GET", f"{path}/delivery"),
            ("POST", f"{path}/msg/{message['id']}/endpoint/{endpoint['id']}/resend"),
        ]
        for method, there in hidden:
            assert (await world.ask(method, there, status=404, **theirs))["code"] == "not_found"
        for listed in ("/source", "/payment", "/notification", "/refusal", "/app"):
            assert (await world.ask("GET", listed, **theirs))["data"] == [], listed
            assert len((await world.ask("GET", listed))["data"]) == 1, listed

    in_world(database, scenario)


@pytest.mark.parametrize(
    ("request_line", "body", "status", "code"),
    [
        ("GET /nothing", None, 404, "not_found"),
        ("GET /api/v1", None, 404, "not_found"),
        ("GET /api/v1/source/a/b", None, 404, "not_found"),
        ("GET /api/v1/source/nope", None, 404, "not_found"),
        ("PUT /api/v1/source", b"{}", 405, "method_not_allowed"),
        ("POST /api/v1/app", b" " * (1_048_576 + 1), 413, "too_large"),
    ],
)
def test_refusals_have_a_code(
    database: Database, request_line: str, body: bytes | None, status: int, code: str
) -> None:
    async def scenario(world: World) -> None:
        method, path = request_line.split()
        answer = await world.client.request(method, path, content=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert set(answer.json()) == {"code", "detail"}
        if status == 405:
            assert answer.headers["allow"] == "GET, POST"

    in_world(database, scenario)


WRONG_BODIES = [
    (b"{", ["body"]),
    (b"\xff\xfe", ["body"]),
    (b'{"name": "\\ud800"}', ["body"]),
    (b'{"name": NaN}', ["body"]),
    (b'{"name":' + b"[" * 100_000, ["body"]),
    (b"[]", ["body"]),
    (b"", ["body"]),
    (b"{}", ["body", "name"]),
    (b'{"name": ""}', ["body", "name"]),
    (b'{"name": 1}', ["body", "name"]),
    (b'{"name": "a", "uid": "a b"}', ["body", "uid"]),
    (b'{"name": "a", "uid": ".."}', ["body", "uid"]),
    (b'{"name": "a", "nmae": "b"}', ["body", "nmae"]),
]


def test_a_wrong_body_is_told_where(database: Database) -> None:
    async def scenario(world: World) -> None:
        json_type = {"Content-Type": "application/json"}
        for body, loc in WRONG_BODIES:
            wrong = await world.ask("POST", "/app", status=422, content=body, headers=json_type)
            assert wrong["detail"][0]["loc"] == loc, body[:80]
            assert set(wrong["detail"][0]) == {"loc", "msg", "type"}

    in_world(database, scenario)


def test_bodies_without_a_length_are_limited_too(database: Database) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 65_536

    async def scenario(world: World) -> None:
        assert (await world.ask("POST", "/app", content=chunks(), status=413))["code"] == "too_large"

    in_world(database, scenario)


def test_one_trailing_slash_is_accepted_without_a_redirect(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.ask("POST", "/app/", {"name": "A", "uid": "a"}, status=201)
        assert (await world.ask("GET", "/app/a/"))["uid"] == "a"

    in_world(database, scenario)


def test_a_fault_of_ours_says_nothing_of_itself(database: Database, capfd: pytest.CaptureFixture[str]) -> None:
    async def scenario(world: World) -> None:
        await world.alter("DROP TABLE products")
        assert (await world.ask("GET", "/product", status=500))["code"] == "internal_error"

    in_world(database, scenario)
    logged = capfd.readouterr()
    assert "products" in logged.out + logged.err
    assert KEY not in logged.out + logged.err


def test_a_busy_store_asks_to_come_again(database: Database) -> None:
    def busy(*_: object) -> None:
        raise StoreUnavailable("disk /srv/secret-place is full")

    async def scenario(world: World) -> None:
        await world.ask("GET", "/payment")
        at = world.bell.store.database
        setattr(at, "_acquired" if isinstance(at, PostgresConnections) else "read", busy)
        answer = await world.client.get(f"{API}/payment")
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "1")
        assert "secret-place" not in answer.text
        for path in ("/health", f"{API}/health"):
            assert (await world.client.get(path)).status_code == 503

    in_world(database, scenario)


def test_health_and_metrics_need_no_key(database: Database) -> None:
    async def scenario(world: World) -> None:
        nobody = {"Authorization": ""}
        answer = await world.client.get("/health", headers=nobody)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        for path in ("health", "health/", "health/ping"):
            answer = await world.client.get(f"{API}/{path}", headers=nobody)
            assert (answer.status_code, answer.content) == (204, b"")
        await world.add_source()
        await world.notify(PAID)
        await world.notify(PAID, "a-forgers-secret")
        answer = await world.client.get("/metrics", headers=nobody)
        assert answer.headers["content-type"].startswith("text/plain; version=")
        lines = answer.text.splitlines()
        for line in (
            'paybell_notifications_total{outcome="accepted"} 1.0',
            'paybell_notifications_total{outcome="refused"} 1.0',
            'paybell_records_total{outcome="recorded"} 1.0',
            "paybell_deliver_active 0.0",
        ):
            assert line in lines

    in_world(database, scenario)


# ------------------------------------------------------------------------------------------------ resources


def test_sources_hide_their_secrets(database: Database) -> None:
    async def scenario(world: World) -> None:
        options = {"publicKey": "pk_test_1", "secretKey": "sk_test_abcdef"}
        body = {"uid": "ippo", "gateway": "ippopay", "secrets": [], "options": options, "livemode": False}
        made = await world.ask("POST", "/source", body, status=201)
        assert made["options"] == {"publicKey": "pk_test_1", "secretKey": "****cdef"}
        assert made["url"].startswith("http://pay.example.com/in/ippo/")
        assert len(made["url"].rpartition("/")[2]) == 32
        assert (made["livemode"], made["enabled"], made["secretCount"]) == (False, True, 0)
        plain = await world.add_source()
        assert (plain["url"], plain["livemode"], plain["secretCount"]) == ("http://pay.example.com/in/shop", True, 1)
        for answer in (await world.client.get(f"{API}/source"), await world.client.get(f"{API}/source/{made['id']}")):
            assert "sk_test_abcdef" not in answer.text
            assert "a-shared-secret" not in answer.text
        assert [it["uid"] for it in (await world.ask("GET", "/source"))["data"]] == ["shop", "ippo"]

    in_world(database, scenario)


def test_sources_are_patched_field_by_field(database: Database) -> None:
    async def scenario(world: World) -> None:
        options = {"publicKey": "pk_test_1", "secretKey": "sk_test_abcdef"}
        await world.ask("POST", "/source", {"uid": "i", "gateway": "ippopay", "options": options}, status=201)

        async def patched(**change: object) -> dict[str, object]:
            await world.ask("PATCH", "/source/i", change)
            kept = await world.bell.store.source_find("i")
            assert kept is not None
            return {"options": dict(kept.options), "secrets": kept.secrets, "enabled": kept.enabled}

        same = {"options": options, "secrets": (), "enabled": True}
        assert await patched() == same
        assert await patched(options={"secretKey": "****cdef"}) == same
        assert await patched(enabled=False) == same | {"enabled": False}
        changed = await patched(options={"publicKey": "pk_test_2"}, enabled=True)
        assert changed == same | {"options": options | {"publicKey": "pk_test_2"}}
        for wrong in ({"secrets": None}, {"enabled": None}, {"gateway": "stripe"}, {"secrets": ["x"] * 11}):
            await world.ask("PATCH", "/source/i", wrong, status=422)
        await world.add_source()
        assert (await world.ask("PATCH", "/source/i", {"uid": "shop"}, status=409))["code"] == "conflict"
        await world.ask("PATCH", "/source/shop", {"options": {"header": None}}, status=422)
        assert (await world.ask("PATCH", "/source/shop", {"secrets": ["new", "old"]}))["secretCount"] == 2
        await world.ask("PATCH", "/source/i", {"uid": "j"})
        await world.ask("DELETE", "/source/j", status=204)
        await world.ask("GET", "/source/j", status=404)

    in_world(database, scenario)


@pytest.mark.parametrize(
    "change",
    [
        {"gateway": "nobody"},
        {"secrets": [""]},
        {"secrets": ["x" * 513]},
        {"options": {"header": "x", "nothing": 1}},
        {"options": {}},
        {"uid": "a/b"},
        {"livemode": "perhaps"},
    ],
)
def test_a_source_that_cannot_work_is_refused(database: Database, change: dict[str, object]) -> None:
    async def scenario(world: World) -> None:
        body = {"uid": "s", "gateway": "generic", "secrets": ["k"], "options": {"header": "x"}}
        wrong = await world.ask("POST", "/source", body | change, status=422)
        assert wrong["detail"][0]["loc"][0] == "body"
        await world.ask("POST", "/source", body, status=201)
        await world.ask("POST", "/source", body, status=409)

    in_world(database, scenario)


def test_payments_show_exact_amounts(database: Database) -> None:
    async def scenario(world: World) -> None:
        source = await world.add_source()
        assert await world.notify(PAID) == 200
        await world.notify(PAID.replace(b"p_1", b"p_2").replace(b"100.00", b"7").replace(b"USD", b"JPY"))
        await world.notify(PAID.replace(b"p_1", b"p_3").replace(b"100.00", b"0.001").replace(b"USD", b"KWD"))
        answer = await world.client.get(f"{API}/payment")
        for shown in (b'"amount":100.00,"amountMinor":10000,', b'"amount":7,"amountMinor":7,', b'"amount":0.001,'):
            assert shown in answer.content
        one = (await world.ask("GET", "/payment?gatewayPaymentId=p_1"))["data"][0]
        wanted = {
            "gatewayPaymentId": "p_1",
            "orderId": "o_1",
            "status": "completed",
            "currency": "USD",
            "livemode": True,
        }
        wanted |= {
            "source": "shop",
            "sourceId": source["id"],
            "gateway": "generic",
            "capturedMinor": 10000,
            "flags": [],
        }
        assert one.items() >= wanted.items()
        alone = await world.client.get(f"{API}/payment/{one['id']}")
        assert b'"amount":100.00,' in alone.content
        for query, count in {
            "source=shop": 3,
            f"source={source['id']}": 3,
            "source=other": 0,
            "orderId=o_1&source=shop": 3,
            "status=completed": 3,
            "status=failed": 0,
            "gatewayPaymentId=p_9": 0,
        }.items():
            assert len((await world.ask("GET", f"/payment?{query}"))["data"]) == count, query
        await world.ask("GET", "/payment?status=paid", status=422)
        await world.ask("DELETE", "/source/shop", status=204)
        left = (await world.ask("GET", f"/payment?source={source['id']}"))["data"]
        assert [it["source"] for it in left] == [source["id"]] * 3

    in_world(database, scenario)


def test_pages_follow_one_another(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        for no in range(5):
            await world.notify(PAID.replace(b"p_1", b"p_%d" % no))
        for path in ("/payment", "/notification"):
            whole = [it["id"] for it in (await world.ask("GET", path))["data"]]
            first = await world.ask("GET", f"{path}?limit=3")
            assert (len(first["data"]), first["done"]) == (3, False)
            rest = await world.ask("GET", f"{path}?limit=3&iterator={first['iterator']}")
            assert [it["id"] for it in first["data"] + rest["data"]] == whole
            assert rest["done"] is True
            back = await world.ask("GET", f"{path}?limit=3&iterator={rest['prevIterator']}")
            assert (back["data"], back["done"]) == (first["data"], True)
            for limit in ("0", "251", "x"):
                await world.ask("GET", f"{path}?limit={limit}", status=422)

    in_world(database, scenario)


def test_notifications_refusals_and_the_timeline(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        await world.notify(PAID)
        await world.notify(b"\xff\x00")
        assert await world.notify(PAID, "a-forgers-secret") == 401
        parked, recorded = (await world.ask("GET", "/notification?source=shop"))["data"]
        assert (recorded["state"], parked["state"], recorded["event"]) == ("recorded", "parked", "payment.updated")
        assert "body" not in recorded
        full = await world.ask("GET", f"/notification/{recorded['id']}")
        assert (full["body"], full["bodyEncoding"], full["origin"], full["hint"]) == (
            PAID.decode(),
            "text",
            "webhook",
            False,
        )
        odd = await world.ask("GET", f"/notification/{parked['id']}")
        assert (odd["body"], odd["bodyEncoding"]) == ("/wA=", "base64")
        assert parked["reason"] != ""
        assert len((await world.ask("GET", "/notification?state=parked"))["data"]) == 1
        await world.ask("GET", "/notification?state=lost", status=422)
        again = await world.ask("POST", f"/notification/{recorded['id']}/replay", status=202)
        assert again["state"] == "pending"
        await world.ask("POST", f"/notification/{recorded['id']}/replay", status=409)
        refused = (await world.ask("GET", "/refusal?source=shop"))["data"]
        assert [it["reason"] for it in refused] == ["signature_mismatch"]
        payment = (await world.ask("GET", "/payment"))["data"][0]
        kinds = {it["kind"] for it in (await world.ask("GET", f"/payment/{payment['id']}/timeline"))["data"]}
        assert kinds == {"notification", "fact", "transition", "posting"}

    in_world(database, scenario)


def test_applications_are_put_and_patched(database: Database) -> None:
    async def scenario(world: World) -> None:
        made = await world.ask("PUT", "/app/mine", {"name": "A"}, status=201)
        assert (await world.ask("PUT", "/app/mine", {"name": "B"}))["id"] == made["id"]
        assert (await world.ask("GET", f"/app/{made['id']}"))["name"] == "B"
        kept = await world.ask("PATCH", "/app/mine", {"name": "C"})
        assert (kept["uid"], kept["name"]) == ("mine", "C")
        await world.ask("PATCH", "/app/mine", {"name": None}, status=422)
        await world.ask("POST", "/app", {"name": "D", "uid": "mine"}, status=409)
        await world.ask("PUT", "/app/other", {"name": "D", "uid": "third"}, status=422)
        await world.ask("POST", "/app", {"name": "D", "uid": "theirs"}, status=201)
        await world.ask("PATCH", "/app/mine", {"uid": "theirs"}, status=409)
        bare = await world.ask("PATCH", "/app/mine", {"uid": None})
        assert (bare["uid"], bare["name"]) == (None, "C")
        await world.ask("GET", "/app/mine", status=404)
        await world.ask("DELETE", f"/app/{made['id']}", status=204)
        await world.ask("DELETE", f"/app/{made['id']}", status=404)

    in_world(database, scenario)


def test_endpoints_are_put_and_patched(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint(
            uid="e", filterTypes=["b", "a"], headers={"X-One": "first-value", "X-Two": "2"}, description="d"
        )
        there = f"{path}/endpoint/e"
        assert made["eventTypes"] == made["filterTypes"] == ["a", "b"]
        assert made["headers"] == {"X-One": "****alue", "X-Two": "****"}
        changed = await world.ask("PATCH", there, {"headers": {"X-One": "****alue", "X-Two": None, "X-3": "v"}})
        assert (changed["eventTypes"], changed["description"], changed["url"]) == (["a", "b"], "d", made["url"])
        kept = (await world.bell.store.endpoint_list((await world.bell.store.organisation_default()).id))[0]
        assert dict(kept.headers) == {"X-One": "first-value", "X-3": "v"}
        assert (await world.ask("PATCH", there, {"eventTypes": None}))["eventTypes"] == []
        off = await world.ask("PATCH", there, {"disabled": True})
        assert off["disabled"] is True
        assert off["disabledReason"] != ""
        on = await world.ask("PUT", there, {"url": "https://example.com/2", "eventTypes": ["c"]})
        assert (on["id"], on["disabled"], on["disabledReason"], on["uid"]) == (made["id"], False, "", "e")
        assert (on["description"], on["eventTypes"], set(on["headers"])) == ("", ["c"], {"X-One", "X-3"})
        assert (await world.ask("PUT", f"{path}/endpoint/f", {"url": "https://example.com/f"}, status=201))[
            "uid"
        ] == "f"
        await world.ask("PATCH", f"{path}/endpoint/f", {"uid": "e"}, status=409)
        await world.ask("DELETE", f"{path}/endpoint/f", status=204)
        assert [it["uid"] for it in (await world.ask("GET", f"{path}/endpoint"))["data"]] == ["e"]

    in_world(database, scenario)


UNFIT: list[tuple[dict[str, object], str]] = [
    ({"url": "function:os.system"}, "url"),
    ({"url": "ftp://example.com"}, "url"),
    ({"url": "http://10.0.0.1/"}, "url"),
    ({"headers": {"Host": "a"}}, "headers"),
    ({"headers": {"Webhook-Signature": "v1,x"}}, "headers"),
    ({"headers": {"x": "a\r\nb: c"}}, "headers"),
    ({"headers": {"x": "\u20ac"}}, "headers"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
    ({"secret": "whsec_short"}, "secret"),
    ({"eventTypes": ["a b"]}, "eventTypes"),
    ({"eventTypes": ["a"], "filterTypes": ["b"]}, ""),
    ({"eventTyps": ["a"]}, "eventTyps"),
]


def test_an_endpoint_that_cannot_work_is_refused(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        for change, field in UNFIT:
            wrong = await world.ask("POST", f"{path}/endpoint", {"url": "https://example.com/"} | change, status=422)
            assert wrong["detail"][0]["loc"][:2] == (["body", field] if field else ["body"]), change

    in_world(database, scenario)


def test_endpoint_secrets_rotate(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint()
        there = f"{path}/endpoint/{made['id']}/secret"
        first = (await world.ask("GET", there))["key"]
        assert first.startswith("whsec_")
        for no in range(12):
            key = "whsec_" + f"{no:x}" * 32
            await world.ask("POST", f"{there}/rotate", {"key": key})
            assert (await world.ask("GET", there))["key"] == key
        await world.ask("POST", f"{there}/rotate")
        await world.ask("POST", f"{there}/rotate", {"key": "whsec_%"}, status=422)
        kept = await world.bell.store.endpoint_get(made["id"])
        assert kept is not None
        assert kept.secrets[0] == (await world.ask("GET", there))["key"]
        assert kept.secrets[1:] == tuple("whsec_" + f"{no:x}" * 32 for no in range(11, 1, -1))
        answer = await world.client.get(f"{API}{path}/endpoint")
        assert "whsec_" not in answer.text

    in_world(database, scenario)


def test_a_private_signing_secret_is_never_shown_and_a_fresh_one_is_of_its_kind(database: Database) -> None:
    key = private_secret_from(bytes(range(32)))

    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint(secret=key)
        there = f"{path}/endpoint/{made['id']}/secret"
        assert await world.ask("GET", there) == {"key": receivers_key(key)}
        await world.ask("POST", f"{there}/rotate")
        fresh = (await world.ask("GET", there))["key"]
        assert fresh.startswith("whpk_")
        assert fresh != receivers_key(key)
        await world.ask("POST", f"{there}/rotate", {"key": "whsec_" + "a" * 32})
        kept = await world.bell.store.endpoint_get(made["id"])
        assert kept is not None
        assert [it.partition("_")[0] for it in kept.secrets] == ["whsec", "whsk", "whsk"]
        await world.ask("POST", f"{there}/rotate", {"key": fresh}, status=422)

    in_world(database, scenario)


def test_messages_keep_their_bytes_and_reach_the_endpoint(database: Database) -> None:
    payload = b'{ "b" : 1.10,"a":[ 1e2, "\\u00e9\xc3\xa9" ],"a":2 }'

    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            path, endpoint = await world.add_endpoint(url=receiver.url + "hook", eventTypes=["order.paid"])
            body = b'{"eventId":"ev:1","payload": ' + payload + b' ,"eventType":"order.paid"}'
            made = await world.client.post(f"{API}{path}/msg", content=body)
            assert made.status_code == 202
            assert b'"payload":' + payload + b"," in made.content
            message = made.json()["id"]
            for name in (message, "ev:1"):
                assert payload in (await world.client.get(f"{API}{path}/msg/{name}")).content
            assert payload in (await world.client.get(f"{API}{path}/msg?event_types=order.paid")).content
            assert (await world.ask("GET", f"{path}/msg?event_types=other"))["data"] == []
            assert (await world.ask("POST", f"{path}/msg", status=409, content=body))["code"] == "conflict"
            waiting = (await world.ask("GET", f"{path}/delivery?state=due&endpoint={endpoint['id']}"))["data"]
            assert [it["msgId"] for it in waiting] == [message]
            for count in (1, 2):
                await world.bell.deliver.run_once()
                await world.bell.deliver.settle()
                assert [it.body for it in receiver.requests] == [payload] * count
                resend = f"{path}/msg/{message}/endpoint/{endpoint['id']}/resend"
                assert await world.ask("POST", resend, status=202) == {}
            for listed in (f"/attempt/endpoint/{endpoint['id']}", f"/attempt/msg/{message}", "/attempt/msg/ev:1"):
                tries = (await world.ask("GET", path + listed))["data"]
                assert [(it["attemptNo"], it["status"], it["responseStatusCode"]) for it in tries] == [
                    (2, 0, 200),
                    (1, 0, 200),
                ]
            one = await world.ask("GET", f"{path}/msg/{message}/attempt/{tries[0]['id']}")
            assert one == tries[0]
            assert (one["statusText"], one["triggerType"], one["msgId"]) == ("success", 1, message)
            assert [it["triggerType"] for it in tries] == [1, 0]
            off = {"disabled": True}
            await world.ask("PATCH", f"{path}/endpoint/{endpoint['id']}", off)
            refused = await world.ask("POST", resend, status=409)
            assert "is disabled" in refused["detail"]
            await world.ask("PATCH", f"{path}/endpoint/{endpoint['id']}", {"disabled": False})
            other = await world.ask("POST", f"{path}/msg", {"eventType": "x", "payload": {}}, status=202)
            await world.ask("GET", f"{path}/msg/{other['id']}/attempt/{tries[0]['id']}", status=404)
            await world.ask("POST", f"{path}/msg/{other['id']}/endpoint/{endpoint['id']}/resend", status=404)

    in_world(database, scenario)


def test_a_failed_try_is_shown(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint(url="http://127.0.0.1:1/", uid="e")
        await world.ask("POST", f"{path}/msg", {"eventType": "x", "payload": {}}, status=202)
        await world.bell.deliver.run_once()
        await world.bell.deliver.settle()
        failed = (await world.ask("GET", f"{path}/attempt/endpoint/e"))["data"][0]
        assert (failed["status"], failed["statusText"], failed["responseStatusCode"]) == (2, "fail", 0)
        assert failed["error"].startswith("connect: ")
        delivery = (await world.ask("GET", f"{path}/delivery?endpoint=e"))["data"][0]
        assert (delivery["state"], delivery["attemptCount"]) == ("due", 1)
        assert delivery["lastError"] == failed["error"]

    in_world(database, scenario)


WRONG_MESSAGES = [
    (b"", ["body"]),
    (b"{}", ["body"]),
    (b'{"eventType":"a","payload":{},"tagz":[]}', ["body"]),
    (b'{"eventType":"a","payload":{},"channels":["a b"]}', ["body", "channels"]),
    (b'{"eventType":"a b","payload":{}}', ["body", "eventType"]),
    (b'{"eventType":"a\\n","payload":{}}', ["body", "eventType"]),
    (b'{"eventType":"a","payload":{},"eventId":""}', ["body", "eventId"]),
    (b'{"eventType":"a","payload":[]}', ["body", "payload"]),
    (b'{"eventType":"a","payload":null}', ["body", "payload"]),
    (b'{"eventType":"a","payload":{"a":NaN}}', ["body"]),
    (b'{"eventType":"a","payload":{"a":"\xff"}}', ["body"]),
]


def test_a_wrong_message_is_refused(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        for body, loc in WRONG_MESSAGES:
            wrong = await world.ask("POST", f"{path}/msg", status=422, content=body)
            assert wrong["detail"][0]["loc"] == loc, body

    in_world(database, scenario)


def test_event_types_of_ones_own(database: Database) -> None:
    async def scenario(world: World) -> None:
        made = await world.ask("POST", "/event-type", {"name": "order.paid", "description": "d"}, status=201)
        assert (made["builtIn"], await world.ask("GET", "/event-type/order.paid")) == (False, made)
        assert (await world.ask("GET", "/event-type/payment.completed"))["builtIn"] is True
        for taken in ("order.paid", "payment.completed"):
            await world.ask("POST", "/event-type", {"name": taken}, status=409)
        await world.ask("GET", "/event-type/nothing", status=404)
        names = [it["name"] for it in (await world.ask("GET", "/event-type"))["data"]]
        assert names == sorted(names)
        assert "order.paid" in names
        page = await world.ask("GET", "/event-type?limit=2&iterator=order.paid")
        assert ([it["name"] for it in page["data"]], page["done"]) == (
            names[names.index("order.paid") + 1 :][:2],
            False,
        )

    in_world(database, scenario)


# ------------------------------------------------------------------------------------------------- mounting


def test_the_url_of_a_source_names_what_the_caller_reached(database: Database) -> None:
    async def scenario(world: World) -> None:
        assert (await world.add_source())["url"] == "https://pay.example.org/in/shop"

    in_world(database, scenario, public_url="https://pay.example.org/")


def test_mounted_in_another_program(database: Database) -> None:
    async def scenario(world: World) -> None:
        outer = FastAPI()
        outer.mount("/pay", world.bell)
        transport = httpx.ASGITransport(app=outer)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="https://shop.example.com", headers=headers
        ) as client:
            body = {"uid": "s", "gateway": "stripe", "secrets": ["whsec_1"]}
            made = await client.post("/pay/api/v1/source/", json=body)
            assert (made.status_code, made.json()["url"]) == (201, "https://shop.example.com/pay/in/s")
            assert (await client.post("/pay/in/s", content=b"{}")).status_code == 401
            wrong = await client.put("/pay/api/v1/source", json=body)
            assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, POST")

    in_world(database, scenario)


def test_two_instances_in_one_process_keep_apart(database: Database, tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        async with (
            Paybell(**type(database)(tmp_path / "other").settings, bootstrap_key=KEY, roles="web") as other,
            httpx.AsyncClient(transport=httpx.ASGITransport(app=other), base_url="http://other") as client,
        ):
            answer = await client.get(f"{API}/source", headers={"Authorization": f"Bearer {KEY}"})
            assert answer.json()["data"] == []
            assert 'accepted"} 0.0' in (await client.get("/metrics")).text

    in_world(database, scenario)
