"""What arrived is kept once, and claimed by one."""

import asyncio

import apsw
import asyncpg
import pytest

from paybell.errors import Conflict, NotFound
from paybell.model.fact import Kind
from paybell.model.notification import NotificationState, Origin, Refusal, RefusalReason
from paybell.ports import PageQuery
from paybell.testing.builders import appending, fact, notification, reading
from paybell.testing.fake_clock import START_MS
from tests.contract.archives import alter
from tests.contract.stores import Place, SqlitePlace, World, run

LEASE_ENDS_MS = START_MS + 30_000


async def claimed(world: World, limit: int = 10, now_ms: int = START_MS) -> list[str]:
    found = await world.store.notification_claim(limit=limit, now_ms=now_ms, lease_ends_at_ms=now_ms + 30_000)
    return [it.id for it in found]


def test_a_notification_comes_back_as_it_was_kept(place: Place) -> None:
    async def scenario(world: World) -> None:
        kept = notification(
            organisation_id=world.organisation.id,
            body=bytes(range(256)) * 40,
            headers=(("x-name", "value"), ("x-name", "ä")),
            origin=Origin.POLL,
        )
        appended = await world.store.notification_append(appending(kept))
        assert (appended.notification_id, appended.duplicate) == (kept.id, False)
        view = await world.store.notification_get(world.organisation.id, kept.id)
        assert view.notification == kept
        assert view.status.state is NotificationState.PENDING
        assert view.status.due_at_ms == START_MS

    run(place, scenario)


def test_a_duplicate_is_answered_with_the_first_and_changes_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        first = notification(1, dedupe_key="same", organisation_id=world.organisation.id)
        await world.store.notification_append(appending(first))
        again = await world.store.notification_append(appending(notification(2, dedupe_key="same", body=b"other")))
        assert (again.notification_id, again.duplicate) == (first.id, True)
        assert await claimed(world) == [first.id]
        assert (await world.store.notification_get(world.organisation.id, first.id)).notification.body == first.body

    run(place, scenario)


def test_two_hundred_copies_at_once_are_one_row(place: Place) -> None:
    async def scenario(world: World) -> None:
        copies = [notification(number, dedupe_key="same") for number in range(1, 201)]
        answers = await asyncio.gather(*(world.store.notification_append(appending(it)) for it in copies))
        assert sum(not it.duplicate for it in answers) == 1
        assert len({it.notification_id for it in answers}) == 1
        assert len(await claimed(world, limit=500)) == 1

    run(place, scenario)


def test_copies_among_others_leave_the_others_alone(place: Place) -> None:
    async def scenario(world: World) -> None:
        many = [notification(number, dedupe_key=f"key-{number % 50}") for number in range(1, 301)]
        answers = await asyncio.gather(*(world.store.notification_append(appending(it)) for it in many))
        assert sum(not it.duplicate for it in answers) == 50
        assert len(await claimed(world, limit=500)) == 50

    run(place, scenario)


