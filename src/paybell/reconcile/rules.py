"""Decide what becomes of a hint after one try to fetch the truth. Pure."""

from typing import Final

from msgspec import Struct

from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.notification import NotificationState

RETRY_DELAYS_S: Final = (5, 30, 60, 300, 1_800, 7_200, 43_200, 86_400, 259_200)
"""Seconds to wait after the first, second … try that did not settle a hint."""
CREDENTIALS_DELAY_S: Final = 3_600
"""How often to see whether a source without credentials has got some."""
_JITTER: Final = 0.1


class Fate(Struct, frozen=True, kw_only=True):
    """What becomes of a hint; ``due_at_ms`` is its end where it is settled, else when to ask again."""

    state: NotificationState
    reason: str
    due_at_ms: int


def settle(problem: str, *, attempt_count: int, now_ms: int, chance: float) -> Fate:
    """Decide after the ``attempt_count``-th try; ``problem`` is '' when the answer was final."""
    if not problem:
        return Fate(state=NotificationState.FETCHED, reason="", due_at_ms=now_ms)
    if attempt_count > len(RETRY_DELAYS_S):
        reason = f"{problem} (after {attempt_count} tries; replay it to ask again)"
        return Fate(state=NotificationState.PARKED, reason=reason, due_at_ms=now_ms)
    delay_s = RETRY_DELAYS_S[attempt_count - 1] * (1 - _JITTER + 2 * _JITTER * chance)
    return Fate(state=NotificationState.NEEDS_FETCH, reason=problem, due_at_ms=now_ms + int(delay_s * 1000))


def without_credentials(now_ms: int) -> Fate:
    """The hint stays visible and grants nothing until the source can ask."""
    return Fate(
        state=NotificationState.NEEDS_FETCH,
        reason="the source has no API credentials: set them in its options, then replay this notification",
        due_at_ms=now_ms + CREDENTIALS_DELAY_S * 1000,
    )


def problem_with(outcome: Outcome) -> str:
    """Why an API's answer cannot be used, in words; '' when it can."""
    match outcome:
        case Failed(phase=phase, reason=reason):
            return f"the gateway's API could not be asked: {phase}: {reason}"
        case Answered(status_code=200):
            return ""
        case Answered(status_code=401 | 403 as code):
            return f"the gateway's API refused the credentials ({code}): check the source's options"
        case Answered(status_code=code):
            return f"the gateway's API answered {code}"
