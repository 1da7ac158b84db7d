"""What hardly any message has: tags, a time at which it is sent, and an end of its payload."""

import pytest
from msgspec.structs import replace

from paybell.model.answer import AnswerKey, Begun, KeptMessage
from paybell.model.delivery import DeliveryState
from paybell.model.endpoint import EndpointOptions, Ordering
from paybell.model.message import PAYLOAD_EXPIRED, Message
from paybell.model.task import Asked
from paybell.ports import AttemptNew, DeliveryClaim, Look, MessageNew, PageQuery, Retention
from paybell.replay.rules import job_of
from paybell.testing.builders import attempt, endpoint, message
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, run

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


async def claimed(at: World, endpoint_id: str = "ep_1") -> list[str]:
    """The messages that are claimed now."""
    now_ms = at.clock.now_ms()
    claim = DeliveryClaim(now_ms=now_ms, lease_ends_at_ms=now_ms + DAY_MS, limit=9, rooms={endpoint_id: 9})
    jobs = await at.store.delivery_claim(claim)
    for job in jobs:
        made = attempt(job, delivered=True, status_code=200)
        ended = {"lease_no": job.lease_no, "state": DeliveryState.DELIVERED, "due_at_ms": None}
        await at.store.attempt_append(AttemptNew(attempt=made, order_key=job.order_key, **ended))
    return [job.message_id for job in jobs]


def listed(at: World, **filters: str) -> PageQuery:
    return PageQuery(organisation_id=at.organisation.id, filters={"application_id": "app_1", **filters})


def test_tags_and_times_are_shown_wherever_a_message_is(place: Place) -> None:
    async def scenario(at: World) -> None:
        key = AnswerKey(organisation_id=at.organisation.id, name="k", request_digest=b"d")
        extras = {"tags": ("b c", "a,b"), "deliver_at_ms": START_MS + HOUR_MS}
        told = message(1, organisation_id=at.organisation.id, **extras)
        new = MessageNew(message=told, deliveries=(), key=key, key_ends_at_ms=START_MS + DAY_MS)
        assert await at.store.message_post(new) == Begun()
        plain = (await at.post(2)).message
        assert (await at.store.message_page(listed(at))).data == (plain, told)
        for name in (told.id, told.event_id):
            assert await at.store.message_lookup(at.organisation.id, "app_1", name) == told
        again = replace(new, message=message(9, organisation_id=at.organisation.id))
        assert await at.store.message_post(again) == KeptMessage(told)
        numbering = await at.store.poll_number("app_1", now_ms=at.clock.now_ms())
        assert numbering.last_no == 2

        async def ids(**filters: str) -> list[str]:
            return [it.id for it in (await at.store.message_page(listed(at, **filters))).data]

        assert await ids(tag="a,b") == [told.id]
        for nobodys in ("a", "b", "a,b\nb c", "%"):
            assert await ids(tag=nobodys) == []

    run(place, scenario)


def test_what_is_tagged_is_found_among_an_endpoints_messages_and_attempts(place: Place) -> None:
    async def scenario(at: World) -> None:
        for number, tags in ((1, ("x",)), (2, ())):
            await at.post(number, tags=tags)
        assert len(await claimed(at)) == 2
        for tag, count in (("x", 1), ("y", 0), ("", 2)):
            query = listed(at, endpoint_id="ep_1", tag=tag)
            assert len((await at.store.message_page_of_endpoint(query)).data) == count
            assert len((await at.store.attempt_page(query)).data) == count
            of_message = listed(at, message_id=message(1).id, tag=tag)
            assert len((await at.store.attempt_page(of_message)).data) == (0 if tag == "y" else 1)

    run(place, scenario)


def test_what_is_to_be_sent_later_is_not_claimed_before(place: Place) -> None:
    async def scenario(at: World) -> None:
        later = (await at.post(1, deliver_at_ms=at.clock.now_ms() + HOUR_MS)).message
        at.clock.advance(1)
        assert await claimed(at) == []
        at.clock.advance(3_599)
        assert await claimed(at) == [later.id]

    run(place, scenario)


