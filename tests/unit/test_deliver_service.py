"""Step 4 on a store in memory, with a clock that stands still and an endpoint that says what it is told."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from paybell.deliver.rules import RETRY_DELAYS_S
from paybell.deliver.service import DeliverConfig, DeliverService
from paybell.deliver.signing import sign
from paybell.model.delivery import Answered, Attempt, Delivery, DeliveryJob, DeliveryState, Failed
from paybell.model.endpoint import Endpoint, EndpointOptions, PayloadFormat, Transport
from paybell.model.message import EventType, EventTypeOptions
from paybell.model.trace import traceparent_of
from paybell.ports import PageQuery
from paybell.testing.builders import SECRET
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import World, claim_due
from tests.unit.steps import Failing, Wire, run, turns_until

OK = Answered(status_code=200)
BROKEN = Answered(status_code=500, body=b"out of order")
LEASE_MS = 60_000
DUE, LEASED, DELIVERED, DEAD = DeliveryState.DUE, DeliveryState.LEASED, DeliveryState.DELIVERED, DeliveryState.DEAD


class Office:
    """The service, its endpoint's end of the wire, and what the store says of deliveries."""

    def __init__(
        self,
        at: World,
        wire: Wire | None = None,
        store: object = None,
        may_begin: Callable[[], bool] = lambda: True,
        **config: int,
    ) -> None:
        self.at = at
        self.wire = wire or Wire()
        self.service = DeliverService(
            store or at.store,
            {Transport.HTTP: self.wire},
            at.clock,
            DeliverConfig(lease_ms=LEASE_MS, **config),
            may_begin=may_begin,
        )

    async def post(self, *numbers: int, to: Endpoint | Sequence[Endpoint] | None = None) -> None:
        targets = [to] if isinstance(to, Endpoint) else to or []
        for number in numbers:
            await self.at.post(number, *targets)

    async def turn(self) -> int:
        """Claim what is due, send it, and wait for the outcome."""
        count = await self.service.run_once()
        await self.service.settle()
        return count

    async def deliveries(self) -> list[Delivery]:
        page = await self.at.store.delivery_page(PageQuery(organisation_id=self.at.organisation.id, limit=250))
        return list(reversed(page.data))

    async def attempts(self, endpoint_id: str) -> Sequence[Attempt]:
        query = PageQuery(
            organisation_id=self.at.organisation.id, filters={"endpoint_id": endpoint_id, "application_id": "app_1"}
        )
        return (await self.at.store.attempt_page(query)).data

    async def states(self) -> list[DeliveryState]:
        return [it.state for it in await self.deliveries()]

    def counted(self) -> dict[str, int]:
        return {name: count for name, count in self.service.counts.items() if count}

    async def claim(self) -> list[DeliveryJob]:
        """As another process would."""
        now_ms = self.at.clock.now_ms()
        return await claim_due(self.at.store, now_ms, now_ms + LEASE_MS)


def test_a_message_is_sent_signed_and_its_attempt_kept() -> None:
    async def scenario(at: World) -> None:
        await at.store.endpoint_update(msgspec.structs.replace(at.endpoint, headers=(("x-shop", "1"),)))
        office = Office(at, Wire(Answered(status_code=204)))
        posting = await at.post(1)
        assert [await office.turn(), await office.turn()] == [1, 0]
        (sent,) = office.wire.sent
        assert (sent.pool, sent.url, sent.body) == (at.endpoint.id, at.endpoint.url, posting.message.payload)
        at_s = START_MS // 1000
        assert dict(sent.headers) == {
            "x-shop": "1",
            "content-type": "application/json",
            "webhook-id": posting.message.id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(posting.message.id, at_s, posting.message.payload, [SECRET]),
            "traceparent": traceparent_of(posting.message.id, "", posting.deliveries[0].id, 1),
        }
        (kept,) = await office.attempts(at.endpoint.id)
        assert (kept.delivered, kept.status_code, kept.attempt_no, kept.url) == (True, 204, 1, at.endpoint.url)
        assert await office.states() == [DELIVERED]
        assert office.counted() == {"delivered": 1}

    run(scenario)


