"""What filters are made of: tests of the values that a path reached in a payload. Pure.

A test is true, false or, where nothing was reached or only what it cannot be compared with, neither.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

EFFORT_MAX: Final = 1_000_000
"""Steps of one filter over one payload: some 20 ms at worst. One is an instruction of a pattern on one character."""
_VALUE_STEPS: Final = 8
"""What it takes to look at one value."""

Truth = bool | None
Values = Sequence[object]
"""What a path reached: nothing where the field is missing, several where it went through lists."""


class TooMuchEffort(Exception):
    """A filter would take too long over this payload."""


class Effort:
    """What may still be done for one filter over one payload."""

    def __init__(self) -> None:
        self._left = EFFORT_MAX

    def spend(self, steps: int) -> None:
        """:class:`TooMuchEffort` when there is none left."""
        self._left -= steps
        if self._left < 0:
            raise TooMuchEffort


Test = Callable[[Values, Effort], Truth]

ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def every(tests: Sequence[Test]) -> Test:
    """False if any is, else neither if any is, else true."""

    def test(values: Values, effort: Effort) -> Truth:
        found: Truth = True
        for it in tests:
            truth = it(values, effort)
            if truth is False:
                return False
            found = truth if truth is None else found
        return found

    return test if len(tests) > 1 else tests[0]


def some(tests: Sequence[Test]) -> Test:
    """True if any is, else neither if any is, else false."""
    return negation(every([negation(it) for it in tests]))


def negation(test: Test) -> Test:
    """False if it is true, true if it is false."""

    def negated(values: Values, effort: Effort) -> Truth:
        truth = test(values, effort)
        return None if truth is None else not truth

    return negated


def reached(steps: Sequence[str], test: Test) -> Test:
    """A test of what a path reaches; a list on the way stands for its elements."""

    def follow(values: Values, effort: Effort) -> Truth:
        for name in steps:
            effort.spend(_VALUE_STEPS * _count(values))
            values = [it[name] for it in _elements(values) if isinstance(it, dict) and name in it]
        return test(values, effort)

    return follow


def exists(wanted: bool) -> Test:  # noqa: FBT001 - what the filter says
    """Whether anything was reached, null too; the one test that is never neither."""
    return lambda values, _: bool(values) is wanted


def equal(wanted: Sequence[object]) -> Test:
    """Whether any value is one of these."""

    def judge(value: object, effort: Effort) -> Truth:
        effort.spend(_VALUE_STEPS * len(wanted))
        return any(_same(it, value) for it in wanted)

    return _of_any(judge)


def ordered(name: str, bound: object) -> Test:
    """Whether any value stands so to the bound: numbers by what they are worth, strings by their code points."""
    holds, kind = ORDERS[name], kind_of(bound)
    return _of_any(lambda value, _: holds(value, bound) if kind_of(value) is kind else None)


def matching(search: Callable[[str], object], size: int) -> Test:
    """Whether a pattern of so many instructions is found in any string."""

    def judge(value: object, effort: Effort) -> Truth:
        if not isinstance(value, str):
            return None
        effort.spend(size * len(value))
        return search(value) is not None

    return _of_any(judge)


def kind_of(value: object) -> type:
    """Its JSON type: whole numbers and others are of one, and true is no number."""
    return Decimal if type(value) is int else type(value)


def _of_any(judge: Callable[[object, Effort], Truth]) -> Test:
    """True if it is of any value reached, or of any element where that is a list; false if of one it is."""

    def test(values: Values, effort: Effort) -> Truth:
        effort.spend(_VALUE_STEPS * _count(values))
        return _either(judge(it, effort) for it in _elements(values))

    return test


def _either(truths: Iterable[Truth]) -> Truth:
    found: Truth = None
    for truth in truths:
        if truth:
            return True
        found = found if truth is None else truth
    return found


def _elements(values: Values) -> Iterator[object]:
    """The values, each list followed by its elements."""
    for value in values:
        yield value
        if isinstance(value, list):
            yield from value


def _count(values: Values) -> int:
    return sum(1 + len(it) if isinstance(it, list) else 1 for it in values)


def _same(one: object, other: object) -> bool:
    if kind_of(one) is not kind_of(other):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(it, other[name]) for name, it in one.items())
    return one == other
