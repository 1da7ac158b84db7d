"""Hints: claimed like notifications, settled once, opened again when they come again."""

import pytest

from paybell.model.notification import NotificationState, Origin
from paybell.ports import FetchDone, FetchJob
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run

NEEDS_FETCH = NotificationState.NEEDS_FETCH


async def hint(world: World, number: int = 1) -> None:
    kept = notification(number, dedupe_key="hint", hint=True, organisation_id=world.organisation.id)
    await world.store.notification_append(appending(kept, NEEDS_FETCH, START_MS))


async def claim(world: World, now_ms: int = START_MS) -> list[FetchJob]:
    return await world.store.fetch_claim(limit=10, now_ms=now_ms, lease_ends_at_ms=now_ms + 60_000)


def done(job: FetchJob, state: NotificationState, *, answer: bool = False, due_at_ms: int = START_MS + 5) -> FetchDone:
    polled = notification(9, dedupe_key="answer", origin=Origin.POLL, organisation_id=job.notification.organisation_id)
    return FetchDone(
        notification_id=job.notification.id,
        wanted_no=job.wanted_no,
        state=state,
        reason="not decided yet" if state is NEEDS_FETCH else "",
        attempt_count=job.attempt_count + 1,
        due_at_ms=due_at_ms,
        answer=appending(polled) if answer else None,
    )


async def status(world: World, number: int = 1) -> tuple[NotificationState, int | None]:
    it = (await world.store.notification_get(world.organisation.id, notification(number).id)).status
    return it.state, it.due_at_ms


def test_a_hint_is_claimed_as_a_hint_only(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        pending = await world.store.notification_claim(limit=9, now_ms=START_MS, lease_ends_at_ms=START_MS + 9)
        assert pending == []
        (job,) = await claim(world)
        assert (job.notification.dedupe_key, job.attempt_count) == ("hint", 0)
        assert await claim(world) == []
        assert len(await claim(world, START_MS + 60_000)) == 1

    run(place, scenario)


def test_an_answer_enters_as_a_pending_notification_and_settles_the_hint(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        appended = await world.store.fetch_finish(done(job, NotificationState.FETCHED, answer=True))
        assert appended is not None
        assert not appended.duplicate
        assert await status(world) == (NotificationState.FETCHED, None)
        assert await status(world, 9) == (NotificationState.PENDING, START_MS)
        assert await claim(world, START_MS + 10**9) == []

    run(place, scenario)


def test_a_try_that_settled_nothing_is_due_again(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        assert await world.store.fetch_finish(done(job, NEEDS_FETCH)) is None
        assert await status(world) == (NEEDS_FETCH, START_MS + 5)
        assert await claim(world) == []
        (again,) = await claim(world, START_MS + 5)
        assert again.attempt_count == 1

    run(place, scenario)


def test_the_same_answer_twice_is_one_notification(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        await world.store.fetch_finish(done(job, NEEDS_FETCH, answer=True))
        (job,) = await claim(world, START_MS + 5)
        appended = await world.store.fetch_finish(done(job, NotificationState.FETCHED, answer=True))
        assert appended is not None
        assert appended.duplicate

    run(place, scenario)


def test_a_hint_that_comes_again_is_asked_about_again(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        await world.store.fetch_finish(done(job, NotificationState.FETCHED))
        await hint(world, 2)
        assert (await status(world))[0] is NEEDS_FETCH
        assert len(await claim(world, START_MS + 5)) == 1

    run(place, scenario)


def test_a_hint_that_comes_again_while_the_gateway_is_asked_stays_open(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        await hint(world, 2)
        await world.store.fetch_finish(done(job, NotificationState.FETCHED, answer=True))
        assert (await status(world))[0] is NEEDS_FETCH
        (again,) = await claim(world, START_MS + 5)
        assert again.wanted_no > job.wanted_no
        await world.store.fetch_finish(done(again, NotificationState.FETCHED))
        assert (await status(world))[0] is NotificationState.FETCHED

    run(place, scenario)


def test_a_parked_hint_can_be_replayed(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        await world.store.fetch_finish(done(job, NotificationState.PARKED))
        org = world.organisation.id
        view = await world.store.notification_replay(org, job.notification.id, now_ms=START_MS)
        assert view.status.state is NEEDS_FETCH
        assert len(await claim(world)) == 1

    run(place, scenario)


def test_a_parked_hint_that_comes_again_starts_afresh(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        await world.store.fetch_finish(done(job, NotificationState.PARKED))
        assert (await status(world))[0] is NotificationState.PARKED
        await hint(world, 2)
        (again,) = await claim(world, START_MS + 5)
        assert (again.attempt_count, again.notification.id) == (0, job.notification.id)

    run(place, scenario)


def test_a_hint_whose_answer_cannot_be_kept_stays_open(place: Place) -> None:
    """The answer's id is taken: had the hint been closed before, its truth would be lost."""

    async def scenario(world: World) -> None:
        await hint(world)
        (job,) = await claim(world)
        org = world.organisation.id
        await world.store.notification_append(appending(notification(9, dedupe_key="other", organisation_id=org)))
        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await world.store.fetch_finish(done(job, NotificationState.FETCHED, answer=True))
        assert (await status(world))[0] is NEEDS_FETCH
        assert len(await claim(world, START_MS + 60_000)) == 1

    run(place, scenario)


def test_a_late_answer_does_not_settle_a_hint_replayed_meanwhile(place: Place) -> None:
    async def scenario(world: World) -> None:
        await hint(world)
        (late,) = await claim(world)
        (other,) = await claim(world, START_MS + 60_000)
        await world.store.fetch_finish(done(other, NotificationState.PARKED))
        await world.store.notification_replay(world.organisation.id, late.notification.id, now_ms=START_MS)
        await world.store.fetch_finish(done(late, NotificationState.FETCHED))
        assert (await status(world))[0] is NEEDS_FETCH

    run(place, scenario)
