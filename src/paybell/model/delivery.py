"""Deliveries and attempts: one message for one endpoint, and each try."""

from enum import StrEnum
from typing import Final, assert_never

from msgspec import Struct


class DeliveryState(StrEnum):
    """Where a delivery stands; see :data:`TRANSITIONS`."""

    DUE = "due"
    LEASED = "leased"
    DELIVERED = "delivered"
    DEAD = "dead"


TRANSITIONS: Final[dict[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.DUE: frozenset({DeliveryState.LEASED, DeliveryState.DEAD}),
    DeliveryState.LEASED: frozenset({DeliveryState.DELIVERED, DeliveryState.DUE, DeliveryState.DEAD}),
    DeliveryState.DELIVERED: frozenset({DeliveryState.DUE}),
    DeliveryState.DEAD: frozenset({DeliveryState.DUE}),
}
"""A delivered or dead one becomes due again only when somebody has it sent once more."""


BEHIND_MS: Final = 253_402_300_799_000
"""When one falls due that waits for earlier ones of its line: at the end of the year 9999, unless they end before."""


class DeadReason(StrEnum):
    """Why nothing more is tried of a dead letter."""

    EXHAUSTED = "exhausted"
    GONE = "gone"
    ENDPOINT_DISABLED = "endpoint_disabled"
    ENDPOINT_DELETED = "endpoint_deleted"
    EXPUNGED = "expunged"


DEAD_REASONS: Final[dict[DeadReason, str]] = {
    DeadReason.EXHAUSTED: "the last try of its schedule failed",
    DeadReason.GONE: "the endpoint answered 410",
    DeadReason.ENDPOINT_DISABLED: "it fell due while the endpoint was disabled",
    DeadReason.ENDPOINT_DELETED: "the endpoint was deleted",
    DeadReason.EXPUNGED: "the message's payload was taken away",
}


class Standing(StrEnum):
    """How a delivery stands, in Svix's words: ``sending`` is tried and not over."""

    SUCCESS = "success"
    PENDING = "pending"
    FAIL = "fail"
    SENDING = "sending"


def standing_of(state: DeliveryState, *, tried: bool) -> Standing:
    """What to call a delivery's state; the SQL of ``message_page_of_endpoint`` says the same."""
    match state:
        case DeliveryState.DELIVERED:
            return Standing.SUCCESS
        case DeliveryState.DEAD:
            return Standing.FAIL
        case DeliveryState.LEASED:
            return Standing.SENDING
        case DeliveryState.DUE:
            return Standing.SENDING if tried else Standing.PENDING
        case _:
            assert_never(state)


class DeliveryJob(Struct, frozen=True, kw_only=True):
    """A leased delivery with all that is needed to send it.

    ``lease_no`` is the fencing number: an attempt is recorded only while it is still the delivery's own.
    ``attempt_count`` counts the tries already made.
    """

    id: str
    message_id: str
    endpoint_id: str
    application_id: str
    organisation_id: str
    event_type: str
    payload: bytes
    told_at_ms: int
    """When the message was made."""
    trace: str
    """The trace that the message was posted in; '' where it begins one."""
    attempt_count: int
    lease_no: int
    lease_ends_at_ms: int
    due_at_ms: int
    order_key: str = ""
    """Its line at its endpoint: it waits for those before it. '' for one that waits for nobody."""
    resent_at_count: int | None = None
    """How many tries had been made when somebody last had it sent once more; None for never."""

    @property
    def scheduled_count(self) -> int:
        """The tries made on its schedule, which begins anew when it is sent once more."""
        return self.attempt_count - (self.resent_at_count or 0)


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as stored. ``due_at_ms`` is None when nothing more will be tried, or not before others have ended.

    ``dead_reason`` is None unless it is dead (or died by a node of an older Paybell during an upgrade).
    """

    id: str
    message_id: str
    endpoint_id: str
    application_id: str
    organisation_id: str
    event_type: str
    state: DeliveryState
    attempt_count: int
    due_at_ms: int | None
    created_at_ms: int
    finished_at_ms: int | None
    last_error: str
    dead_reason: DeadReason | None


class Answered(Struct, frozen=True, kw_only=True):
    """The endpoint answered. ``body`` is cut at the limit; ``retry_after_s`` is None where it did not ask."""

    status_code: int
    body: bytes = b""
    retry_after_s: float | None = None


class Failed(Struct, frozen=True, kw_only=True):
    """No answer, with a ``reason`` in words.

    ``phase`` is transform, resolve, guard, connect, tls, send, answer, deadline or call.
    """

    phase: str
    reason: str


Outcome = Answered | Failed


class Canceled(Struct, frozen=True, kw_only=True):
    """Nothing was to be sent, for this ``reason``; so the delivery is done."""

    reason: str


class Attempt(Struct, frozen=True, kw_only=True):
    """One try: what came back, and how long it took. ``status_code`` is 0 where there was no answer.

    Delivered without an answer is canceled: nothing was to be sent.
    """

    id: str
    delivery_id: str
    message_id: str
    endpoint_id: str
    application_id: str
    organisation_id: str
    attempt_no: int
    delivered: bool
    status_code: int
    response: str
    error: str
    url: str
    started_at_ms: int
    duration_ms: int
    manual: bool = False
    """Whether somebody had the message sent once more; the store finds it in the delivery."""

    @property
    def canceled(self) -> bool:
        """Whether nothing was sent, and nothing was to be."""
        return self.delivered and not self.status_code
