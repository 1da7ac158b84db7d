"""Deliveries and the attempts made at them."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Depends, Path, Query, Response
from msgspec import Struct
from pydantic import Field

from paybell.errors import NotFound
from paybell.model.delivery import Attempt, DeadReason, Delivery, DeliveryState
from paybell.model.message import Application
from paybell.web.api.application import AppPath, application_of
from paybell.web.api.caller import Caller, Calling, Filter, Narrowed, Narrowing, Paging, Span, Spanning, keyed_router
from paybell.web.api.endpoint import EndpointPath, endpoint_of
from paybell.web.api.message import MessagePath, message_of
from paybell.web.api.message_shapes import MessageOut, shown
from paybell.web.api.shapes import PageOut, Shape, Time, exact, page_ends, page_out, when, when_or_none

router = keyed_router("attempt")

AttemptPath = Annotated[str, Path(description="The attempt's id.")]


_CANCELED: Final = 4
_STATUSES: Final = "0 success, 1 pending, 2 fail, 3 sending, 4 canceled"


class AttemptOut(Shape):
    """One try, in Svix's words."""

    id: str
    msg_id: str
    endpoint_id: str
    url: str
    response: str
    response_status_code: Annotated[int, Field(description="0 where there was no answer.")]
    response_duration_ms: int
    status: Annotated[Literal[0, 1, 2, 3, 4], Field(description=_STATUSES)]
    status_text: Literal["success", "pending", "fail", "sending", "canceled"]
    trigger_type: Annotated[Literal[0, 1], Field(description="0 scheduled, 1 manual: after a resend or a replay")]
    timestamp: Time
    attempt_no: int
    error: Annotated[str, Field(description="Why there was no answer.")]
    msg: Annotated[MessageOut | None, Field(description="Its message, where that is asked for and is still kept.")] = (
        None
    )


class DeliveryOut(Shape):
    """One message for one endpoint."""

    id: str
    msg_id: str
    endpoint_id: str
    event_type: str
    state: DeliveryState
    attempt_count: int
    due_at: Annotated[Time | None, Field(description="When it is tried next; while leased, when the lease ends.")]
    created_at: Time
    finished_at: Time | None
    last_error: str
    dead_reason: Annotated[DeadReason | None, Field(description="Why nothing more is tried; only of dead letters.")]


