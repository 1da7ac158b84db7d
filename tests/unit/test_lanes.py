"""Lanes: each endpoint's own queue and limit."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from paybell.deliver.lanes import Lanes
from paybell.model.delivery import DeliveryJob
from paybell.testing.builders import delivery, message

WAITING_MAX, ACTIVE_MAX = 4, 2
ENDPOINTS = st.sampled_from(["ep_1", "ep_2", "ep_3"])


def job(number: int, endpoint_id: str = "ep_1") -> DeliveryJob:
    return delivery(message(number), number, endpoint_id=endpoint_id)


class Traffic(RuleBasedStateMachine):
    """Puts where there is room, takes and ends at random, beside a plain model of the queues."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes = Lanes(waiting_max=WAITING_MAX, active_max=ACTIVE_MAX)
        self.queues: dict[str, list[DeliveryJob]] = {name: [] for name in ("ep_1", "ep_2", "ep_3")}
        self.active = dict.fromkeys(self.queues, 0)
        self.refused: set[str] = set()
        self.count = 0

    @rule(endpoint_id=ENDPOINTS)
    def put_where_there_is_room(self, endpoint_id: str) -> None:
        has_room = self.lanes.has_room(endpoint_id)
        assert has_room == (len(self.queues[endpoint_id]) < WAITING_MAX)
        if not has_room:
            self.refused.add(endpoint_id)
            return
        self.count += 1
        self.queues[endpoint_id].append(job(self.count, endpoint_id))
        self.lanes.put(self.queues[endpoint_id][-1])

    @rule(endpoint_id=ENDPOINTS)
    def take(self, endpoint_id: str) -> None:
        taken = self.lanes.take(endpoint_id)
        queue = self.queues[endpoint_id]
        if queue and self.active[endpoint_id] < ACTIVE_MAX:
            assert taken is queue.pop(0)
            self.active[endpoint_id] += 1
        else:
            assert taken is None

    @precondition(lambda self: any(self.active.values()))
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        endpoint_id = data.draw(st.sampled_from([name for name, count in self.active.items() if count]))
        self.active[endpoint_id] -= 1
        refill = self.lanes.done(endpoint_id)
        assert refill == (endpoint_id in self.refused and len(self.queues[endpoint_id]) * 2 <= WAITING_MAX)
        if refill:
            self.refused.discard(endpoint_id)

    @invariant()
    def the_counts_agree(self) -> None:
        assert self.lanes.waiting_count == sum(map(len, self.queues.values()))
        assert self.lanes.active_count == sum(self.active.values())
        assert self.lanes.busy() == {name for name, queue in self.queues.items() if len(queue) >= WAITING_MAX}

    def teardown(self) -> None:
        drained = self.lanes.drain()
        assert {it.id for it in drained} == {it.id for queue in self.queues.values() for it in queue}
        assert self.lanes.waiting_count == 0


TestTraffic = Traffic.TestCase


@given(st.integers(1, 20))
def test_a_full_lane_leaves_the_others_alone(count: int) -> None:
    lanes = Lanes(waiting_max=WAITING_MAX, active_max=ACTIVE_MAX)
    for number in range(count):
        lanes.put(job(number))
    lanes.put(job(99, "ep_2"))
    assert lanes.take("ep_2") is not None
    assert lanes.has_room("ep_2")


def test_an_empty_lane_is_forgotten() -> None:
    lanes = Lanes(waiting_max=WAITING_MAX, active_max=ACTIVE_MAX)
    for number in range(100):
        lanes.put(job(number, f"ep_{number}"))
        assert lanes.take(f"ep_{number}") is not None
        assert not lanes.done(f"ep_{number}")
    assert not lanes._lanes
