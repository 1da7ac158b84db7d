"""Nodes: signs of life, one leader, and what a dead node had leased."""

import asyncio

import pytest

from paybell.errors import ConfigurationError
from paybell.model.node import Node
from paybell.model.notification import NotificationState
from paybell.ports import Held, Retention
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run
from tests.contract.test_store_together import beside, claim

OTHER_KEY = bytes(range(1, 33))


def node(number: int, **changes: object) -> Node:
    given: dict[str, object] = {"name": f"shop-{number}", "roles": ("receive", "web"), "version": "1.2"}
    return Node(id=f"node_{number}", started_at_ms=START_MS, figures={}, **(given | changes))


def test_a_node_is_on_the_roll_from_its_joining_to_its_leaving(place: Place) -> None:
    async def scenario(world: World) -> None:
        store = world.store
        await store.node_join(node(1))
        roll = await store.node_beat("node_1", now_ms=START_MS, figures={"record_waiting": 7})
        assert roll == await store.node_list()
        (it,) = roll.nodes
        assert (it.id, it.name, it.roles, it.version, it.started_at_ms) == (
            "node_1",
            "shop-1",
            ("receive", "web"),
            "1.2",
            START_MS,
        )
        assert (it.figures, it.beat_no) == ({"record_waiting": 7}, 1)
        await store.node_leave("node_1", now_ms=START_MS)
        assert (await store.node_list()).nodes == ()
        assert await store.node_beat("node_1", now_ms=START_MS, figures={}) is None

    run(place, scenario)


