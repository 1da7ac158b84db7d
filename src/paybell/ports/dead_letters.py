"""What people ask of the store about dead letters."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from paybell.model.delivery import DeadReason, Delivery
from paybell.ports.paging import Page, PageQuery


class DeadLetterCount(Struct, frozen=True, kw_only=True):
    """How many dead letters there are, and how many of them for each reason."""

    total: int
    by_reason: Mapping[DeadReason, int]
    complete: bool
    """Whether all were counted."""


class DeadLetterStore(Protocol):
    """Dead letters: deliveries of which nothing more is tried.

    Filters: application_id (must be given), endpoint_id, reason, event_types (joined by commas).
    """

    async def dead_letter_page(self, query: PageQuery) -> Page[Delivery]:
        """Newest first, by when they were made."""
        ...

    async def dead_letter_count(self, query: PageQuery, *, count_max: int) -> DeadLetterCount:
        """How many there are between the ids of the query, counted no further than that."""
        ...
