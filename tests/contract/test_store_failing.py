"""Endpoints of which every attempt fails for days are disabled, whichever node sees it; others are not."""

import pytest

from paybell.deliver.health import Sign, weigh
from paybell.model.delivery import Answered, DeliveryState
from paybell.model.endpoint import Endpoint
from paybell.ports import AttemptNew, MessageNew, Weigh
from paybell.route.rules import route_message
from paybell.testing.builders import attempt, message
from tests.contract.stores import Place, World, claim_due, run

DAY_S = 86_400
FIVE_DAYS_MS = 5 * DAY_S * 1000


def weighing(*, delivered: bool, status_code: int, now_ms: int) -> Weigh:
    """As the deliver step weighs an attempt."""
    sign = Sign(
        endpoint_id="ep_1",
        delivered=delivered,
        outcome=Answered(status_code=status_code),
        started_at_ms=now_ms,
        now_ms=now_ms,
        chance=0.5,
        active_max=64,
    )
    return lambda before: weigh(before, sign)


class Tries:
    """Attempts at the usual endpoint, one message each."""

    def __init__(self, world: World, failing_ms: int = FIVE_DAYS_MS) -> None:
        self._world = world
        self._failing_ms = failing_ms
        self._number = 0

    async def once(self, *, delivered: bool = False, status_code: int = 500, reason: str = "") -> Endpoint:
        """How the endpoint is after it."""
        it, now_ms = self._world, self._world.clock.now_ms()
        self._number += 1
        told = message(self._number, organisation_id=it.organisation.id)
        await it.store.message_post(MessageNew(message=told, deliveries=route_message(told, [it.endpoint], it.mint())))
        claimed = await claim_due(it.store, now_ms, now_ms + 60_000)
        (job,) = [each for each in claimed if each.message_id == told.id]
        made = attempt(job, delivered=delivered, status_code=status_code, started_at_ms=now_ms)
        state = DeliveryState.DELIVERED if delivered else DeliveryState.DEAD
        new = AttemptNew(
            attempt=made,
            lease_no=job.lease_no,
            state=state,
            due_at_ms=None,
            disable_endpoint_reason=reason,
            failing_since_max_ms=max(0, now_ms - self._failing_ms) if self._failing_ms else 0,
            weigh=weighing(delivered=delivered, status_code=status_code, now_ms=now_ms),
        )
        assert await it.store.attempt_append(new)
        return await it.store.endpoint_lookup(it.organisation.id, "app_1", "ep_1")


def test_after_five_days_of_failures_alone_it_is_disabled(place: Place) -> None:
    async def scenario(world: World) -> None:
        tries = Tries(world)
        for _ in range(5):
            assert not (await tries.once()).disabled
            world.clock.advance(DAY_S)
        after = await tries.once()
        assert (after.disabled, after.disabled_reason) == (True, "every attempt has failed for 5 days")
        known = await world.store.endpoint_get("ep_1")
        assert known is not None
        assert known.disabled

    run(place, scenario)


@pytest.mark.parametrize("day", [1, 3, 5])
def test_one_that_it_takes_begins_the_count_anew(place: Place, day: int) -> None:
    async def scenario(world: World) -> None:
        tries = Tries(world)
        for number in range(10):
            after = await tries.once(delivered=number == day)
            assert not after.disabled or number > day + 5
            world.clock.advance(DAY_S)
        assert (await tries.once()).disabled is (day < 5)

    run(place, scenario)


def test_one_that_is_switched_on_again_has_all_its_time(place: Place) -> None:
    async def scenario(world: World) -> None:
        tries = Tries(world)
        await tries.once()
        world.clock.advance(6 * DAY_S)
        assert (await tries.once()).disabled
        await world.store.endpoint_update(world.an_endpoint("ep_1"))
        assert not (await tries.once()).disabled
        world.clock.advance(4 * DAY_S)
        assert not (await tries.once()).disabled

    run(place, scenario)


def test_it_is_never_disabled_where_that_is_wished_and_at_once_where_it_is_gone(place: Place) -> None:
    async def scenario(world: World) -> None:
        tries = Tries(world, failing_ms=0)
        for _ in range(3):
            assert not (await tries.once()).disabled
            world.clock.advance(100 * DAY_S)
        gone = await tries.once(status_code=410, reason="the endpoint answered 410 Gone")
        assert (gone.disabled, gone.disabled_reason) == (True, "the endpoint answered 410 Gone")

    run(place, scenario)


def test_one_that_is_deleted_leaves_nothing_behind(place: Place) -> None:
    async def scenario(world: World) -> None:
        tries = Tries(world)
        await tries.once()
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        await world.store.endpoint_create(world.endpoint)
        world.clock.advance(6 * DAY_S)
        assert not (await tries.once()).disabled

    run(place, scenario)
