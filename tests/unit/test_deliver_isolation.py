"""One endpoint's trouble is its own: the real service on a store in memory, in virtual time."""

from collections import Counter
from itertools import pairwise

from msgspec.structs import replace

from paybell.deliver.health import BREAKER_FAILURES, PROBE_MAX_MS
from paybell.model.delivery import Answered, DeliveryState, Failed, Outcome
from paybell.model.endpoint import EndpointOptions, Ordering
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.model.message import ApplicationOptions
from paybell.ports import MessageNew, PageQuery, Sending
from paybell.route.rules import route_message
from paybell.testing.builders import application, message
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.stores import World
from tests.unit.steps import Failing, Wire, run
from tests.unit.test_deliver_service import Office

OK, HUNG = Answered(status_code=200), Failed(phase="connect", reason="refused")
DELIVERED, DUE = DeliveryState.DELIVERED, DeliveryState.DUE
HOUR_S = 3600


class Road(Wire):
    """Notes when each was sent, and answers each endpoint as it is told to."""

    def __init__(self, clock: FakeClock, **answers: Outcome | None) -> None:
        super().__init__()
        self.clock = clock
        self.answers = answers
        self.times_ms: list[tuple[str, int]] = []

    async def send(self, sending: Sending) -> Outcome:
        self.times_ms.append((sending.pool, self.clock.now_ms()))
        answered = await super().send(sending)
        return self.answers.get(sending.pool, OK) or answered

    def count(self, endpoint_id: str) -> int:
        return sum(name == endpoint_id for name, _ in self.times_ms)


async def state_of(at: World, endpoint_id: str = "ep_1") -> EndpointState | None:
    return {it.endpoint_id: it for it in await at.store.endpoint_state_list()}.get(endpoint_id)


async def attempt_counts(at: World) -> list[int]:
    """How often each delivery was tried."""
    found: list[int] = []
    query = PageQuery(organisation_id=at.organisation.id, limit=250)
    while not (page := await at.store.delivery_page(query)).done or not found:
        found += [it.attempt_count for it in page.data]
        query = replace(query, iterator=page.iterator)
    return found + [it.attempt_count for it in page.data]


async def flow(office: Office, seconds: float, step_s: float = 0.05) -> None:
    """Let time pass, and all happen that falls due in it."""
    clock = office.at.clock
    ends_ms = clock.now_ms() + round(seconds * 1000)
    while True:
        while await office.turn():
            pass
        if clock.now_ms() >= ends_ms:
            return
        clock.set(min(ends_ms, clock.now_ms() + round(step_s * 1000)))