@pytest.mark.parametrize("outcome", [BROKEN, Failed(phase="connect", reason="refused")])
def test_ten_tries_over_three_days_and_then_a_dead_letter(outcome: Answered | Failed) -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Wire(outcome))
        await office.post(1)
        waits_s: list[float] = []
        for _ in range(len(RETRY_DELAYS_S)):
            tried_at_ms = at.clock.now_ms()
            assert await office.turn() == 1
            (it,) = await office.deliveries()
            assert (it.state, it.finished_at_ms) == (DUE, None)
            at.clock.set(it.due_at_ms - 1)
            assert await office.turn() == 0
            at.clock.set(it.due_at_ms)
            waits_s.append((it.due_at_ms - tried_at_ms) / 1000)
        assert await office.turn() == 1
        (it,) = await office.deliveries()
        assert (it.state, it.due_at_ms, it.attempt_count) == (DEAD, None, 10)
        for waited_s, planned_s in zip(
            waits_s, (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400), strict=True
        ):
            assert 0.9 * planned_s <= waited_s <= 1.1 * planned_s
        assert len({waited_s / planned_s for waited_s, planned_s in zip(waits_s, RETRY_DELAYS_S, strict=True)}) == 9
        assert len(office.wire.sent) == 10
        assert len({(dict(sent.headers)["webhook-id"], sent.body) for sent in office.wire.sent}) == 1
        assert office.counted() == {"failed": 9, "dead": 1}
        at.clock.advance(1_000_000)
        assert await office.turn() == 0

    run(scenario)


@pytest.mark.parametrize(
    ("of_endpoint", "of_event_type", "waits_s"),
    [((60, 600), (5,), [60, 600]), ((), (5,), []), (None, (7, 8, 9), [7, 8, 9]), (None, (), [])],
)
def test_an_endpoints_schedule_goes_before_its_event_types(
    of_endpoint: tuple[int, ...] | None, of_event_type: tuple[int, ...], waits_s: list[int]
) -> None:
    async def scenario(at: World) -> None:
        patient = msgspec.structs.replace(at.endpoint, options=EndpointOptions(retry_delays_s=of_endpoint))
        await at.store.endpoint_update(patient)
        await at.store.event_type_create(
            EventType(
                name="order.paid",
                organisation_id=at.organisation.id,
                description="",
                created_at_ms=START_MS,
                updated_at_ms=START_MS,
                options=EventTypeOptions(retry_delays_s=of_event_type),
            )
        )
        await at.post(1, event_type="order.paid")
        office = Office(at, Wire(BROKEN))
        waited_s: list[float] = []
        for _ in waits_s:
            assert await office.turn() == 1
            (it,) = await office.deliveries()
            waited_s.append((it.due_at_ms - at.clock.now_ms()) / 1000)
            at.clock.set(it.due_at_ms)
        assert await office.turn() == 1
        assert await office.states() == [DEAD]
        assert waited_s == pytest.approx(waits_s, rel=0.101)

    run(scenario)


def test_every_try_has_the_same_body_and_a_span_of_its_own_in_the_senders_trace() -> None:
    async def scenario(at: World) -> None:
        told_as_event = EndpointOptions(payload_format=PayloadFormat.CLOUDEVENTS)
        await at.store.endpoint_update(msgspec.structs.replace(at.endpoint, options=told_as_event))
        await at.post(1, trace=f"{'4b' * 16}-01")
        office = Office(at, Wire(BROKEN))
        for _ in range(3):
            await office.turn()
            (it,) = await office.deliveries()
            at.clock.set(it.due_at_ms)
        assert len({it.body for it in office.wire.sent}) == 1
        parents = [dict(it.headers)["traceparent"].split("-") for it in office.wire.sent]
        assert {(trace, flags) for _, trace, _, flags in parents} == {("4b" * 16, "01")}
        assert len({span for _, _, span, _ in parents}) == 3

    run(scenario)


