"""Dead letters by API: each says why it is one, lists and counts go by that, and so does what is recovered."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.databases import Database
from tests.integration.api_world import World, in_world

SINCE = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
LATER = (datetime.now(UTC) + timedelta(hours=1)).isoformat()


async def filled(world: World) -> str:
    """Three endpoints: one at an address that is refused, one disabled, one deleted; a message of each of two types."""
    path, _ = await world.add_endpoint(uid="refused", url="http://127.0.0.1:1/", retryDelays=[])
    for uid in ("off", "deleted"):
        body = {"uid": uid, "url": "https://example.com/", "throttleRate": 1}
        await world.ask("POST", f"{path}/endpoint", body, status=201)
    for event_type in ("order.paid", "order.sent"):
        await world.ask("POST", f"{path}/msg", {"eventType": event_type, "payload": {}}, status=202)
    await world.ask("DELETE", f"{path}/endpoint/deleted", status=204)
    await world.ask("PATCH", f"{path}/endpoint/off", {"disabled": True})
    await world.bell.deliver.run_once()
    await world.bell.deliver.settle()
    return path


async def dead(world: World, path: str, **narrowed: str) -> list[tuple[str, str]]:
    """Reason and event type of each."""
    page: dict[str, Any] = await world.ask("GET", f"{path}/dead-letter", params=narrowed)
    return sorted((it["deadReason"], it["eventType"]) for it in page["data"])


def test_dead_letters_are_listed_and_counted_by_what_they_died_of(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await filled(world)
        paid, sent = ("exhausted", "order.paid"), ("exhausted", "order.sent")
        assert await dead(world, path, endpoint="refused") == [paid, sent]
        assert await dead(world, path, reason="exhausted", event_types="order.paid") == [paid]
        assert await dead(world, path, endpoint="refused", after=LATER) == []
        assert await dead(world, path, reason="gone") == []
        found = await dead(world, path)
        assert {reason for reason, _ in found} == {"exhausted", "endpoint_disabled", "endpoint_deleted"}
        counted = await world.ask("GET", f"{path}/dead-letter/count")
        assert (counted["total"], counted["complete"]) == (len(found), True)
        assert counted["byReason"] == {
            "exhausted": 2,
            "gone": 0,
            "expunged": 0,
            "endpoint_deleted": 2,
            "endpoint_disabled": len(found) - 4,
        }
        listed = await world.ask("GET", f"{path}/delivery", params={"state": "dead", "endpoint": "refused"})
        assert {it["deadReason"] for it in listed["data"]} == {"exhausted"}
        refused = await world.ask("GET", f"{path}/dead-letter", params={"reason": "tired"}, status=422)
        assert refused["detail"][0]["loc"] == ["query", "reason"]

    in_world(database, scenario)


def test_what_is_recovered_is_what_died_of_that(database: Database) -> None:
    async def scenario(world: World) -> None:
        path = await filled(world)
        recover = f"{path}/endpoint/refused/recover?dry_run=true"
        for narrowed, count in (
            ({}, 2),
            ({"reasons": ["exhausted", "gone"]}, 2),
            ({"reasons": ["gone"]}, 0),
            ({"eventTypes": ["order.sent"]}, 1),
        ):
            found = await world.ask("POST", recover, {"since": SINCE, **narrowed})
            assert (found["messagesFound"], found["messagesLookedAt"]) == (count, 2)
        refused = await world.ask("POST", recover, {"since": SINCE, "reasons": ["tired"]}, status=422)
        assert refused["detail"][0]["loc"] == ["body", "reasons", 0]

    in_world(database, scenario)
