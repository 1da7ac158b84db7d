"""Deliveries are leased, fenced, and end once; messages are written with theirs or not at all."""

import asyncio

import pytest

from paybell.errors import Conflict, NotFound
from paybell.model.delivery import Attempt, DeadReason, DeliveryJob, DeliveryState
from paybell.ports import AttemptNew, MessageNew, PageQuery
from paybell.testing.builders import attempt, delivery, message
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, claim_due, run

LEASE_MS = 60_000
DELIVERED, DUE, DEAD = DeliveryState.DELIVERED, DeliveryState.DUE, DeliveryState.DEAD


async def claim(
    world: World, *, now_ms: int = START_MS + 100, limit: int = 100, each: int = 100, busy: tuple[str, ...] = ()
) -> list[DeliveryJob]:
    return await claim_due(world.store, now_ms, now_ms + LEASE_MS, limit=limit, each=each, busy=busy)


def ended(job: DeliveryJob, state: DeliveryState = DELIVERED, **changes: object) -> AttemptNew:
    tried: Attempt = attempt(job, **{"delivered": state is DELIVERED, **changes})
    due_at_ms = START_MS + 5_000 if state is DUE else None
    return AttemptNew(attempt=tried, lease_no=job.lease_no, state=state, due_at_ms=due_at_ms)


async def only(world: World) -> tuple[DeliveryState, int, int | None]:
    (it,) = (await world.store.delivery_page(PageQuery(organisation_id=world.organisation.id))).data
    return it.state, it.attempt_count, it.due_at_ms


def test_a_claim_gives_all_that_is_needed_to_send(place: Place) -> None:
    async def scenario(world: World) -> None:
        posting = await world.post(1, trace=f"{'4b' * 16}-01")
        (job,) = await claim(world)
        told = posting.message
        assert (job.payload, job.told_at_ms, job.trace) == (told.payload, told.created_at_ms, told.trace)
        assert (job.id, job.message_id, job.endpoint_id) == (posting.deliveries[0].id, posting.message.id, "ep_1")
        assert (job.lease_no, job.attempt_count, job.lease_ends_at_ms) == (1, 0, START_MS + 100 + LEASE_MS)
        assert await claim(world) == []

    run(place, scenario)