def test_what_is_sent_once_more_has_its_whole_schedule_again_and_the_numbers_of_its_attempts_go_on() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Wire(BROKEN))
        await office.post(1)
        await office.turn()
        (it,) = await office.deliveries()
        await at.store.delivery_resend(at.organisation.id, it.message_id, "ep_1", now_ms=at.clock.now_ms())
        for number in range(2, 12):
            assert await office.turn() == 1
            (it,) = await office.deliveries()
            assert it.attempt_count == number
            at.clock.set(it.due_at_ms or at.clock.now_ms())
        assert it.state is DEAD
        assert [(made.attempt_no, made.manual) for made in await office.attempts("ep_1")] == [
            *((number, True) for number in range(11, 1, -1)),
            (1, False),
        ]

    run(scenario)


def test_a_retry_is_delivered_when_the_endpoint_is_well_again() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Wire(BROKEN, OK))
        await office.post(1)
        await office.turn()
        at.clock.advance(6)
        await office.turn()
        (it,) = await office.deliveries()
        assert (it.state, it.attempt_count) == (DELIVERED, 2)

    run(scenario)


@pytest.mark.parametrize(("asked_s", "waited_s"), [(3600, 3600), (1_000_000, 86_400), (1, 5)])
def test_retry_after_is_kept_up_to_a_day_and_never_hastens(asked_s: int, waited_s: int) -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Wire(Answered(status_code=429, retry_after_s=asked_s)))
        await office.post(1)
        await office.turn()
        (it,) = await office.deliveries()
        assert it.due_at_ms - START_MS == pytest.approx(waited_s * 1000, rel=0.1)
        if asked_s == 3600:
            assert it.due_at_ms - START_MS == 3_600_000

    run(scenario)


def test_gone_ends_the_endpoint_and_what_waits_for_it() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Wire(Answered(status_code=410)), endpoint_active_max=1)
        await office.post(1, 2, 3)
        while await office.turn():
            pass
        assert len(office.wire.sent) == 1
        assert await office.states() == [DEAD] * 3
        endpoint = await at.store.endpoint_get(at.endpoint.id)
        assert (endpoint.disabled, endpoint.disabled_reason) == (True, "the endpoint answered 410 Gone")
        assert office.counted() == {"dead": 3}

    run(scenario)


def test_what_is_queued_for_an_endpoint_that_is_deleted_is_not_sent() -> None:
    async def scenario(at: World) -> None:
        office = Office(at)
        await office.post(1)
        jobs = await office.claim()
        await at.store.endpoint_delete(at.organisation.id, at.endpoint.id)
        office.service.put(jobs)
        await office.service.settle()
        assert office.wire.sent == []
        assert office.counted() == {"dead": 1}

    run(scenario)


def test_a_lease_too_old_for_one_more_try_is_left_to_its_next_owner() -> None:
    async def scenario(at: World) -> None:
        office = Office(at)
        await office.post(1)
        jobs = await office.claim()
        at.clock.advance(LEASE_MS / 1000 - 14.9)
        office.service.put(jobs)
        await office.service.settle()
        assert office.wire.sent == []
        assert await office.states() == [LEASED]
        at.clock.advance(14.9)
        assert await office.turn() == 1
        assert await office.states() == [DELIVERED]

    run(scenario)


def test_a_lease_with_time_for_one_try_is_used() -> None:
    async def scenario(at: World) -> None:
        office = Office(at)
        await office.post(1)
        jobs = await office.claim()
        at.clock.advance(LEASE_MS / 1000 - 15)
        office.service.put(jobs)
        await office.service.settle()
        assert await office.states() == [DELIVERED]

    run(scenario)


def test_a_late_worker_changes_nothing() -> None:
    async def scenario(at: World) -> None:
        late = Office(at, Wire(BROKEN))
        late.wire.hold()
        await late.post(1)
        await late.service.run_once()
        await late.wire.wait_until_sent(1)
        at.clock.advance(LEASE_MS / 1000)
        other = Office(at)
        assert await other.turn() == 1
        late.wire.release()
        await late.service.settle()
        (it,) = await other.deliveries()
        assert (it.state, it.attempt_count) == (DELIVERED, 1)
        assert late.counted() == {"fenced": 1}

    run(scenario)


