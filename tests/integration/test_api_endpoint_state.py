"""How an endpoint is doing, by the API."""

from tests.databases import Database
from tests.integration.api_world import World, in_world


def test_an_endpoint_that_is_well_says_so_and_one_that_refuses_everything_what_it_is_spared(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, endpoint = await world.add_endpoint(url="http://127.0.0.1:1/")
        where = f"{path}/endpoint/{endpoint['id']}/state"
        well = await world.ask("GET", where)
        assert (well["breaker"], well["concurrency"], well["failureCount"], well["waitingCount"]) == (
            "closed",
            None,
            0,
            0,
        )
        assert well["reason"] == ""
        for _ in range(15):
            await world.ask("POST", f"{path}/msg", {"eventType": "order.paid", "payload": {}}, status=202)
        for _ in range(3):
            await world.bell.deliver.run_once()
            await world.bell.deliver.settle()
        sick = await world.ask("GET", where)
        assert (sick["breaker"], sick["concurrency"], sick["failureCount"] >= 10) == ("open", 1, True)
        assert "attempts in a row have failed" in sick["reason"]
        assert sick["nextProbeAt"] > sick["breakerSince"] >= sick["failingSince"]
        assert (sick["pausedUntil"], sick["waitingCount"]) == (None, 15)

    in_world(database, scenario)