def test_a_lease_that_ran_out_passes_on_with_a_higher_number(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (first,) = await claim(world)
        assert await claim(world, now_ms=first.lease_ends_at_ms - 1) == []
        (second,) = await claim(world, now_ms=first.lease_ends_at_ms)
        assert second.lease_no == first.lease_no + 1

    run(place, scenario)


def test_a_worker_that_wakes_up_late_changes_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (first,) = await claim(world)
        (second,) = await claim(world, now_ms=first.lease_ends_at_ms)
        before = await only(world)
        assert await world.store.attempt_append(ended(first)) is False
        await world.store.delivery_release([first], due_at_ms=START_MS)
        await world.store.delivery_abandon(first, reason=DeadReason.ENDPOINT_DISABLED, error="late", now_ms=START_MS)
        assert await only(world) == before
        page = PageQuery(organisation_id=world.organisation.id, filters={"message_id": first.message_id})
        assert (await world.store.attempt_page(with_application(page))).data == ()
        assert await world.store.attempt_append(ended(second)) is True
        assert await world.store.attempt_append(ended(second, DEAD)) is False
        assert await only(world) == (DELIVERED, 1, None)

    run(place, scenario)


def with_application(query: PageQuery) -> PageQuery:
    return PageQuery(
        organisation_id=query.organisation_id, limit=query.limit, filters={**query.filters, "application_id": "app_1"}
    )


def test_attempts_are_kept_as_they_were_and_found(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        first = ended(job, DUE, status_code=503, response="later", error="", started_at_ms=START_MS + 1)
        assert await world.store.attempt_append(first)
        assert await only(world) == (DUE, 1, START_MS + 5_000)
        assert await claim(world, now_ms=START_MS + 4_999) == []
        (job,) = await claim(world, now_ms=START_MS + 5_000)
        assert job.attempt_count == 1
        second = ended(job)
        assert await world.store.attempt_append(second)
        org = world.organisation.id
        for name, value in (("message_id", job.message_id), ("endpoint_id", "ep_1")):
            page = await world.store.attempt_page(
                with_application(PageQuery(organisation_id=org, filters={name: value}))
            )
            assert page.data == (second.attempt, first.attempt)
        assert await world.store.attempt_get(org, first.attempt.id) == first.attempt
        with pytest.raises(NotFound):
            await world.store.attempt_get("org_other", first.attempt.id)

    run(place, scenario)


def test_many_attempts_at_once_are_all_recorded(place: Place) -> None:
    async def scenario(world: World) -> None:
        await asyncio.gather(*(world.post(number) for number in range(1, 121)))
        jobs = await claim(world, now_ms=START_MS + 1000, limit=500, each=500)
        assert len(jobs) == 120
        stolen = {it.id for it in await claim(world, now_ms=START_MS + 1000 + LEASE_MS, limit=20)}
        assert len(stolen) == 20
        answers = await asyncio.gather(*(world.store.attempt_append(ended(job)) for job in jobs))
        assert answers == [job.id not in stolen for job in jobs]
        counts = (await world.store.status()).counts
        assert (counts["attempts"], counts["deliveries.delivered"], counts["deliveries.leased"]) == (100, 100, 20)

    run(place, scenario)


def test_a_claim_takes_each_endpoints_oldest_within_its_limits(place: Place) -> None:
    async def scenario(world: World) -> None:
        other = world.an_endpoint("ep_2")
        await world.store.endpoint_create(other)
        for number in (3, 1, 2):
            await world.post(number, due_at_ms=START_MS + number)
        await world.post(4, other, due_at_ms=START_MS + 4)
        taken = await claim(world, each=2)
        assert [it.message_id for it in taken if it.endpoint_id == "ep_1"] == [message(1).id, message(2).id]
        assert [it.message_id for it in taken if it.endpoint_id == "ep_2"] == [message(4).id]
        assert await claim(world, busy=("ep_1",)) == []
        assert [it.message_id for it in await claim(world)] == [message(3).id]

    run(place, scenario)


def test_a_claim_takes_no_more_than_its_limit(place: Place) -> None:
    async def scenario(world: World) -> None:
        for number in range(1, 6):
            await world.post(number)
        assert [len(await claim(world, limit=2)) for _ in range(4)] == [2, 2, 1, 0]

    run(place, scenario)


def test_claims_at_the_same_time_never_share_a_delivery(place: Place) -> None:
    async def scenario(world: World) -> None:
        await asyncio.gather(*(world.post(number) for number in range(1, 101)))
        batches = await asyncio.gather(*(claim(world, now_ms=START_MS + 1000, limit=9, each=4) for _ in range(30)))
        taken = [job.id for batch in batches for job in batch]
        assert len(taken) == len(set(taken))
        taken += [job.id for job in await claim(world, now_ms=START_MS + 1000)]
        assert len(set(taken)) == 100

    run(place, scenario)


def test_what_waits_is_told_endpoint_by_endpoint_soonest_first(place: Place) -> None:
    async def scenario(world: World) -> None:
        other = world.an_endpoint("ep_2")
        await world.store.endpoint_create(other)
        assert await world.store.delivery_waiting() == {}
        await world.post(1, due_at_ms=START_MS + 9)
        await world.post(2, other, due_at_ms=START_MS + 7)
        assert list((await world.store.delivery_waiting()).items()) == [("ep_2", START_MS + 7), ("ep_1", START_MS + 9)]
        await claim(world, busy=("ep_1",))
        left = await world.store.delivery_waiting()
        assert sorted(left.values()) == [START_MS + 9, START_MS + 100 + LEASE_MS]

    run(place, scenario)


def test_a_lease_given_back_is_due_for_anybody(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        jobs = await claim(world)
        await world.store.delivery_release(jobs, due_at_ms=START_MS + 50)
        assert await only(world) == (DUE, 0, START_MS + 50)
        (again,) = await claim(world)
        assert again.lease_no == 2

    run(place, scenario)


def test_a_delivery_given_up_is_a_dead_letter_with_its_reason(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        await world.store.delivery_abandon(
            job, reason=DeadReason.ENDPOINT_DELETED, error="the endpoint was deleted", now_ms=START_MS + 9
        )
        (kept,) = (await world.store.delivery_page(PageQuery(organisation_id=world.organisation.id))).data
        assert (kept.state, kept.last_error, kept.finished_at_ms) == (DEAD, "the endpoint was deleted", START_MS + 9)
        assert await claim(world, now_ms=START_MS + 10**9) == []

    run(place, scenario)


def test_a_delivery_inserted_leased_is_not_claimed_before_its_lease_ends(place: Place) -> None:
    async def scenario(world: World) -> None:
        told = message(1, organisation_id=world.organisation.id)
        job = delivery(told, lease_no=1, lease_ends_at_ms=START_MS + 500)
        await world.store.message_post(MessageNew(message=told, deliveries=(job,)))
        assert await claim(world, now_ms=START_MS + 499) == []
        assert await world.store.attempt_append(ended(job))
        assert await claim(world, now_ms=START_MS + 500) == []

    run(place, scenario)


def test_resending_makes_it_due_once_more(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        await world.store.attempt_append(ended(job, DEAD))
        org = world.organisation.id
        await world.store.delivery_resend(org, job.message_id, "ep_1", now_ms=START_MS + 77)
        assert await only(world) == (DUE, 1, START_MS + 77)
        (again,) = await claim(world)
        assert (again.lease_no, again.payload) == (2, job.payload)
        assert (again.attempt_count, again.resent_at_count, again.scheduled_count) == (1, 1, 0)
        for organisation_id, endpoint_id in (("org_other", "ep_1"), (org, "ep_9")):
            with pytest.raises(NotFound):
                await world.store.delivery_resend(organisation_id, job.message_id, endpoint_id, now_ms=START_MS)

    run(place, scenario)


def test_an_answer_that_says_gone_disables_the_endpoint_with_the_attempt(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        assert await world.store.endpoint_get("ep_1") == world.endpoint
        plain = ended(job, DEAD)
        gone = AttemptNew(
            attempt=plain.attempt, lease_no=1, state=DEAD, due_at_ms=None, disable_endpoint_reason="410 Gone"
        )
        assert await world.store.attempt_append(gone)
        endpoint = await world.store.endpoint_get("ep_1")
        assert endpoint is not None
        assert (endpoint.disabled, endpoint.disabled_reason) == (True, "410 Gone")

    run(place, scenario)


def test_deleting_an_endpoint_ends_what_waits_for_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        assert (await only(world))[0] is DEAD
        assert await claim(world, now_ms=START_MS + 10**9) == []

    run(place, scenario)


def test_a_late_answer_that_says_gone_disables_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (late,) = await claim(world)
        await claim(world, now_ms=late.lease_ends_at_ms)
        plain = ended(late, DEAD)
        gone = AttemptNew(
            attempt=plain.attempt, lease_no=late.lease_no, state=DEAD, due_at_ms=None, disable_endpoint_reason="410"
        )
        assert await world.store.attempt_append(gone) is False
        assert await world.store.endpoint_get("ep_1") == world.endpoint

    run(place, scenario)


def test_what_is_being_sent_when_its_endpoint_is_deleted_ends_too(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        assert (await only(world))[0] is DEAD
        assert await world.store.attempt_append(ended(job)) is False

    run(place, scenario)


def test_deleting_an_application_ends_what_waits_for_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        await world.store.application_delete(world.organisation.id, "app_1")
        assert (await only(world))[0] is DEAD
        assert await claim(world, now_ms=START_MS + 10**9) == []

    run(place, scenario)


def test_what_is_being_sent_is_not_resent_meanwhile(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim(world)
        with pytest.raises(Conflict, match="is being sent"):
            await world.store.delivery_resend(world.organisation.id, job.message_id, "ep_1", now_ms=START_MS)
        assert await claim(world) == []
        assert await world.store.attempt_append(ended(job))
        await world.store.delivery_resend(world.organisation.id, job.message_id, "ep_1", now_ms=START_MS)
        assert len(await claim(world)) == 1

    run(place, scenario)


@pytest.mark.parametrize("before", [DELIVERED, DEAD, DUE])
def test_after_a_resend_its_schedule_begins_anew_and_its_attempts_are_manual(
    place: Place, before: DeliveryState
) -> None:
    async def scenario(world: World) -> None:
        org = world.organisation.id
        await world.post(1)
        (job,) = await claim(world)
        assert await world.store.attempt_append(ended(job, before))
        await world.store.delivery_resend(org, job.message_id, "ep_1", now_ms=START_MS)
        for resent, count in ((1, 1), (1, 2)):
            (job,) = await claim(world, now_ms=START_MS + 5_000 * count)
            assert (job.resent_at_count, job.attempt_count, job.scheduled_count) == (resent, count, count - 1)
            assert await world.store.attempt_append(ended(job, DUE if count == 1 else DEAD))
        await world.store.delivery_resend(org, job.message_id, "ep_1", now_ms=START_MS)
        (job,) = await claim(world)
        assert (job.resent_at_count, job.scheduled_count) == (3, 0)
        query = with_application(PageQuery(organisation_id=org, filters={"message_id": job.message_id}))
        made = (await world.store.attempt_page(query)).data
        assert [(it.attempt_no, it.manual) for it in made] == [(3, True), (2, True), (1, False)]

    run(place, scenario)


def test_a_resend_is_told_to_who_waits_for_work(place: Place) -> None:
    async def scenario(world: World) -> None:
        posting = await world.post(1)
        told: list[int] = []
        world.store.on_change("deliver", lambda: told.append(1))
        await world.store.delivery_resend(world.organisation.id, posting.message.id, "ep_1", now_ms=START_MS)
        assert told

    run(place, scenario)


def test_the_endpoint_that_has_waited_longest_comes_first(place: Place) -> None:
    async def scenario(world: World) -> None:
        other = world.an_endpoint("ep_2")
        await world.store.endpoint_create(other)
        await world.post(1, due_at_ms=START_MS + 9)
        await world.post(2, other, due_at_ms=START_MS + 7)
        assert [it.endpoint_id for it in await claim(world, limit=1)] == ["ep_2"]

    run(place, scenario)


def test_first_tries_have_half_of_the_room_where_retries_would_fill_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        for number in range(1, 9):
            await world.post(number)
        for job in await claim(world):
            assert await world.store.attempt_append(ended(job, DUE))
        for number in range(9, 19):
            await world.post(number, due_at_ms=START_MS + 6_000)
        for room, firsts in ((4, 2), (5, 3), (1, 1)):
            taken = await claim(world, now_ms=START_MS + 7_000, each=room)
            assert len(taken) == room
            assert sum(not job.attempt_count for job in taken) == firsts
        assert len(await claim(world, now_ms=START_MS + 7_000)) == 18 - 10

    run(place, scenario)