def test_the_same_key_of_another_source_is_another_notification(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.notification_append(appending(notification(1, dedupe_key="same")))
        other = await world.store.notification_append(appending(notification(2, dedupe_key="same", source_id="src_2")))
        assert not other.duplicate

    run(place, scenario)


def test_claims_take_the_oldest_first_and_respect_leases(place: Place) -> None:
    async def scenario(world: World) -> None:
        ids = []
        for number in (3, 1, 2):
            it = notification(number)
            ids.append(it.id)
            await world.store.notification_append(appending(it, due_at_ms=START_MS - 100 + number))
        oldest_first = [ids[1], ids[2], ids[0]]
        assert await claimed(world, limit=2) == oldest_first[:2]
        assert await claimed(world) == oldest_first[2:]
        assert await claimed(world) == []
        assert await claimed(world, now_ms=LEASE_ENDS_MS - 1) == []
        assert sorted(await claimed(world, now_ms=LEASE_ENDS_MS)) == sorted(ids)

    run(place, scenario)


def test_what_is_not_due_yet_is_not_claimed(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.notification_append(appending(notification(), due_at_ms=START_MS + 1))
        assert await claimed(world) == []
        assert len(await claimed(world, now_ms=START_MS + 1)) == 1

    run(place, scenario)


def test_claims_at_the_same_time_never_share_a_row(place: Place) -> None:
    async def scenario(world: World) -> None:
        await asyncio.gather(*(world.store.notification_append(appending(notification(n))) for n in range(1, 101)))
        batches = await asyncio.gather(*(claimed(world, limit=7) for _ in range(20)))
        taken = [it for batch in batches for it in batch]
        assert len(taken) == len(set(taken))
        taken += await claimed(world, limit=200)
        assert len(taken) == len(set(taken)) == 100

    run(place, scenario)


def test_a_lower_id_that_commits_later_is_claimed_all_the_same(place: Place) -> None:
    """A reader with a cursor (`id > last`) would pass over it for ever."""

    async def scenario(world: World) -> None:
        higher, lower = notification(2), notification(1)
        await world.store.notification_append(appending(higher))
        assert await claimed(world) == [higher.id]
        await world.store.notification_append(appending(lower))
        assert await claimed(world) == [lower.id]

    run(place, scenario)


def test_a_replay_makes_what_ended_pending_again(place: Place) -> None:
    async def scenario(world: World) -> None:
        kept = notification(organisation_id=world.organisation.id)
        await world.store.notification_append(appending(kept))
        org = world.organisation.id
        with pytest.raises(Conflict, match="still pending"):
            await world.store.notification_replay(org, kept.id, now_ms=START_MS)
        await claimed(world)
        await world.record([reading(error="unreadable")])
        assert (await world.store.notification_get(org, kept.id)).status.reason == "unreadable"
        view = await world.store.notification_replay(org, kept.id, now_ms=START_MS + 5)
        assert (view.status.state, view.status.due_at_ms) == (NotificationState.PENDING, START_MS + 5)
        assert await claimed(world, now_ms=START_MS + 5) == [kept.id]
        with pytest.raises(NotFound):
            await world.store.notification_replay("org_other", kept.id, now_ms=START_MS)

    run(place, scenario)


def test_pages_walk_every_notification_once_newest_first(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        for number in range(1, 8):
            source_id = "src_1" if number % 2 else "src_2"
            it = notification(number, organisation_id=org, source_id=source_id)
            await world.store.notification_append(appending(it))
        await world.store.notification_append(appending(notification(9, organisation_id="org_other")))
        seen: list[str] = []
        iterator, done = "", False
        while not done:
            page = await world.store.notification_page(PageQuery(organisation_id=org, limit=3, iterator=iterator))
            seen += [view.notification.id for view in page.data]
            iterator, done = page.iterator, page.done
        assert seen == [notification(number).id for number in range(7, 0, -1)]
        for name, value, count in (("source_id", "src_2", 3), ("state", "pending", 7), ("state", "parked", 0)):
            page = await world.store.notification_page(PageQuery(organisation_id=org, filters={name: value}))
            assert (len(page.data), page.done) == (count, True)

    run(place, scenario)


def test_refusals_are_kept_up_to_the_cap_newest_first(place: Place) -> None:
    async def scenario(world: World) -> None:
        def sample(number: int, source_id: str) -> Refusal:
            return Refusal(
                id=f"rfs_{source_id}_{number:03d}",
                source_id=source_id,
                organisation_id=world.organisation.id,
                refused_at_ms=START_MS + number,
                reason=RefusalReason.SIGNATURE_MISMATCH,
                detail="no secret of the source gives this signature",
                headers=(("x", "y"),),
                body=b"\x00forged",
            )

        await world.store.refusal_append(sample(0, "src_0"), keep_max=3)
        for number in range(6):
            await world.store.refusal_append(sample(number, "src_1"), keep_max=3)
        await world.store.refusal_append(sample(0, "src_2"), keep_max=3)
        mine = PageQuery(organisation_id=world.organisation.id, filters={"source_id": "src_1"})
        assert [it.id[-3:] for it in (await world.store.refusal_page(mine)).data] == ["005", "004", "003"]
        everything = await world.store.refusal_page(PageQuery(organisation_id=world.organisation.id))
        assert {sample(0, "src_0"), sample(0, "src_2")} <= set(everything.data)
        assert (await world.store.refusal_page(PageQuery(organisation_id="org_other"))).data == ()

    run(place, scenario)


def test_another_organisation_does_not_see_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        kept = notification(organisation_id=world.organisation.id)
        await world.store.notification_append(appending(kept))
        with pytest.raises(NotFound):
            await world.store.notification_get("org_other", kept.id)

    run(place, scenario)


def test_recorded_notifications_are_not_claimed_again(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.notification_append(appending(notification()))
        await world.record([reading(fact(Kind.CAPTURED, "ch_1", 100))])
        assert await claimed(world, now_ms=START_MS + 10**9) == []

    run(place, scenario)


def test_a_replay_is_told_to_who_waits_for_work(place: Place) -> None:
    async def scenario(world: World) -> None:
        kept = notification(organisation_id=world.organisation.id)
        await world.store.notification_append(appending(kept))
        await world.record([reading(error="unreadable")])
        told: list[int] = []
        world.store.on_change("record", lambda: told.append(1))
        await world.store.notification_replay(world.organisation.id, kept.id, now_ms=START_MS)
        assert told

    run(place, scenario)


def test_a_duplicate_of_what_was_recorded_stays_recorded(place: Place) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        await world.store.notification_append(appending(notification(1, dedupe_key="same", organisation_id=org)))
        await world.record([reading(fact(Kind.CAPTURED, "ch_1", 100))])
        await world.store.notification_append(appending(notification(2, dedupe_key="same", organisation_id=org)))
        state = (await world.store.notification_get(org, notification(1).id)).status.state
        assert state is NotificationState.RECORDED
        assert await claimed(world, now_ms=START_MS + 10**9) == []

    run(place, scenario)


def test_the_database_itself_refuses_to_keep_one_thing_twice(place: Place) -> None:
    """Whatever a program asks before it writes."""

    async def scenario(world: World) -> None:
        await world.store.notification_append(appending(notification(organisation_id=world.organisation.id)))

    run(place, scenario)
    again = {
        "sqlite": "INSERT INTO notifications SELECT 'ntf_again', source_id, organisation_id, dedupe_key, origin, hint, "
        "received_at_ms, headers, body FROM notifications",
        "postgres": "INSERT INTO notification_keys SELECT * FROM notification_keys",
    }
    with pytest.raises((apsw.ConstraintError, asyncpg.UniqueViolationError)):
        alter(place, again["sqlite" if isinstance(place, SqlitePlace) else "postgres"])
