"""Decide what becomes of a hint after one try to fetch the truth. Pure."""

import re
from typing import Final

import msgspec
from msgspec import Struct

from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.notification import NotificationState

RETRY_DELAYS_S: Final = (5, 30, 60, 300, 1_800, 7_200, 43_200, 86_400, 259_200)
"""Seconds to wait after the first, second … try that did not settle a hint."""
CREDENTIALS_DELAY_S: Final = 3_600
"""How often to see whether a source without credentials has got some."""
TOKEN_SPARE_MS: Final = 60_000
"""So long before its end an access token is used no more."""
_JITTER: Final = 0.1
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}")


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


class Token(Struct, frozen=True):
    """An access token, and until when it may be used; 0 means once."""

    text: str
    ends_at_ms: int

    def __repr__(self) -> str:
        """Say when it ends, never what it is."""
        return f"Token(ends_at_ms={self.ends_at_ms})"


class _LoginAnswer(Struct):
    access_token: str
    expires_in: int | None = None
    expires_at: int | None = None


_LOGIN_ANSWER: Final = msgspec.json.Decoder(_LoginAnswer, strict=False)  # some write the seconds as a text


def read_token(body: bytes, now_ms: int) -> Token | None:
    """The token in a login's answer, used until a minute before its end; None where there is none."""
    try:
        answer = _LOGIN_ANSWER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    if not _TOKEN.fullmatch(answer.access_token):
        return None
    lasts_ms = None if answer.expires_in is None else now_ms + answer.expires_in * 1000
    ends_at_ms = lasts_ms or (answer.expires_at or 0) * 1000
    return Token(answer.access_token, max(0, ends_at_ms - TOKEN_SPARE_MS))


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
