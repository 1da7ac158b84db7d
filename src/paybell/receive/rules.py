"""Decide what to keep of a request. Pure."""

from collections.abc import Sequence
from typing import Final, assert_never

from paybell.model.notification import (
    Batch,
    Hint,
    Item,
    NotificationState,
    RefusalReason,
    Refused,
    Request,
    Verdict,
    Verified,
)
from paybell.model.source import Source
from paybell.model.text import storable_key
from paybell.ports import Gateway

MASKED: Final = "(masked)"
"""What stands for a credential in what is kept."""
_MASKED: Final = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
_HEADERS_MAX: Final = 64
_HEADER_BYTES_MAX: Final = 1024


def judge(request: Request, source: Source, gateway: Gateway, now_ms: int) -> tuple[Item, ...] | Refused:
    """What to keep of a request, usually one item; or why it is refused."""
    if not source.enabled:
        return Refused(RefusalReason.SOURCE_DISABLED, f"the source {source.uid} is switched off")
    verdict = gateway.verify(request, source, now_ms)
    return verdict if isinstance(verdict, Refused) else _items(verdict, request.body)


def _items(verdict: Verdict, body: bytes) -> tuple[Item, ...]:
    match verdict:
        case Verified(dedupe_key=key):
            return (Item(storable_key(key), body),)
        case Hint(dedupe_key=key):
            return (Item(storable_key(key), body, hint=True),)
        case Batch(items=items):
            return tuple([Item(storable_key(item.dedupe_key), item.body, item.hint) for item in items])
        case Refused():
            return ()
        case _:
            assert_never(verdict)


def state_for(item: Item) -> NotificationState:
    """Where a believed request starts."""
    return NotificationState.NEEDS_FETCH if item.hint else NotificationState.PENDING


def kept_headers(
    headers: Sequence[tuple[bytes, bytes]], secret_headers: frozenset[bytes]
) -> tuple[tuple[str, str], ...]:
    """Headers to store: credentials masked, the rest as received, at most 64 of at most 1 KiB each."""
    masked = _MASKED | secret_headers if secret_headers else _MASKED
    return tuple(
        [
            (str(name, "latin-1"), MASKED if name in masked else str(value[:_HEADER_BYTES_MAX], "latin-1"))
            for name, value in headers[:_HEADERS_MAX]
        ]
    )
