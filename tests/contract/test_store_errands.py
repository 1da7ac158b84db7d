"""Errands: what is counted is counted once, whoever works on it and whenever it dies."""

import json
from typing import Any

import pytest

from paybell.errands.rules import errand
from paybell.errands.service import ErrandConfig, ErrandService
from paybell.errors import ConfigurationError, Conflict, NotFound
from paybell.model.task import ERRANDS, REPLAYS, Asked, Task, TaskKind, TaskState
from paybell.ports import Advance, MessageNew, PageQuery, Tally, Tallying, TaskNew
from paybell.testing.builders import application, delivery, endpoint, message
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run

STATS, USES, PURGE = TaskKind.APPLICATION_STATS, TaskKind.EVENT_TYPE_AGGREGATE, TaskKind.PURGE_CONTENT


class Errands:
    """The service over a world's store."""

    def __init__(self, at: World, **config: int) -> None:
        self.at = at
        self.service = ErrandService(at.store, at.clock, ErrandConfig(**config))

    async def fill(self, *counts: int) -> None:
        """Applications ``app_2`` and on, each with so many messages, each for two endpoints."""
        org, number = self.at.organisation.id, 100
        for place, count in enumerate(counts, 2):
            app_id = f"app_{place}"
            await self.at.store.application_create(application(id=app_id, uid=f"u{place}", organisation_id=org))
            for _ in range(count):
                number += 1
                told = message(number, organisation_id=org, application_id=app_id)
                jobs = tuple(
                    delivery(told, number * 10 + it, endpoint_id=f"ep_{it}", application_id=app_id, organisation_id=org)
                    for it in range(2)
                )
                await self.at.store.message_post(MessageNew(message=told, deliveries=jobs))
        self.at.clock.advance(60)

    async def begin(self, kind: TaskKind, about: str = "", **narrowed: object) -> Task:
        asked = Asked(since_ms=START_MS, until_ms=self.at.clock.now_ms(), **narrowed)
        org, new_id = self.at.organisation.id, self.at.clock.new_id("bgtask")
        task = errand(kind, org, asked, new_id=new_id, now_ms=self.at.clock.now_ms(), about=about)
        await self.at.store.task_create(TaskNew(task=task, running_max=2))
        return task

    async def finish(self, task: Task) -> Any:
        while await self.service.run_once():
            pass
        after = await self.at.store.task_get(task.organisation_id, task.id)
        assert after.state is TaskState.FINISHED
        return json.loads(after.result)


@pytest.mark.parametrize("config", [{}, {"messages_max": 2, "applications_max": 1}])
def test_deliveries_are_counted_by_application_in_parts_or_at_once(place: Place, config: dict[str, int]) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at, **config)
        await errands.fill(3, 0, 4)
        every = {"app_1": 0, "app_2": 6, "app_3": 0, "app_4": 8}
        stats = (await errands.finish(await errands.begin(STATS)))["appStats"]
        assert {it["appId"]: it["messageDestinations"] for it in stats} == every
        assert {it["appUid"] for it in stats} >= {"u2", "u3", "u4"}
        asked = ("app_4", "app_2", "app_gone")
        some = (await errands.finish(await errands.begin(STATS, application_ids=asked)))["appStats"]
        assert [(it["appId"], it["messageDestinations"]) for it in some] == [("app_2", 6), ("app_4", 8)]

    run(place, scenario)


def test_only_what_was_made_in_the_time_is_counted_and_nothing_of_others(place: Place) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at)
        await errands.fill(4)
        first, last = message(101).id, message(104).id
        asked = {"application_id": "app_2", "after": first, "before": last, "limit": 9}
        tally = await at.store.delivery_tally(Tallying(organisation_id=at.organisation.id, **asked))
        assert tally == Tally(message_count=2, delivery_count=4, last_id=message(103).id)
        theirs = await at.store.delivery_tally(Tallying(organisation_id="org_other", **asked))
        assert theirs == Tally(message_count=0, delivery_count=0, last_id="")

    run(place, scenario)


def test_what_each_applications_endpoints_ask_for_is_listed(place: Place) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at, applications_max=1)
        await errands.fill(0)
        org = at.organisation.id
        for number, types in ((7, {"b.x", "a.x"}), (8, {"a.x"})):
            asked = {"application_id": "app_2", "organisation_id": org, "event_types": frozenset(types)}
            await at.store.endpoint_create(endpoint(id=f"ep_{number}", **asked))
        uses = (await errands.finish(await errands.begin(USES)))["event_types"]
        assert uses == [
            {"appId": "app_1", "explicitlySubscribedEventTypes": [], "hasCatchAllEndpoint": True},
            {"appId": "app_2", "explicitlySubscribedEventTypes": ["a.x", "b.x"], "hasCatchAllEndpoint": False},
        ]

    run(place, scenario)


def test_all_payloads_of_one_application_go_and_those_of_others_and_of_later_stay(place: Place) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at, purged_max=2)
        await errands.fill(3, 1)
        task = await errands.begin(PURGE, "app_2")
        later = message(100_000, organisation_id=at.organisation.id, application_id="app_2")
        await at.store.message_post(MessageNew(message=later, deliveries=()))
        assert await errands.finish(task) == {"messagesPurged": 3}
        left = {}
        for app_id in ("app_2", "app_3"):
            query = PageQuery(organisation_id=at.organisation.id, filters={"application_id": app_id})
            left[app_id] = [bool(it.payload) for it in (await at.store.message_page(query)).data]
        assert left == {"app_2": [True, False, False, False], "app_3": [True]}

    run(place, scenario)


def test_an_errand_is_claimed_by_its_kind_and_goes_on_where_a_dead_worker_left_it(place: Place) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at, messages_max=2)
        await errands.fill(5)
        task = await errands.begin(STATS)
        ends_at_ms = at.clock.now_ms() + 1_000
        assert await at.store.task_claim(REPLAYS, now_ms=at.clock.now_ms(), lease_ends_at_ms=ends_at_ms) is None
        assert await errands.service.run_once()
        dead = await at.store.task_claim(ERRANDS, now_ms=at.clock.now_ms(), lease_ends_at_ms=ends_at_ms)
        assert dead is not None
        assert not await errands.service.run_once()
        at.clock.advance(2)
        stats = (await errands.finish(task))["appStats"]
        assert {it["appId"]: it["messageDestinations"] for it in stats} == {"app_1": 0, "app_2": 10}
        late = Advance(cursor="app_9/", result="{}", state=TaskState.FINISHED)
        assert await at.store.task_advance(dead, late, now_ms=at.clock.now_ms()) is None
        (listed,) = (await at.store.task_page(PageQuery(organisation_id=at.organisation.id))).data
        assert (listed.id, listed.result) == (task.id, "")

    run(place, scenario)


def test_an_organisation_begins_no_more_than_it_may_and_nobody_counts_nothing(place: Place) -> None:
    async def scenario(at: World) -> None:
        errands = Errands(at)
        await errands.fill(0)
        for _ in range(2):
            await errands.begin(STATS)
        with pytest.raises(Conflict, match="run already"):
            await errands.begin(USES)
        await errands.begin(PURGE, "app_2")
        with pytest.raises(NotFound):
            await at.store.task_get("org_other", (await errands.begin(PURGE, "app_2")).id)
        with pytest.raises(ConfigurationError, match="before until"):
            errand(STATS, "org_1", Asked(since_ms=2, until_ms=2), new_id="bgtask_1", now_ms=3)

    run(place, scenario)
