"""Replays: what failed, what was missed, or all of a range, sent to an endpoint once more."""

from typing import Annotated, Final, Literal

from fastapi import Query, Request, Response
from msgspec.structs import replace
from pydantic import AwareDatetime, Field

from paybell.model.delivery import DeadReason, Standing
from paybell.model.message import TAG_PATTERN
from paybell.model.task import Asked, TaskKind
from paybell.replay.requests import RUNNING_MAX
from paybell.web.api.application import AppPath
from paybell.web.api.background_task import TaskOut, begin, show_task
from paybell.web.api.caller import Caller, Calling, keyed_router
from paybell.web.api.dead_letter import REASONS
from paybell.web.api.endpoint import EndpointPath, check_enabled, endpoint_of
from paybell.web.api.problems import WRITES, Answers
from paybell.web.api.shapes import EventTypeName, Shape, exact

router = keyed_router("replay")

DryRun = Annotated[bool, Query(description="Only say how many messages there are, and start nothing.")]
EventTypes = Annotated[list[EventTypeName], Field(min_length=1, max_length=250)]
_STANDINGS: Final = (Standing.SUCCESS, Standing.PENDING, Standing.FAIL, Standing.SENDING)


class ReplayIn(Shape):
    """A range of messages by the time at which they were made: 90 days at most."""

    since: Annotated[AwareDatetime, Field(examples=["2024-06-26T11:08:07Z"])]
    until: Annotated[AwareDatetime | None, Field(description="Now, where it is absent.")] = None


class RecoverIn(ReplayIn):
    """The same, with what narrows it."""

    event_types: EventTypes | None = None
    reasons: Annotated[list[DeadReason], Field(min_length=1, description=REASONS)] | None = None


class BulkReplayIn(ReplayIn):
    """The same, with what narrows it."""

    event_types: EventTypes | None = None
    channel: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9_.:-]+$")] | None = None
    tag: Annotated[str, Field(pattern=TAG_PATTERN)] | None = None
    status: Annotated[Literal[0, 1, 2, 3], Field(description="0 success, 1 pending, 2 fail, 3 sending")] | None = None
    status_code_class: (
        Annotated[Literal[0, 100, 200, 300, 400, 500], Field(description="Of the last answer; 0 where there was none.")]
        | None
    ) = None


class ReplayCountOut(Shape):
    """What a replay would do now."""

    task: TaskKind
    dry_run: Literal[True] = True
    messages_found: int
    messages_skipped: Annotated[int, Field(description="Of these, being sent now, or with a payload that is gone.")]
    messages_looked_at: int
    complete: Annotated[bool, Field(description="False where there are more than 100,000 messages to look at.")]


_ANSWERS: Final[Answers] = {
    **WRITES,
    200: {"model": ReplayCountOut, "description": "Nothing was started: how many messages there are."},
}


@router.post("/app/{app}/endpoint/{endpoint}/recover", status_code=202, response_model=TaskOut, responses=_ANSWERS)
async def endpoint_recover(
    app: AppPath, endpoint: EndpointPath, body: RecoverIn, caller: Calling, request: Request, *, dry_run: DryRun = False
) -> Response:
    """Send once more what failed: the dead letters of a range."""
    return await _replay(caller, request, (app, endpoint), TaskKind.RECOVER, _asked(body, caller), dry_run=dry_run)


@router.post(
    "/app/{app}/endpoint/{endpoint}/replay-missing", status_code=202, response_model=TaskOut, responses=_ANSWERS
)
async def endpoint_replay_missing(
    app: AppPath, endpoint: EndpointPath, body: ReplayIn, caller: Calling, request: Request, *, dry_run: DryRun = False
) -> Response:
    """Send what the endpoint wants of a range and never was to get, such as what is older than the endpoint."""
    asked = _asked(body, caller)
    return await _replay(caller, request, (app, endpoint), TaskKind.REPLAY_MISSING, asked, dry_run=dry_run)


@router.post("/app/{app}/endpoint/{endpoint}/bulk-replay", status_code=202, response_model=TaskOut, responses=_ANSWERS)
async def endpoint_bulk_replay(
    app: AppPath,
    endpoint: EndpointPath,
    body: BulkReplayIn,
    caller: Calling,
    request: Request,
    *,
    dry_run: DryRun = False,
) -> Response:
    """Send what the endpoint was to get of a range once more, delivered or not."""
    asked = _asked(body, caller)
    return await _replay(caller, request, (app, endpoint), TaskKind.BULK_REPLAY, asked, dry_run=dry_run)


def _asked(body: ReplayIn, caller: Caller) -> Asked:
    until_ms = caller.now_ms() if body.until is None else int(body.until.timestamp() * 1000)
    plain = Asked(since_ms=int(body.since.timestamp() * 1000), until_ms=until_ms)
    if isinstance(body, RecoverIn):
        return replace(plain, event_types=frozenset(body.event_types or ()), reasons=frozenset(body.reasons or ()))
    if not isinstance(body, BulkReplayIn):
        return plain
    return replace(
        plain,
        event_types=frozenset(body.event_types or ()),
        channel=body.channel or "",
        tag=body.tag or "",
        standing=None if body.status is None else _STANDINGS[body.status],
        status_class=body.status_code_class,
    )


async def _replay(
    caller: Caller, request: Request, names: tuple[str, str], kind: TaskKind, asked: Asked, *, dry_run: bool
) -> Response:
    endpoint = check_enabled(await endpoint_of(caller, *names))
    replays = caller.context.replays
    task = replays.task(kind, asked, endpoint)
    if dry_run:
        counted = await replays.count(task, endpoint)
        return exact(
            ReplayCountOut(
                task=kind,
                messages_found=counted.sent + counted.skipped,
                messages_skipped=counted.skipped,
                messages_looked_at=counted.looked_at,
                complete=counted.complete,
            )
        )
    return await begin(caller, request, task, show_task(task), RUNNING_MAX)