class Seeking(Struct, frozen=True, kw_only=True):
    """Which attempts are asked for, and how much of each."""

    status: int | None
    status_code_class: int | None
    span: Span
    narrowing: Narrowing
    with_content: bool

    def filters(self) -> dict[str, str]:
        """The store's words for it. What is pending or being sent has no attempt yet."""
        delivered = {None: "", 0: "1", 2: "0", 4: "1"}.get(self.status, "none")
        status_class = "" if self.status_code_class is None else str(self.status_code_class // 100)
        if self.status == _CANCELED:
            status_class = "0"  # nothing was sent, so that nothing was answered
        return {"delivered": delivered, "status_class": status_class, **self.narrowing.filters()}

    def show(self, it: Attempt) -> AttemptOut:
        """One attempt."""
        shown = _show(it)
        return shown if self.with_content else shown.model_copy(update={"response": ""})


async def _seeking(
    span: Spanning,
    narrowing: Narrowed,
    status: Annotated[Literal["0", "1", "2", "3", "4"] | None, Query(description=_STATUSES)] = None,
    status_code_class: Annotated[
        Literal["0", "100", "200", "300", "400", "500"] | None, Query(description="Only answers of this class.")
    ] = None,
    with_content: Annotated[bool, Query(description="Whether to show what was answered.")] = True,  # noqa: FBT002
) -> Seeking:
    return Seeking(
        status=None if status is None else int(status),
        status_code_class=None if status_code_class is None else int(status_code_class),
        span=span,
        narrowing=narrowing,
        with_content=with_content,
    )


Sought = Annotated[Seeking, Depends(_seeking)]


@router.get("/app/{app}/attempt/endpoint/{endpoint}", response_model=PageOut[AttemptOut])
async def attempt_list_of_endpoint(  # noqa: PLR0917 - filters come by name
    app: AppPath,
    endpoint: EndpointPath,
    caller: Calling,
    paging: Paging,
    sought: Sought,
    with_msg: Annotated[bool, Query(description="Whether to show the message of each.")] = False,  # noqa: FBT002
) -> Response:
    """The attempts at an endpoint, newest first."""
    found = await endpoint_of(caller, app, endpoint)
    query = paging.query(application_id=found.application_id, endpoint_id=found.id, **sought.filters())
    page = await caller.store.attempt_page(sought.span.of(query, "atmpt"))
    messages = await _messages(caller, page.data, with_content=sought.with_content) if with_msg else {}
    data = [sought.show(it).model_dump(by_alias=True) | {"msg": messages.get(it.message_id)} for it in page.data]
    return exact(PageOut[Any](data=data, **page_ends(page)))


async def _messages(caller: Caller, attempts: Iterable[Attempt], *, with_content: bool) -> Mapping[str, msgspec.Raw]:
    """The messages of attempts that are still kept, each as it is shown."""
    found = await caller.store.message_list(caller.organisation_id, sorted({it.message_id for it in attempts}))
    return {it.id: msgspec.Raw(shown(it, with_content=with_content)) for it in found}


@router.get("/app/{app}/attempt/msg/{message}")
async def attempt_list_of_message(  # noqa: PLR0917 - filters come by name
    app: AppPath, message: MessagePath, caller: Calling, paging: Paging, sought: Sought, endpoint_id: Filter = ""
) -> PageOut[AttemptOut]:
    """The attempts to deliver a message, newest first."""
    application = await application_of(caller, app)
    found = await message_of(caller, application, message)
    query = paging.query(
        application_id=found.application_id,
        message_id=found.id,
        endpoint_id=await endpoint_id_of(caller, application, endpoint_id),
        **sought.filters(),
    )
    return page_out(await caller.store.attempt_page(sought.span.of(query, "atmpt")), sought.show)


@router.get("/app/{app}/msg/{message}/attempt/{attempt}")
async def attempt_get(app: AppPath, message: MessagePath, attempt: AttemptPath, caller: Calling) -> AttemptOut:
    """One attempt."""
    return _show(await _attempt_of(caller, app, message, attempt))


@router.delete(
    "/app/{app}/msg/{message}/attempt/{attempt}/content",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
)
async def attempt_expunge(app: AppPath, message: MessagePath, attempt: AttemptPath, caller: Calling) -> None:
    """Take away for good what the endpoint answered."""
    found = await _attempt_of(caller, app, message, attempt)
    await caller.store.attempt_expunge(caller.organisation_id, found.id)


async def _attempt_of(caller: Caller, app: str, message: str, attempt: str) -> Attempt:
    found = await message_of(caller, await application_of(caller, app), message)
    it = await caller.store.attempt_get(caller.organisation_id, attempt)
    if it.message_id != found.id:
        raise NotFound(f"no attempt {attempt}")
    return it


@router.get("/app/{app}/delivery")
async def delivery_list(  # noqa: PLR0917 - filters come by name
    app: AppPath,
    caller: Calling,
    paging: Paging,
    state: DeliveryState | None = None,
    endpoint: Filter = "",
    message: Filter = "",
) -> PageOut[DeliveryOut]:
    """An application's deliveries, newest first; ``state=dead`` are the dead letters."""
    application = await application_of(caller, app)
    query = paging.query(
        application_id=application.id,
        endpoint_id=await endpoint_id_of(caller, application, endpoint),
        message_id=await _message_id(caller, application, message),
        state=state or "",
    )
    return page_out(await caller.store.delivery_page(query), show_delivery)


async def endpoint_id_of(caller: Caller, application: Application, name: str) -> str:
    """The id behind a uid; the name itself where there is none, since deliveries outlive an endpoint."""
    try:
        return name and (await caller.store.endpoint_lookup(caller.organisation_id, application.id, name)).id
    except NotFound:
        return name


async def _message_id(caller: Caller, application: Application, name: str) -> str:
    try:
        return name and (await message_of(caller, application, name)).id
    except NotFound:
        return name


def _status(it: Attempt) -> tuple[Literal[0, 2, 4], Literal["success", "fail", "canceled"]]:
    if it.canceled:
        return 4, "canceled"
    return (0, "success") if it.delivered else (2, "fail")


def _show(it: Attempt) -> AttemptOut:
    status, status_text = _status(it)
    return AttemptOut(
        id=it.id,
        msg_id=it.message_id,
        endpoint_id=it.endpoint_id,
        url=it.url,
        response=it.response,
        response_status_code=it.status_code,
        response_duration_ms=it.duration_ms,
        status=status,
        status_text=status_text,
        trigger_type=1 if it.manual else 0,
        timestamp=when(it.started_at_ms),
        attempt_no=it.attempt_no,
        error=it.error,
    )


def show_delivery(it: Delivery) -> DeliveryOut:
    """One delivery."""
    return DeliveryOut(
        id=it.id,
        msg_id=it.message_id,
        endpoint_id=it.endpoint_id,
        event_type=it.event_type,
        state=it.state,
        attempt_count=it.attempt_count,
        due_at=when_or_none(it.due_at_ms),
        created_at=when(it.created_at_ms),
        finished_at=when_or_none(it.finished_at_ms),
        last_error=it.last_error,
        dead_reason=it.dead_reason,
    )
