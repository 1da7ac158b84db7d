"""Idempotency keys over the API: a POST that is sent again changes nothing."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.databases import Database
from tests.integration.api_world import API, World, in_world


async def post(world: World, path: str, body: object, key: str | None, **given: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await world.client.post(API + path, json=body, headers={**world.client.headers, **headers}, **given)


def test_the_same_again_is_answered_the_same_and_changes_nothing(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        said = {"eventType": "order.paid", "payload": {"a": 1}}
        first = await post(world, f"{path}/msg", said, "k-1")
        again = await post(world, f"{path}/msg", said, "k-1")
        assert (first.status_code, first.content) == (202, again.content)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")
        assert "idempotency-replayed" not in first.headers
        assert again.headers["content-type"] == first.headers["content-type"]
        assert len((await world.ask("GET", f"{path}/msg"))["data"]) == 1
        other = await post(world, f"{path}/msg", {**said, "payload": {"a": 2}}, "k-1")
        assert (other.status_code, other.json()["detail"][0]["loc"]) == (422, ["header", "idempotency-key"])
        for key in ("k-2", None, None):
            assert (await post(world, f"{path}/msg", said, key)).status_code == 202
        assert len((await world.ask("GET", f"{path}/msg"))["data"]) == 4
        assert (await post(world, "/app", said, "k-1")).status_code == 422

    in_world(database, scenario)


def test_many_at_once_make_one(database: Database) -> None:
    async def scenario(world: World) -> None:
        answers = await asyncio.gather(*(post(world, "/app", {"name": "A"}, "k-1") for _ in range(12)))
        codes = [it.status_code for it in answers]
        assert set(codes) <= {201, 409}
        assert len({it.content for it in answers if it.status_code == 201}) == 1
        assert len((await world.ask("GET", "/app"))["data"]) == 1
        assert (await post(world, "/app", {"name": "A"}, "k-1")).status_code == 201

    in_world(database, scenario)


@pytest.mark.parametrize("wrong", [{"name": 7}, {"nobody": 1}])
def test_what_was_refused_may_be_put_right_under_the_same_key(database: Database, wrong: dict[str, object]) -> None:
    async def scenario(world: World) -> None:
        assert (await post(world, "/app", wrong, "k-1")).status_code == 422
        assert (await post(world, "/app", {"name": "A", "uid": "a"}, "k-1")).status_code == 201
        assert (await post(world, "/app", {"name": "B", "uid": "a"}, "k-2")).status_code == 409
        assert (await post(world, "/app", {"name": "B", "uid": "b"}, "k-2")).status_code == 201

    in_world(database, scenario)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "é"])
def test_a_key_that_is_none_is_refused(database: Database, key: str) -> None:
    async def scenario(world: World) -> None:
        headers = {**world.client.headers, "Idempotency-Key": key.encode("latin-1")}
        answer = await world.client.post(f"{API}/app", json={"name": "A"}, headers=headers)
        assert answer.status_code == 422, key
        assert (await world.ask("GET", "/app"))["data"] == []

    in_world(database, scenario)


def test_another_organisations_key_is_another_key(database: Database) -> None:
    async def scenario(world: World) -> None:
        assert (await post(world, "/app", {"name": "A"}, "k-1")).status_code == 201
        theirs = {"Authorization": f"Bearer {await world.key('org_other')}", "Idempotency-Key": "k-1"}
        answer = await world.client.post(f"{API}/app", json={"name": "A"}, headers=theirs)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)

    in_world(database, scenario)
