"""Background tasks in the store, and what those ask that send messages once more."""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from paybell.model.answer import AnswerNew
from paybell.model.delivery import DeadReason, DeliveryJob, DeliveryState
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.model.task import Asked, Task, TaskKind, TaskState
from paybell.ports.paging import Page, PageQuery


class TaskNew(Struct, frozen=True, kw_only=True):
    """A task to begin, unless ``running_max`` of its application run already; its answer is kept with it."""

    task: Task
    running_max: int
    answer: AnswerNew | None = None


class Look(Struct, frozen=True, kw_only=True):
    """Which messages to look at for an endpoint: up to ``limit`` with ids above ``after``, oldest first.

    ``dead_only``: those that are dead letters there, and no others.
    """

    organisation_id: str
    application_id: str
    endpoint_id: str
    asked: Asked
    after: str
    limit: int
    dead_only: bool


class Candidate(Struct, frozen=True, kw_only=True):
    """A message, and how it stands for the endpoint; no ``state`` where it never was for it."""

    message: Message
    delivery_id: str
    state: DeliveryState | None
    attempt_count: int
    status_code: int | None
    """Of the last attempt; only where the task asks for it."""
    beside: frozenset[str]
    """The more special event types that its application was told of the same change, for a fallback."""
    dead_reason: DeadReason | None = None
    """Only where dead letters alone are looked at."""


class Moves(Struct, frozen=True, kw_only=True):
    """What a step does with the messages it looked at: some due once more, some for the first time, some neither."""

    resent: tuple[str, ...] = ()
    added: tuple[DeliveryJob, ...] = ()
    skipped: int = 0
    cursor: str = ""
    state: TaskState = TaskState.RUNNING


Choose = Callable[[Sequence[Candidate]], Moves]


class TaskStore(Protocol):
    """What every background task asks."""

    async def task_create(self, new: TaskNew) -> None:
        """Begin a task, in the transaction that keeps its answer; Conflict when too many run already.

        They are counted by application; those of an organisation by themselves.
        """
        ...

    async def task_get(self, organisation_id: str, task_id: str) -> Task:
        """NotFound when there is none."""
        ...

    async def task_page(self, query: PageQuery) -> Page[Task]:
        """Filters: kind, state, application_id. Newest first, without their results."""
        ...

    async def task_cancel(self, organisation_id: str, task_id: str, *, now_ms: int) -> Task:
        """End it where it is; NotFound when there is none, Conflict when it has ended."""
        ...

    async def task_claim(self, kinds: Collection[TaskKind], *, now_ms: int, lease_ends_at_ms: int) -> Task | None:
        """Lease the task of these kinds that has waited longest; a lease that ran out is due again."""
        ...

    async def task_put_off(self, task: Task, *, due_at_ms: int) -> None:
        """Give the lease back until then."""
        ...

    async def task_fail(self, task: Task, *, reason: str, now_ms: int) -> None:
        """End it where it is, for that reason."""
        ...


class ReplayStore(TaskStore, Protocol):
    """What replays ask."""

    async def endpoint_get(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id; from memory, never staler than 1 s."""
        ...

    async def task_backlog(self, endpoint_id: str, *, now_ms: int, count_max: int) -> int:
        """How many deliveries are due for an endpoint and nobody's yet, counted to a limit."""
        ...

    async def task_look(self, look: Look) -> Sequence[Candidate]:
        """The next messages, and how they stand."""
        ...

    async def task_step(self, task: Task, look: Look, choose: Choose, *, now_ms: int) -> Task | None:
        """Look, let ``choose`` choose, and do it: one transaction. None when the task is somebody else's by now."""
        ...
