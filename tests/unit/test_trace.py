"""Traces of messages and spans of attempts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.clock import SystemClock
from paybell.model.trace import trace_in, traceparent_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
VALID = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]")


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        (f"00-{TRACE}-{SPAN}-01", f"{TRACE}-01"),
        (f"00-{TRACE}-{SPAN}-00", f"{TRACE}-00"),
        (f"00-{TRACE}-{SPAN}-ff", f"{TRACE}-01"),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", f"{TRACE}-01"),
        (f"cc-{TRACE}-{SPAN}-01", f"{TRACE}-01"),
        (f"00-{TRACE}-{SPAN}-01-more", ""),
        (f"cc-{TRACE}-{SPAN}-01.more", ""),
        (f"ff-{TRACE}-{SPAN}-01", ""),
        (f"00-{'0' * 32}-{SPAN}-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"00-{TRACE.upper()}-{SPAN}-01", ""),
        (f"00-{TRACE[1:]}-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}-1", ""),
        (f" 00-{TRACE}-{SPAN}-01", ""),
        (f"00-{TRACE}-{SPAN}-01\n", ""),
        ("", ""),
    ],
)
def test_a_senders_trace_is_kept_where_its_header_is_valid(header: str, kept: str) -> None:
    assert trace_in(header) == kept


@given(st.text())
def test_any_header_at_all_is_a_trace_or_none(header: str) -> None:
    assert trace_in(header) == ""


def test_each_attempt_is_a_span_of_its_own_in_the_messages_trace() -> None:
    clock = SystemClock()
    message_id, deliveries = clock.new_id("msg"), [clock.new_id("dlv") for _ in range(3)]
    told = [traceparent_of(message_id, "", delivery, number) for delivery in deliveries for number in range(1, 11)]
    assert len(set(told)) == 30
    assert {it.split("-")[1] for it in told} == {message_id.removeprefix("msg_")}
    assert all(VALID.fullmatch(it) for it in told)


def test_a_senders_trace_goes_on() -> None:
    told = traceparent_of("msg_" + "1" * 32, f"{TRACE}-01", "dlv_" + "2" * 32, 3)
    assert told == f"00-{TRACE}-{'2' * 15}5-01"


def test_no_span_is_zero() -> None:
    assert VALID.fullmatch(traceparent_of("msg_" + "1" * 32, "", "dlv_" + "f" * 32, 1))
