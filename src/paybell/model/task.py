"""Background tasks: what is sent once more, many messages at a time, and how far that is."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from paybell.model.delivery import Standing


class TaskKind(StrEnum):
    """What a task does, in Svix's words."""

    RECOVER = "endpoint.recover"
    REPLAY_MISSING = "endpoint.replay"
    BULK_REPLAY = "endpoint.bulk-replay"


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
    """Which messages: those made from ``since_ms`` on and before ``until_ms``; the rest narrows a bulk replay."""

    since_ms: int
    until_ms: int
    event_types: frozenset[str] = frozenset()
    channel: str = ""
    standing: Standing | None = None
    status_class: int | None = None
    """The class of the last answer's status, 200 for 2xx; 0 where there was none."""


class Task(Struct, frozen=True, kw_only=True):
    """A task as stored. All messages up to ``cursor`` (an id) are dealt with; ``found`` = ``done`` + ``skipped``."""

    id: str
    organisation_id: str
    application_id: str
    endpoint_id: str
    kind: TaskKind
    asked: Asked
    state: TaskState
    reason: str
    cursor: str
    found: int
    done: int
    skipped: int
    lease_no: int
    due_at_ms: int | None
    created_at_ms: int
    updated_at_ms: int
    finished_at_ms: int | None
