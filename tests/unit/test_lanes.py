"""Lanes: each endpoint's own queue and limit, and whose turn it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paybell.deliver.lanes import LaneLimits, Lanes
from paybell.model.delivery import DeliveryJob
from paybell.testing.builders import delivery, message

WAITING_MAX, ACTIVE_MAX = 4, 2
LIMITS = LaneLimits(waiting_max=WAITING_MAX, active_max=ACTIVE_MAX)
NAMES = ("ep_1", "ep_2", "ep_3")
ENDPOINTS = st.sampled_from(NAMES)


def job(number: int, endpoint_id: str = "ep_1", *, tries: int = 0, app: str = "") -> DeliveryJob:
    application_id = app or ("app_2" if endpoint_id == "ep_3" else "app_1")
    return delivery(
        message(number), number, endpoint_id=endpoint_id, application_id=application_id, attempt_count=tries
    )


def taken(lanes: Lanes, count: int = 1_000_000) -> list[DeliveryJob]:
    found: list[DeliveryJob] = []
    while len(found) < count and (it := lanes.take()) is not None:
        found.append(it)
    return found


class Traffic(RuleBasedStateMachine):
    """Puts where there is room, takes and ends at random, beside a plain model of the queues."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(LaneLimits(waiting_max=4, active_max=2, all_active_max=4, all_waiting_max=10))
        self.queues: dict[str, list[DeliveryJob]] = {name: [] for name in NAMES}
        self.active: list[DeliveryJob] = []
        self.fewer: dict[str, int] = {}
        self.behind: set[str] = set()
        self.count = 0

    def being_sent(self, *endpoints: str) -> int:
        return sum(it.endpoint_id in endpoints for it in self.active)

    @rule(endpoint_id=ENDPOINTS, tries=st.integers(0, 1))
    def put_where_there_is_room(self, endpoint_id: str, tries: int) -> None:
        if not self.lanes.has_room(endpoint_id):
            self.behind.add(endpoint_id)
        else:
            assert endpoint_id not in self.behind
            self.count += 1
            self.queues[endpoint_id].append(job(self.count, endpoint_id, tries=tries))
            self.lanes.put(self.queues[endpoint_id][-1])

    @rule(endpoint_id=ENDPOINTS)
    def claim_all_there_is(self, endpoint_id: str) -> None:
        self.lanes.claimed({endpoint_id: 1}, {})
        self.behind.discard(endpoint_id)

    @rule(endpoint_id=ENDPOINTS)
    def claim_all_there_is_room_for(self, endpoint_id: str) -> None:
        self.lanes.claimed({endpoint_id: 1}, {endpoint_id: 1})
        self.behind.add(endpoint_id)

    @rule(endpoint_ids=st.frozensets(ENDPOINTS))
    def look_what_is_due(self, endpoint_ids: frozenset[str]) -> None:
        self.lanes.due(endpoint_ids)
        self.behind &= endpoint_ids

    @rule(endpoint_id=ENDPOINTS, count=st.none() | st.integers(1, 2))
    def limit(self, endpoint_id: str, count: int | None) -> None:
        self.lanes.limit(endpoint_id, count)
        self.fewer[endpoint_id] = ACTIVE_MAX if count is None else count

    @rule()
    def take(self) -> None:
        it = self.lanes.take()
        if it is None:
            assert not self.may_begin()
            return
        queue = self.queues[it.endpoint_id]
        first_of_its_kind = next(other for other in queue if bool(other.attempt_count) == bool(it.attempt_count))
        assert it is first_of_its_kind
        queue.remove(it)
        assert self.being_sent(it.endpoint_id) < self.fewer.get(it.endpoint_id, ACTIVE_MAX)
        self.active.append(it)

    def may_begin(self) -> bool:
        """Whether any that waits may be sent, by what the limits say."""
        retries = sum(it.attempt_count > 0 for it in self.active)
        for name, queue in self.queues.items():
            share = ("ep_3",) if name == "ep_3" else ("ep_1", "ep_2")
            free = self.being_sent(name) < min(self.fewer.get(name, ACTIVE_MAX), 4 - len(self.active))
            if free and self.being_sent(*share) < 3 and any(retries < 3 or not it.attempt_count for it in queue):
                return True
        return False

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        it = self.active.pop(data.draw(st.integers(0, len(self.active) - 1)))
        self.lanes.done(it)

    @rule(endpoint_id=ENDPOINTS)
    def drain_one(self, endpoint_id: str) -> None:
        drained = self.lanes.drain_endpoint(endpoint_id)
        assert Counter(it.id for it in drained) == Counter(it.id for it in self.queues[endpoint_id])
        self.queues[endpoint_id].clear()

    @invariant()
    def the_counts_agree(self) -> None:
        assert self.lanes.waiting_count == sum(map(len, self.queues.values())) <= 10
        assert self.lanes.active_count == len(self.active) <= 4
        assert self.lanes.held() == {it.id for queue in self.queues.values() for it in queue}

    def teardown(self) -> None:
        drained = self.lanes.drain()
        assert {it.id for it in drained} == {it.id for queue in self.queues.values() for it in queue}
        for it in self.active:
            self.lanes.done(it)
        assert (self.lanes.waiting_count, self.lanes.active_count) == (0, 0)
        assert not self.lanes._lanes
        assert not self.lanes._shares


