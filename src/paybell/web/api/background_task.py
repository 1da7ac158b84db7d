"""Background tasks: how far they are, and what came out of them."""

import json
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import Path, Request, Response
from pydantic import Field

from paybell.model.task import REPLAYS, Task, TaskKind, TaskState
from paybell.ports import TaskNew
from paybell.replay.requests import progress
from paybell.web.api.caller import Caller, Calling, Order, Paging, keyed_router, ordered
from paybell.web.api.idempotency import answer_of
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_out, when

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
    """How far a replay is. What is found is sent or skipped: it is being sent already, or its payload is gone."""

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


class BegunOut(Shape):
    """A background task that has just begun."""

    id: str
    task: TaskKind
    status: TaskStatus
    updated_at: Time


class TaskOut(BegunOut):
    """A background task."""

    data: Annotated[
        TaskDataOut | dict[str, Any],
        Field(description="How far a replay is; what came out of any other, once it has finished, if asked for alone."),
    ]


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
    """One background task, how far it is, and what came out of it."""
    return show_task(await caller.store.task_get(caller.organisation_id, task))


@router.post("/background-task/{task}/cancel", responses=WRITES)
async def background_task_cancel(task: TaskPath, caller: Calling) -> TaskOut:
    """End a task where it is; what it has made due is sent. 409 when it has ended."""
    return show_task(await caller.store.task_cancel(caller.organisation_id, task, now_ms=caller.now_ms()))


async def begin(caller: Caller, request: Request, task: Task, shown: BegunOut, running_max: int) -> Response:
    """Begin a task, in the transaction that keeps the answer."""
    answer = exact(shown, HTTPStatus.ACCEPTED)
    kept = answer_of(request, answer, caller.context)
    await caller.store.task_create(TaskNew(task=task, running_max=running_max, answer=kept))
    return answer


def show_begun(it: Task) -> dict[str, Any]:
    """The fields of :class:`BegunOut`."""
    return {"id": it.id, "task": it.kind, "status": _SHOWN[it.state], "updated_at": when(it.updated_at_ms)}


def show_task(it: Task) -> TaskOut:
    """A task as it is shown."""
    return TaskOut(**show_begun(it), data=_replayed(it) if it.kind in REPLAYS else _found(it))


def _replayed(it: Task) -> TaskDataOut:
    return TaskDataOut(
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
    )


def _found(it: Task) -> dict[str, Any]:
    """What came out of it; half of it would be taken for the whole."""
    if it.state is TaskState.FINISHED:
        found: dict[str, Any] = json.loads(it.result or "{}")
        return found
    return {"canceled": it.state is TaskState.CANCELED, "reason": it.reason}
