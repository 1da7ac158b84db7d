"""What an endpoint may ask for of the contents of its deliveries, set by the API and seen by its receiver."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import standardwebhooks
import svix.webhooks

from paybell.testing.received import Received
from paybell.testing.receiver import Receiver
from tests.databases import Database
from tests.integration.api_world import API, SOON, World, in_world

ASKED: dict[str, Any] = {
    "filter": {"data.amount": {"$gte": 100.5}, "$not": {"data.currency": "USD"}},
    "payloadFormat": "cloudevents",
    "svixHeaders": True,
    "retryDelays": [60, 604_800],
}
PLAIN = {"filter": None, "payloadFormat": "paybell", "svixHeaders": False, "retryDelays": None}
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def contents(endpoint: dict[str, Any]) -> dict[str, Any]:
    return {name: endpoint[name] for name in PLAIN}


async def received(world: World, receiver: Receiver) -> list[Received]:
    """All that was received once everything was tried."""
    await world.bell.deliver.run_once()
    await world.bell.deliver.settle()
    return receiver.requests


def headers(it: Received) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in it.headers}


def test_what_is_absent_stays_and_null_takes_away(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint()
        there = f"{path}/endpoint/{made['id']}"
        assert contents(made) == PLAIN
        assert contents(await world.ask("PATCH", there, ASKED)) == ASKED
        for method, body in (("PATCH", {"description": "d"}), ("PUT", {"url": "https://example.com/hook"})):
            assert contents(await world.ask(method, there, body)) == ASKED
        assert contents(await world.ask("GET", there)) == ASKED
        assert contents(await world.ask("PATCH", there, {"filter": None})) == ASKED | {"filter": None}
        assert contents(await world.ask("PATCH", there, {"retryDelays": []})) == PLAIN | ASKED | {
            "filter": None,
            "retryDelays": [],
        }
        nothing = dict.fromkeys(PLAIN)
        assert contents(await world.ask("PUT", there, {"url": "https://example.com/hook", **nothing})) == PLAIN
        again = await world.ask("PUT", f"{path}/endpoint/other", {"url": "https://example.com/", **ASKED}, status=201)
        assert contents(again) == ASKED

    in_world(database, scenario)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"filter": {"data.amount": {"$near": 1}}}, "filter", "data.amount.$near is none of $eq"),
    ({"filter": {"a": {"$regex": "(?=a)"}}}, "filter", "RE2"),
    ({"filter": {}}, "filter", "says nothing"),
    ({"filter": []}, "filter", ""),
    ({"filter": "{}"}, "filter", ""),
    ({"payloadFormat": "xml"}, "payloadFormat", ""),
    ({"svixHeaders": "perhaps"}, "svixHeaders", ""),
    ({"retryDelays": [0]}, "retryDelays", ""),
    ({"retryDelays": [604_801]}, "retryDelays", ""),
    ({"retryDelays": [1] * 21}, "retryDelays", ""),
    ({"headers": {"traceparent": "mine"}}, "headers", "traceparent"),
]


def test_what_cannot_be_is_refused_with_its_place(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint()
        for wrong, place, said in WRONG:
            for method, where in (("POST", f"{path}/endpoint"), ("PATCH", f"{path}/endpoint/{made['id']}")):
                body = wrong if method == "PATCH" else {"url": "https://example.com/", **wrong}
                refused = await world.ask(method, where, body, status=422)
                assert refused["detail"][0]["loc"][:2] == ["body", place], wrong
                assert said in refused["detail"][0]["msg"], wrong

    in_world(database, scenario)


def test_a_number_that_is_none_is_refused_in_a_filter(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, made = await world.add_endpoint()
        body = b'{"filter": {"a": NaN}}'
        given = {"content": body, "headers": {"content-type": "application/json"}}
        await world.ask("PATCH", f"{path}/endpoint/{made['id']}", status=422, **given)

    in_world(database, scenario)


def test_only_what_the_filter_lets_through_is_delivered(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            dear = {"amount": {"$gte": 100}}
            path, _ = await world.add_endpoint(url=receiver.url + "dear", filter=dear)
            for amount in (99, 100, "100", 101):
                body = {"eventType": "order.paid", "payload": {"amount": amount}}
                await world.ask("POST", f"{path}/msg", body, status=202)
            await world.ask("POST", f"{path}/msg", {"eventType": "order.paid", "payload": {}}, status=202)
            first, second = await received(world, receiver)
            assert sorted(json.loads(it.body)["amount"] for it in (first, second)) == [100, 101]
            page = await world.ask("GET", f"{path}/delivery")
            assert len(page["data"]) == 2

    in_world(database, scenario)


def shape_of_standard(shown: dict[str, Any]) -> bool:
    return shown.keys() == {"type", "timestamp", "data"}


def shape_of_event(shown: dict[str, Any]) -> bool:
    return shown["specversion"] == "1.0" and shown["datacontenttype"] == "application/json"


@pytest.mark.parametrize(
    ("payload_format", "is_shaped"), [("standard", shape_of_standard), ("cloudevents", shape_of_event)]
)
def test_the_official_verifiers_take_every_format(
    database: Database, payload_format: str, is_shaped: Callable[[dict[str, Any]], bool]
) -> None:
    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            given = {"payloadFormat": payload_format, "svixHeaders": True}
            path, made = await world.add_endpoint(url=receiver.url + "hook", **given)
            secret = (await world.ask("GET", f"{path}/endpoint/{made['id']}/secret"))["key"]
            body = b'{"eventType":"order.paid","payload":{"a": 1.10}}'
            posted = await world.client.post(f"{API}{path}/msg", content=body)
            (sent,) = await received(world, receiver)
            seen = headers(sent)
            assert standardwebhooks.Webhook(secret).verify(sent.body, seen)["data"] == {"a": 1.1}
            of_svix = {name: value for name, value in seen.items() if name.startswith("svix-")}
            svix.webhooks.Webhook(secret).verify(sent.body, of_svix)
            assert b'"data":{"a": 1.10}' in sent.body
            assert is_shaped(json.loads(sent.body))
            assert posted.json()["timestamp"].encode() in sent.body

    in_world(database, scenario)


def test_what_paybell_tells_itself_comes_in_the_format_asked_for(database: Database) -> None:
    data = b'{"paymentId":"p_1","status":"completed","amount":100.00,"currency":"USD","orderId":"o_1"}'
    paid = b'{"event":"payment.updated","timestamp":"%b","data":%b}' % (SOON.encode(), data)

    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            await world.add_source()
            wanted = {"data.amount": {"$gte": 100}, "data.currency": "USD"}
            await world.add_endpoint(url=receiver.url + "hook", payloadFormat="standard", filter=wanted)
            await world.add_endpoint(url=receiver.url + "never", filter={"data.currency": "EUR"})
            await world.notify(paid)
            (sent,) = await received(world, receiver)
            shown = json.loads(sent.body)
            assert shape_of_standard(shown)
            assert (shown["type"], shown["data"]["orderId"]) == ("payment.completed", "o_1")
            assert b'"amount":100.00,' in sent.body

    in_world(database, scenario)


def test_a_message_is_told_in_the_trace_of_its_sender(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            path, _ = await world.add_endpoint(url=receiver.url + "hook")
            body = {"eventType": "order.paid", "payload": {}}
            for given, query in (({"traceparent": TRACEPARENT}, ""), ({"traceparent": TRACEPARENT}, "?a=b"), ({}, "")):
                await world.ask("POST", f"{path}/msg{query}", body, status=202, headers=given)
            sent = await received(world, receiver)
            parents = [it.header("traceparent").split("-") for it in sent]
            own = {it.webhook_id[4:] for it in sent}
            assert sorted(flags for _, trace, _, flags in parents if trace not in own) == ["01", "01"]
            assert sorted(flags for _, trace, _, flags in parents if trace in own) == ["00"]
            assert {trace for _, trace, _, _ in parents} - own == {TRACEPARENT.split("-")[1]}
            assert len({span for _, _, span, _ in parents} | {TRACEPARENT.split("-")[2]}) == 4

    in_world(database, scenario)


def test_old_secrets_sign_until_their_grace_is_over(database: Database) -> None:
    async def scenario(world: World) -> None:
        async with Receiver() as receiver:
            path, made = await world.add_endpoint(url=receiver.url + "hook")
            there = f"{path}/endpoint/{made['id']}/secret"

            async def signatures() -> int:
                body = {"eventType": "order.paid", "payload": {}}
                await world.ask("POST", f"{path}/msg", body, status=202)
                return len((await received(world, receiver))[-1].header("webhook-signature").split())

            assert await signatures() == 1
            await world.ask("POST", f"{there}/rotate")
            assert await signatures() == 2
            await world.ask("POST", f"{there}/rotate", {"gracePeriodSeconds": 0})
            assert await signatures() == 2
            await world.ask("POST", f"{there}/rotate", {"gracePeriodSeconds": None})
            assert await signatures() == 3
            for wrong in (-1, 604_801, "x"):
                await world.ask("POST", f"{there}/rotate", {"gracePeriodSeconds": wrong}, status=422)
            kept = await world.bell.store.endpoint_get(made["id"])
            assert kept is not None
            day_ms = 86_400_000
            (newest, older) = [end_ms for _, end_ms in kept.old_secrets]
            assert newest is not None
            assert older is not None
            assert older <= newest <= world.bell.clock.now_ms() + day_ms

    in_world(database, scenario)