TestTraffic = Traffic.TestCase


@given(st.integers(1, 20))
def test_a_full_lane_leaves_the_others_alone(count: int) -> None:
    lanes = Lanes(LIMITS)
    for number in range(count):
        lanes.put(job(number))
    lanes.put(job(99, "ep_2"))
    assert "ep_2" in {it.endpoint_id for it in taken(lanes)}
    assert lanes.has_room("ep_2")


def test_an_empty_lane_is_forgotten() -> None:
    lanes = Lanes(LIMITS)
    for number in range(100):
        lanes.put(job(number, f"ep_{number}"))
        (it,) = taken(lanes)
        assert not lanes.done(it)
    assert not lanes._lanes
    assert not lanes._shares


def test_applications_take_turns_however_many_endpoints_one_has() -> None:
    lanes = Lanes(LIMITS)
    for number in range(100):
        lanes.put(job(number, f"ep_{number}", app="app_much"))
    lanes.put(job(100, "ep_of_other", app="app_little"))
    assert "app_little" in {it.application_id for it in taken(lanes, 2)}


def test_one_application_never_has_all_places() -> None:
    lanes = Lanes(LaneLimits(waiting_max=4, active_max=2, all_active_max=8, all_waiting_max=100))
    for number in range(50):
        lanes.put(job(number, f"ep_{number}", app="app_much"))
    assert len(taken(lanes)) == 6
    lanes.put(job(99, "ep_of_other", app="app_little"))
    assert [it.application_id for it in taken(lanes)] == ["app_little"]


def test_one_application_never_fills_all_of_memory() -> None:
    lanes = Lanes(LaneLimits(waiting_max=4, active_max=2, all_active_max=8, all_waiting_max=40))
    for number in range(100):
        for _ in range(lanes.room(f"ep_{number}", "app_much")):
            lanes.put(job(number, f"ep_{number}", app="app_much"))
    assert lanes.waiting_count == 30
    assert lanes.room("ep_of_other", "app_little") == 4


def hung(lanes: Lanes, *, lane_count: int, each: int) -> list[DeliveryJob]:
    """Each of so many applications has one endpoint, which takes all that it is sent and answers nothing."""
    for lane in range(lane_count):
        for number in range(each):
            lanes.put(job(each * lane + number, f"ep_{lane}", app=f"app_{lane}"))
    return taken(lanes)


@given(st.integers(1, 40), st.integers(1, 40))
def test_however_many_hang_another_is_sent_to_at_once(lane_count: int, each: int) -> None:
    lanes = Lanes(LaneLimits(waiting_max=100, active_max=16, all_active_max=64, all_waiting_max=10_000))
    hanging = hung(lanes, lane_count=lane_count, each=each)
    assert len(hanging) >= min(lane_count * min(each, 16), 32)
    lanes.put(job(9_999, "ep_well", app="app_well"))
    (well,) = taken(lanes)
    assert well.endpoint_id == "ep_well"
    lanes.done(well)


@given(st.integers(1, 40), st.integers(1, 40))
def test_what_was_held_back_is_sent_when_others_have_been(lane_count: int, each: int) -> None:
    lanes = Lanes(LaneLimits(waiting_max=100, active_max=16, all_active_max=64, all_waiting_max=10_000))
    count, active = 0, hung(lanes, lane_count=lane_count, each=each)
    while active:
        count += 1
        lanes.done(active.pop())
        active += taken(lanes)
    assert (count, lanes.waiting_count) == (lane_count * each, 0)


def test_what_is_held_back_and_then_drained_is_in_nobodys_way() -> None:
    lanes = Lanes(LaneLimits(waiting_max=100, active_max=16, all_active_max=16, all_waiting_max=10_000))
    active = hung(lanes, lane_count=4, each=16)
    for name in ("ep_0", "ep_1", "ep_2"):
        lanes.drain_endpoint(name)
    while active:
        lanes.done(active.pop())
        active += taken(lanes)
    assert lanes.waiting_count == 0


