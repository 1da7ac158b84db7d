"""Statistics by the API: tasks that say nothing until they know all."""

from paybell.ports import PageQuery
from tests.databases import Database
from tests.integration.api_world import World, in_world

TIME = {"since": "2020-01-01T00:00:00Z", "until": "2200-01-01T00:00:00Z"}


def test_a_task_counts_what_each_application_was_to_be_sent(database: Database) -> None:
    async def scenario(world: World) -> None:
        path, _ = await world.add_endpoint()
        await world.ask("POST", "/app", {"name": "Idle", "uid": "idle"}, status=201)
        for number in range(3):
            await world.ask("POST", f"{path}/msg", {"eventType": "a", "payload": {"n": number}}, status=202)
        asked = {**TIME, "appIds": [path.removeprefix("/app/"), "idle", "nobody"]}
        begun = await world.ask("POST", "/stats/usage/app", asked, status=202)
        assert (begun["status"], begun["task"]) == ("running", "application.stats")
        assert begun["unresolvedAppIds"] == ["nobody"]
        at = f"/background-task/{begun['id']}"
        assert (await world.ask("GET", at))["data"] == {"canceled": False, "reason": ""}
        while await world.bell.errands.run_once():
            pass
        found = (await world.ask("GET", at))["data"]["appStats"]
        assert {(it["appId"] in path, it["appUid"], it["messageDestinations"]) for it in found} == {
            (True, None, 3),
            (False, "idle", 0),
        }
        await world.ask("POST", f"{at}/cancel", status=409)
        for wrong in ({"appIds": ["nobody"]}, {"until": TIME["since"]}, {"since": "2199-01-01T00:00:00Z"}):
            await world.ask("POST", "/stats/usage/app", {**TIME, **wrong}, status=422)
        theirs = {"headers": {"Authorization": f"Bearer {await world.key('org_other')}"}}
        await world.ask("GET", at, status=404, **theirs)
        await world.ask("PUT", "/stats/usage/event-types", status=202, **theirs)
        while await world.bell.errands.run_once():
            pass
        (task,) = (await world.bell.store.task_page(PageQuery(organisation_id="org_other"))).data
        assert (await world.ask("GET", f"/background-task/{task.id}", **theirs))["data"] == {"event_types": []}

    in_world(database, scenario)
