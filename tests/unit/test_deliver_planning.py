"""Whom to claim of, in which order, and how many."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from paybell.deliver.lanes import LaneLimits, Lanes
from paybell.deliver.planning import Plan, Scene, allot, make_plan
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.ports import EndpointRule
from paybell.testing.builders import delivery, message
from paybell.testing.fake_clock import START_MS

NOW_MS = START_MS
LIMITS = LaneLimits(active_max=64, waiting_max=256)


def rule(application_id: str = "app_1", rate: int = 0, application_rate: int = 0) -> EndpointRule:
    return EndpointRule(application_id=application_id, rate=rate, application_rate=application_rate)


def planned(
    waiting: Mapping[str, int],
    rules: Mapping[str, EndpointRule] | None = None,
    *states: EndpointState,
    lanes: Lanes | None = None,
    limit: int = 200,
    **more: Mapping[str, int],
) -> Plan:
    scene = Scene(
        now_ms=NOW_MS,
        waiting=waiting,
        rules=dict.fromkeys(waiting, rule()) | dict(rules or {}),
        states={it.endpoint_id: it for it in states},
        **{"elsewhere_until_ms": {}, "next_turn_ms": {}, **more},
    )
    return make_plan(scene, lanes or Lanes(LIMITS), limit=limit, endpoint_max=128)


def test_what_is_due_is_claimed_and_the_rest_waits_for_its_time() -> None:
    plan = planned({"ep_1": NOW_MS - 5, "ep_2": NOW_MS, "ep_3": NOW_MS + 7, "": NOW_MS + 9})
    assert (plan.rooms, plan.next_at_ms) == ({"ep_1": 100, "ep_2": 100}, NOW_MS + 7)
    assert (plan.asks({}), plan.probes) == ([], frozenset())


def test_where_only_leases_wait_their_end_is_looked_for() -> None:
    plan = planned({"": NOW_MS + 9})
    assert (plan.rooms, plan.next_at_ms) == ({}, NOW_MS + 9)


def test_applications_take_turns() -> None:
    waiting = {f"ep_{number}": NOW_MS - 1000 + number for number in range(1000)} | {"ep_new": NOW_MS}
    rules = dict.fromkeys(waiting, rule("app_much")) | {"ep_new": rule("app_little")}
    plan = planned(waiting, rules)
    assert list(plan.rooms)[:3] == ["ep_0", "ep_new", "ep_1"]
    assert sum(plan.rooms.values()) == 200


@given(st.dictionaries(st.integers(0, 40), st.integers(0, 5), max_size=40), st.integers(1, 300))
def test_no_more_than_the_limit_is_shared_out_and_all_of_it_where_there_is_enough(
    owners: dict[int, int], limit: int
) -> None:
    waiting = {f"ep_{number}": NOW_MS for number in owners}
    rules = {f"ep_{number}": rule(f"app_{owner}") for number, owner in owners.items()}
    plan = planned(waiting, rules, limit=limit)
    assert sum(plan.rooms.values()) <= limit
    assert len(plan.rooms) >= min(len(waiting), limit // 128 or 1)
    seen = [rules[name].application_id for name in plan.rooms]
    applications = len(set(map(rules.get, waiting)))
    assert len(set(seen[:applications])) == len(seen[:applications])


def test_one_that_is_held_is_left_alone_until_its_time() -> None:
    held = EndpointState(endpoint_id="ep_1", concurrency=4, held_until_ms=NOW_MS + 500)
    plan = planned({"ep_1": NOW_MS, "ep_2": NOW_MS}, None, held)
    assert (list(plan.rooms), plan.next_at_ms) == (["ep_2"], NOW_MS + 500)


def test_of_one_whose_breaker_is_open_one_is_claimed_as_a_probe_when_it_is_time() -> None:
    state = EndpointState(endpoint_id="ep_1", concurrency=8, breaker=Breaker.OPEN, held_until_ms=NOW_MS)
    plan = planned({"ep_1": NOW_MS}, None, state)
    assert (plan.rooms, plan.probes) == ({"ep_1": 1}, frozenset({"ep_1"}))


def test_a_full_lane_is_not_claimed_for() -> None:
    lanes = Lanes(LaneLimits(active_max=1, waiting_max=1))
    lanes.put(delivery(message(1)))
    assert planned({"ep_1": NOW_MS}, lanes=lanes).rooms == {}


def test_what_is_limited_is_claimed_by_turns_and_never_more_than_can_be_sent_at_once() -> None:
    rules = {"ep_1": rule(rate=50), "ep_2": rule(rate=1), "ep_3": rule(rate=5000)}
    plan = planned(dict.fromkeys(rules, NOW_MS), rules)
    asks = plan.asks(rules)
    assert {it.name: (it.count, it.rate) for it in asks} == {"ep_1": (5, 50), "ep_2": (1, 1), "ep_3": (64, 5000)}
    assert allot(plan, asks, frozenset({"ep_1", "ep_3"}), rules) == {"ep_1": 5, "ep_3": 64}
    waits = planned(dict.fromkeys(rules, NOW_MS), rules, next_turn_ms={"ep_1": NOW_MS + 40})
    assert ("ep_1" in waits.rooms, waits.next_at_ms) == (False, NOW_MS + 40)


def test_an_applications_turns_are_shared_by_its_endpoints() -> None:
    rules = {f"ep_{number}": rule("app_1", application_rate=50) for number in range(4)} | {"ep_9": rule("app_2")}
    plan = planned(dict.fromkeys(rules, NOW_MS), rules)
    (ask,) = plan.asks(rules)
    assert (ask.name, ask.count, ask.rate) == ("app_1", 5, 50)
    rooms = allot(plan, [ask], frozenset({"app_1"}), rules)
    assert rooms.pop("ep_9") > 5
    assert sum(rooms.values()) == 5
    assert allot(plan, [ask], frozenset(), rules).keys() == {"ep_9"}


def test_one_that_recovers_is_claimed_at_its_pace_or_its_own_limit_whichever_is_less() -> None:
    state = EndpointState(endpoint_id="ep_1", concurrency=64, recovering_since_ms=NOW_MS - 4000)
    assert planned({"ep_1": NOW_MS}, None, state).rates == {"ep_1": 50}
    assert planned({"ep_1": NOW_MS}, {"ep_1": rule(rate=20)}, state).rates == {"ep_1": 20}


def test_what_only_others_serve_is_left_to_them_for_a_while() -> None:
    plan = planned({"ep_1": NOW_MS}, elsewhere_until_ms={"ep_1": NOW_MS + 60_000})
    assert (plan.rooms, plan.next_at_ms) == ({}, NOW_MS + 60_000)
