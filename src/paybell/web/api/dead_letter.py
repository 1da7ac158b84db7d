"""Dead letters: deliveries of which nothing more is tried, and why."""

from typing import Annotated, Final

from fastapi import Depends, Query
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from paybell.model.delivery import DEAD_REASONS, DeadReason
from paybell.ports import PageQuery
from paybell.web.api.application import AppPath, application_of
from paybell.web.api.attempt import DeliveryOut, endpoint_id_of, show_delivery
from paybell.web.api.caller import Caller, Calling, EventTypes, Filter, Paging, Span, Spanning, keyed_router
from paybell.web.api.shapes import PageOut, Shape, page_out

router = keyed_router("dead-letter")

_COUNT_MAX: Final = 100_000
REASONS: Final = "; ".join(f"{reason}: {why}" for reason, why in DEAD_REASONS.items())
"""Each reason and what it says, for the document."""


class DeadLetterCountOut(Shape):
    """How many there are, counted up to 100,000."""

    total: int
    by_reason: dict[DeadReason, int]
    complete: Annotated[bool, Field(description="False where there are more than were counted.")]


class Wanted(Struct, frozen=True, kw_only=True):
    """Which dead letters are asked for."""

    endpoint: str
    reason: str
    event_types: str
    span: Span

    async def of(self, caller: Caller, app: str, query: PageQuery) -> PageQuery:
        """The page of those of an application."""
        application = await application_of(caller, app)
        filters = {
            "application_id": application.id,
            "endpoint_id": await endpoint_id_of(caller, application, self.endpoint),
            "reason": self.reason,
            "event_types": self.event_types,
        }
        return self.span.of(replace(query, filters=filters), "dlv")


async def _wanted(
    span: Spanning,
    reason: Annotated[DeadReason | None, Query(description=REASONS)] = None,
    event_types: EventTypes = None,
    endpoint: Filter = "",
) -> Wanted:
    return Wanted(endpoint=endpoint, reason=reason or "", event_types=",".join(event_types or ()), span=span)


Wish = Annotated[Wanted, Depends(_wanted)]


@router.get("/app/{app}/dead-letter")
async def dead_letter_list(app: AppPath, caller: Calling, paging: Paging, wanted: Wish) -> PageOut[DeliveryOut]:
    """An application's dead letters, newest first, each with its reason."""
    query = await wanted.of(caller, app, paging.query())
    return page_out(await caller.store.dead_letter_page(query), show_delivery)


@router.get("/app/{app}/dead-letter/count")
async def dead_letter_count(app: AppPath, caller: Calling, wanted: Wish) -> DeadLetterCountOut:
    """How many dead letters an application has, for each reason."""
    query = await wanted.of(caller, app, PageQuery(organisation_id=caller.organisation_id))
    it = await caller.store.dead_letter_count(query, count_max=_COUNT_MAX)
    return DeadLetterCountOut(total=it.total, by_reason=dict(it.by_reason), complete=it.complete)
