"""Background tasks: how far replays are."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from paybell.model.task import Task, TaskKind, TaskState
from paybell.replay.requests import progress
from paybell.web.api.caller import Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import PageOut, Shape, Time, page_out, when

router = keyed_router("background-task")

TaskPath = Annotated[str, Path(description="The task's id.")]
TaskStatus = Literal["running", "finished", "failed"]
_SHOWN: dict[TaskState, TaskStatus] = {
    TaskState.RUNNING: "running",
    TaskState.FINISHED: "finished",
    TaskState.FAILED: "failed",
    TaskState.CANCELED: "failed",
}
"""Svix's clients know no fourth status."""
_ENDED_BADLY = "ended"
"""The store's filter for all that is shown as failed."""


class TaskDataOut(Shape):
    """How far a task is. What is found is sent or skipped: it is being sent already, or its payload is gone."""

    app_id: str
    endpoint_id: str
    since: Time
    until: Time
    messages_found: int
    messages_sent: int
    messages_skipped: int
    progress: Annotated[float, Field(description="How much of its range it has gone through, 0 to 1.")]
    canceled: bool
    reason: Annotated[str, Field(description="Why it ended before its range did.")]


class TaskOut(Shape):
    """A background task."""

    id: str
    task: TaskKind
    status: TaskStatus
    data: TaskDataOut
    updated_at: Time


@router.get("/background-task")
async def background_task_list(
    caller: Calling,
    paging: Paging,
    status: TaskStatus | None = None,
    task: TaskKind | None = None,
    order: Order = "descending",
) -> PageOut[TaskOut]:
    """Background tasks of the last 90 days, newest first."""
    state = _ENDED_BADLY if status == "failed" else status or ""
    query = ordered(paging.query(kind=task or "", state=state), order)
    return page_out(await caller.store.task_page(query), show_task)


@router.get("/background-task/{task}")
async def background_task_get(task: TaskPath, caller: Calling) -> TaskOut:
    """One background task, and how far it is."""
    return show_task(await caller.store.task_get(caller.organisation_id, task))


@router.post("/background-task/{task}/cancel", responses=WRITES)
async def background_task_cancel(task: TaskPath, caller: Calling) -> TaskOut:
    """End a task where it is; what it has made due is sent. 409 when it has ended."""
    return show_task(await caller.store.task_cancel(caller.organisation_id, task, now_ms=caller.now_ms()))


def show_task(it: Task) -> TaskOut:
    """A task as it is shown."""
    return TaskOut(
        id=it.id,
        task=it.kind,
        status=_SHOWN[it.state],
        updated_at=when(it.updated_at_ms),
        data=TaskDataOut(
            app_id=it.application_id,
            endpoint_id=it.endpoint_id,
            since=when(it.asked.since_ms),
            until=when(it.asked.until_ms),
            messages_found=it.found,
            messages_sent=it.done,
            messages_skipped=it.skipped,
            progress=progress(it),
            canceled=it.state is TaskState.CANCELED,
            reason=it.reason,
        ),
    )
