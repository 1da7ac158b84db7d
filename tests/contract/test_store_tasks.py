"""Background tasks: each message of a range is made due once, whoever works on it and whenever it dies."""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from paybell.app.replays import WISHES
from paybell.errors import Conflict, NotFound
from paybell.model.delivery import DeadReason, DeliveryJob, DeliveryState, Standing
from paybell.model.endpoint import Endpoint
from paybell.model.task import REPLAYS, Asked, Task, TaskKind, TaskState
from paybell.ports import AttemptNew, Candidate, DeliveryClaim, MessageNew, Moves, PageQuery, TaskNew
from paybell.replay.requests import Requests, look_of
from paybell.replay.service import ReplayConfig, ReplayService
from paybell.testing.builders import attempt, message
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run, world

RECOVER, MISSING, BULK = TaskKind.RECOVER, TaskKind.REPLAY_MISSING, TaskKind.BULK_REPLAY
DUE, LEASED, DELIVERED, DEAD = DeliveryState.DUE, DeliveryState.LEASED, DeliveryState.DELIVERED, DeliveryState.DEAD
LEASE_MS = 30_000


class Replays:
    """The service over a world's store, and what becomes of deliveries."""

    def __init__(self, at: World, **config: int) -> None:
        self.at = at
        self.requests = Requests(at.store, at.clock, WISHES)
        self.service = ReplayService(at.store, at.clock, ReplayConfig(**config), wishes=WISHES)

    async def fill(self, *states: DeliveryState | None) -> None:
        """A message for each state, for the usual endpoint; None for one that was never for it."""
        for number, state in enumerate(states, 1):
            told = message(number, organisation_id=self.at.organisation.id)
            if state is None:
                await self.at.store.message_post(MessageNew(message=told, deliveries=()))
                continue
            await self.at.post(number)
            if state is not DUE:
                await self._end(told.id, state)
        self.at.clock.advance(60)

    async def _end(self, message_id: str, state: DeliveryState) -> None:
        (job,) = await self.claim()
        assert job.message_id == message_id
        if state is not LEASED:
            made = attempt(job, delivered=state is DELIVERED, status_code=200 if state is DELIVERED else 503)
            reason = DeadReason.EXHAUSTED if state is DEAD else None
            assert await self.at.store.attempt_append(
                AttemptNew(attempt=made, lease_no=job.lease_no, state=state, due_at_ms=None, dead_reason=reason)
            )

    async def claim(self, endpoint_id: str = "ep_1") -> list[DeliveryJob]:
        now_ms = self.at.clock.now_ms()
        claim = DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + 10**7, limit=500, rooms={endpoint_id: 500})
        return await self.at.store.delivery_claim(claim)

    async def begin(self, kind: TaskKind, endpoint: Endpoint | None = None, **narrowed: object) -> Task:
        asked = Asked(since_ms=START_MS, until_ms=self.at.clock.now_ms(), **narrowed)
        task = self.requests.task(kind, asked, endpoint or self.at.endpoint)
        await self.at.store.task_create(TaskNew(task=task, running_max=10))
        return task

    async def finish(self, task: Task) -> Task:
        while await self.service.run_once():
            pass
        return await self.at.store.task_get(task.organisation_id, task.id)

    async def states(self, endpoint_id: str = "ep_1") -> list[DeliveryState]:
        query = PageQuery(organisation_id=self.at.organisation.id, limit=250, filters={"endpoint_id": endpoint_id})
        found = (await self.at.store.delivery_page(query)).data
        return [it.state for it in sorted(found, key=lambda it: it.message_id)]


def test_what_failed_is_recovered_and_nothing_else(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at, batch_max=2)
        await replays.fill(DEAD, DELIVERED, None, DEAD, LEASED, DEAD)
        task = await replays.begin(RECOVER)
        counted = await replays.requests.count(task, at.endpoint)
        assert (counted.sent, counted.skipped, counted.looked_at, counted.complete) == (3, 0, 3, True)
        after = await replays.finish(task)
        assert (after.state, after.found, after.done, after.skipped) == (TaskState.FINISHED, 3, 3, 0)
        assert await replays.states() == [DUE, DELIVERED, DUE, LEASED, DUE]
        assert {job.resent_at_count for job in await replays.claim()} == {1}

    run(place, scenario)


