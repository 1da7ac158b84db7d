"""Decide what to keep of a request. Pure."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from paybell.model.notification import Hint, NotificationState, RefusalReason, Refused, Request, Verdict
from paybell.model.source import Source
from paybell.model.text import storable_key
from paybell.ports import Gateway

_MASKED: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization", b"x-callback-token", b"verif-hash"})
_HEADERS_MAX: Final = 64
_HEADER_BYTES_MAX: Final = 1024


def judge(request: Request, source: Source, gateway: Gateway, now_ms: int) -> Verdict:
    """Believe, take as a hint, or refuse; what the gateway does not decide is decided here."""
    if not source.enabled:
        return Refused(RefusalReason.SOURCE_DISABLED, f"the source {source.uid} is switched off")
    verdict = gateway.verify(request, source, now_ms)
    if isinstance(verdict, Refused):
        return verdict
    return replace(verdict, dedupe_key=storable_key(verdict.dedupe_key))


def state_for(verdict: Verdict) -> NotificationState:
    """Where a believed request starts."""
    return NotificationState.NEEDS_FETCH if isinstance(verdict, Hint) else NotificationState.PENDING


def kept_headers(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Headers to store: credentials masked, the rest as received, at most 64 of at most 1 KiB each."""
    return tuple(
        [
            (str(name, "latin-1"), "(masked)" if name in _MASKED else str(value[:_HEADER_BYTES_MAX], "latin-1"))
            for name, value in headers[:_HEADERS_MAX]
        ]
    )
