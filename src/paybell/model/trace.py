"""W3C Trace Context: each message is a trace, or part of its sender's, and each attempt a span of it. Pure.

Nothing is kept of a trace that a message begins: its id is in the message's own, and each span's in its delivery's.
Source: https://www.w3.org/TR/trace-context-1/
"""

import re
from typing import Final

_TRACEPARENT: Final = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?"
)
_FIRST_VERSION: Final = "00"
_SAMPLED: Final = 1
_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_SPAN_MAX: Final = 0xFFFF_FFFF_FFFF_FFFF


def trace_in(traceparent: str) -> str:
    """What a message keeps of its sender's trace, its id and whether it is sampled; '' where it is not valid."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or (found[1] == _FIRST_VERSION and found[4]):
        return ""
    return f"{found[2]}-{int(found[3], 16) & _SAMPLED:02x}"


def traceparent_of(message_id: str, trace: str, delivery_id: str, attempt_no: int) -> str:
    """The ``traceparent`` of an attempt: in the sender's trace, else in one that has the digits of the message's id.

    Its span has the last 16 digits of the delivery's id, which are random, plus the number of the attempt.
    """
    span = (int(delivery_id[-_SPAN_DIGITS:], 16) + attempt_no) & _SPAN_MAX or 1
    if not trace:
        return f"00-{message_id[-_TRACE_DIGITS:]}-{span:016x}-00"
    trace_id, _, flags = trace.partition("-")
    return f"00-{trace_id}-{span:016x}-{flags}"
