"""Notifications as they came, what became of them, and samples of what was refused."""

import base64
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from paybell.model.notification import NotificationState, Origin, Refusal, RefusalReason
from paybell.ports import NotificationView
from paybell.web.api.caller import Calling, Filter, Paging, keyed_router
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import PageOut, Shape, Time, page_out, when, when_or_none

router = keyed_router("notification")

Name = Annotated[str, Path(description="The notification's id.")]
Encoding = Annotated[Literal["text", "base64"], Field(description="base64 where the bytes are no UTF-8 text.")]


class NotificationOut(Shape):
    """A notification in a list."""

    id: str
    source_id: str
    origin: Origin
    hint: Annotated[bool, Field(description="The body is not believed; the truth is fetched from the gateway.")]
    received_at: Time
    state: NotificationState
    reason: str
    event: Annotated[str, Field(description="The gateway's own name for it.")]
    attempt_count: int
    due_at: Time | None
    finished_at: Time | None


class NotificationFullOut(NotificationOut):
    """A notification with the request itself; credentials in headers are masked."""

    headers: list[tuple[str, str]]
    body: str
    body_encoding: Encoding


class RefusalOut(Shape):
    """A sample of a refused request: why, in words, and the request."""

    id: str
    source_id: str
    refused_at: Time
    reason: RefusalReason
    detail: str
    headers: list[tuple[str, str]]
    body: str
    body_encoding: Encoding


@router.get("/notification")
async def notification_list(
    caller: Calling, paging: Paging, source: Filter = "", state: NotificationState | None = None
) -> PageOut[NotificationOut]:
    """Notifications, newest first; ``source`` is an id or uid."""
    query = paging.query(source_id=await caller.source_id(source), state=state or "")
    return page_out(await caller.store.notification_page(query), _show)


@router.get("/notification/{notification}")
async def notification_get(notification: Name, caller: Calling) -> NotificationFullOut:
    """One notification with its headers and body."""
    return _show_full(await caller.store.notification_get(caller.organisation_id, notification))


@router.post("/notification/{notification}/replay", status_code=HTTPStatus.ACCEPTED, responses=WRITES)
async def notification_replay(notification: Name, caller: Calling) -> NotificationFullOut:
    """Read it again (fetch again, for a hint): after an upgrade, or once what parked it is put right."""
    store = caller.store
    view = await store.notification_replay(caller.organisation_id, notification, now_ms=caller.now_ms())
    return _show_full(view)


@router.get("/refusal")
async def refusal_list(caller: Calling, paging: Paging, source: Filter = "") -> PageOut[RefusalOut]:
    """Samples of requests that were not believed, newest first; ``source`` is an id or uid."""
    query = paging.query(source_id=await caller.source_id(source))
    return page_out(await caller.store.refusal_page(query), _show_refusal)


def _show(view: NotificationView) -> NotificationOut:
    it, status = view.notification, view.status
    return NotificationOut(
        id=it.id,
        source_id=it.source_id,
        origin=it.origin,
        hint=it.hint,
        received_at=when(it.received_at_ms),
        state=status.state,
        reason=status.reason,
        event=status.event,
        attempt_count=status.attempt_count,
        due_at=when_or_none(status.due_at_ms),
        finished_at=when_or_none(status.finished_at_ms),
    )


def _show_full(view: NotificationView) -> NotificationFullOut:
    body, encoding = _text(view.notification.body)
    shown = _show(view).model_dump()
    return NotificationFullOut(**shown, headers=list(view.notification.headers), body=body, body_encoding=encoding)


def _show_refusal(it: Refusal) -> RefusalOut:
    body, encoding = _text(it.body)
    return RefusalOut(
        id=it.id,
        source_id=it.source_id,
        refused_at=when(it.refused_at_ms),
        reason=it.reason,
        detail=it.detail,
        headers=list(it.headers),
        body=body,
        body_encoding=encoding,
    )


def _text(body: bytes) -> tuple[str, Literal["text", "base64"]]:
    try:
        return body.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), "base64"
