"""Event types from an OpenAPI document: what it says, and nothing that it could make the server do."""

import json
from typing import Any

import pytest

from paybell.errors import ConfigurationError
from paybell.web.api.openapi_import import described, read_document
from tests.databases import Database
from tests.integration.api_world import World, in_world

PATH = "/event-type/import/openapi"
YAML = """
openapi: 3.1.0
webhooks:
  order.paid:
    post:
      description: An order was paid.
      x-svix-group-name: orders
      x-svix-feature-flags: [beta]
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                order: {$ref: "#/components/schemas/Order"}
  order.lost:
    $ref: "#/components/pathItems/lost"
components:
  schemas:
    Order:
      type: object
      properties:
        total: {type: integer}
        parent: {$ref: "#/components/schemas/Order"}
  pathItems:
    lost:
      post: {summary: Lost., deprecated: true, requestBody: {$ref: "#/components/requestBodies/none"}}
  requestBodies:
    none: {content: {text/plain: {}}}
"""
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nwebhooks: *b\n"


async def imported(world: World, status: int = 200, **body: Any) -> Any:
    return await world.ask("POST", PATH, body, status=status)


async def own(world: World) -> dict[str, Any]:
    found = (await world.ask("GET", "/event-type?limit=250&include_archived=true"))["data"]
    return {it["name"]: it for it in found if not it["builtIn"]}


def test_webhooks_become_event_types_with_their_schemas(database: Database) -> None:
    async def scenario(world: World) -> None:
        dry = (await imported(world, specRaw=YAML, dryRun=True))["data"]
        assert (dry["modified"], [it["name"] for it in dry["to_modify"]]) == ([], ["order.lost", "order.paid"])
        assert await own(world) == {}
        assert (await imported(world, specRaw=YAML))["data"]["modified"] == ["order.lost", "order.paid"]
        found = await own(world)
        paid, lost = found["order.paid"], found["order.lost"]
        assert (paid["description"], paid["groupName"], paid["featureFlags"]) == (
            "An order was paid.",
            "orders",
            ["beta"],
        )
        order = paid["schemas"]["1"]["$defs"]["Order"]
        assert order["properties"]["parent"] == {"$ref": "#/$defs/Order"}
        assert (lost["description"], lost["deprecated"], lost["schemas"]) == ("Lost.", True, None)
        assert (await imported(world, specRaw=YAML))["data"]["modified"] == []

    in_world(database, scenario)


def test_what_changed_gets_a_version_and_what_is_gone_is_archived_only_if_asked(database: Database) -> None:
    async def scenario(world: World) -> None:
        def spec(**schema: Any) -> dict[str, Any]:
            body = {"content": {"application/json": {"schema": {"type": "object", **schema}}}}
            return {"webhooks": {"a.x": {"post": {"requestBody": body}}}}

        await world.ask("POST", "/event-type", {"name": "b.x", "description": "stays"}, status=201)
        for _ in range(2):
            await imported(world, spec=spec())
        await imported(world, spec=spec(title="second"))
        found = await own(world)
        assert found["a.x"]["schemas"] == {"1": {"type": "object"}, "2": {"type": "object", "title": "second"}}
        assert not found["b.x"]["archived"]
        dry = await imported(world, spec=spec(title="second"), replaceAll=True, dryRun=True)
        assert [(it["name"], it["archived"]) for it in dry["data"]["to_modify"]] == [("b.x", True)]
        assert (await imported(world, spec=spec(), replaceAll=True))["data"]["modified"] == ["a.x", "b.x"]
        found = await own(world)
        assert (found["b.x"]["archived"], found["b.x"]["description"]) == (True, "stays")
        await imported(world, spec={"webhooks": {"b.x": {"post": {}}}})
        assert not (await own(world))["b.x"]["archived"]

    in_world(database, scenario)


def test_of_a_document_with_a_mistake_nothing_is_taken(database: Database) -> None:
    async def scenario(world: World) -> None:
        good = {"a.x": {"post": {}}}
        for wrong, place in (
            ({}, "specRaw"),
            ({"spec": {}, "specRaw": "{}"}, "spec"),
            ({"spec": {}}, "spec"),
            ({"spec": {"webhooks": {**good, "not a name": {"post": {}}}}}, "spec"),
            ({"spec": {"webhooks": {**good, "b": {"$ref": "https://example.com/x"}}}}, "spec"),
            ({"spec": {"webhooks": {**good, "b": {"$ref": "#/components/pathItems/none"}}}}, "spec"),
            ({"specRaw": BOMB}, "specRaw"),
            ({"specRaw": "a: [}"}, "specRaw"),
            ({"specRaw": "- a"}, "specRaw"),
            ({"specRaw": "webhooks: {a.x: {post: {description: !!python/object:os.system x}}}"}, "specRaw"),
        ):
            refused = await imported(world, 422, **wrong)
            assert refused["detail"][0]["loc"] == ["body", place], wrong
        bad = {"content": {"application/json": {"schema": {"type": "nothing"}}}}
        await imported(world, 422, spec={"webhooks": {**good, "b": {"post": {"requestBody": bad}}}})
        await imported(world, 409, spec={"webhooks": {**good, "payment.completed": {"post": {}}}})
        assert await own(world) == {}

    in_world(database, scenario)


def test_json_is_read_as_yaml_is_and_a_loop_of_references_ends() -> None:
    text = json.dumps({"webhooks": {"a": {"post": {"summary": "é"}}}})
    assert described(read_document(text))[0].description == "é"
    wide = {"a": {"enum": list(range(1_000))}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/a"}}}}
    webhooks = {f"w{number}": {"post": {"requestBody": body}} for number in range(300)}
    with pytest.raises(ConfigurationError, match="too much together"):
        described({"webhooks": webhooks, "components": {"schemas": wide}})
    with pytest.raises(ConfigurationError, match="neither YAML"):
        read_document("[" * 10_000)
    with pytest.raises(ConfigurationError, match="ends at one"):
        described({"webhooks": {"a": {"$ref": "#/components/x"}}, "components": {"x": {"$ref": "#/components/x"}}})
