"""What errands ask of the store: background tasks that count or take away, and send nothing."""

from typing import Protocol

from msgspec import Struct

from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, Message
from paybell.model.task import Task, TaskState
from paybell.ports.paging import Page, PageQuery
from paybell.ports.tasks import TaskStore


class Tallying(Struct, frozen=True, kw_only=True):
    """Which deliveries to count: of up to ``limit`` messages of an application, whose ids lie between these."""

    organisation_id: str
    application_id: str
    after: str
    before: str
    limit: int


class Tally(Struct, frozen=True, kw_only=True):
    """How many messages were looked at, how many deliveries they have, and the last one's id ('' for none)."""

    message_count: int
    delivery_count: int
    last_id: str


class Advance(Struct, frozen=True, kw_only=True):
    """How far an errand is after a step: ``done`` more of what it does, and all that it has found."""

    cursor: str
    result: str
    done: int = 0
    state: TaskState = TaskState.RUNNING


class ErrandStore(TaskStore, Protocol):
    """What errands ask."""

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """Applications of an organisation."""
        ...

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """By id or uid; NotFound otherwise."""
        ...

    async def endpoint_list_of(self, application_id: str) -> tuple[Endpoint, ...]:
        """An application's endpoints, from memory."""
        ...

    async def message_page(self, query: PageQuery) -> Page[Message]:
        """Messages of an application."""
        ...

    async def message_expunge(self, message: Message, *, reason: str, now_ms: int) -> None:
        """Take its payload away, and end what waits of it as a dead letter for that reason."""
        ...

    async def delivery_tally(self, asked: Tallying) -> Tally:
        """Count deliveries."""
        ...

    async def task_advance(self, task: Task, advance: Advance, *, now_ms: int) -> Task | None:
        """Keep how far it is, and give its lease back; None when the task is somebody else's by now."""
        ...
