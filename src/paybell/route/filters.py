"""Which payloads an endpoint's filter lets through. Pure.

A filter is a JSON object over the message's payload: ``{"data.amount": {"$gte": 100}, "data.currency": "EUR"}``.
Decision 21 says what each operator means, and why what is missing lets nothing through.
"""

from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Final

import msgspec
import re2

from paybell.errors import ConfigurationError
from paybell.route.truth import (
    ORDERS,
    Effort,
    Test,
    TooMuchEffort,
    Values,
    equal,
    every,
    exists,
    kind_of,
    matching,
    negation,
    ordered,
    reached,
    some,
)

_CHARS_MAX: Final = 8192
_DEPTH_MAX: Final = 10
_CONDITIONS_MAX: Final = 50
_TOO_DEEP: Final = f"is nested deeper than {_DEPTH_MAX}"
_LIST_MAX: Final = 100
_PATTERNS_MAX: Final = 4
_PATTERN_CHARS_MAX: Final = 256
_PATTERN_SIZE_MAX: Final = 500
"""Instructions of a compiled pattern: RE2's time is linear in the text, by a factor of at most this."""
_PATTERN_BYTES_MAX: Final = 65_536
_CACHED_MAX: Final = 1024

_WANTED: Final = {
    **dict.fromkeys(("$in", "$nin"), f"a list of 1 to {_LIST_MAX} values"),
    **dict.fromkeys(ORDERS, "a number or a string"),
    "$exist": "true or false",
    "$regex": "a string",
}
_OPERATORS: Final = ("$eq", "$neq", *_WANTED, "$or", "$and", "$not")
_UNREADABLE: Final = (msgspec.MsgspecError, ArithmeticError, RecursionError, ValueError)
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class Payload:
    """A message's payload, read when a filter first asks for it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @cached_property
    def values(self) -> Values:
        """The payload with exact numbers, alone; nothing where it cannot be read."""
        try:
            return (_DECODER.decode(self._body),)
        except _UNREADABLE:
            return ()


def lets_through(text: str, payload: Payload) -> bool:
    """Whether a filter lets a payload through; '' is no filter.

    What cannot be judged (a payload nested too deep, or one that the filter would take too long over) is let through:
    whoever receives a message too many can drop it, one too few cannot be had back.
    """
    if not text:
        return True
    try:
        test = _compiled(text)
        return not payload.values or test(payload.values, Effort()) is True
    except (ConfigurationError, RecursionError, TooMuchEffort):
        return True


def check_filter(text: str) -> None:
    """Refuse, with :class:`~paybell.errors.ConfigurationError`, what is no filter."""
    if text:
        _compiled(text)


@lru_cache(maxsize=_CACHED_MAX)
def _compiled(text: str) -> Test:
    if len(text) > _CHARS_MAX:
        raise ConfigurationError(f"a filter has at most {_CHARS_MAX} characters")
    try:
        given = _DECODER.decode(text)
    except RecursionError:
        raise _refused("", _TOO_DEEP) from None
    except _UNREADABLE:
        raise ConfigurationError("a filter is a JSON object") from None
    return _Reader().read(given, "", 1)


class _Reader:
    """Reads one filter, and counts what it is made of."""

    def __init__(self) -> None:
        self._conditions = 0
        self._patterns = 0

    def read(self, given: object, place: str, depth: int) -> Test:
        """The test of what stands at a place; '' is the payload itself."""
        if depth > _DEPTH_MAX:
            raise _refused(place, _TOO_DEEP)
        if not isinstance(given, dict):
            return self._condition("$eq", given, place)
        if not given:
            raise _refused(place, 'says nothing; an empty object is {"$eq": {}}')
        return every([self._entry(name, it, place, depth) for name, it in given.items()])

    def _entry(self, name: str, given: object, place: str, depth: int) -> Test:
        here = f"{place}.{name}" if place else name
        if name in {"$and", "$or"}:
            if not isinstance(given, list) or not 0 < len(given) <= _LIST_MAX:
                raise _refused(here, f"takes a list of 1 to {_LIST_MAX} objects")
            tests = [self._object(it, place, here, depth) for it in given]
            return every(tests) if name == "$and" else some(tests)
        if name == "$not":
            return negation(self._object(given, place, here, depth))
        if name.startswith("$"):
            if not place:
                raise _refused(here, 'stands within a field: {"data.amount": {"$gte": 100}}')
            return self._condition(name, given, here)
        steps = name.split(".")
        if not all(steps):
            raise _refused(here, "is no path: names with dots between them, such as data.amount")
        return reached(steps, self.read(given, here, depth + 1))

    def _object(self, given: object, place: str, here: str, depth: int) -> Test:
        if not isinstance(given, dict):
            raise _refused(here, "takes objects")
        return self.read(given, place, depth + 1)

    def _condition(self, name: str, given: object, here: str) -> Test:
        self._conditions += 1
        if self._conditions > _CONDITIONS_MAX:
            raise _refused(here, f"is one too many: a filter has at most {_CONDITIONS_MAX} conditions")
        if not here:
            raise ConfigurationError("a filter is a JSON object")
        match name, given:
            case "$eq", _:
                return equal([given])
            case "$neq", _:
                return negation(equal([given]))
            case (("$in" | "$nin"), [_, *_]) if len(given) <= _LIST_MAX:
                return equal(given) if name == "$in" else negation(equal(given))
            case (("$gt" | "$gte" | "$lt" | "$lte"), (int() | Decimal() | str())) if kind_of(given) is not bool:
                return ordered(name, given)
            case "$exist", bool():
                return exists(given)
            case "$regex", str():
                return self._pattern(given, here)
            case _:
                wanted = _WANTED.get(name)
                raise _refused(here, f"takes {wanted}" if wanted else f"is none of {', '.join(_OPERATORS)}")

    def _pattern(self, pattern: str, here: str) -> Test:
        self._patterns += 1
        if self._patterns > _PATTERNS_MAX:
            raise _refused(here, f"is one too many: a filter has at most {_PATTERNS_MAX} patterns")
        if len(pattern) > _PATTERN_CHARS_MAX:
            raise _refused(here, f"has more than {_PATTERN_CHARS_MAX} characters")
        options = re2.Options()
        options.log_errors, options.never_capture, options.max_mem = False, True, _PATTERN_BYTES_MAX
        try:
            compiled = re2.compile(pattern, options)
        except re2.error as error:
            reason = error.args[0].decode("utf-8", "replace") if error.args else "it cannot be read"
            raise _refused(here, f"is no regular expression of RE2's syntax: {reason}") from None
        if compiled.programsize > _PATTERN_SIZE_MAX:
            raise _refused(here, "is too large: fewer or smaller repetitions")
        return matching(compiled.search, compiled.programsize)


def _refused(place: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"filter: {place or 'it'} {reason}")
