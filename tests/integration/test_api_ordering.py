"""Order by the API: an endpoint asks for it, and a message names its key."""

from tests.databases import Database
from tests.integration.api_world import World, in_world


def test_an_endpoint_asks_for_an_order_and_a_message_names_its_key(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(url="http://127.0.0.1:1/")
        assert endpoint["ordering"] == "none"
        where = f"{path}/endpoint/{endpoint['id']}"
        changed = await world.ask("PATCH", where, {"ordering": "fifo_by_key"})
        assert changed["ordering"] == "fifo_by_key"
        put = await world.ask("PUT", where, {"url": endpoint["url"]})
        assert put["ordering"] == "fifo_by_key"
        for key in ("a", "a", "b"):
            body = {"eventType": "order.paid", "payload": {}, "orderingKey": key}
            await world.ask("POST", f"{path}/msg", body, status=202)
        waiting = (await world.ask("GET", f"{path}/delivery"))["data"]
        assert [it["dueAt"] is None for it in reversed(waiting)] == [False, True, False]
        bare = await world.ask("PATCH", where, {"ordering": None})
        assert bare["ordering"] == "none"

    in_world(database, scenario)


def test_what_is_no_order_and_no_key_is_refused_with_its_place(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint()
        wrong = await world.ask("PATCH", f"{path}/endpoint/{endpoint['id']}", {"ordering": "lifo"}, status=422)
        assert wrong["detail"][0]["loc"] == ["body", "ordering"]
        body = {"eventType": "order.paid", "payload": {}, "orderingKey": "no spaces"}
        wrong = await world.ask("POST", f"{path}/msg", body, status=422)
        assert wrong["detail"][0]["loc"] == ["body", "orderingKey"]

    in_world(database, scenario)
