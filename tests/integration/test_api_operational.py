"""Operational endpoints by the API, where they differ from others."""

import asyncio
from typing import Any

import pytest

from paybell.app.bell import Paybell
from paybell.errors import ConfigurationError
from tests.databases import Database
from tests.integration.api_world import World, in_world

PATH = "/operational-webhook/endpoint"
MAIL = {"mail_url": "smtp://127.0.0.1:1", "mail_from": "paybell@pay.example"}


def test_only_what_is_ever_told_can_be_subscribed_to(database: Database) -> None:
    async def scenario(world: World) -> None:
        wish: dict[str, Any] = {"url": "https://example.com/", "eventTypes": ["payment.completed"]}
        refused = await world.ask("POST", PATH, wish, status=422)
        assert refused["detail"][0]["loc"] == ["body", "eventTypes"]
        wish |= {"url": "mailto:ops@shop.example", "eventTypes": ["message.attempt.exhausted"]}
        refused = await world.ask("POST", PATH, wish, status=422)
        assert "endpoint.disabled, endpoint.failing" in refused["detail"][0]["msg"]
        made = await world.ask("POST", PATH, {"url": "mailto:ops@shop.example"}, status=201)
        assert made["eventTypes"] == ["endpoint.disabled", "endpoint.failing"]

    in_world(database, scenario, **MAIL)


def test_mail_goes_to_operational_endpoints_alone_and_where_there_is_a_mail_server(database: Database) -> None:
    async def scenario(world: World) -> None:
        refused = await world.ask("POST", PATH, {"url": "mailto:ops@shop.example"}, status=422)
        assert "PAYBELL_MAIL_URL" in refused["detail"][0]["msg"]
        path, _ = await world.add_endpoint()
        await world.ask("POST", f"{path}/endpoint", {"url": "mailto:ops@shop.example"}, status=422)

    in_world(database, scenario)


def test_mail_can_be_of_some_applications_and_never_becomes_mail_of_all(database: Database) -> None:
    async def scenario(world: World) -> None:
        shop = await world.ask("POST", "/app", {"name": "Shop", "uid": "shop"}, status=201)
        wish = {"url": "mailto:people@shop.example", "uid": "shop-people"}
        made = await world.ask("POST", PATH, {**wish, "appIds": ["shop"]}, status=201)
        assert made["appIds"] == [shop["id"]]
        at = f"{PATH}/shop-people"
        assert (await world.ask("PUT", at, wish))["appIds"] == [shop["id"]]
        await world.ask("PUT", at, {**wish, "appIds": []}, status=422)
        for nobodys in ("none", made["id"]):
            refused = await world.ask("PUT", at, {**wish, "appIds": [nobodys]}, status=422)
            assert refused["detail"][0]["loc"] == ["body", "appIds"]
        await world.ask("DELETE", "/app/shop", status=204)
        assert (await world.ask("GET", at))["appIds"] == [shop["id"]]
        assert (await world.ask("PUT", at, {**wish, "appIds": None}))["appIds"] is None

    in_world(database, scenario, **MAIL)


def test_those_of_the_settings_follow_the_settings(database: Database) -> None:
    urls: list[str] = []

    async def scenario(world: World) -> None:
        urls[:] = [it["url"] for it in (await world.ask("GET", PATH))["data"]]

    in_world(database, scenario, **MAIL, mail_to="a@shop.example,b@shop.example")
    assert sorted(urls) == ["mailto:a@shop.example", "mailto:b@shop.example"]
    in_world(database, scenario)
    assert len(urls) == 2
    in_world(database, scenario, **MAIL, mail_to="b@shop.example")
    assert urls == ["mailto:b@shop.example"]


@pytest.mark.parametrize(
    "given",
    [
        {"mail_to": "ops@shop.example"},
        {"mail_url": "smtp://127.0.0.1:1"},
        {**MAIL, "mail_to": "ops"},
    ],
)
def test_settings_that_could_send_no_mail_are_refused_at_the_start(given: dict[str, str]) -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="mail"):
            async with Paybell(database="sqlite:///:memory:", **given):
                pass

    asyncio.run(main())


def test_headers_sent_back_as_they_were_shown_stay(database: Database) -> None:
    async def scenario(world: World) -> None:
        wish = {"url": "https://example.com/", "uid": "o", "headers": {"x-a": "a-long-value", "x-b": "b"}}
        await world.ask("POST", PATH, wish, status=201)
        shown = (await world.ask("GET", f"{PATH}/o/headers"))["headers"]
        assert shown == {"x-a": "****alue", "x-b": "****"}
        await world.ask("PUT", f"{PATH}/o/headers", {"headers": {"x-a": shown["x-a"]}}, status=204)
        mine = (await world.bell.store.organisation_default()).id
        application_id = f"opw_{mine.removeprefix('org_')}"
        kept = await world.bell.store.endpoint_lookup(mine, application_id, "o")
        assert kept.headers == (("x-a", "a-long-value"),)

    in_world(database, scenario)


def test_a_rotated_secret_signs_until_its_grace_ends(database: Database) -> None:
    async def scenario(world: World) -> None:
        made = await world.ask("POST", PATH, {"url": "https://example.com/", "uid": "o"}, status=201)
        first = (await world.ask("GET", f"{PATH}/o/secret"))["key"]
        await world.ask("POST", f"{PATH}/o/secret/rotate", {"gracePeriodSeconds": 60}, status=204)
        second = (await world.ask("GET", f"{PATH}/o/secret"))["key"]
        kept = await world.bell.store.endpoint_get(made["id"])
        assert kept is not None
        now_ms = world.bell.clock.now_ms()
        assert kept.signing_secrets(now_ms) == (second, first)
        assert kept.signing_secrets(now_ms + 61_000) == (second,)

    in_world(database, scenario)