def test_an_outage_of_six_hours_burns_no_attempts_and_ends_without_a_herd() -> None:
    async def scenario(at: World) -> None:
        road = Road(at.clock, ep_1=HUNG)
        office = Office(at, road)
        posted = 0
        for _ in range(6 * 60):
            await office.post(*range(posted + 1, posted + 9))
            posted += 8
            await flow(office, 60, step_s=10)
        tried = Counter(await attempt_counts(at))
        probes = 6 * HOUR_S * 1000 / PROBE_MAX_MS
        assert road.count("ep_1") <= BREAKER_FAILURES + 1.2 * probes + 10
        assert max(tried) <= 3
        assert tried[0] > posted - 2 * probes
        assert sum(count * number for count, number in tried.items()) == len(road.times_ms)
        del road.answers["ep_1"]
        begun = len(road.times_ms)
        while road.count("ep_1") == begun:
            await flow(office, 1)
        assert at.clock.now_ms() - START_MS <= 6 * HOUR_S * 1000 + 1.2 * PROBE_MAX_MS
        await flow(office, 60)
        drained = road.times_ms[begun:]
        per_second = Counter((at_ms - drained[0][1]) // 1000 for _, at_ms in drained)
        busy = [per_second[second] for second in range(max(per_second) + 1)]
        assert len(drained) >= posted - 2 * probes
        assert max(busy) / (sum(busy) / len(busy)) <= 3
        assert all(then <= before + 30 for before, then in pairwise([0, *busy]))
        await flow(office, 30 * HOUR_S, step_s=HOUR_S)
        await office.post(posted + 1)
        await office.turn()
        assert set(await office.states()) == {DELIVERED}
        assert await state_of(at) is None

    run(scenario)


def test_what_waits_for_an_open_breaker_is_neither_claimed_nor_tried_and_survives_a_restart() -> None:
    async def scenario(at: World) -> None:
        road = Road(at.clock, ep_1=HUNG)
        office = Office(at, road, endpoint_active_max=4)
        await office.post(*range(1, 31))
        await office.turn()
        assert BREAKER_FAILURES <= road.count("ep_1") <= BREAKER_FAILURES + 4
        assert office.service.waiting_count == 0
        state = await state_of(at)
        assert state is not None
        assert (state.breaker, state.concurrency) == (Breaker.OPEN, 1)
        assert not office.service.has_room("ep_1")
        tried = road.count("ep_1")
        again = Office(at, road)
        at.clock.set(state.held_until_ms - 1)
        assert await again.turn() == 0
        at.clock.set(state.held_until_ms)
        assert [await again.turn(), await again.turn(), await office.turn()] == [1, 0, 0]
        assert road.count("ep_1") == tried + 1

    run(scenario)


def test_of_two_processes_one_sends_the_probe() -> None:
    async def scenario(at: World) -> None:
        road = Road(at.clock, ep_1=HUNG)
        one, other = Office(at, road), Office(at, road)
        await one.post(*range(1, 41))
        await one.turn()
        at.clock.advance(1)
        assert await other.turn() == 0
        state = await state_of(at)
        assert state is not None
        at.clock.set(state.held_until_ms)
        tried = road.count("ep_1")
        road.hold()
        assert [await one.service.run_once(), await other.service.run_once()] == [1, 0]
        half = await state_of(at)
        assert half is not None
        assert half.breaker is Breaker.HALF_OPEN
        del road.answers["ep_1"]
        road.release()
        await one.service.settle()
        closed = await state_of(at)
        assert closed is not None
        assert closed.breaker is Breaker.CLOSED
        assert road.count("ep_1") == tried + 1
        at.clock.advance(1)
        assert await other.turn() > 0

    run(scenario)


def test_a_breaker_that_opens_leaves_other_endpoints_alone() -> None:
    async def scenario(at: World) -> None:
        other = at.an_endpoint("ep_2")
        await at.store.endpoint_create(other)
        road = Road(at.clock, ep_1=HUNG)
        office = Office(at, road)
        await office.post(*range(1, 21))
        await office.turn()
        for number in range(21, 31):
            await office.post(number, to=other)
        assert office.service.has_room("ep_2")
        await office.turn()
        assert road.count("ep_2") == 10

    run(scenario)


def test_who_asks_for_an_hour_has_it_for_all_that_waits_and_others_flow() -> None:
    async def scenario(at: World) -> None:
        other = at.an_endpoint("ep_2")
        await at.store.endpoint_create(other)
        road = Road(at.clock, ep_1=Answered(status_code=429, retry_after_s=3600))
        office = Office(at, road, endpoint_active_max=1)
        await office.post(*range(1, 11))
        await office.turn()
        assert road.count("ep_1") == 1
        assert [it.attempt_count for it in await office.deliveries()] == [1, *[0] * 9]
        await office.post(11, to=other)
        del road.answers["ep_1"]
        await flow(office, 3599, step_s=100)
        assert (road.count("ep_1"), road.count("ep_2")) == (1, 1)
        await flow(office, 3)
        assert set(await office.states()) == {DELIVERED}

    run(scenario)


def test_a_slow_endpoint_is_sent_one_at_a_time_in_the_end() -> None:
    async def scenario(at: World) -> None:
        office = Office(at, endpoint_active_max=8)
        office.wire.hold()
        await office.post(*range(1, 9))
        assert await office.service.run_once() == 8
        await office.wire.wait_until_sent(8)
        at.clock.advance(6)
        office.wire.release()
        await office.service.settle()
        state = await state_of(at)
        assert state is not None
        assert (state.concurrency, state.failing_since_ms, state.breaker) == (1, 0, Breaker.CLOSED)
        office.wire.hold()
        await office.post(*range(9, 20))
        await office.service.run_once()
        await office.wire.wait_until_sent(9)
        assert (office.service.active_count, office.service.waiting_count) == (1, 1)
        office.wire.release()
        await office.service.settle()
        while await office.turn():
            pass
        assert set(await office.states()) == {DELIVERED}

    run(scenario)


def test_an_endpoint_that_is_well_costs_no_look_up_and_no_row() -> None:
    async def scenario(at: World) -> None:
        weighed: list[object] = []

        class Watching(Failing):
            async def attempt_append(self, new: object) -> bool:
                weighed.append(new.weigh)
                return await self._store.attempt_append(new)

        office = Office(at, store=Watching(at.store))
        await office.post(*range(1, 6))
        await office.turn()
        assert weighed == [None] * 5

    run(scenario)


def test_a_change_of_the_endpoint_ends_its_pause_at_once() -> None:
    async def scenario(at: World) -> None:
        road = Road(at.clock, ep_1=Answered(status_code=503, retry_after_s=86_400))
        office = Office(at, road)
        await office.post(1)
        await office.turn()
        await office.post(2)
        at.clock.advance(1)
        assert await office.turn() == 0
        del road.answers["ep_1"]
        await at.store.endpoint_update(replace(at.endpoint, description="mended"))
        at.clock.advance(1)
        assert await office.turn() == 1

    run(scenario)


def test_what_waits_for_an_endpoint_that_was_disabled_ends_although_its_breaker_was_open() -> None:
    async def scenario(at: World) -> None:
        road = Road(at.clock, ep_1=HUNG)
        office = Office(at, road, failing_ms=HOUR_S * 1000)
        await office.post(*range(1, 31))
        await office.turn()
        await flow(office, 2 * HOUR_S, step_s=60)
        assert set(await office.states()) == {DeliveryState.DEAD}
        assert await state_of(at) is None

    run(scenario)


def most_in_a_second(times_ms: list[int]) -> int:
    """Of any second, wherever it begins."""
    return max(sum(begun <= it < begun + 1000 for it in times_ms) for begun in times_ms)


def test_an_endpoints_rate_holds_across_processes_and_what_waits_for_its_turn_is_not_tried() -> None:
    async def scenario(at: World) -> None:
        await at.store.endpoint_update(replace(at.endpoint, options=EndpointOptions(throttle_rate=20)))
        road = Road(at.clock)
        one, other = Office(at, road), Office(at, road)
        await one.post(*range(1, 201))
        while DUE in await one.states():
            await one.turn()
            await other.turn()
            at.clock.advance(0.02)
        times_ms = [at_ms for _, at_ms in road.times_ms]
        assert most_in_a_second(times_ms) <= 20 + 2
        assert times_ms[-1] - times_ms[0] <= 12_000
        assert {it.attempt_count for it in await one.deliveries()} == {1}

    run(scenario)


def test_an_applications_rate_is_that_of_all_its_endpoints_together() -> None:
    async def scenario(at: World) -> None:
        await at.store.application_update(replace(at.application, options=ApplicationOptions(throttle_rate=10)))
        other = at.an_endpoint("ep_2")
        await at.store.endpoint_create(other)
        road = Road(at.clock)
        office = Office(at, road)
        for number in range(1, 41):
            await office.post(number, to=other if number % 2 else None)
        await flow(office, 6)
        assert most_in_a_second([at_ms for _, at_ms in road.times_ms]) <= 11
        assert set(await office.states()) == {DELIVERED}
        assert not office.service.has_room("ep_2")

    run(scenario)


def test_a_million_of_one_application_do_not_delay_anothers_first_try() -> None:
    """A million cut short: of more than fits into memory, and into all places, the other's still goes first."""

    async def scenario(at: World) -> None:
        await at.store.application_create(application(id="app_2", organisation_id=at.organisation.id))
        little = at.an_endpoint("ep_little", application_id="app_2")
        much = [at.an_endpoint(f"ep_much_{number:02}") for number in range(30)]
        for endpoint in (little, *much):
            await at.store.endpoint_create(endpoint)
        road = Road(at.clock)
        office = Office(at, road, active_max=8, waiting_max=40, endpoint_active_max=4)
        road.hold()
        for number in range(1, 21):
            await office.post(number, to=much)
        while await office.service.run_once():
            pass
        assert (office.service.active_count, office.service.waiting_count) == (6, 30)
        told = message(99, organisation_id=at.organisation.id, application_id="app_2")
        jobs = route_message(told, [little], at.mint())
        await at.store.message_post(MessageNew(message=told, deliveries=jobs))
        assert await office.service.run_once() == 1
        await road.wait_until_sent(7)
        assert road.times_ms[-1][0] == "ep_little"
        road.release()
        await office.service.settle()
        while await office.turn():
            pass
        assert len(road.sent) == 601

    run(scenario)


def test_of_all_places_some_are_free_for_others_however_many_endpoints_hang() -> None:
    async def scenario(at: World) -> None:
        hanging = []
        for number in range(20):
            await at.store.application_create(application(id=f"app_h{number}", organisation_id=at.organisation.id))
            hanging.append(at.an_endpoint(f"ep_hangs_{number:02}", application_id=f"app_h{number}"))
            await at.store.endpoint_create(hanging[-1])
        road = Road(at.clock)
        office = Office(at, road, active_max=64, endpoint_active_max=16)
        road.hold()
        for number, endpoint in enumerate(hanging):
            told = [message(20 * number + it, application_id=endpoint.application_id) for it in range(1, 9)]
            for it in told:
                mine = replace(it, organisation_id=at.organisation.id)
                jobs = route_message(mine, [endpoint], at.mint())
                await at.store.message_post(MessageNew(message=mine, deliveries=jobs))
        while await office.service.run_once():
            pass
        begun = office.service.active_count
        assert 32 <= begun < 64
        await office.post(999)
        assert await office.service.run_once() == 1
        await road.wait_until_sent(begun + 1)
        assert road.times_ms[-1][0] == "ep_1"
        road.release()
        await office.service.settle()
        assert set(await office.states()) == {DELIVERED}

    run(scenario)


def test_an_endpoint_that_takes_one_after_the_other_gets_them_in_order_through_failures_and_outages() -> None:
    async def scenario(at: World) -> None:
        one_line = replace(at.endpoint, options=EndpointOptions(ordering=Ordering.FIFO))
        await at.store.endpoint_update(one_line)
        road = Road(at.clock)
        road.outcomes = [OK, HUNG, Answered(status_code=503), OK, HUNG, OK]
        road.answers = {"ep_1": None}
        one, other = Office(at, road), Office(at, road)
        await one.post(*range(1, 31), to=one_line)
        while DUE in await one.states():
            await one.turn()
            await other.turn()
            at.clock.advance(1)
        taken = [sending.body for sending in road.sent]
        assert list(dict.fromkeys(taken)) == [b'{"number":%d}' % number for number in range(1, 31)]
        assert len(taken) == 33
        assert set(await one.states()) == {DELIVERED}

    run(scenario)


def test_the_next_of_a_line_is_sent_at_once_and_not_when_the_loop_looks_again() -> None:
    async def scenario(at: World) -> None:
        one_line = replace(at.endpoint, options=EndpointOptions(ordering=Ordering.FIFO))
        await at.store.endpoint_update(one_line)
        office = Office(at)
        await office.post(1, 2, to=one_line)
        office.service._awake.clear()
        await office.turn()
        assert office.service._awake.is_set()

    run(scenario)
