from paybell.transform.turns import Turns


def turns(active_max: int, *waiting: tuple[str, int]) -> Turns[int]:
    made: Turns[int] = Turns(active_max=active_max)
    for owner, place in waiting:
        made.put(owner, place)
    return made


def test_owners_take_turns_and_each_ones_own_come_in_order() -> None:
    it = turns(2, ("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 5))
    order = []
    for owner in "ababa":
        order.append(it.take())
        it.done(owner)
    assert order == [1, 4, 2, 5, 3]
    assert it.take() is None


def test_one_place_is_left_for_the_others() -> None:
    it = turns(3, ("a", 1), ("a", 2), ("a", 3))
    assert [it.take(), it.take(), it.take()] == [1, 2, None]
    it.put("b", 4)
    assert it.take() == 4
    it.put("c", 5)
    assert it.take() is None
    it.done("a")
    assert it.take() == 3


def test_with_a_single_place_everybody_uses_it() -> None:
    it = turns(1, ("a", 1), ("b", 2))
    assert [it.take(), it.take()] == [1, None]
    it.done("a")
    assert it.take() == 2


def test_who_gave_up_is_not_called() -> None:
    it = turns(1, ("a", 1), ("a", 2), ("b", 3))
    it.drop("a", 1)
    it.drop("b", 3)
    assert it.waiting_count == 1
    assert it.take() == 2
    it.done("a")
    assert it.take() is None
