"""NUL in what callers of the API write: told as their mistake, the same on every store."""

from tests.databases import Database
from tests.integration.api_world import World, in_world

APP = ("POST", "/app", {"name": "a\0b"}, "name")
WRONG = [
    APP,
    ("POST", "/app", {"name": "a", "uid": "a\0b"}, "uid"),
    ("PUT", "/app/shop", {"name": "a\0"}, "name"),
    ("PATCH", "{app}", {"name": "\0"}, "name"),
    ("POST", "{app}/endpoint", {"url": "https://example.com/\0"}, None),
    ("POST", "{app}/endpoint", {"url": "https://example.com/", "description": "\0"}, "description"),
    ("PATCH", "{app}/endpoint/{ep}", {"description": "a\0b"}, "description"),
    ("POST", "{app}/endpoint", {"url": "https://example.com/", "uid": "\0"}, "uid"),
    ("POST", "{app}/endpoint", {"url": "https://example.com/", "eventTypes": ["a\0"]}, "eventTypes"),
    ("POST", "{app}/endpoint", {"url": "https://example.com/", "headers": {"x-a": "\0"}}, "headers"),
    ("POST", "{app}/msg", {"eventType": "a\0", "payload": {}}, "eventType"),
    ("POST", "{app}/msg", {"eventType": "a", "eventId": "\0", "payload": {}}, "eventId"),
    ("POST", "/event-type", {"name": "a\0"}, "name"),
    ("POST", "/event-type", {"name": "a", "description": "\0"}, "description"),
    ("POST", "/source", {"uid": "a\0", "gateway": "stripe"}, "uid"),
    ("POST", "/source", {"uid": "a", "gateway": "\0"}, None),
]


def test_a_body_with_nul_is_the_callers_mistake(database: Database) -> None:
    async def scenario(world: World) -> None:
        app, endpoint = await world.add_endpoint()
        for method, path, body, field in WRONG:
            told = await world.ask(method, path.format(app=app, ep=endpoint["id"]), body, status=422)
            assert told["detail"][0]["loc"][0] == "body", (path, body)
            assert field is None or field in told["detail"][0]["loc"], (path, body)

    in_world(database, scenario)


def test_a_path_with_nul_names_nothing_and_a_filter_is_the_callers_mistake(database: Database) -> None:
    async def scenario(world: World) -> None:
        app, _ = await world.add_endpoint()
        for method, path in [
            ("GET", "/app/%00"),
            ("DELETE", "/app/a%00"),
            ("GET", f"{app}/endpoint/%00"),
            ("GET", f"{app}/msg/%00"),
            ("GET", "/source/%00"),
            ("GET", "/payment/%00"),
            ("GET", "/payment/%00/timeline"),
            ("GET", "/notification/%00"),
            ("POST", "/notification/%00/replay"),
            ("GET", "/event-type/%00"),
            ("GET", f"{app}/attempt/msg/%00"),
            ("GET", f"{app}/attempt/endpoint/%00"),
        ]:
            assert (await world.ask(method, path, status=404))["code"] == "not_found", path
        await world.ask("PUT", "/app/%00", {"name": "a"}, status=404)
        for query in ("iterator", "orderId", "gatewayPaymentId", "source"):
            told = await world.ask("GET", f"/payment?{query}=a%00", status=422)
            assert told["detail"][0]["loc"] == ["query", query]
        for path in ("/app", "/source", "/notification", "/refusal", f"{app}/endpoint", f"{app}/msg"):
            await world.ask("GET", f"{path}?iterator=%00", status=422)
        assert (await world.client.post("/in/%00", content=b"{}")).status_code == 404

    in_world(database, scenario)


def test_a_payload_keeps_its_nul(database: Database) -> None:
    async def scenario(world: World) -> None:
        app, _ = await world.add_endpoint()
        body = {"eventType": "a", "payload": {"text": "a\0b"}}
        made = await world.ask("POST", f"{app}/msg", body, status=202)
        assert (await world.ask("GET", f"{app}/msg/{made['id']}"))["payload"] == {"text": "a\0b"}

    in_world(database, scenario)
