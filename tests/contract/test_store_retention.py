"""What has been kept long enough is dropped with all that hangs on it; what waits, and payments, stay."""

import asyncio

import pytest

from paybell.errors import NotFound
from paybell.model.delivery import DeliveryJob, DeliveryState
from paybell.model.fact import Kind
from paybell.model.notification import NotificationState
from paybell.ports import AttemptNew, PageQuery, Reading, Retention
from paybell.testing.builders import appending, attempt, fact, notification, reading
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run
from tests.contract.test_store_together import claim

DAY_MS = 86_400_000
LATER_MS = START_MS + 100 * DAY_MS


async def tend(world: World, now_ms: int, **kept: int) -> list[str]:
    """Tend until there is nothing more to do."""
    dropped: list[str] = []
    while True:
        tended = await world.store.tend(Retention(**kept), now_ms=now_ms)
        dropped += tended.dropped
        if not tended.more:
            return dropped


async def recorded(world: World, number: int) -> Reading:
    org = world.organisation.id
    await world.store.notification_append(appending(notification(number, organisation_id=org)))
    plain = reading(fact(Kind.CAPTURED, f"ch_{number}", 100), number=number)
    it = Reading(notification=notification(number, organisation_id=org), source=world.source, parsed=plain.parsed)
    await world.record([it])
    return it


def delivered(job: DeliveryJob) -> AttemptNew:
    return AttemptNew(attempt=attempt(job), lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None)


def test_messages_go_with_their_deliveries_and_attempts_and_payments_stay(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        await recorded(world, 1)
        (job,) = await claim(world.store)
        assert await world.store.attempt_append(delivered(job))
        counts = (await world.store.status()).counts
        assert (counts["messages"], counts["deliveries.delivered"], counts["attempts"]) == (1, 1, 1)
        assert await tend(world, START_MS + 80 * DAY_MS, messages_ms=90 * DAY_MS) == []
        assert await tend(world, LATER_MS, messages_ms=90 * DAY_MS)
        counts = (await world.store.status()).counts
        assert (counts["messages"], counts["attempts"]) == (0, 0)
        assert not [name for name in counts if name.startswith("deliveries.") and counts[name]]
        assert (counts["payments.completed"], counts["facts"], counts["notifications.recorded"]) == (1, 1, 1)

    run(place, scenario)


def test_a_message_that_still_waits_for_an_endpoint_stays(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        posting = await world.post(1)
        assert await tend(world, LATER_MS, messages_ms=90 * DAY_MS) == []
        (job,) = await claim(world.store)
        assert job.payload == posting.message.payload

    run(place, scenario)


def test_a_notification_goes_when_it_is_recorded_and_its_repetition_stays_a_duplicate_for_ever(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        it = await recorded(world, 1)
        org = world.organisation.id
        assert await tend(world, LATER_MS, notifications_ms=90 * DAY_MS)
        with pytest.raises(NotFound):
            await world.store.notification_get(org, it.notification.id)
        with pytest.raises(NotFound):
            await world.store.notification_replay(org, it.notification.id, now_ms=LATER_MS)
        assert (await world.store.notification_page(PageQuery(organisation_id=org))).data == ()
        again = notification(2, organisation_id=org, dedupe_key=it.notification.dedupe_key)
        appended = await world.store.notification_append(appending(again))
        assert (appended.duplicate, appended.notification_id) == (True, it.notification.id)
        (payment,) = (await world.store.payment_page(PageQuery(organisation_id=org))).data
        timeline = await world.store.payment_timeline(org, payment.id)
        assert {entry.kind for entry in timeline} == {"fact", "posting", "message", "delivery"}

    run(place, scenario)


def test_a_notification_that_waits_stays_and_keeps_nothing_else(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        org = world.organisation.id
        for number in (1, 2):
            await world.store.notification_append(appending(notification(number, organisation_id=org)))
        hint = notification(3, hint=True, organisation_id=org)
        await world.store.notification_append(appending(hint, NotificationState.NEEDS_FETCH))
        await tend(world, LATER_MS, notifications_ms=90 * DAY_MS)
        counts = (await world.store.status()).counts
        assert (counts["notifications.pending"], counts["notifications.needs_fetch"]) == (2, 1)

    run(place, scenario)


def test_what_is_younger_than_its_retention_stays(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        await recorded(world, 1)
        await tend(world, START_MS + 5 * DAY_MS, notifications_ms=6 * DAY_MS, messages_ms=6 * DAY_MS)
        counts = (await world.store.status()).counts
        assert (counts["notifications.recorded"], counts["messages"]) == (1, 1)

    run(place, scenario)


def test_more_than_one_round_can_take_goes_round_by_round(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tend(world, START_MS)
        org = world.organisation.id
        await asyncio.gather(
            *(
                world.store.notification_append(appending(notification(number, organisation_id=org)))
                for number in range(1, 1201)
            )
        )
        outcomes = [
            Reading(
                notification=notification(number, organisation_id=org), source=world.source, parsed=reading().parsed
            )
            for number in range(1, 1201)
        ]
        await world.record(outcomes)
        assert await tend(world, LATER_MS, notifications_ms=90 * DAY_MS)
        counts = (await world.store.status()).counts
        assert counts.get("notifications.unmapped", 0) == counts.get("notifications.pending", 0) == 0

    run(place, scenario)
