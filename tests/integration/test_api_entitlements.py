"""Entitlements over the API: may this customer use this now? And by what policy."""

from tests.databases import Database
from tests.integration.api_world import World, in_world
from tests.unit.members import paid, refunded, subscribed

GOLD = {"name": "Gold", "plans": ["price_1"], "graceDays": 3}


def test_may_this_customer_use_this_now(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        nobody = await world.ask("GET", "/customer/cus_1/entitlement")
        assert nobody == {"customer": "cus_1", "allowed": False, "data": []}
        made = await world.ask("PUT", "/product/gold", GOLD, status=201)
        assert (made["uid"], made["graceDays"], made["suspendedDays"], made["onRefund"]) == ("gold", 3, 23, "revoke")
        await world.record(subscribed("active", 0, 40_000), *paid(0, product="book"))
        for name in ("cus_1", "pat@example.com", "u_7"):
            found = await world.ask("GET", f"/customer/{name}/entitlement")
            assert (found["allowed"], sorted(it["product"] for it in found["data"])) == (True, ["book", "gold"])
        (gold,) = (await world.ask("GET", "/customer/cus_1/entitlement?product=gold"))["data"]
        assert (gold["state"], gold["reason"], gold["allowed"], gold["version"]) == ("granted", "paid", True, 1)
        assert gold["who"] == {"id": "cus_1", "email": "Pat@Example.com", "userId": "u_7"}
        await world.record(refunded(1), number=2)
        book = await world.ask("GET", "/customer/cus_1/entitlement?product=book")
        assert (book["allowed"], book["data"][0]["reason"]) == (False, "refunded")
        listed = await world.ask("GET", "/entitlement?state=revoked")
        assert [it["product"] for it in listed["data"]] == ["book"]

    in_world(database, scenario)


def test_products_are_put_listed_and_forgotten(database: Database) -> None:
    async def scenario(world: World) -> None:
        assert (await world.ask("GET", "/product"))["data"] == []
        made = await world.ask("PUT", "/product/gold", GOLD, status=201)
        assert await world.ask("GET", "/product/gold") == made
        changed = await world.ask("PUT", "/product/gold", {"onRefund": "none", "durationDays": 30})
        assert (changed["plans"], changed["graceDays"], changed["onRefund"]) == ([], 7, "none")
        assert changed["createdAt"] == made["createdAt"]
        assert (await world.ask("GET", "/product"))["data"] == [changed]
        for wrong in (
            {"graceDays": -1},
            {"onRefund": "maybe"},
            {"plans": [""]},
            {"plan": "x"},
            {"durationDays": 10**9},
        ):
            await world.ask("PUT", "/product/gold", wrong, status=422)
        await world.ask("PUT", "/product/a%20b", {}, status=404)
        await world.ask("DELETE", "/product/gold", status=204)
        await world.ask("DELETE", "/product/gold", status=404)
        await world.ask("GET", "/product/gold", status=404)

    in_world(database, scenario)


def test_time_alone_is_turned_by_a_running_program(database: Database) -> None:
    async def scenario(world: World) -> None:
        await world.add_source()
        path, _ = await world.add_endpoint(eventTypes=["membership.grace", "membership.revoked", "membership.granted"])
        await world.record(*paid(0, product="book"))
        await world.ask("PUT", "/product/book", {"durationDays": 1}, status=201)
        assert (await world.ask("GET", "/customer/cus_1/entitlement"))["allowed"]
        assert await world.bell.timers.run_once()
        assert not (await world.ask("GET", "/customer/cus_1/entitlement"))["allowed"]
        assert not await world.bell.timers.run_once()
        messages = (await world.ask("GET", f"{path}/msg"))["data"]
        assert [it["eventType"] for it in messages] == ["membership.revoked", "membership.granted"]
        assert messages[0]["payload"]["data"]["reason"] == "ended"

    in_world(database, scenario)
