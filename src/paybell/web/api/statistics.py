"""Statistics of an organisation, which take a while: background tasks that count."""

from typing import Annotated

from fastapi import Request, Response
from pydantic import AwareDatetime, Field

from paybell.errands.rules import RUNNING_MAX, errand
from paybell.errors import NotFound
from paybell.model.task import Asked, TaskKind
from paybell.web.api.application import application_of
from paybell.web.api.background_task import BegunOut, begin, show_begun
from paybell.web.api.caller import Caller, Calling, keyed_router
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import Shape, Uid

router = keyed_router("statistics")

_APPLICATIONS_MAX = 1_000


class AppUsageIn(Shape):
    """Whose messages of which time to count."""

    since: Annotated[AwareDatetime, Field(examples=["2024-06-01T00:00:00Z"])]
    until: Annotated[AwareDatetime, Field(examples=["2024-07-01T00:00:00Z"])]
    app_ids: (
        Annotated[
            list[Uid],
            Field(min_length=1, max_length=_APPLICATIONS_MAX, description="Ids or uids; all where it is absent."),
        ]
        | None
    ) = None


class AppUsageOut(BegunOut):
    """The task that counts."""

    unresolved_app_ids: Annotated[list[str], Field(description="Those of them that are no application's.")]


@router.post("/stats/usage/app", status_code=202, response_model=AppUsageOut, responses=WRITES)
async def stats_usage_app(body: AppUsageIn, caller: Calling, request: Request) -> Response:
    """Count, as a task, how many deliveries (messages times endpoints) each application's messages of a time have."""
    found, missing = await _applications(caller, body.app_ids or [])
    if body.app_ids and not found:
        raise InvalidField("none of them is an application's id or uid", "appIds")
    now_ms = caller.now_ms()
    since_ms, until_ms = (int(it.timestamp() * 1000) for it in (body.since, body.until))
    asked = Asked(since_ms=since_ms, until_ms=min(until_ms, now_ms), application_ids=found)
    task = errand(
        TaskKind.APPLICATION_STATS, caller.organisation_id, asked, new_id=caller.new_id("bgtask"), now_ms=now_ms
    )
    return await begin(caller, request, task, AppUsageOut(**show_begun(task), unresolved_app_ids=missing), RUNNING_MAX)


@router.put("/stats/usage/event-types", status_code=202, response_model=BegunOut, responses=WRITES)
async def stats_usage_event_types(caller: Calling, request: Request) -> Response:
    """List, as a task, which event types each application's endpoints name, and whether one of them takes all."""
    now_ms = caller.now_ms()
    asked = Asked(since_ms=0, until_ms=now_ms)
    task = errand(
        TaskKind.EVENT_TYPE_AGGREGATE, caller.organisation_id, asked, new_id=caller.new_id("bgtask"), now_ms=now_ms
    )
    return await begin(caller, request, task, BegunOut(**show_begun(task)), RUNNING_MAX)


async def _applications(caller: Caller, names: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The ids behind names, each once, and the names that are nobody's."""
    found: dict[str, None] = {}
    missing: list[str] = []
    for name in names:
        try:
            found[(await application_of(caller, name)).id] = None
        except NotFound:
            missing.append(name)
    return tuple(found), missing