def test_what_an_endpoint_was_not_there_for_is_added_as_it_would_have_been(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(DELIVERED, DELIVERED, None, DEAD)
        late = at.an_endpoint("ep_2")
        await at.store.endpoint_create(late)
        task = await replays.begin(MISSING, late)
        assert (await replays.finish(task)).done == 4
        jobs = await replays.claim("ep_2")
        assert [(job.attempt_count, job.resent_at_count) for job in jobs] == [(0, 0)] * 4
        assert sorted(job.id[4:16] for job in jobs) == sorted(job.message_id[4:16] for job in jobs)
        again = await replays.finish(await replays.begin(MISSING, late))
        assert (again.found, again.done) == (0, 0)
        picky = at.an_endpoint("ep_3", event_types=frozenset({"other"}))
        await at.store.endpoint_create(picky)
        assert (await replays.finish(await replays.begin(MISSING, picky))).found == 0

    run(place, scenario)


def test_of_one_change_the_fallback_is_not_added_beside_what_is_more_special(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        for number, version, event_type in (
            (1, 3, "payment.updated"),
            (2, 3, "payment.completed"),
            (3, 4, "payment.updated"),
        ):
            told = message(
                number,
                organisation_id=at.organisation.id,
                event_type=event_type,
                payment_id="pay_1",
                event_id=f"pay_1.{version}.{event_type}",
            )
            await at.store.message_post(MessageNew(message=told, deliveries=()))
        at.clock.advance(60)
        assert (await replays.finish(await replays.begin(MISSING))).done == 2
        assert sorted(job.message_id[-1] for job in await replays.claim()) == ["2", "3"]
        alone = at.an_endpoint("ep_2", event_types=frozenset({"payment.updated"}))
        await at.store.endpoint_create(alone)
        assert (await replays.finish(await replays.begin(MISSING, alone))).done == 2
        assert sorted(job.message_id[-1] for job in await replays.claim("ep_2")) == ["1", "3"]

    run(place, scenario)


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"reasons": frozenset({DeadReason.EXHAUSTED, DeadReason.GONE})}, 2),
        ({"reasons": frozenset({DeadReason.GONE})}, 0),
        ({"event_types": frozenset({"other"})}, 0),
    ],
)
def test_what_is_recovered_is_what_died_for_the_reasons_and_of_the_event_types_asked_for(
    place: Place, narrowed: dict[str, object], found: int
) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(DEAD, DELIVERED, DEAD)
        assert (await replays.finish(await replays.begin(RECOVER, **narrowed))).done == found

    run(place, scenario)


@pytest.mark.parametrize(
    ("narrowed", "found", "skipped"),
    [
        ({}, 4, 1),
        ({"standing": Standing.SUCCESS}, 1, 0),
        ({"standing": Standing.FAIL}, 1, 0),
        ({"status_class": 500}, 1, 0),
        ({"status_class": 200}, 1, 0),
        ({"event_types": frozenset({"other"})}, 0, 0),
        ({"channel": "c"}, 0, 0),
    ],
)
def test_a_bulk_replay_sends_what_it_was_narrowed_to_and_skips_what_is_being_sent(
    place: Place, narrowed: dict[str, object], found: int, skipped: int
) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(DELIVERED, DEAD, LEASED, None, DUE)
        task = await replays.begin(BULK, **narrowed)
        counted = await replays.requests.count(task, at.endpoint)
        assert (counted.sent + counted.skipped, counted.skipped) == (found, skipped)
        after = await replays.finish(task)
        assert (after.found, after.skipped, after.done) == (found, skipped, found - skipped)

    run(place, scenario)


def test_who_dies_in_a_step_leaves_it_to_another_from_where_it_stands(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at, batch_max=2)
        await replays.fill(*[DEAD] * 5)
        task = await replays.begin(RECOVER)
        assert await replays.service.run_once()
        now_ms = at.clock.now_ms()
        held = await at.store.task_claim(REPLAYS, now_ms=now_ms, lease_ends_at_ms=now_ms + LEASE_MS)
        assert held is not None
        assert await replays.service.run_once() is False

        def dies(_: Sequence[Candidate]) -> Moves:
            raise AssertionError("it is another's by now")

        at.clock.advance(LEASE_MS / 1000)
        after = await replays.finish(task)
        assert (after.found, after.done, after.state) == (5, 5, TaskState.FINISHED)
        assert await at.store.task_step(held, look_of(held, after=held.cursor, limit=9), dies, now_ms=now_ms) is None
        assert [job.resent_at_count for job in await replays.claim()] == [1] * 5

    run(place, scenario)


def test_a_step_that_fails_leaves_nothing(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(DEAD)
        await replays.begin(RECOVER)
        now_ms = at.clock.now_ms()
        held = await at.store.task_claim(REPLAYS, now_ms=now_ms, lease_ends_at_ms=now_ms + LEASE_MS)
        assert held is not None

        def breaks(_: Sequence[Candidate]) -> Moves:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError):
            await at.store.task_step(held, look_of(held, after=held.cursor, limit=9), breaks, now_ms=now_ms)
        assert await replays.states() == [DEAD]
        assert (await at.store.task_get(held.organisation_id, held.id)).cursor == held.cursor

    run(place, scenario)


