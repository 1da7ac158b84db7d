"""Decide a delivery's fate. Pure: time and chance are arguments."""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, Canceled, DeadReason, DeliveryState, Failed, Outcome
from paybell.model.endpoint import Endpoint
from paybell.model.operational import ATTEMPT_EXHAUSTED, ATTEMPT_FAILING, ATTEMPT_RECOVERED
from paybell.model.text import readable

RETRY_DELAYS_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds to wait after the first, second … failed try: ten tries over about 75 hours."""
RETRY_AFTER_MAX_S: Final = 86_400
FAILING_COUNT: Final = 4
"""After so many failures of one message its organisation is told, as Svix does."""
_JITTER: Final = 0.1
_ERROR_CHARS_MAX: Final = 500
_RESPONSE_CHARS_MAX: Final = 2048
TRANSFORM: Final = "transform"
"""The phase of a try that is the endpoint's own code."""


class Verdict(Struct, frozen=True, kw_only=True):
    """A delivery's next state; ``due_at_ms`` is None when nothing more will be tried."""

    state: DeliveryState
    dead_reason: DeadReason | None = None
    due_at_ms: int | None = None
    disable_endpoint_reason: str = ""


def judge(
    outcome: Outcome | Canceled,
    *,
    attempt_count: int,
    now_ms: int,
    chance: float,
    delays_s: Sequence[int] = RETRY_DELAYS_S,
) -> Verdict:
    """Decide after the ``attempt_count``-th try (1, 2, …); ``chance`` in [0, 1) is the caller's die.

    ``delays_s`` are the seconds to wait after the first, second … failed try; after the last nothing more is tried.
    """
    match outcome:
        case Answered(status_code=code) if 200 <= code < 300:  # noqa: PLR2004 - the 2xx class
            return Verdict(state=DeliveryState.DELIVERED)
        case Canceled():
            return Verdict(state=DeliveryState.DELIVERED)
        case Answered(status_code=410):
            return Verdict(
                state=DeliveryState.DEAD,
                dead_reason=DeadReason.GONE,
                disable_endpoint_reason="the endpoint answered 410 Gone",
            )
        case Answered(retry_after_s=wait_s):
            return _retry(_planned_s(delays_s, attempt_count, chance), wait_s or 0, now_ms)
        case Failed():
            return _retry(_planned_s(delays_s, attempt_count, chance), 0, now_ms)
        case _:
            assert_never(outcome)


def _planned_s(delays_s: Sequence[int], attempt_count: int, chance: float) -> float | None:
    if attempt_count > len(delays_s):
        return None
    return delays_s[attempt_count - 1] * (1 - _JITTER + 2 * _JITTER * chance)


def _retry(planned_s: float | None, wait_s: float, now_ms: int) -> Verdict:
    if planned_s is None:
        return Verdict(state=DeliveryState.DEAD, dead_reason=DeadReason.EXHAUSTED)
    delay_s = max(planned_s, min(wait_s, RETRY_AFTER_MAX_S))
    return Verdict(state=DeliveryState.DUE, due_at_ms=now_ms + int(delay_s * 1000))


def untried(endpoint: Endpoint | None) -> tuple[DeadReason, str]:
    """Why nothing is tried at an endpoint that is gone, or disabled; the same in words."""
    if endpoint is None:
        return DeadReason.ENDPOINT_DELETED, "the endpoint was deleted"
    return DeadReason.ENDPOINT_DISABLED, f"disabled: {endpoint.disabled_reason}"


def tidings(verdict: Verdict, *, attempt_count: int, attempt_no: int, delays_s: Sequence[int] = RETRY_DELAYS_S) -> str:
    """Which event type an organisation is told of a message after a try; '' for none.

    It is the ``attempt_count``-th on its schedule, and the ``attempt_no``-th of all: that it was delivered after all is
    told (unless the try before was, too) where that it was failing or exhausted may have been.
    """
    told_from = min(FAILING_COUNT, len(delays_s) + 1)
    match verdict.state:
        case DeliveryState.DELIVERED:
            return ATTEMPT_RECOVERED if attempt_no > told_from else ""
        case DeliveryState.DEAD:
            return ATTEMPT_EXHAUSTED
        case _:
            return ATTEMPT_FAILING if attempt_count == FAILING_COUNT else ""


def check_custom_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse an endpoint's own headers that would pass for ours, with ``ConfigurationError``."""
    for name, _ in headers:
        if name.lower().startswith(("webhook-", "svix-")) or name.lower() in {"content-type", "traceparent"}:
            raise ConfigurationError(f"header {name} is set by Paybell itself; remove it from the endpoint")


def loggable(error: str) -> str:
    """An attempt's error for our log: what a transformation says may hold data of the message."""
    return TRANSFORM if error.startswith(f"{TRANSFORM}: ") else error


def answer_of(outcome: Outcome | Canceled) -> tuple[int, str]:
    """The status code (0 for no answer), and the beginning of the body, for people."""
    if not isinstance(outcome, Answered):
        return 0, ""
    return outcome.status_code, readable(outcome.body.decode("utf-8", "replace")[:_RESPONSE_CHARS_MAX])


def error_text(outcome: Outcome | Canceled) -> str:
    """Why there was no answer, for people; '' where there was one."""
    match outcome:
        case Answered():
            return ""
        case Failed(phase=phase, reason=reason):
            return readable(f"{phase}: {reason}"[:_ERROR_CHARS_MAX])
        case Canceled(reason=reason):
            return readable(reason)
        case _:
            assert_never(outcome)
