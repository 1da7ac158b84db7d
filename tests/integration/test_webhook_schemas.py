"""What the OpenAPI document says of our messages is what record writes."""

import json
from typing import Any

import jsonschema_rs

from paybell.model.fact import Kind
from paybell.model.message import EVENT_TYPES, EventType, EventTypeOptions
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS
from paybell.web.api.webhook_schemas import example_of, schema_of
from tests.databases import Database
from tests.integration.api_world import World, in_world
from tests.integration.test_api_accounts import FACTS

PAYMENTS = (
    fact(Kind.PAYMENT_CREATED, "", 100, detail={"order_id": "o_1", "product": "gold", "customer_email": "a@b.example"}),
    fact(Kind.CAPTURED, "ch_1", 100, at_s=1),
    fact(Kind.REFUND_SUCCEEDED, "re_1", 40, at_s=2),
    fact(Kind.DISPUTE_STATUS, "dp_1", 60, at_s=3, detail={"status": "open"}),
    fact(Kind.FAILED, "at_1", 100, aggregate="pi_2", detail={"failure_message": "no funds"}),
)


def refusals(name: str, payload: Any) -> list[str]:
    validator = jsonschema_rs.validator_for(json.dumps(schema_of(name)))
    return [f"{list(it.instance_path)}: {it.message}" for it in validator.iter_errors(payload)]


def test_every_message_that_is_written_has_the_form_that_is_promised(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        await world.ask("PUT", "/product/gold", {"name": "Gold", "plans": ["price_1"]}, status=201)
        path, _ = await world.add_endpoint()
        await world.record(*PAYMENTS, *FACTS)
        told = (await world.ask("GET", f"{path}/msg?limit=250"))["data"]
        for it in told:
            assert refusals(it["eventType"], it["payload"]) == [], it["eventType"]
        subjects = {it["eventType"].partition(".")[0] for it in told}
        assert subjects == {name.partition(".")[0] for name in EVENT_TYPES}

    in_world(database, scenario)


def test_every_example_has_the_form_that_is_promised() -> None:
    for name in EVENT_TYPES:
        made = example_of(name, None, "msg_1", START_MS)
        assert made is not None
        payload = json.loads(made)
        assert refusals(name, payload) == [], name
        assert (payload["id"], payload["event"], payload["timestamp"][:4]) == ("msg_1", name, "2025")
        assert ("refund" in payload["data"], "dispute" in payload["data"]) == (
            name[:6] == "refund",
            name[:7] == "dispute",
        )


def test_what_is_wrong_is_refused() -> None:
    payload = json.loads(example_of("payment.completed", None, "msg_1", START_MS) or b"")
    for change in ({"event": "payment.failed"}, {"data": {**payload["data"], "status": "paid"}}, {"more": 1}):
        assert refusals("payment.completed", payload | change), change


def test_an_example_of_ones_own_event_type_is_made_from_its_newest_schema() -> None:
    def example(schemas: object) -> Any:
        options = EventTypeOptions(schemas=json.dumps(schemas) if schemas else "")
        own = EventType(
            name="a.b", organisation_id="org_1", description="", created_at_ms=0, updated_at_ms=0, options=options
        )
        made = example_of("a.b", own, "msg_1", START_MS)
        return None if made is None else json.loads(made)

    properties = {
        "text": {"type": "string"},
        "count": {"type": ["integer", "null"]},
        "kind": {"enum": ["x", "y"]},
        "parts": {"type": "array", "items": {"const": 7}},
        "shown": {"type": "object", "examples": [{"z": 1}]},
    }
    made = example({"2": {"type": "string"}, "10": {"type": "object", "properties": properties}})
    assert made == {"text": "text", "count": 1, "kind": "x", "parts": [7], "shown": {"z": 1}}
    assert example(None) is None
    assert example({"1": {"type": "string"}}) is None
    endless: dict[str, Any] = {"type": "object", "properties": {}}
    endless["properties"]["deep"] = json.loads(json.dumps(endless))
    assert example({"1": endless}) == {"deep": {}}
    assert example_of("nobody.knows", None, "msg_1", START_MS) is None