def test_however_much_waits_for_some_there_is_memory_for_others() -> None:
    lanes = Lanes(LaneLimits(waiting_max=64, active_max=1, all_active_max=100, all_waiting_max=256))
    for number in range(64):
        for lane in range(40):
            if lanes.room(f"ep_{lane}", f"app_{lane}") > 0:
                lanes.put(job(64 * lane + number, f"ep_{lane}", app=f"app_{lane}"))
    assert lanes.room("ep_well", "app_well") > 0


def test_first_tries_go_before_retries_and_leave_them_every_fourth_turn() -> None:
    lanes = Lanes(LaneLimits(waiting_max=100, active_max=100))
    for number in range(30):
        lanes.put(job(number, tries=1))
    for number in range(30, 42):
        lanes.put(job(number))
    order = "".join("r" if it.attempt_count else "f" for it in taken(lanes, 16))
    assert order == "fffr" * 4


def test_retries_never_have_all_places() -> None:
    lanes = Lanes(LaneLimits(waiting_max=4, active_max=2, all_active_max=8, all_waiting_max=100))
    for number in range(20):
        lanes.put(job(number, f"ep_{number}", tries=1, app=f"app_{number}"))
    retries = taken(lanes)
    assert len(retries) == 6
    lanes.put(job(99, "ep_new", app="app_new"))
    assert [it.endpoint_id for it in taken(lanes)] == ["ep_new"]
    assert not lanes.done(retries[0])
    assert len(taken(lanes)) == 1


def test_an_endpoint_that_is_not_well_is_sent_fewer_at_once_and_given_fewer() -> None:
    lanes = Lanes(LaneLimits(waiting_max=100, active_max=64))
    lanes.limit("ep_1", 1)
    assert lanes.room("ep_1", "app_1") == 2
    for number in range(10):
        lanes.put(job(number))
    (it,) = taken(lanes)
    assert not lanes.has_room("ep_1")
    lanes.limit("ep_1", 3)
    assert len(taken(lanes)) == 2
    lanes.done(it)
    lanes.limit("ep_1", None)
    assert len(taken(lanes)) == 7


def test_what_must_be_sent_at_once_is_claimed_only_where_it_can_be() -> None:
    lanes = Lanes(LIMITS)
    assert lanes.room("ep_1", "app_1", at_once=True) == ACTIVE_MAX
    lanes.put(job(1))
    assert lanes.room("ep_1", "app_1", at_once=True) == 1
    assert len(taken(lanes)) == 1
    lanes.put(job(2))
    assert lanes.room("ep_1", "app_1", at_once=True) == 0


def test_of_one_that_is_behind_nothing_goes_past_what_waits_in_the_store_until_claims_have_caught_up() -> None:
    lanes = Lanes(LIMITS)
    for number in range(4):
        lanes.put(job(number))
    assert not lanes.has_room("ep_1")
    (first, _) = taken(lanes)
    assert lanes.done(first)
    assert not lanes.has_room("ep_1")
    assert lanes.room("ep_1", "app_1") == 2
    lanes.claimed({"ep_1": 2}, {"ep_1": 2})
    assert not lanes.has_room("ep_1")
    lanes.claimed({"ep_1": 2}, {"ep_1": 1})
    assert lanes.has_room("ep_1")


def test_one_whose_lane_is_gone_is_behind_as_long_as_something_of_it_is_due() -> None:
    lanes = Lanes(LIMITS)
    lanes.claimed({"ep_1": 3}, {"ep_1": 3})
    lanes.due({"ep_1", "ep_2"})
    assert [lanes.has_room(name) for name in NAMES] == [False, True, True]
    lanes.due({"ep_2"})
    assert lanes.has_room("ep_1")


def test_one_that_is_behind_is_claimed_for_when_half_of_its_lane_is_gone() -> None:
    lanes = Lanes(LIMITS)
    for number in range(3):
        lanes.put(job(number))
    lanes.claimed({"ep_1": 3}, {"ep_1": 3})
    assert lanes.room("ep_1", "app_1") == 0
    (it, _) = taken(lanes)
    assert lanes.done(it)
    assert lanes.room("ep_1", "app_1") == 3


def test_a_lane_that_was_full_asks_to_be_filled_when_half_is_gone() -> None:
    lanes = Lanes(LIMITS)
    for number in range(4):
        lanes.put(job(number))
    assert lanes.room("ep_1", "app_1") == 0
    assert [lanes.done(it) for it in taken(lanes)] == [True, False]
