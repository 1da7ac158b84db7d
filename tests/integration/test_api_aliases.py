"""Stripe's ids of one payment, told of in the worst order: whoever asks by any of them gets the one payment."""

import json
from collections.abc import Mapping
from itertools import permutations
from time import time
from typing import Any

from paybell.testing.pretender import hex_hmac
from tests.databases import Database
from tests.integration.api_world import World, in_world

SECRET = "whsec_a-signing-secret-of-the-tests"
AT_S = 1_750_000_000


def event(number: int, thing: Mapping[str, object]) -> bytes:
    return json.dumps(
        {
            "id": f"evt_{number}",
            "object": "event",
            "type": "any",
            "created": AT_S + number,
            "livemode": True,
            "data": {"object": {"currency": "usd", **thing}},
        }
    ).encode()


def history(number: int, name: str = "1") -> list[bytes]:
    """A refund and a dispute that name the charge alone, and the intent that names its charge."""
    charge, intent = f"ch_{name}", f"pi_{name}"
    refund = {"id": f"re_{name}", "object": "refund", "charge": charge, "amount": 400, "status": "succeeded"}
    dispute = {"id": f"dp_{name}", "object": "dispute", "charge": charge, "amount": 600, "status": "needs_response"}
    paid = {"id": intent, "object": "payment_intent", "amount": 1000, "status": "succeeded", "latest_charge": charge}
    things: list[dict[str, object]] = [refund, dispute, paid]
    return [event(number + step, thing) for step, thing in enumerate(things)]


async def stripe(world: World) -> None:
    body = {"uid": "stripe", "gateway": "stripe", "secrets": [SECRET], "livemode": True}
    await world.ask("POST", "/source", body, status=201)


async def send(world: World, body: bytes) -> None:
    now_s = int(time())
    signature = f"t={now_s},v1={hex_hmac(SECRET, f'{now_s}.'.encode() + body)}"
    answer = await world.client.post("/in/stripe", content=body, headers={"stripe-signature": signature})
    assert answer.status_code == 200
    world.bell.record.wake()
    await world.bell.record.run_once()


async def payments(world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await world.ask("GET", f"/payment{query}"))["data"]
    return found


def test_a_charge_told_of_first_and_its_intent_last_are_one_payment(database: Database) -> None:
    async def scenario(world: World) -> None:
        await stripe(world)
        refund, dispute, paid = history(1)
        await send(world, refund)
        await send(world, dispute)
        (before,) = await payments(world)
        assert (before["gatewayPaymentId"], before["flags"]) == ("ch_1", ["incomplete"])
        await send(world, paid)
        (after,) = await payments(world)
        assert (after["id"], after["gatewayPaymentId"], after["aliases"]) == (before["id"], "pi_1", ["ch_1"])
        assert (after["status"], after["capturedMinor"], after["refundedMinor"]) == ("disputed", 1000, 400)
        for name in ("pi_1", "ch_1"):
            assert await payments(world, f"?gatewayPaymentId={name}") == [after]

    in_world(database, scenario)


def test_a_merged_payments_id_leads_to_what_it_became(database: Database) -> None:
    async def scenario(world: World) -> None:
        await stripe(world)
        charge = {"id": "ch_1", "object": "charge", "amount": 1000, "status": "succeeded", "captured": True}
        intent = {"id": "pi_1", "object": "payment_intent", "amount": 1000, "status": "processing"}
        await send(world, event(1, intent))
        await send(world, event(2, charge))
        merged, survivor = await payments(world)
        assert (survivor["status"], merged["status"]) == ("processing", "completed")
        await send(world, event(3, {**intent, "status": "succeeded", "latest_charge": "ch_1"}))
        one = await world.ask("GET", f"/payment/{merged['id']}")
        assert [one] == await payments(world)
        assert (one["id"], one["status"], one["capturedMinor"]) == (survivor["id"], "completed", 1000)
        timelines = [await world.ask("GET", f"/payment/{it['id']}/timeline") for it in (merged, survivor)]
        assert timelines[0] == timelines[1]
        assert [it["id"] for it in timelines[0]["data"] if it["kind"] == "merge"] == [merged["id"]]
        balances = (await world.ask("GET", "/ledger/balance"))["data"]
        assert {it["account"]: it["balanceMinor"] for it in balances} == {"clearing": 1000, "sales": -1000}

    in_world(database, scenario)


def test_every_order_of_a_history_comes_to_the_same(database: Database) -> None:
    async def scenario(world: World) -> None:
        await stripe(world)
        for number, order in enumerate(permutations(range(3))):
            told = history(number * 10 + 1, name=str(number))
            for step in order:
                await send(world, told[step])
        found = await payments(world)
        assert {(it["status"], it["capturedMinor"], it["refundedMinor"], it["version"]) for it in found} == {
            ("disputed", 1000, 400, found[0]["version"])
        }
        assert {it["gatewayPaymentId"] for it in found} == {f"pi_{number}" for number in range(6)}

    in_world(database, scenario)


def test_two_payments_of_one_order_stay_two(database: Database) -> None:
    async def scenario(world: World) -> None:
        await stripe(world)
        for number in (1, 2):
            paid = {"id": f"pi_{number}", "object": "payment_intent", "amount": 1000, "status": "succeeded"}
            charged = {**paid, "latest_charge": f"ch_{number}", "metadata": {"order_id": "order_1"}}
            await send(world, event(number, charged))
        found = await payments(world, "?orderId=order_1")
        assert [(it["gatewayPaymentId"], it["aliases"]) for it in found] == [("pi_2", ["ch_2"]), ("pi_1", ["ch_1"])]

    in_world(database, scenario)
