"""How far back a look for what is due goes: seldom to the beginning, and yet everything is found in the end."""

import pytest

from paybell.store.postgres.reach import LeaseEnds, Reach, Walk

NOW_MS = 1_750_000_000_000
SECOND, MINUTE = 1_000, 60_000


def looked(reach: Reach, at_ms: int, *, first_ms: int | None = None) -> int:
    """Where a look at that time begins."""
    floor_ms = reach.floor_ms(at_ms)
    reach.seen(at_ms, first_ms=first_ms)
    return floor_ms


def walked(walk: Walk, at_ms: int, **first: int) -> dict[str, int]:
    floors = walk.floors(at_ms)
    walk.seen(at_ms, first)
    return floors


@pytest.fixture
def reach() -> Reach:
    """After the first two looks, which both begin at the beginning."""
    made = Reach()
    assert looked(made, NOW_MS - 20 * SECOND) == 0
    assert looked(made, NOW_MS) == 0
    return made


def test_a_look_begins_a_second_before_the_last_one(reach: Reach) -> None:
    assert looked(reach, NOW_MS + 5) == NOW_MS - SECOND
    assert looked(reach, NOW_MS + 10) == NOW_MS + 5 - SECOND


def test_a_look_that_found_more_than_it_took_goes_on_where_it_stopped(reach: Reach) -> None:
    looked(reach, NOW_MS + 5, first_ms=NOW_MS - 40 * MINUTE)
    assert looked(reach, NOW_MS + 6) == NOW_MS - 40 * MINUTE - 1


def test_every_ten_seconds_a_look_goes_a_minute_behind_where_the_last_such_look_ended(reach: Reach) -> None:
    looked(reach, NOW_MS + 10 * SECOND)
    assert looked(reach, NOW_MS + 19 * SECOND) == NOW_MS + 9 * SECOND
    assert looked(reach, NOW_MS + 20 * SECOND) == NOW_MS - SECOND - MINUTE
    assert looked(reach, NOW_MS + 21 * SECOND) == NOW_MS + 19 * SECOND


def test_every_ten_minutes_a_look_begins_at_the_beginning(reach: Reach) -> None:
    for second in range(1, 580):
        assert second < 11 or looked(reach, NOW_MS + second * SECOND) > 0
    assert looked(reach, NOW_MS + 10 * MINUTE) == 0


def test_a_whole_look_that_failed_is_taken_again_later_and_others_go_on_meanwhile(reach: Reach) -> None:
    at_ms = NOW_MS + 10 * MINUTE
    assert reach.floor_ms(at_ms) == 0
    assert looked(reach, at_ms + 1) > 0
    assert looked(reach, at_ms + 9 * SECOND) > 0
    assert looked(reach, at_ms + 10 * SECOND) == 0


def test_a_clock_that_was_set_back_hides_nothing(reach: Reach) -> None:
    earlier_ms = NOW_MS - 60 * MINUTE
    assert looked(reach, earlier_ms) == 0
    assert looked(reach, earlier_ms + 5) < earlier_ms


def test_what_this_process_makes_due_is_seen_by_the_next_look(reach: Reach) -> None:
    reach.lower(NOW_MS - 30 * SECOND)
    assert looked(reach, NOW_MS + 5) < NOW_MS - 30 * SECOND


@pytest.fixture
def walk() -> Walk:
    made = Walk()
    assert walked(made, NOW_MS - 20 * SECOND) == {}
    walked(made, NOW_MS, ep_1=NOW_MS - 40 * MINUTE, ep_2=NOW_MS + MINUTE)
    return made


def test_each_endpoint_is_looked_at_from_its_first_delivery_on(walk: Walk) -> None:
    assert walked(walk, NOW_MS + 5) == {"ep_1": NOW_MS - 40 * MINUTE - 1, "ep_2": NOW_MS - SECOND}


def test_an_endpoint_that_has_nothing_left_is_looked_at_from_the_last_second_on(walk: Walk) -> None:
    walked(walk, NOW_MS + 5, ep_2=NOW_MS + MINUTE)
    assert walked(walk, NOW_MS + 6)["ep_1"] == NOW_MS + 5 - SECOND


def test_every_ten_seconds_each_endpoint_is_looked_at_further_back(walk: Walk) -> None:
    walked(walk, NOW_MS + 11 * SECOND)
    assert walked(walk, NOW_MS + 12 * SECOND)["ep_2"] == NOW_MS + 10 * SECOND
    assert walked(walk, NOW_MS + 22 * SECOND)["ep_2"] == NOW_MS - SECOND - MINUTE


def test_every_ten_minutes_all_endpoints_are_looked_for_anew(walk: Walk) -> None:
    assert walked(walk, NOW_MS + 10 * MINUTE, ep_3=NOW_MS) == {}
    assert walked(walk, NOW_MS + 10 * MINUTE + 5) == {"ep_3": NOW_MS - 1}


def test_a_whole_walk_that_failed_is_taken_again_later_and_others_go_on_meanwhile(walk: Walk) -> None:
    at_ms = NOW_MS + 10 * MINUTE
    assert walk.floors(at_ms) == {}
    assert walked(walk, at_ms + 1).keys() == {"ep_1", "ep_2"}
    assert walked(walk, at_ms + 10 * SECOND) == {}


def test_what_this_process_makes_due_at_an_endpoint_is_seen_by_the_next_look(walk: Walk) -> None:
    walk.lower("ep_2", NOW_MS - MINUTE)
    assert walked(walk, NOW_MS + 5)["ep_2"] == NOW_MS - MINUTE - 1


def test_the_first_lease_is_looked_for_from_where_it_was(walk: Walk) -> None:
    ends = LeaseEnds()
    ends.leased(NOW_MS, NOW_MS + MINUTE)
    ends.seen(NOW_MS, NOW_MS + 30 * SECOND)
    assert ends.floor_ms == NOW_MS + 30 * SECOND - 1


def test_where_nothing_is_leased_the_next_lease_ends_no_sooner_than_one_of_this_process_would() -> None:
    ends = LeaseEnds()
    ends.leased(NOW_MS, NOW_MS + MINUTE)
    ends.seen(NOW_MS + 5, None)
    assert ends.floor_ms == NOW_MS + 5 + MINUTE - SECOND
    ends.leased(NOW_MS + 10, NOW_MS + 10 * SECOND)
    assert ends.floor_ms == NOW_MS + 10 * SECOND - 1