def test_two_tasks_of_one_endpoint_at_once_add_what_is_missing_once(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at, batch_max=3)
        await replays.fill(*[None] * 20)
        tasks = [await replays.begin(MISSING), await replays.begin(MISSING)]
        await asyncio.gather(*(replays.finish(task) for task in tasks))
        ended = [await at.store.task_get(task.organisation_id, task.id) for task in tasks]
        assert [it.state for it in ended] == [TaskState.FINISHED] * 2
        assert sum(it.done for it in ended) == 20
        assert await replays.states() == [DUE] * 20

    run(place, scenario)


def test_a_task_waits_while_much_is_due_for_its_endpoint(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at, batch_max=2, backlog_max=3, pause_ms=500)
        await replays.fill(*[DEAD] * 8)
        task = await replays.begin(RECOVER)
        assert (await replays.finish(task)).done == 4
        at.clock.advance(0.5)
        assert (await replays.finish(task)).done == 4
        assert len(await replays.claim()) == 4
        at.clock.advance(0.5)
        assert (await replays.finish(task)).done == 8

    run(place, scenario)


def test_a_canceled_task_ends_where_it_is(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at, batch_max=2)
        await replays.fill(*[DEAD] * 4)
        task = await replays.begin(RECOVER)
        await replays.service.run_once()
        canceled = await at.store.task_cancel(task.organisation_id, task.id, now_ms=at.clock.now_ms())
        assert (canceled.state, canceled.done) == (TaskState.CANCELED, 2)
        assert await replays.finish(task) == canceled
        with pytest.raises(Conflict, match="ended already"):
            await at.store.task_cancel(task.organisation_id, task.id, now_ms=0)
        for organisation_id, task_id in (("org_other", task.id), (task.organisation_id, "bgtask_0")):
            with pytest.raises(NotFound):
                await at.store.task_cancel(organisation_id, task_id, now_ms=0)

    run(place, scenario)


def test_a_task_fails_when_its_endpoint_goes_off(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(DEAD)
        task = await replays.begin(RECOVER)
        await at.store.endpoint_update(replace(at.endpoint, disabled=True, disabled_reason="by hand"))
        after = await replays.finish(task)
        assert (after.state, after.reason, after.done) == (TaskState.FAILED, "disabled: by hand", 0)

    run(place, scenario)


def test_only_so_many_run_at_once_and_old_ones_are_forgotten(place: Place) -> None:
    async def scenario(at: World) -> None:
        replays = Replays(at)
        at.clock.advance(60)
        for _ in range(10):
            last = await replays.begin(RECOVER)
        with pytest.raises(Conflict, match="10 such tasks run already"):
            await replays.begin(RECOVER)
        await replays.finish(last)
        at.clock.advance(91 * 86_400)
        late = replays.requests.task(
            RECOVER, Asked(since_ms=at.clock.now_ms() - 1, until_ms=at.clock.now_ms()), at.endpoint
        )
        await at.store.task_create(TaskNew(task=late, running_max=10))
        page = await at.store.task_page(PageQuery(organisation_id=at.organisation.id))
        assert [it.id for it in page.data] == [late.id]
        assert (await at.store.task_page(PageQuery(organisation_id="org_other"))).data == ()

    run(place, scenario)


def test_a_task_outlives_its_process(place: Place) -> None:
    """Whoever comes next goes on at once where nobody else can be at it, else when the lease ends."""

    async def main() -> None:
        async with world(place) as at:
            replays = Replays(at, batch_max=2)
            await replays.fill(*[DEAD] * 5)
            task = await replays.begin(RECOVER)
            await replays.service.run_once()
            clock = at.clock
            now_ms = clock.now_ms()
            assert await at.store.task_claim(REPLAYS, now_ms=now_ms, lease_ends_at_ms=now_ms + LEASE_MS)
        if place.leases_outlive:
            clock.advance(LEASE_MS / 1000)
        store = place.store(clock)
        await store.open()
        try:
            service = ReplayService(store, clock, ReplayConfig(batch_max=2), wishes=WISHES)
            while await service.run_once():
                pass
            after = await store.task_get(task.organisation_id, task.id)
            assert (after.state, after.done, after.found) == (TaskState.FINISHED, 5, 5)
        finally:
            await store.close()

    asyncio.run(main())
