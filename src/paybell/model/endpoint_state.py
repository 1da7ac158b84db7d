"""How an endpoint has been doing: what is known of one that is not well. One that is has no state."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Breaker(StrEnum):
    """Whether an endpoint is sent to; see :data:`TRANSITIONS`."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


TRANSITIONS: Final[dict[Breaker, frozenset[Breaker]]] = {
    Breaker.CLOSED: frozenset({Breaker.OPEN}),
    Breaker.OPEN: frozenset({Breaker.HALF_OPEN, Breaker.CLOSED}),
    Breaker.HALF_OPEN: frozenset({Breaker.OPEN, Breaker.CLOSED}),
}
"""An open one closes at once where something that was sent before it opened is taken after all."""


class EndpointState(Struct, frozen=True, kw_only=True):
    """An endpoint that is not well. Times are 0 where there is none.

    Nothing is sent to it before ``held_until_ms``: a pause that it asked for, or the next probe where the breaker is
    not closed. ``concurrency`` is how many are sent to it at once by one process.
    """

    endpoint_id: str
    breaker: Breaker = Breaker.CLOSED
    breaker_since_ms: int = 0
    """Since when it is closed, or was not closed any more: a probe changes nothing of it."""
    failing_since_ms: int = 0
    """Since when every attempt has failed."""
    failure_count: int = 0
    """Failures in a row."""
    probe_count: int = 0
    """Probes that failed since the breaker opened."""
    concurrency: int
    held_until_ms: int = 0
    held_reason: str = ""
    recovering_since_ms: int = 0
    """From when on it is sent to at a rate that grows."""
