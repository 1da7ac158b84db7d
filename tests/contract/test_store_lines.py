"""Deliveries in a line: one after the other, exactly, whoever claims, dies or comes late."""

import asyncio
import random

import pytest
from msgspec.structs import replace

from paybell.errors import Conflict
from paybell.model.delivery import DeadReason, DeliveryJob, DeliveryState
from paybell.model.endpoint import Endpoint, EndpointOptions, Ordering
from paybell.ports import AttemptNew, MessageNew, PageQuery, Store
from paybell.route.rules import route_message
from paybell.testing.builders import attempt, message
from tests.contract.stores import Place, World, claim_due, run
from tests.contract.test_store_together import together

LEASE_MS = 60_000
DELIVERED, DUE, DEAD = DeliveryState.DELIVERED, DeliveryState.DUE, DeliveryState.DEAD


async def ordered(world: World, ordering: Ordering) -> Endpoint:
    changed = replace(world.endpoint, options=EndpointOptions(ordering=ordering))
    await world.store.endpoint_update(changed)
    return changed


async def post(world: World, store: Store, endpoint: Endpoint, number: int, key: str = "") -> None:
    told = message(number, organisation_id=world.organisation.id, ordering_key=key)
    await store.message_post(
        MessageNew(message=told, deliveries=route_message(told, [endpoint], world.mint(leased=True)))
    )


async def claim(world: World, store: Store | None = None) -> list[DeliveryJob]:
    now_ms = world.clock.now_ms()
    return await claim_due(store or world.store, now_ms, now_ms + LEASE_MS)


async def end(store: Store, job: DeliveryJob, state: DeliveryState = DELIVERED, due_at_ms: int = 0) -> bool:
    new = AttemptNew(
        attempt=attempt(job, delivered=state is DELIVERED),
        lease_no=job.lease_no,
        state=state,
        due_at_ms=due_at_ms if state is DUE else None,
        order_key=job.order_key,
    )
    return await store.attempt_append(new)


def numbers(jobs: list[DeliveryJob]) -> list[int]:
    return [int(job.message_id[-4:], 16) for job in jobs]


@pytest.mark.parametrize("state", [DELIVERED, DEAD])
def test_the_next_is_claimed_when_the_one_before_it_has_ended(place: Place, state: DeliveryState) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in range(1, 5):
            await post(world, world.store, endpoint, number)
        for number in range(1, 5):
            world.clock.advance(1)
            (job,) = await claim(world)
            assert numbers([job]) == [number]
            assert await claim(world) == []
            assert await end(world.store, job, state)
        world.clock.advance(1)
        assert await claim(world) == []

    run(place, scenario)


def test_while_the_first_waits_for_its_retry_the_others_wait_for_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in (1, 2):
            await post(world, world.store, endpoint, number)
        world.clock.advance(1)
        (first,) = await claim(world)
        retry_ms = world.clock.now_ms() + 300_000
        assert await end(world.store, first, DUE, retry_ms)
        world.clock.advance(299)
        assert await claim(world) == []
        shown = (await world.store.delivery_page(PageQuery(organisation_id=world.organisation.id))).data
        assert [it.due_at_ms for it in reversed(shown)] == [retry_ms, None]
        world.clock.advance(2)
        (again,) = await claim(world)
        assert (numbers([again]), again.attempt_count) == ([1], 1)

    run(place, scenario)


def test_by_key_each_line_goes_its_own_way_and_what_has_no_key_waits_for_none(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO_BY_KEY)
        for number, key in enumerate(("a", "a", "b", "b", "", ""), 1):
            await post(world, world.store, endpoint, number, key)
        world.clock.advance(1)
        jobs = {number: job for job in await claim(world) for number in numbers([job])}
        assert sorted(jobs) == [1, 3]  # 5 and 6 were leased as they were posted
        assert await end(world.store, jobs[3])
        world.clock.advance(1)
        assert numbers(await claim(world)) == [4]

    run(place, scenario)


