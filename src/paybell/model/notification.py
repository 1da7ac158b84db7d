"""A notification: one webhook request as it came, and what became of it."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Request(Struct, frozen=True):
    """A webhook request as received: raw bytes, nothing decoded.

    ``headers`` are (lower-case name, value) pairs of latin-1 bytes in the order received; a name may repeat.
    ``token`` is what followed the source in the path, '' when nothing did; ``query`` what followed the question mark.
    """

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    token: str = ""
    query: str = ""

    def header(self, name: bytes) -> bytes | None:
        """The first value under that lower-case name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None


class RefusalReason(StrEnum):
    """Why a request was not believed; for the operator only, the caller always sees the same 401."""

    HEADER_MISSING = "header_missing"
    MALFORMED_SIGNATURE = "malformed_signature"
    SIGNATURE_MISMATCH = "signature_mismatch"
    TIMESTAMP_MALFORMED = "timestamp_malformed"
    TIMESTAMP_TOO_OLD = "timestamp_too_old"
    TIMESTAMP_IN_FUTURE = "timestamp_in_future"
    TOKEN_MISMATCH = "token_mismatch"  # noqa: S105 - a reason's name
    NO_SECRET = "no_secret"  # noqa: S105 - a reason's name
    SOURCE_DISABLED = "source_disabled"
    LIVEMODE_MISMATCH = "livemode_mismatch"
    CONTENT_ENCODING = "content_encoding"


class Verified(Struct, frozen=True):
    """The bytes are the gateway's own. ``dedupe_key`` comes from signed bytes only (at most 255 characters)."""

    dedupe_key: str


class Hint(Struct, frozen=True):
    """Somebody who knows the URL says that something happened; the truth must be fetched."""

    dedupe_key: str


class Refused(Struct, frozen=True):
    """Not believed, with the reason and, in words for the operator, what to look at."""

    reason: RefusalReason
    detail: str = ""


class Item(Struct, frozen=True):
    """One event of a request: its bytes as they stood there, and whether it is to be believed."""

    dedupe_key: str
    body: bytes
    hint: bool = False


class Batch(Struct, frozen=True):
    """The request is the gateway's own and carries several events, each stored as a notification."""

    items: tuple[Item, ...]


Verdict = Verified | Hint | Batch | Refused


class Answer(Struct, frozen=True):
    """What the gateway wants to hear once its notification is on stable storage."""

    body: bytes = b'{"received":true}'
    content_type: bytes = b"application/json"
    status_code: int = 200


class Origin(StrEnum):
    """How a notification came in."""

    WEBHOOK = "webhook"
    POLL = "poll"


class NotificationState(StrEnum):
    """What became of a notification; see :data:`TRANSITIONS`."""

    PENDING = "pending"
    RECORDED = "recorded"
    UNMAPPED = "unmapped"
    PARKED = "parked"
    NEEDS_FETCH = "needs_fetch"
    FETCHED = "fetched"


TRANSITIONS: Final[dict[NotificationState, frozenset[NotificationState]]] = {
    NotificationState.PENDING: frozenset(
        {NotificationState.RECORDED, NotificationState.UNMAPPED, NotificationState.PARKED}
    ),
    NotificationState.NEEDS_FETCH: frozenset({NotificationState.FETCHED, NotificationState.PARKED}),
    NotificationState.RECORDED: frozenset({NotificationState.PENDING}),
    NotificationState.UNMAPPED: frozenset({NotificationState.PENDING}),
    NotificationState.PARKED: frozenset({NotificationState.PENDING, NotificationState.NEEDS_FETCH}),
    NotificationState.FETCHED: frozenset({NotificationState.NEEDS_FETCH}),
}
"""Replay takes a notification back to ``pending`` (a hint to ``needs_fetch``); all else goes forward."""


class Notification(Struct, frozen=True, kw_only=True):
    """One webhook request (or poll answer) as stored; never altered.

    ``headers`` are kept as received, with credentials masked. ``hint`` is true where the body is not believed.
    """

    id: str
    source_id: str
    organisation_id: str
    dedupe_key: str
    origin: Origin
    hint: bool
    received_at_ms: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


ERASED_HEADER: Final = "paybell-erased"
"""The header of a notification whose personal data was taken out: what its body says now is not all that it said."""


def is_erased(it: Notification) -> bool:
    """Whether personal data was taken out of it."""
    return any(name == ERASED_HEADER for name, _ in it.headers)


class NotificationStatus(Struct, frozen=True, kw_only=True):
    """What became of it: state, the reason in words, the gateway's event name, when it is due again."""

    state: NotificationState
    reason: str = ""
    event: str = ""
    attempt_count: int = 0
    due_at_ms: int | None = None
    finished_at_ms: int | None = None


class Refusal(Struct, frozen=True, kw_only=True):
    """A sample of a refused request, kept for the operator (capped per source)."""

    id: str
    source_id: str
    organisation_id: str
    refused_at_ms: int
    reason: RefusalReason
    detail: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
