"""Which payloads a filter lets through."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.errors import ConfigurationError
from paybell.route.filters import Payload, check_filter, lets_through
from paybell.route.truth import EFFORT_MAX

PAYMENT = json.dumps(
    {
        "event": "payment.completed",
        "data": {
            "amount": 100.5,
            "currency": "EUR",
            "livemode": True,
            "customer": None,
            "tags": ["new", "gold"],
            "items": [{"sku": "a", "count": 1}, {"sku": "b", "count": 3}, {}],
            "none": [],
        },
    }
)
"""What the tests filter."""


def passes(wanted: object, payload: str | bytes = PAYMENT) -> bool:
    text = wanted if isinstance(wanted, str) else json.dumps(wanted)
    return lets_through(text, Payload(payload.encode() if isinstance(payload, str) else payload))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"event": "payment.completed"}, True),
        ({"event": "payment.failed"}, False),
        ({"data": {"currency": "EUR"}}, True),
        ({"data.currency": "EUR", "data.livemode": False}, False),
        ({"data.currency": {"$eq": "EUR"}}, True),
        ({"data.currency": {"$neq": "EUR"}}, False),
        ({"data.currency": {"$neq": "USD"}}, True),
        ({"data.currency": {"$in": ["USD", "EUR"]}}, True),
        ({"data.currency": {"$nin": ["USD", "EUR"]}}, False),
        ({"data.currency": {"$nin": ["USD"]}}, True),
        ({"data.amount": {"$gt": 100, "$lte": 100.5}}, True),
        ({"data.amount": {"$gt": 100.5}}, False),
        ({"data.amount": {"$gte": 100.50}}, True),
        ({"data.amount": {"$lt": 100.5}}, False),
        ({"event": {"$gte": "payment", "$lt": "payment/"}}, True),
        ({"event": {"$regex": "^payment\\.(completed|failed)$"}}, True),
        ({"event": {"$regex": "completed"}}, True),
        ({"event": {"$regex": "^completed"}}, False),
        ({"data.customer": None}, True),
        ({"data.customer": {"$exist": True}}, True),
        ({"data.customer": {"$exist": False}}, False),
        ({"data.order": {"$exist": False}}, True),
        ({"data.order": {"$exist": True}}, False),
        ({"$or": [{"data.currency": "USD"}, {"data.amount": {"$gt": 100}}]}, True),
        ({"$or": [{"data.currency": "USD"}, {"data.amount": {"$gt": 200}}]}, False),
        ({"$and": [{"data.currency": "EUR"}, {"data.amount": {"$gt": 200}}]}, False),
        ({"$not": {"data.currency": "USD"}}, True),
        ({"$not": {"data.currency": "EUR"}}, False),
        ({"data.amount": {"$or": [{"$lt": 1}, {"$gt": 100}]}}, True),
        ({"data.amount": {"$not": {"$gt": 100}}}, False),
        ({"data": {"$or": [{"currency": "EUR"}, {"amount": 1}]}}, True),
    ],
)
def test_what_each_operator_lets_through(wanted: object, *, expected: bool) -> None:
    assert passes(wanted) is expected


@pytest.mark.parametrize(
    "condition",
    [
        "a",
        None,
        {"$eq": None},
        {"$neq": "a"},
        {"$in": ["a"]},
        {"$nin": ["a"]},
        {"$gt": 1},
        {"$lte": "z"},
        {"$regex": ""},
        {"$not": {"$eq": "a"}},
        {"$not": {"$not": {"$neq": "a"}}},
        {"$or": [{"$eq": "a"}, {"$neq": "a"}]},
        {"deeper": {"$neq": "a"}},
    ],
)
def test_a_missing_field_never_matches(condition: object) -> None:
    for path in ("missing", "data.missing", "event.missing", "data.none.sku", "data.tags.sku"):
        assert not passes({path: condition})
        assert not passes({"$not": {path: condition}})
        assert not passes({"$or": [{path: condition}, {"$not": {path: condition}}]})
        assert passes({"$or": [{path: condition}, {"event": {"$exist": True}}]})


def test_what_is_certain_without_the_missing_field_holds() -> None:
    assert passes({"$not": {"missing": 1, "event": "payment.failed"}})
    assert not passes({"$not": {"missing": 1, "event": "payment.completed"}})


@pytest.mark.parametrize(
    ("wanted", "value", "expected"),
    [
        (1, '"1"', False),
        (1, "true", False),
        ("1", "1", False),
        (1, "1.0", True),
        (0, "-0.0", True),
        (100, "1e2", True),
        (12345678901234567890, "12345678901234567890.0", True),
        (12345678901234567890, "12345678901234567891", False),
        ({"$lt": 1}, "0.9999999999999999999999", True),
        ({"$eq": 1}, "0.9999999999999999999999", False),
        ({"$gt": 0}, "1e-400", True),
        ({"$gt": 1}, "1e400", True),
        ({"$neq": 1}, '"1"', True),
        ({"$gt": 1}, '"2"', False),
        ({"$not": {"$gt": 1}}, '"2"', False),
        ({"$gt": "1"}, "2", False),
        ({"$gt": 0}, "true", False),
        ({"$regex": "1"}, "1", False),
        ({"$not": {"$regex": "1"}}, "2", False),
        ([1, 2], "[1.0, 2]", True),
        ([1, 2], "[1, 2, 3]", False),
        ([1], "[true]", False),
        ({"$eq": {"b": [1], "c": "d"}}, '{"c": "d", "b": [1.0]}', True),
        ({"$eq": {"b": 1}}, '{"b": 1, "c": 1}', False),
        ({"$eq": {}}, "{}", True),
        ({"$in": [None, "a"]}, "null", True),
    ],
)
def test_values_are_compared_exactly_and_never_across_types(wanted: object, value: str, *, expected: bool) -> None:
    assert passes({"a": wanted}, f'{{"a": {value}}}') is expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"data.tags": "gold"}, True),
        ({"data.tags": "silver"}, False),
        ({"data.tags": {"$neq": "gold"}}, False),
        ({"data.tags": {"$neq": "silver"}}, True),
        ({"data.tags": {"$nin": ["silver", "gold"]}}, False),
        ({"data.tags": {"$regex": "^g"}}, True),
        ({"data.tags": ["new", "gold"]}, True),
        ({"data.items.sku": "b"}, True),
        ({"data.items.sku": {"$neq": "b"}}, False),
        ({"data.items": {"count": {"$gt": 2}}}, True),
        ({"data.items.count": {"$not": {"$gt": 2}}}, False),
        ({"data.items.sku": {"$exist": True}}, True),
        ({"data.none": {"$exist": True}}, True),
        ({"data.none": {"$neq": "a"}}, True),
        ({"data.none": []}, True),
    ],
)
def test_a_list_stands_for_its_elements(wanted: object, *, expected: bool) -> None:
    assert passes(wanted) is expected


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("[1]", "JSON object"),
        ("1", "JSON object"),
        ("{", "JSON object"),
        ('{"a": "\ud800"}', "JSON object"),
        ({}, "says nothing"),
        ({"a": {}}, "a says nothing"),
        ({"$eq": 1}, "within a field"),
        ({"$near": 1}, "within a field"),
        ({"a": {"$near": 1}}, "a.$near is none of $eq, $neq"),
        ({"a.": 1}, "no path"),
        ({"": 1}, "no path"),
        ({"$or": []}, "list of 1 to 100 objects"),
        ({"$or": {"a": 1}}, "list of 1 to 100 objects"),
        ({"$or": [1]}, "takes objects"),
        ({"a": {"$not": 1}}, "takes objects"),
        ({"a": {"$in": "b"}}, "a.$in takes a list"),
        ({"a": {"$nin": []}}, "list of 1 to 100 values"),
        ({"a": {"$in": list(range(101))}}, "list of 1 to 100 values"),
        ({"a": {"$gt": None}}, "a number or a string"),
        ({"a": {"$gt": True}}, "a number or a string"),
        ({"a": {"$exist": 1}}, "true or false"),
        ({"a": {"$regex": 1}}, "a string"),
        ({"a": {"$regex": "("}}, "RE2's syntax: missing )"),
        ({"a": {"$regex": "(?=a)"}}, "RE2's syntax"),
        ({"a": {"$regex": "(a)\\1"}}, "RE2's syntax"),
        ({"a": {"$regex": "a{900}"}}, "smaller repetitions"),
        ({"a": {"$regex": "((a{100}){100}){100}"}}, "RE2's syntax"),
        ({"a": {"$regex": "a" * 257}}, "more than 256"),
        ({"$and": [{"a": {"$regex": "b"}}] * 5}, "at most 4 patterns"),
        ({"$and": [{"a": 1}] * 51}, "at most 50 conditions"),
        ({"a": "b" * 8192}, "at most 8192 characters"),
        ('{"a":' * 11 + "1" + "}" * 11, "deeper than 10"),
        ('{"$not":' * 11 + '{"a": 1}' + "}" * 11, "deeper than 10"),
        ('{"a":' * 1365 + "1" + "}" * 1365, "deeper than 10"),
        ('{"a": 1e999999999999999999999}', "JSON object"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(wanted: object, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_filter(wanted if isinstance(wanted, str) else json.dumps(wanted))
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 400


def test_no_filter_lets_everything_through_and_is_never_read() -> None:
    check_filter("")
    assert passes("", b"no JSON")


@pytest.mark.parametrize(
    "payload",
    [b"[" * 100_000 + b"]" * 100_000, b"no JSON", b'{"a": 1e999999999999999999999}', b'{"a": "b"'],
    ids=range(4),
)
def test_what_cannot_be_read_is_let_through(payload: bytes) -> None:
    assert passes({"a": "c"}, payload)


@pytest.mark.parametrize(
    ("wanted", "payload"),
    [
        ({"a": {"$regex": "(a+)+$"}}, {"a": "a" * 1_000_000 + "!"}),
        ({"a": {"$regex": "(a{1,20}){1,20}b"}}, {"a": "a" * 1_000_000}),
        ({"a": {"$in": list(range(100))}}, {"a": ["b"] * 200_000}),
        ({"a.b.c": 1}, {"a": [{"b": [{}] * 1_000}] * 200}),
    ],
)
def test_what_would_take_too_long_is_let_through(wanted: object, payload: object) -> None:
    assert passes(wanted, json.dumps(payload))


def test_a_pattern_that_makes_others_backtrack_is_judged_where_there_is_time_for_its_worst() -> None:
    text = "a" * 20_000
    assert len(text) * 20 < EFFORT_MAX
    assert not passes({"a": {"$regex": "(a+)+$"}}, json.dumps({"a": text + "!"}))
    assert passes({"a": {"$regex": "(a+)+$"}}, json.dumps({"a": text}))


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "1"]) | st.sampled_from([0.5, 1.0])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
LEAVES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"$eq": VALUES}),
    st.fixed_dictionaries({"$neq": VALUES}),
    st.fixed_dictionaries({"$in": st.lists(VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"$nin": st.lists(VALUES, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"$gte": st.integers(-3, 3)}),
    st.fixed_dictionaries({"$lt": st.sampled_from(["", "a", "b"])}),
    st.fixed_dictionaries({"$exist": st.booleans()}),
)
AT_PATHS = st.dictionaries(st.sampled_from(["a", "b", "a.b", "b.a"]), LEAVES, min_size=1, max_size=2)
FILTERS = st.recursive(
    AT_PATHS,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"$and": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$or": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"$not": inner}),
    ),
    max_leaves=4,
)
PAYLOADS = st.dictionaries(st.sampled_from("ab"), VALUES, max_size=2)


@given(FILTERS, PAYLOADS)
def test_never_a_filter_and_its_opposite(wanted: dict[str, Any], payload: dict[str, Any]) -> None:
    text = json.dumps(payload)
    assert not (passes(wanted, text) and passes({"$not": wanted}, text))
    assert passes(wanted, text) is passes({"$not": {"$not": wanted}}, text)


@given(FILTERS, FILTERS, PAYLOADS)
def test_and_or_and_not_agree(one: dict[str, Any], other: dict[str, Any], payload: dict[str, Any]) -> None:
    text = json.dumps(payload)
    assert passes({"$and": [one, other]}, text) is (passes(one, text) and passes(other, text))
    assert passes({"$or": [one, other]}, text) is (passes(one, text) or passes(other, text))
    neither = {"$and": [{"$not": one}, {"$not": other}]}
    assert passes({"$not": {"$or": [one, other]}}, text) is passes(neither, text)


@given(st.one_of(VALUES, FILTERS, st.dictionaries(st.text(max_size=4), VALUES | FILTERS, max_size=3)))
def test_anything_is_a_filter_or_is_refused(wanted: object) -> None:
    def refused(job: Callable[[], None]) -> bool:
        try:
            job()
        except ConfigurationError:
            return True
        return False

    text = json.dumps(wanted)
    assert refused(lambda: check_filter(text)) or passes(text) in {True, False}
