"""Steps of tasks of one endpoint go one after the other: what ended meanwhile is not added once more."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import asyncpg

from paybell.app.replays import WISHES
from paybell.model.delivery import DeliveryState
from paybell.model.task import REPLAYS, TaskKind
from paybell.ports import AttemptNew, Candidate, Moves, PageQuery
from paybell.replay.requests import look_of
from paybell.replay.rules import job_of, moves, pick
from paybell.replay.service import ReplayConfig, ReplayService
from paybell.testing.builders import attempt
from paybell.testing.fake_clock import FakeClock
from tests.contract.stores import PostgresPlace, World, claim_due, run
from tests.contract.test_store_tasks import Replays

LEASE_MS = 30_000


async def _add_and_deliver(place: PostgresPlace, clock: FakeClock) -> None:
    """Another node does a step of the task that is free, and delivers what that has added."""
    store = place.store(clock)
    await store.open()
    try:
        await ReplayService(store, clock, ReplayConfig(), wishes=WISHES).run_once()
        for job in await claim_due(store, clock.now_ms(), clock.now_ms() + LEASE_MS):
            made = attempt(job, delivered=True, status_code=200)
            new = AttemptNew(attempt=made, lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None)
            assert await store.attempt_append(new)
    finally:
        await store.close()


async def _somebody_waits(url: str) -> bool:
    """Whether a session waits for a lock that another one holds."""
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(found)
    finally:
        await connection.close()


def test_what_another_task_adds_and_delivers_during_a_step_is_not_added_by_that_step_too(tmp_path: Path) -> None:
    place = PostgresPlace(tmp_path)
    threads = ThreadPoolExecutor(2)

    async def scenario(at: World) -> None:
        replays = Replays(at)
        await replays.fill(None)
        for _ in range(2):
            await replays.begin(TaskKind.REPLAY_MISSING)
        now_ms = at.clock.now_ms()
        held = await at.store.task_claim(REPLAYS, now_ms=now_ms, lease_ends_at_ms=now_ms + LEASE_MS)
        assert held is not None
        others: list[Future[None]] = []

        def choose(found: Sequence[Candidate]) -> Moves:
            other = threads.submit(asyncio.run, _add_and_deliver(place, at.clock))
            others.append(other)
            while not wait([other], timeout=0.05).done:
                if threads.submit(asyncio.run, _somebody_waits(place.url)).result():
                    break
            picked = pick(held.kind, held.asked, at.endpoint, found, WISHES)
            jobs = tuple(
                job_of(it.message, at.endpoint, new_id=at.clock.new_id("dlv"), now_ms=now_ms) for it in picked.first
            )
            return moves(held, picked, found, limit=9, jobs=jobs)

        after = await at.store.task_step(held, look_of(held, after=held.cursor, limit=9), choose, now_ms=now_ms)
        assert after is not None
        await asyncio.wrap_future(others[0])
        found = (await at.store.delivery_page(PageQuery(organisation_id=at.organisation.id))).data
        assert len(found) == 1

    with threads:
        run(place, scenario)