def test_signs_of_life_are_counted_and_dated(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.node_join(node(1))
        for _ in range(3):
            await world.store.node_beat("node_1", now_ms=world.clock.now_ms(), figures={})
        (it,) = (await world.store.node_list()).nodes
        assert it.beat_no == 3
        assert abs(await world.store.now_ms() - it.beat_at_ms) < 60_000

    run(place, scenario)


def test_a_node_is_buried_unless_it_has_given_a_sign_of_life_since(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.node_join(node(1))
        (early,) = (await world.store.node_list()).nodes
        await world.store.node_beat("node_1", now_ms=START_MS, figures={})
        assert await world.store.node_bury([early], now_ms=START_MS) == ()
        (late,) = (await world.store.node_list()).nodes
        assert await world.store.node_bury([late], now_ms=START_MS) == ("node_1",)
        assert await world.store.node_beat("node_1", now_ms=START_MS, figures={}) is None

    run(place, scenario)


def test_what_a_buried_node_had_leased_is_due_and_nobody_elses_lease_ends(place: Place) -> None:
    if not place.leases_outlive:
        pytest.skip("a file has one process: its leases end when the next one opens it")

    async def scenario(world: World) -> None:
        store, org = world.store, world.organisation.id
        async with beside(world) as other:
            await store.node_join(node(1))
            await other.node_join(node(2))
            for number in range(1, 5):
                await store.notification_append(appending(notification(number, organisation_id=org)))
                await world.post(number)
            lease = {"now_ms": START_MS, "lease_ends_at_ms": START_MS + 60_000}
            mine = await store.notification_claim(limit=2, **lease)
            theirs = await other.notification_claim(limit=2, **lease)
            sent, sent_by_other = await claim(store, 2, START_MS), await claim(other, 2, START_MS)
            assert [len(it) for it in (mine, theirs, sent, sent_by_other)] == [2, 2, 2, 2]
            nodes = {it.id: it for it in (await other.node_list()).nodes}
            assert await other.node_bury([nodes["node_1"]], now_ms=START_MS) == ("node_1",)
            again = await other.notification_claim(limit=9, **lease)
            assert {it.id for it in again} == {it.id for it in mine}
            retaken = await claim(other, 9, START_MS)
            assert {(it.id, it.lease_no) for it in retaken} == {(it.id, it.lease_no + 1) for it in sent}

    run(place, scenario)


def test_what_a_node_still_had_leased_when_it_left_is_due(place: Place) -> None:
    if not place.leases_outlive:
        pytest.skip("a file has one process: its leases end when the next one opens it")

    async def scenario(world: World) -> None:
        await world.store.node_join(node(1))
        await world.store.notification_append(
            appending(notification(1, hint=True, organisation_id=world.organisation.id), NotificationState.NEEDS_FETCH)
        )
        lease = {"limit": 9, "now_ms": START_MS, "lease_ends_at_ms": START_MS + 60_000}
        assert len(await world.store.fetch_claim(**lease)) == 1
        assert await world.store.fetch_claim(**lease) == []
        await world.store.node_leave("node_1", now_ms=START_MS)
        assert len(await world.store.fetch_claim(**lease)) == 1

    run(place, scenario)


def test_what_a_buried_node_leased_after_its_burial_is_taken_back_when_it_rises(place: Place) -> None:
    if not place.leases_outlive:
        pytest.skip("a file has one process: its leases end when the next one opens it")

    async def scenario(world: World) -> None:
        store, org = world.store, world.organisation.id
        await store.node_join(node(1))
        await store.node_bury((await store.node_list()).nodes, now_ms=START_MS)
        for number in (1, 2):
            await store.notification_append(appending(notification(number, organisation_id=org)))
        lease = {"limit": 9, "now_ms": START_MS, "lease_ends_at_ms": START_MS + 30_000}
        mine = await store.notification_claim(**lease)
        assert len(mine) == 2
        await store.node_join(node(2))
        held = Held(notifications=frozenset({mine[0].id}), deliveries=frozenset())
        assert await store.lease_reclaim(lambda: held, lease_ms=60_000, now_ms=START_MS) == 1
        assert [it.id for it in await store.notification_claim(**lease)] == [mine[1].id]

    run(place, scenario)


def test_of_many_that_would_lead_one_does_and_its_term_is_over_when_another_begins_one(place: Place) -> None:
    async def scenario(world: World) -> None:
        async with beside(world) as other:
            stores = (world.store, other)
            took = await asyncio.gather(*(stores[turn % 2].leader_take(f"node_{turn}", 0) for turn in range(20)))
            assert sum(took) == 1
            roll = await other.node_list()
            assert (roll.leader_id, roll.term) == (f"node_{took.index(True)}", 1)
            assert await world.store.leader_take("node_9", 1)
            assert not await other.leader_take(roll.leader_id, 1)

    run(place, scenario)


def test_the_backlog_says_how_many_are_due_for_each_step_and_since_when(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        for number in range(1, 4):
            await world.store.notification_append(appending(notification(number, organisation_id=org)))
        hint = notification(4, hint=True, organisation_id=org)
        await world.store.notification_append(appending(hint, NotificationState.NEEDS_FETCH))
        await world.post(5, due_at_ms=START_MS - 9_000)
        await world.post(6, due_at_ms=START_MS + 9_000)
        found = {it.step: it for it in await world.store.backlog_list(now_ms=START_MS, count_max=2)}
        assert {step: it.count for step, it in found.items()} == {"record": 2, "reconcile": 1, "deliver": 1}
        assert found["deliver"].oldest_due_at_ms == START_MS - 9_000

    run(place, scenario)


def test_nothing_due_is_no_backlog(place: Place) -> None:
    async def scenario(world: World) -> None:
        found = await world.store.backlog_list(now_ms=START_MS, count_max=9)
        assert [(it.count, it.oldest_due_at_ms) for it in found] == [(0, None)] * 3

    run(place, scenario)


def test_a_process_with_another_key_is_refused_also_where_nothing_is_sealed_yet(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.source_delete(world.organisation.id, world.source.id)
        await world.store.endpoint_delete(world.organisation.id, world.endpoint.id)
        await world.store.key_check()
        await world.store.key_check()
        stranger = world.place.store(world.clock, serve=False, key=OTHER_KEY)
        await stranger.open()
        try:
            with pytest.raises(ConfigurationError, match="sealed under another key"):
                await stranger.key_check()
        finally:
            await stranger.close()

    run(place, scenario)


def test_a_key_that_does_not_open_what_is_there_does_not_become_the_databases_own(place: Place) -> None:
    async def scenario(world: World) -> None:
        stranger = world.place.store(world.clock, serve=False, key=OTHER_KEY)
        await stranger.open()
        try:
            with pytest.raises(ConfigurationError, match="sealed under another key"):
                await stranger.key_check()
        finally:
            await stranger.close()
        await world.store.key_check()

    run(place, scenario)


def test_tending_without_a_retention_drops_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        tended = await world.store.tend(Retention(), now_ms=START_MS + 10**12)
        assert tended.dropped == ()

    run(place, scenario)
