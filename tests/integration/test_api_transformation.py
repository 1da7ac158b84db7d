"""An endpoint's transformation by the API, with a real sandbox."""

from typing import Any

from tests.databases import Database
from tests.integration.api_world import World, in_world

CODE = """\
def handler(webhook):
    webhook["payload"]["total"] = webhook["payload"]["amount"] / 100
    webhook["headers"]["x-channels"] = ",".join(webhook["channels"])
    webhook["cancel"] = webhook["eventType"] == "order.draft"
    return webhook
"""
MESSAGE = {"eventType": "order.paid", "payload": {"amount": 250}, "channels": ["eu", "b2b"]}


async def endpoint_path(world: World) -> str:
    path, endpoint = await world.add_endpoint()
    return f"{path}/endpoint/{endpoint['id']}"


async def refused(world: World, method: str, path: str, body: object) -> tuple[list[str], str]:
    answer = await world.ask(method, path, body, status=422)
    (told,) = answer["detail"]
    return told["loc"], told["msg"]


def test_code_is_set_switched_and_taken_away_and_stays_when_the_endpoint_changes(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await endpoint_path(world)
        mine = f"{path}/transformation"

        async def shown() -> tuple[Any, ...]:
            it = await world.ask("GET", mine)
            assert it["variables"] == {}
            return it["code"], it["enabled"]

        assert await shown() == (None, False)
        await world.ask("PATCH", mine, {"code": CODE}, status=204)
        assert await shown() == (CODE, False)
        await world.ask("PATCH", mine, {"enabled": True}, status=204)
        await world.ask("PATCH", path, {"description": "d"})
        await world.ask("PUT", path, {"url": "https://example.com/other"})
        assert await shown() == (CODE, True)
        await world.ask("PATCH", mine, {"enabled": False}, status=204)
        await world.ask("PATCH", mine, {"code": CODE + "# 2", "enabled": True}, status=204)
        assert await shown() == (CODE + "# 2", True)
        await world.ask("PATCH", mine, {"code": None}, status=204)
        assert await shown() == (None, False)

    in_world(database, scenario)


def test_code_that_cannot_work_is_refused_with_its_line_and_changes_nothing(database: Database) -> None:
    async def scenario(world: World) -> None:
        mine = f"{await endpoint_path(world)}/transformation"
        await world.ask("PATCH", mine, {"code": CODE, "enabled": True}, status=204)
        for code, reason in (
            ("def handler(webhook)\n    pass", "SyntaxError: Expected `:`, found newline (line 1)"),
            ("x = 1", "it defines no function handler(webhook)"),
            ("\nimport socket", "ModuleNotFoundError: No module named 'socket' (line 2)"),
        ):
            assert await refused(world, "PATCH", mine, {"code": code}) == (["body", "code"], reason)
        loc, reason = await refused(world, "PATCH", mine, {"code": "#" * 51_201})
        assert (loc, reason) == (["body", "code"], "String should have at most 51200 characters")
        loc, _ = await refused(world, "PATCH", mine, {"variables": {"A": "b"}})
        assert loc == ["body", "variables"]
        found = await world.ask("GET", mine)
        assert (found["code"], found["enabled"]) == (CODE, True)

    in_world(database, scenario)


def test_what_has_no_code_cannot_be_enabled(database: Database) -> None:
    async def scenario(world: World) -> None:
        mine = f"{await endpoint_path(world)}/transformation"
        for body in ({"enabled": True}, {"enabled": True, "code": None}, {"enabled": True, "code": ""}):
            loc, reason = await refused(world, "PATCH", mine, body)
            assert (loc, reason) == (["body", "enabled"], "there is no code to enable: give code, too")

    in_world(database, scenario)


def test_code_is_tried_on_a_message_that_is_not_sent(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await endpoint_path(world)
        simulate = f"{path}/transformation/simulate"
        loc, _ = await refused(world, "POST", simulate, MESSAGE)
        assert loc == ["body", "code"]
        made = await world.ask("POST", simulate, {"code": CODE, **MESSAGE})
        assert made == {
            "payload": '{"amount":250,"total":2.5}',
            "method": "POST",
            "url": "https://example.com/hook",
            "headers": {"x-channels": "b2b,eu"},
            "canceled": False,
        }
        await world.ask("PATCH", f"{path}/transformation", {"code": CODE}, status=204)
        assert await world.ask("POST", simulate, MESSAGE) == made
        assert (await world.ask("POST", simulate, MESSAGE | {"eventType": "order.draft"}))["canceled"] is True
        fault = await refused(world, "POST", simulate, MESSAGE | {"payload": {}})
        assert fault == (["body", "code"], "KeyError: amount (line 2)")

    in_world(database, scenario)


UNFIT_HEADERS: list[tuple[dict[str, str], str]] = [
    ({"webhook-id": "x"}, "header webhook-id is set by Paybell itself"),
    ({"Svix-Id": "x"}, "header Svix-Id is set by Paybell itself"),
    ({"content-type": "text/plain"}, "header content-type is set by Paybell itself"),
    ({"Host": "evil.example"}, "its headers: header Host"),
    ({"content-length": "3"}, "its headers: header content-length"),
    ({"proxy-authorization": "x"}, "its headers: header proxy-authorization"),
    ({"a b": "x"}, "its headers: "),
    ({"x": "a\r\nb: c"}, "its headers: the value of header x"),
]


def test_its_headers_are_under_the_rules_of_custom_headers(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = f"{await endpoint_path(world)}/transformation/simulate"
        for headers, reason in UNFIT_HEADERS:
            code = f"def handler(webhook):\n    webhook['headers'] = {headers!r}\n    return webhook\n"
            loc, told = await refused(world, "POST", path, {"code": code, **MESSAGE})
            assert loc == ["body", "code"]
            assert reason in told

    in_world(database, scenario)


def test_when_the_sandbox_cannot_serve_now_it_is_not_the_codes_fault(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = f"{await endpoint_path(world)}/transformation/simulate"
        await world.bell._sandbox.close()
        answer = await world.ask("POST", path, {"code": CODE, **MESSAGE}, status=503)
        assert answer["code"] == "unavailable"

    in_world(database, scenario)


def test_an_attempt_says_that_it_was_canceled(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await endpoint_path(world)
        app = path.partition("/endpoint/")[0]
        await world.ask("PATCH", f"{path}/transformation", {"code": CODE, "enabled": True}, status=204)
        draft = {"eventType": "order.draft", "payload": {"amount": 1}}
        message = await world.ask("POST", f"{app}/msg", draft, status=202)
        await world.bell.deliver.run_once()
        await world.bell.deliver.settle()
        (attempt,) = (await world.ask("GET", f"{app}/attempt/msg/{message['id']}"))["data"]
        assert (attempt["status"], attempt["statusText"], attempt["responseStatusCode"]) == (4, "canceled", 0)
        assert attempt["error"] == "canceled by its transformation: nothing was sent"
        (delivery,) = (await world.ask("GET", f"{app}/delivery"))["data"]
        assert delivery["state"] == "delivered"

    in_world(database, scenario)
