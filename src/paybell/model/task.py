"""Background tasks: replays, which send messages once more, and errands, which count or take away."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from paybell.model.delivery import DeadReason, Standing


class TaskKind(StrEnum):
    """What a task does, in Svix's words."""

    RECOVER = "endpoint.recover"
    REPLAY_MISSING = "endpoint.replay"
    BULK_REPLAY = "endpoint.bulk-replay"
    APPLICATION_STATS = "application.stats"
    EVENT_TYPE_AGGREGATE = "event-type.aggregate"
    PURGE_CONTENT = "application.purge_content"


REPLAYS: Final = frozenset({TaskKind.RECOVER, TaskKind.REPLAY_MISSING, TaskKind.BULK_REPLAY})
"""Those that send messages to an endpoint once more."""
ERRANDS: Final = frozenset(TaskKind) - REPLAYS
"""Those that send nothing: they are an organisation's or an application's, and have a result."""


class TaskState(StrEnum):
    """Where a task stands; see :data:`TRANSITIONS`."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELED = "canceled"


TRANSITIONS: Final[dict[TaskState, frozenset[TaskState]]] = {
    TaskState.RUNNING: frozenset({TaskState.FINISHED, TaskState.FAILED, TaskState.CANCELED}),
    TaskState.FINISHED: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.CANCELED: frozenset(),
}
"""What has ended stays so: somebody who wants it again asks for another."""


class Asked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which messages: those made from ``since_ms`` on and before ``until_ms``, and what narrows that."""

    since_ms: int
    until_ms: int
    application_ids: tuple[str, ...] = ()
    """Of statistics: none means all of the organisation."""
    event_types: frozenset[str] = frozenset()
    """What narrows a recovery or a bulk replay; the others narrow a bulk replay."""
    channel: str = ""
    tag: str = ""
    standing: Standing | None = None
    status_class: int | None = None
    """The class of the last answer's status, 200 for 2xx; 0 where there was none."""
    reasons: frozenset[DeadReason] = frozenset()
    """Of a recovery: why they are dead letters; none means whatever the reason."""


class Task(Struct, frozen=True, kw_only=True):
    """A task as stored. All up to ``cursor`` is dealt with; ``found`` = ``done`` + ``skipped``.

    A replay's cursor is a message's id; an errand's is its own word.
    """

    id: str
    organisation_id: str
    application_id: str = ""
    """'' where it is about an organisation."""
    endpoint_id: str = ""
    """'' for errands."""
    kind: TaskKind
    asked: Asked
    state: TaskState = TaskState.RUNNING
    reason: str = ""
    cursor: str = ""
    found: int = 0
    done: int = 0
    skipped: int = 0
    lease_no: int = 0
    due_at_ms: int | None
    created_at_ms: int
    updated_at_ms: int
    finished_at_ms: int | None = None
    result: str = ""
    """What an errand has found so far, as JSON; '' for none. Lists leave it out."""