def test_an_outcome_is_kept_once_the_store_is_back_and_nothing_is_sent_twice() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, store=Failing(at.store, attempt_append=3))
        await office.post(1)
        await office.service.run_once()
        for _ in range(3):
            await turns_until(lambda: at.clock.sleeper_count > 1)  # the store sleeps, too
            at.clock.advance(1)
        await office.service.settle()
        (it,) = await office.deliveries()
        assert (it.state, it.attempt_count) == (DELIVERED, 1)
        assert len(office.wire.sent) == 1

    run(scenario)


def test_an_outcome_that_cannot_be_kept_within_its_lease_is_given_up_and_the_delivery_tried_again() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, store=Failing(at.store, attempt_append=2))
        await office.post(1)
        await office.service.run_once()
        await turns_until(lambda: at.clock.sleeper_count > 1)  # the store sleeps, too
        at.clock.advance(LEASE_MS / 1000)
        await office.service.settle()
        assert await office.states() == [LEASED]
        assert office.counted() == {}
        await office.turn()
        (it,) = await office.deliveries()
        assert (it.state, it.attempt_count) == (DELIVERED, 1)
        assert len(office.wire.sent) == 2

    run(scenario)


def test_nothing_is_begun_while_others_may_have_taken_this_process_for_dead() -> None:
    async def scenario(at: World) -> None:
        alive = [False]
        office = Office(at, may_begin=lambda: alive[0])
        await office.post(1)
        assert await office.turn() == 0
        office.service.put(await office.claim())
        await office.service.settle()
        assert office.wire.sent == []
        alive[0] = True
        office.service.resume()
        await office.service.settle()
        assert await office.states() == [DELIVERED]

    run(scenario)


def test_what_is_queued_is_forgotten_when_it_was_given_to_others_and_what_is_being_sent_is_fenced() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=1)
        office.wire.hold()
        await office.post(1, 2, 3)
        await office.service.run_once()
        await office.wire.wait_until_sent(1)
        at.clock.advance(LEASE_MS / 1000)
        others = await office.claim()
        office.service.forget()
        office.wire.release()
        await office.service.settle()
        assert len(others) == 3
        assert len(office.wire.sent) == 1
        assert office.counted() == {"fenced": 1}
        assert await office.states() == [LEASED, LEASED, LEASED]

    run(scenario)


class Elsewhere(Wire):
    """A sender for what only another process can do."""

    def serves(self, url: str) -> bool:
        return False


def test_what_only_another_process_serves_is_left_to_it_untried() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Elsewhere())
        await office.post(1)
        assert await office.turn() == 1
        assert await office.states() == [DUE]
        assert not office.service.has_room(at.endpoint.id)
        assert await office.turn() == 0
        assert [(it.attempt_count, it.lease_no) for it in await office.claim()] == [(0, 2)]
        assert office.wire.sent == []

    run(scenario)


def test_what_nobody_seems_to_serve_is_tried_in_the_end_so_that_it_ends() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, Elsewhere(Failed(phase="call", reason="no such function")))
        await office.post(1)
        await office.turn()
        at.clock.advance(3600)
        assert await office.turn() == 1
        (it,) = await office.deliveries()
        assert (it.state, it.attempt_count) == (DUE, 1)

    run(scenario)


def test_an_endpoint_that_hangs_holds_its_limit_and_no_other_endpoint() -> None:
    async def scenario(at: World) -> None:
        other = at.an_endpoint("ep_2")
        await at.store.endpoint_create(other)
        office = Office(at, endpoint_active_max=2)
        office.wire.hold()
        await office.post(1, 2, 3, 4, 5)
        await office.post(6, to=other)
        assert await office.service.run_once() == 6
        await office.wire.wait_until_sent(3)
        assert sorted(sent.pool for sent in office.wire.sent) == ["ep_1", "ep_1", "ep_2"]
        assert (office.service.active_count, office.service.waiting_count) == (3, 3)
        office.wire.release()
        await office.service.settle()
        assert await office.states() == [DELIVERED] * 6

    run(scenario)