def test_a_lease_that_ran_out_passes_on_with_its_place_in_the_line(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in (1, 2):
            await post(world, world.store, endpoint, number)
        world.clock.advance(1)
        (late,) = await claim(world)
        world.clock.advance(LEASE_MS / 1000 + 1)
        (job,) = await claim(world)
        assert numbers([job]) == [1]
        assert not await end(world.store, late)
        assert await claim(world) == []
        await world.store.delivery_release([job], due_at_ms=world.clock.now_ms())
        world.clock.advance(1)
        (job,) = await claim(world)
        await world.store.delivery_abandon(
            job, reason=DeadReason.ENDPOINT_DISABLED, error="disabled", now_ms=world.clock.now_ms()
        )
        world.clock.advance(1)
        assert numbers(await claim(world)) == [2]

    run(place, scenario)


def test_what_is_sent_again_waits_for_nobody_and_hurries_nobody(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in (1, 2, 3):
            await post(world, world.store, endpoint, number)
        world.clock.advance(1)
        (first,) = await claim(world)
        assert await end(world.store, first, DEAD)
        now_ms = world.clock.now_ms()
        await world.store.delivery_resend(world.organisation.id, message(1).id, "ep_1", now_ms=now_ms)
        with pytest.raises(Conflict, match="waits there for earlier"):
            await world.store.delivery_resend(world.organisation.id, message(3).id, "ep_1", now_ms=now_ms)
        world.clock.advance(1)
        assert sorted(numbers(await claim(world))) == [1, 2]

    run(place, scenario)


def test_an_endpoint_that_is_deleted_leaves_no_line(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in (1, 2):
            await post(world, world.store, endpoint, number)
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        await world.store.endpoint_create(endpoint)
        await post(world, world.store, endpoint, 3)
        world.clock.advance(1)
        assert numbers(await claim(world)) == [3]

    run(place, scenario)


def test_a_message_that_is_refused_takes_no_place(place: Place) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        tries = (post(world, world.store, endpoint, number) for number in (1, 1, 1, 2))
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(it is None for it in outcomes) == 2
        for number in (1, 2):
            world.clock.advance(1)
            (job,) = await claim(world)
            assert numbers([job]) == [number]
            assert await end(world.store, job)
        world.clock.advance(1)
        assert await claim(world) == []

    run(place, scenario)


@pytest.mark.parametrize("gone", [1, 2])
def test_a_message_whose_payload_is_gone_leaves_its_line_wherever_it_stands(place: Place, gone: int) -> None:
    async def scenario(world: World) -> None:
        endpoint = await ordered(world, Ordering.FIFO)
        for number in (1, 2, 3):
            await post(world, world.store, endpoint, number)
        told = await world.store.message_lookup(world.organisation.id, "app_1", message(gone).id)
        await world.store.message_expunge(told, reason="expunged", now_ms=world.clock.now_ms())
        for number in sorted({1, 2, 3} - {gone}):
            world.clock.advance(1)
            (job,) = await claim(world)
            assert numbers([job]) == [number]
            assert await end(world.store, job)

    run(place, scenario)


class Traffic:
    """Two processes that claim, end, postpone and die at random, while messages are posted one after the other."""

    def __init__(self, world: World, endpoint: Endpoint, seed: int) -> None:
        self.world = world
        self.endpoint = endpoint
        self.chance = random.Random(seed)
        self.posted: dict[str, list[int]] = {line: [] for line in ("a", "b", "c")}
        self.ended: dict[str, list[int]] = {line: [] for line in self.posted}
        self.count = 0

    async def post(self, store: Store) -> None:
        for _ in range(2):
            self.count += 1
            line = self.chance.choice(sorted(self.posted))
            await post(self.world, store, self.endpoint, self.count, line)
            self.posted[line].append(self.count)

    async def work(self, store: Store) -> None:
        for job in await claim(self.world, store):
            state = self.chance.choice((DELIVERED, DELIVERED, DEAD, DUE, None))
            if state is None:
                continue  # it dies: the lease runs out
            retry_ms = self.world.clock.now_ms() + self.chance.randrange(0, 30_000)
            if await end(store, job, state, retry_ms) and state is not DUE:
                self.ended[job.order_key.removeprefix("=")].append(*numbers([job]))

    async def drain(self, stores: tuple[Store, Store]) -> None:
        while sum(map(len, self.ended.values())) < self.count:
            self.world.clock.advance(31)
            await asyncio.gather(*(self.work(store) for store in stores))


@pytest.mark.parametrize("seed", range(3))
def test_of_two_processes_that_post_claim_end_and_die_at_once_each_line_keeps_its_order(
    place: Place, seed: int
) -> None:
    async def scenario(world: World, stores: tuple[Store, Store]) -> None:
        traffic = Traffic(world, await ordered(world, Ordering.FIFO_BY_KEY), seed)
        for turn in range(20):
            world.clock.advance(traffic.chance.randrange(1, 20))
            await asyncio.gather(traffic.post(stores[turn % 2]), *(traffic.work(store) for store in stores))
        await traffic.drain(stores)
        assert traffic.ended == traffic.posted

    together(place, scenario)