@pytest.mark.parametrize("behind", [False, True])
def test_in_a_line_it_keeps_its_place_and_others_wait_behind_it(place: Place, behind: bool) -> None:  # noqa: FBT001
    async def scenario(at: World) -> None:
        ordered = EndpointOptions(ordering=Ordering.FIFO)
        of_line = endpoint(id="ep_line", organisation_id=at.organisation.id, options=ordered)
        await at.store.endpoint_create(of_line)
        told: list[Message] = []
        times = {1: 0, 2: at.clock.now_ms() + HOUR_MS, 3: 0} if behind else {2: at.clock.now_ms() + HOUR_MS, 3: 0}
        for number, deliver_at_ms in times.items():
            told.append((await at.post(number, of_line, deliver_at_ms=deliver_at_ms)).message)
        at.clock.advance(1)
        if behind:
            assert await claimed(at, "ep_line") == [told[0].id]
        assert await claimed(at, "ep_line") == []
        at.clock.advance(3_600)
        assert await claimed(at, "ep_line") == [told[-2].id]
        assert await claimed(at, "ep_line") == [told[-1].id]

    run(place, scenario)


def test_who_replays_sees_tags_and_times(place: Place) -> None:
    async def scenario(at: World) -> None:
        told = (await at.post(1, tags=("x",), deliver_at_ms=at.clock.now_ms() + HOUR_MS)).message
        asked = Asked(since_ms=START_MS, until_ms=START_MS + HOUR_MS)
        look = Look(
            organisation_id=at.organisation.id,
            application_id="app_1",
            endpoint_id="ep_1",
            asked=asked,
            after="",
            limit=9,
            dead_only=False,
        )
        (seen,) = await at.store.task_look(look)
        assert seen.message == told
        job = job_of(told, at.endpoint, new_id=at.clock.new_id("dlv"), now_ms=at.clock.now_ms())
        assert job.due_at_ms == told.deliver_at_ms

    run(place, scenario)


def test_a_payload_goes_at_its_end_and_what_waits_of_it_is_a_dead_letter(place: Place) -> None:
    async def scenario(at: World) -> None:
        now_ms = at.clock.now_ms()
        short = (await at.post(1, payload_ends_at_ms=now_ms + HOUR_MS)).message
        longer = (await at.post(2, payload_ends_at_ms=now_ms + DAY_MS)).message
        await at.post(3)
        assert await at.store.payload_expire(now_ms=now_ms + HOUR_MS - 1, limit=9) == 0
        assert await at.store.payload_expire(now_ms=now_ms + HOUR_MS, limit=9) == 1
        assert await at.store.payload_expire(now_ms=now_ms + HOUR_MS, limit=9) == 0
        found = {it.id: bool(it.payload) for it in (await at.store.message_page(listed(at))).data}
        assert (found.pop(short.id), set(found.values())) == (False, {True})
        (dead,) = (await at.store.delivery_page(listed(at, state="dead"))).data
        assert (dead.message_id, dead.last_error) == (short.id, PAYLOAD_EXPIRED)
        assert await at.store.payload_expire(now_ms=now_ms + 2 * DAY_MS, limit=9) == 1
        assert not (await at.store.message_lookup(at.organisation.id, "app_1", longer.id)).payload

    run(place, scenario)


def test_what_a_message_has_goes_with_it(place: Place) -> None:
    async def scenario(at: World) -> None:
        await at.store.tend(Retention(), now_ms=at.clock.now_ms())
        await at.post(1, tags=("x",), payload_ends_at_ms=at.clock.now_ms() + 400 * DAY_MS)
        assert len(await claimed(at)) == 1
        later_ms = at.clock.now_ms() + 30 * DAY_MS
        await at.store.tend(Retention(messages_ms=DAY_MS), now_ms=later_ms)
        assert (await at.store.message_page(listed(at))).data == ()
        assert await at.store.payload_expire(now_ms=later_ms + 900 * DAY_MS, limit=9) == 0

    run(place, scenario)
