"""How an endpoint is doing: what it is spared, since when, and why."""

from typing import Annotated, Final

from pydantic import Field

from paybell.clock import Clock
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.web.api.application import AppPath
from paybell.web.api.caller import Calling, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of
from paybell.web.api.shapes import Shape, Time, when_or_none

router = keyed_router("endpoint")

_WAITING_MAX: Final = 10_000


class EndpointStateOut(Shape):
    """How it is doing. Of one that is well all but the count of what waits is as it is for any."""

    breaker: Breaker
    breaker_since: Annotated[Time | None, Field(description="Since when it is not closed, or is closed again.")]
    next_probe_at: Annotated[Time | None, Field(description="When one is tried, while the breaker is not closed.")]
    paused_until: Annotated[Time | None, Field(description="Nothing is sent to it before, since it asked for that.")]
    reason: Annotated[str, Field(description="Why nothing is sent to it, or only a probe.")]
    concurrency: Annotated[
        int | None, Field(description="Sent to it at once by a process; null for as many as to any.")
    ]
    failing_since: Annotated[Time | None, Field(description="Since when every attempt has failed.")]
    failure_count: Annotated[int, Field(description="Failures in a row.")]
    recovering_since: Annotated[Time | None, Field(description="From when it is sent to at a rate that grows.")]
    waiting_count: Annotated[int, Field(description=f"Deliveries that wait for it, counted up to {_WAITING_MAX}.")]


@router.get("/app/{app}/endpoint/{endpoint}/state")
async def endpoint_state(app: AppPath, endpoint: EndpointPath, caller: Calling) -> EndpointStateOut:
    """How an endpoint is doing: its breaker, pauses, and how much waits for it."""
    found = await endpoint_of(caller, app, endpoint)
    state = await caller.store.endpoint_state_get(found.id)
    waiting_count = await caller.store.delivery_waiting_count(found.id, count_max=_WAITING_MAX)
    well = EndpointState(endpoint_id=found.id, concurrency=0)
    return _show(state or well, caller.context.clock, waiting_count)


def _show(it: EndpointState, clock: Clock, waiting_count: int) -> EndpointStateOut:
    is_closed = it.breaker is Breaker.CLOSED
    is_held = it.held_until_ms > clock.now_ms()
    return EndpointStateOut(
        breaker=it.breaker,
        breaker_since=when_or_none(it.breaker_since_ms or None),
        next_probe_at=None if is_closed else when_or_none(it.held_until_ms),
        paused_until=when_or_none(it.held_until_ms) if is_closed and is_held else None,
        reason=it.held_reason if is_held or not is_closed else "",
        concurrency=it.concurrency or None,
        failing_since=when_or_none(it.failing_since_ms or None),
        failure_count=it.failure_count,
        recovering_since=when_or_none(it.recovering_since_ms or None),
        waiting_count=waiting_count,
    )
