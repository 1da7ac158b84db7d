"""Who is dead and who leads is decided by looks without news, so that no clock has a say in it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from paybell.keep.rules import Seen, dead, look, may_lead
from paybell.model.node import Node, Roll

ME = "node_1"


def node(id_: str, beat_no: int) -> Node:
    return Node(id=id_, name="shop", roles=("web",), version="1", started_at_ms=0, figures={}, beat_no=beat_no)


def roll(leader: str = ME, term: int = 1, **beats: int) -> Roll:
    return Roll(nodes=tuple(node(id_, beat_no) for id_, beat_no in beats.items()), leader_id=leader, term=term)


def seen(*rolls: Roll) -> Seen:
    found = Seen()
    for one in rolls:
        found = look(found, one)
    return found


def test_a_node_without_news_for_so_many_looks_is_dead_and_one_with_news_is_not() -> None:
    rolls = [roll(node_1=5, node_2=7, node_3=turn) for turn in range(4)]
    found = dead(seen(*rolls), rolls[-1], ME, after_looks=3)
    assert [it.id for it in found] == ["node_2"]
    assert dead(seen(*rolls[:3]), rolls[2], ME, after_looks=3) == []


def test_news_begins_the_count_anew() -> None:
    rolls = [roll(node_2=7), roll(node_2=7), roll(node_2=7), roll(node_2=8), roll(node_2=8)]
    assert dead(seen(*rolls), rolls[-1], ME, after_looks=3) == []


def test_a_node_that_left_and_came_back_is_seen_for_the_first_time() -> None:
    rolls = [roll(node_2=7), roll(node_2=7), roll(node_2=7), roll(), roll(node_2=7)]
    assert dead(seen(*rolls), rolls[-1], ME, after_looks=1) == []


def test_nobody_thinks_itself_dead() -> None:
    rolls = [roll(node_1=5)] * 9
    assert dead(seen(*rolls), rolls[-1], ME, after_looks=3) == []


def test_the_leader_leads_on() -> None:
    assert may_lead(seen(roll(node_1=1)), roll(node_1=1), ME, after_looks=3)


def test_where_nobody_leads_or_the_leader_has_left_anybody_may() -> None:
    for leader in ("", "node_9"):
        one = roll(leader, node_1=1, node_2=1)
        assert may_lead(seen(one), one, ME, after_looks=3)


def test_a_leader_whose_term_does_not_rise_is_replaced_although_it_beats() -> None:
    rolls = [roll("node_2", term=4, node_1=turn, node_2=turn) for turn in range(4)]
    assert not may_lead(seen(*rolls[:3]), rolls[2], ME, after_looks=3)
    assert may_lead(seen(*rolls), rolls[-1], ME, after_looks=3)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(1, 6))
def test_dead_are_exactly_those_whose_last_looks_all_had_the_same_news(beats: list[int], after: int) -> None:
    rolls = [roll(node_2=beat) for beat in beats]
    same = 0
    for before, now in pairwise(beats):
        same = same + 1 if before == now else 0
    assert bool(dead(seen(*rolls), rolls[-1], ME, after_looks=after)) == (same >= after)
