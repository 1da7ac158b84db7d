"""Decide a delivery's fate and its signature. Pure: time and chance are arguments."""

import base64
import binascii
import hmac
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from typing import Final, assert_never

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, DeliveryState, Failed, Outcome

RETRY_DELAYS_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds to wait after the first, second … failed try: ten tries over about 75 hours."""
RETRY_AFTER_MAX_S: Final = 86_400
_JITTER: Final = 0.1
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - the prefix Standard Webhooks gives to secrets
_SECRET_BYTES: Final = range(24, 65)
_ERROR_CHARS_MAX: Final = 500


class Verdict(Struct, frozen=True, kw_only=True):
    """A delivery's next state; ``due_at_ms`` is None when nothing more will be tried."""

    state: DeliveryState
    due_at_ms: int | None = None
    disable_endpoint_reason: str = ""


def judge(outcome: Outcome, *, attempt_count: int, now_ms: int, chance: float) -> Verdict:
    """Decide after the ``attempt_count``-th try (1, 2, …); ``chance`` in [0, 1) is the caller's die."""
    match outcome:
        case Answered(status_code=code) if 200 <= code < 300:  # noqa: PLR2004 - the 2xx class
            return Verdict(state=DeliveryState.DELIVERED)
        case Answered(status_code=410):
            return Verdict(state=DeliveryState.DEAD, disable_endpoint_reason="the endpoint answered 410 Gone")
        case Answered(retry_after_s=wait_s):
            return _retry(attempt_count, now_ms, chance, wait_s or 0)
        case Failed():
            return _retry(attempt_count, now_ms, chance, 0)
        case _:
            assert_never(outcome)


def _retry(attempt_count: int, now_ms: int, chance: float, wait_s: float) -> Verdict:
    if attempt_count > len(RETRY_DELAYS_S):
        return Verdict(state=DeliveryState.DEAD)
    planned_s = RETRY_DELAYS_S[attempt_count - 1] * (1 - _JITTER + 2 * _JITTER * chance)
    delay_s = max(planned_s, min(wait_s, RETRY_AFTER_MAX_S))
    return Verdict(state=DeliveryState.DUE, due_at_ms=now_ms + int(delay_s * 1000))


def sign(message_id: str, timestamp_s: int, body: bytes, secrets: Iterable[str]) -> str:
    """The ``webhook-signature`` of Standard Webhooks v1: HMAC-SHA256 under every secret, space-separated.

    Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp_s, body)
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(signing_key(secret), signed, sha256)).decode() for secret in secrets
    )


@lru_cache(maxsize=4096)
def signing_key(secret: str) -> bytes:
    """The key in ``whsec_`` and base64 (24 to 64 bytes); :class:`~paybell.errors.ConfigurationError` otherwise."""
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ConfigurationError("an endpoint's secret is whsec_ followed by 24 to 64 bytes in base64")
    return key


def check_custom_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse an endpoint's own headers that would pass for ours, with ``ConfigurationError``."""
    for name, _ in headers:
        if name.lower().startswith(("webhook-", "svix-")) or name.lower() == "content-type":
            raise ConfigurationError(f"header {name} is set by Paybell itself; remove it from the endpoint")


def secret_from(key: bytes) -> str:
    """A secret in the form endpoints are told."""
    return _SECRET_PREFIX + base64.b64encode(key).decode()


def error_text(outcome: Outcome) -> str:
    """What went wrong, for people; '' where there was an answer."""
    match outcome:
        case Answered():
            return ""
        case Failed(phase=phase, reason=reason):
            return f"{phase}: {reason}"[:_ERROR_CHARS_MAX]
        case _:
            assert_never(outcome)
