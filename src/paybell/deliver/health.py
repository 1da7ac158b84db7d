"""Decide how an endpoint is doing after each attempt: how much it is sent at once, when nothing, when a probe. Pure."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from paybell.deliver.rules import RETRY_AFTER_MAX_S
from paybell.model.delivery import Answered, Outcome
from paybell.model.endpoint_state import Breaker, EndpointState

BREAKER_FAILURES: Final = 10
"""Failures in a row that open the breaker."""
PROBE_FIRST_MS: Final = 5_000
PROBE_MAX_MS: Final = 300_000
SLOW_MS: Final = 5_000
"""What takes longer is sent to less at once, although it is taken."""
SLOW_DOWN_CODES: Final = frozenset({429, 502, 503, 504})
PAUSE_FIRST_MS: Final = 1_000
PAUSE_MAX_MS: Final = 60_000
PAUSE_LONG_MS: Final = 10_000
"""After such a pause much may wait: it is sent at a rate that grows."""
PACE_FIRST: Final = 10.0
PACE_GROWTH: Final = 10.0
"""Deliveries a second at first, and by how much more with each second."""
PACE_LAST: Final = 600.0
"""Whoever takes that many has recovered."""
_JITTER: Final = 0.1
_DOUBLINGS_MAX: Final = 10


class Sign(Struct, frozen=True, kw_only=True):
    """What an attempt says of its endpoint. ``chance`` in [0, 1) is the caller's die."""

    endpoint_id: str
    delivered: bool
    outcome: Outcome
    started_at_ms: int
    now_ms: int
    chance: float
    active_max: int
    """How many are sent at once to one that is well."""

    @property
    def is_slow(self) -> bool:
        """Whether it took so long that less should be sent at once."""
        return self.now_ms - self.started_at_ms >= SLOW_MS


def weigh(before: EndpointState | None, sign: Sign) -> EndpointState | None:
    """The endpoint's state after an attempt; None for one that is well."""
    state = before or EndpointState(endpoint_id=sign.endpoint_id, concurrency=sign.active_max)
    after = _took(state, sign) if sign.delivered else _failed(state, sign)
    return None if _is_well(after, sign) else after


def pace(state: EndpointState | None, now_ms: int) -> float:
    """Deliveries a second that it is sent while it recovers; 0 for no limit."""
    if state is None or not state.recovering_since_ms:
        return 0.0
    rate = PACE_FIRST + PACE_GROWTH * max(0, now_ms - state.recovering_since_ms) / 1000
    return rate if rate < PACE_LAST else 0.0


def probing(state: EndpointState, *, now_ms: int, lease_ms: int) -> EndpointState:
    """The state while a probe is sent; should whoever sends it die, another is sent when its lease ends."""
    return replace(state, breaker=Breaker.HALF_OPEN, held_until_ms=now_ms + lease_ms)


def is_held(state: EndpointState | None, now_ms: int) -> bool:
    """Whether nothing is sent to it now."""
    return state is not None and state.held_until_ms > now_ms


def _took(state: EndpointState, sign: Sign) -> EndpointState:
    """It took one: the breaker closes, and little by little it is sent more. A pause it asked for stays."""
    fewer, more = max(1, state.concurrency // 2), min(sign.active_max, state.concurrency + 1)
    after = replace(
        state, failing_since_ms=0, failure_count=0, probe_count=0, concurrency=fewer if sign.is_slow else more
    )
    if state.breaker is Breaker.CLOSED:
        return after
    return replace(
        after,
        breaker=Breaker.CLOSED,
        breaker_since_ms=sign.now_ms,
        concurrency=1,
        held_until_ms=0,
        held_reason="",
        recovering_since_ms=sign.now_ms,
    )


def _failed(state: EndpointState, sign: Sign) -> EndpointState:
    count = state.failure_count + 1
    pause_ms = _pause_ms(sign, count)
    is_probe = state.breaker is Breaker.HALF_OPEN
    opens = is_probe or (state.breaker is Breaker.CLOSED and count >= BREAKER_FAILURES)
    probe_count = state.probe_count + 1 if is_probe else state.probe_count
    after = replace(
        state,
        failing_since_ms=min(state.failing_since_ms or sign.started_at_ms, sign.started_at_ms),
        failure_count=count,
        probe_count=probe_count,
        concurrency=max(1, state.concurrency // 2),
        recovering_since_ms=_recovering_since_ms(state, sign, pause_ms),
    )
    if opens:
        since_ms = state.breaker_since_ms if is_probe else sign.now_ms
        after = replace(after, breaker=Breaker.OPEN, breaker_since_ms=since_ms)
    probe_ms = _varied(min(PROBE_MAX_MS, PROBE_FIRST_MS << min(probe_count, _DOUBLINGS_MAX)), sign) if opens else 0
    until_ms = max(0 if is_probe else state.held_until_ms, sign.now_ms + max(pause_ms, probe_ms))
    if until_ms == state.held_until_ms or not (pause_ms or probe_ms):
        return after
    reason = _asked(sign) if pause_ms > probe_ms else f"{count} attempts in a row have failed"
    return replace(after, held_until_ms=until_ms, held_reason=reason)


def _recovering_since_ms(state: EndpointState, sign: Sign, pause_ms: int) -> int:
    if pause_ms >= PAUSE_LONG_MS:
        return sign.now_ms + pause_ms
    return max(state.recovering_since_ms, sign.now_ms) if state.recovering_since_ms else 0


def _pause_ms(sign: Sign, count: int) -> int:
    """For how long the endpoint wants nothing; 0 where it did not say so."""
    outcome = sign.outcome
    if not isinstance(outcome, Answered) or outcome.status_code not in SLOW_DOWN_CODES:
        return 0
    if outcome.retry_after_s:
        return int(min(outcome.retry_after_s, RETRY_AFTER_MAX_S) * 1000)
    return _varied(min(PAUSE_MAX_MS, PAUSE_FIRST_MS << min(count - 1, _DOUBLINGS_MAX)), sign)


def _asked(sign: Sign) -> str:
    outcome = sign.outcome
    if not isinstance(outcome, Answered):
        return ""
    wait = f", Retry-After {outcome.retry_after_s:.0f} s" if outcome.retry_after_s else ""
    return f"it answered {outcome.status_code}{wait}"


def _varied(wait_ms: int, sign: Sign) -> int:
    return int(wait_ms * (1 - _JITTER + 2 * _JITTER * sign.chance))


def _is_well(state: EndpointState, sign: Sign) -> bool:
    return (
        state.breaker is Breaker.CLOSED
        and not state.failing_since_ms
        and state.concurrency >= sign.active_max
        and state.held_until_ms <= sign.now_ms
        and not pace(state, sign.now_ms)
    )


class Weighing:
    """Weighs an attempt in the transaction that records it, and remembers what came of it."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign
        self.after: EndpointState | None = None

    def __call__(self, before: EndpointState | None) -> EndpointState | None:
        """See :func:`weigh`."""
        self.after = weigh(before, self._sign)
        return self.after
