"""What people ask for: how many messages that would be, and a task that sends them."""

from typing import Final

from msgspec import Struct

from paybell.clock import Clock, id_at, time_of
from paybell.model.endpoint import Endpoint
from paybell.model.task import REPLAYS, Asked, Task, TaskKind, TaskState
from paybell.ports import Look, ReplayStore
from paybell.replay.rules import Wishes, check_range, pick

RUNNING_MAX: Final = 10
"""Tasks of one application at the same time."""
_LOOKED_MAX: Final = 100_000
_LIMIT: Final = 200


class Counted(Struct, frozen=True, kw_only=True):
    """How many messages would be sent, and how many of those asked for could not be now; of how many looked at."""

    sent: int
    skipped: int
    looked_at: int
    complete: bool
    """Whether it went through the whole range."""


class Requests:
    """Says what a replay would do, and makes it a task."""

    def __init__(self, store: ReplayStore, clock: Clock, wishes: Wishes) -> None:
        self._store = store
        self._clock = clock
        self._wishes = wishes

    def task(self, kind: TaskKind, asked: Asked, endpoint: Endpoint) -> Task:
        """A task to begin; ``ConfigurationError`` for a range that nobody can mean."""
        now_ms = self._clock.now_ms()
        check_range(asked, now_ms=now_ms)
        return Task(
            id=self._clock.new_id("bgtask"),
            organisation_id=endpoint.organisation_id,
            application_id=endpoint.application_id,
            endpoint_id=endpoint.id,
            kind=kind,
            asked=asked,
            cursor=id_at("msg", asked.since_ms),
            due_at_ms=now_ms,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )

    async def count(self, task: Task, endpoint: Endpoint) -> Counted:
        """Go through its range without changing anything, up to 100,000 messages."""
        sent = skipped = looked_at = 0
        after, complete = task.cursor, False
        while looked_at < _LOOKED_MAX and not complete:
            found = await self._store.task_look(look_of(task, after=after, limit=_LIMIT))
            picked = pick(task.kind, task.asked, endpoint, found, self._wishes)
            sent += len(picked.again) + len(picked.first)
            skipped += picked.skipped
            looked_at += len(found)
            complete = len(found) < _LIMIT
            after = found[-1].message.id if found else after
        return Counted(sent=sent, skipped=skipped, looked_at=looked_at, complete=complete)


def look_of(task: Task, *, after: str, limit: int) -> Look:
    """The next messages of a task."""
    return Look(
        organisation_id=task.organisation_id,
        application_id=task.application_id,
        endpoint_id=task.endpoint_id,
        asked=task.asked,
        after=after,
        limit=limit,
        dead_only=task.kind is TaskKind.RECOVER,
    )


def progress(task: Task) -> float:
    """How much of its range a task has gone through, 0 to 1; an errand does not know, and is at 0 until it is over."""
    if task.state is TaskState.FINISHED:
        return 1.0
    if task.kind not in REPLAYS:
        return 0.0
    whole_ms = task.asked.until_ms - task.asked.since_ms
    gone_ms = (time_of(task.cursor) or task.asked.since_ms) - task.asked.since_ms
    return round(min(1.0, max(0.0, gone_ms / whole_ms)), 3)