def test_no_more_than_the_limit_are_ever_sent_at_once() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=2)
        most = 0
        send = office.wire.send

        async def watched(sending: object) -> object:
            nonlocal most
            most = max(most, office.service.active_count)
            return await send(sending)

        office.wire.send = watched
        await office.post(*range(1, 21))
        await office.turn()
        assert (most, len(office.wire.sent)) == (2, 20)

    run(scenario)


def test_a_lane_that_overflowed_is_filled_again_from_the_store() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=1, endpoint_waiting_max=4)
        office.wire.hold()
        await office.post(*range(1, 11))
        assert [await office.service.run_once() for _ in range(3)] == [2, 2, 0]  # one is sent, three wait: many of four
        assert not office.service.has_room(at.endpoint.id)
        office.service._awake.clear()
        office.wire.release()
        await office.service.settle()
        assert office.service._awake.is_set()  # it asks for more by itself
        while await office.turn():
            pass
        assert await office.states() == [DELIVERED] * 10
        assert office.service.has_room(at.endpoint.id)

    run(scenario)


def test_the_loop_sends_what_is_due_until_it_is_told_to_stop() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, store=Failing(at.store, delivery_waiting=0))
        running = asyncio.create_task(office.service.run())
        await office.post(1)
        office.service.wake()
        await office.wire.wait_until_sent(1)
        office.service.drain()
        await running
        await office.service.settle()
        await office.post(2)
        assert await office.states() == [DELIVERED, DUE]
        assert not office.service.has_room(at.endpoint.id)

    run(scenario)


def test_a_stop_finishes_what_is_sent_and_gives_back_what_is_queued() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=1)
        office.wire.hold()
        await office.post(1, 2, 3)
        await office.service.run_once()
        await office.wire.wait_until_sent(1)
        stopping = asyncio.create_task(office.service.stop(grace_s=30))
        await asyncio.wait([stopping], timeout=0)
        office.wire.release()
        await stopping
        assert len(office.wire.sent) == 1
        assert await office.states() == [DELIVERED, DUE, DUE]
        assert [job.lease_no for job in await office.claim()] == [2, 2]

    run(scenario)


def test_a_stop_breaks_off_what_outlasts_the_grace_and_gives_it_back() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=1)
        office.wire.hold()
        await office.post(1, 2)
        await office.service.run_once()
        await office.wire.wait_until_sent(1)
        await office.service.stop(grace_s=0)
        assert await office.states() == [DUE, DUE]
        assert [it.attempt_count for it in await office.deliveries()] == [0, 0]
        assert office.service.active_count == 0

    run(scenario)


def test_what_comes_after_the_stop_began_is_given_back_too() -> None:
    async def scenario(at: World) -> None:
        office = Office(at)
        await office.post(1)
        office.service.drain()
        office.service.put(await office.claim())
        await office.service.stop(grace_s=0)
        assert office.wire.sent == []
        assert await office.states() == [DUE]

    run(scenario)


def test_a_stop_ends_also_while_the_store_is_unavailable() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, store=Failing(at.store, delivery_release=1), endpoint_active_max=1)
        office.wire.hold()
        await office.post(1, 2)
        await office.service.run_once()
        await office.wire.wait_until_sent(1)
        await office.service.stop(grace_s=0)
        assert sorted(await office.states()) == [DUE, LEASED]

    run(scenario)


def test_an_endpoint_that_this_process_cannot_reach_counts_as_failed() -> None:
    async def scenario(at: World) -> None:
        function = at.an_endpoint("ep_2", url="function:shop.paid")
        await at.store.endpoint_create(function)
        office = Office(at)
        await office.post(1, to=function)
        await office.turn()
        (kept,) = await office.attempts(function.id)
        assert kept.error == "call: this process has no transport for function:shop.paid"
        assert await office.states() == [DUE]

    run(scenario)


def test_a_lease_that_a_slow_endpoint_would_outlast_is_no_setting() -> None:
    with pytest.raises(ValueError, match="at least twice timeout_s"):
        DeliverConfig(timeout_s=15, lease_ms=29_999)
