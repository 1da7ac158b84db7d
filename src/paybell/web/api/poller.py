"""Polling: messages are fetched, oldest first, from an endpoint, which is then called a sink."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Path, Query, Response
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field

from paybell.model.endpoint import Endpoint
from paybell.model.message import CHANNEL_PATTERN, Message
from paybell.model.text import UID_CHARS_MAX, UID_PATTERN
from paybell.ports import Numbered, Numbering, Position
from paybell.web.api.application import AppPath
from paybell.web.api.caller import Caller, Calling, Span, keyed_router
from paybell.web.api.endpoint import endpoint_of
from paybell.web.api.message_shapes import shown
from paybell.web.api.problems import WRITES
from paybell.web.api.shapes import LIMIT_MAX, EventTypeName, Shape, Time, exact

router = keyed_router("poller")

_ITERATOR: Final = re.compile(r"^(\d{1,18})(?:-([0-9a-f]{12}))?$")
_PREFIX: Final = "msg_"
_READS_MAX: Final = 10
"""Pages that one poll looks through for something that the sink asked for."""

SinkPath = Annotated[str, Path(description="The endpoint's id or uid.")]
ConsumerPath = Annotated[
    str, Path(description="Any name: each has a position of its own.", pattern=UID_PATTERN, max_length=UID_CHARS_MAX)
]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Messages at most.")]
Iterator = Annotated[str | None, Query(max_length=64, description="The `iterator` of the poll before.")]


class PolledMessageOut(Shape):
    """A message as it is polled: what it says, before any format or transformation."""

    id: str
    event_type: str
    event_id: str | None
    payload: dict[str, Any]
    channels: list[str] | None
    timestamp: Time


class PollOut(Shape):
    """Messages, oldest first. Hand ``iterator`` back once they are safe; when ``done``, later."""

    data: list[PolledMessageOut]
    iterator: str
    done: bool


class SeekIn(Shape):
    """Where to go on."""

    after: Annotated[datetime, Field(description="Only what is newer.")]


class SeekOut(Shape):
    """Where a consumer stands."""

    iterator: str


class Wish(Struct, frozen=True):
    """What a poll asks for beside what its sink does; '' for all."""

    limit: int
    event_type: str = ""
    channel: str = ""

    def wants(self, it: Message) -> bool:
        """Whether a message is asked for."""
        return self.event_type in {"", it.event_type} and (not self.channel or self.channel in it.channels)


@router.get("/app/{app}/poller/{sink}", response_model=PollOut)
async def poller_poll(  # noqa: PLR0917 - filters come by name
    app: AppPath,
    sink: SinkPath,
    caller: Calling,
    limit: Limit = 50,
    iterator: Iterator = None,
    event_type: Annotated[EventTypeName | None, Query(description="Only this event type.")] = None,
    channel: Annotated[str | None, Query(pattern=CHANNEL_PATTERN, description="Only what is on that channel.")] = None,
    after: Annotated[datetime | None, Query(description="Only what is newer.")] = None,
) -> Response:
    """Messages that an endpoint asked for, from where the iterator stands, or from the oldest that is kept."""
    found = await endpoint_of(caller, app, sink)
    numbering = await _number(caller, found)
    after_id = Span(None, after).after_id("msg")
    if iterator is not None:
        position = _read(iterator, numbering)
        position = replace(position, after_id=max(position.after_id, after_id))
    else:
        position = await _start(caller, found, after_id)
    return await _poll(caller, found, numbering, position, Wish(limit, event_type or "", channel or ""))


@router.get("/app/{app}/poller/{sink}/consumer/{consumer}", response_model=PollOut)
async def poller_consumer_poll(  # noqa: PLR0917 - filters come by name
    app: AppPath, sink: SinkPath, consumer: ConsumerPath, caller: Calling, limit: Limit = 50, iterator: Iterator = None
) -> Response:
    """The same for a consumer, whose position is kept: it moves on when an iterator is handed back."""
    found = await endpoint_of(caller, app, sink)
    numbering = await _number(caller, found)
    if iterator is None:
        position = await caller.store.poll_consumer_get(found.id, consumer)
    else:
        position = _read(iterator, numbering)
        await caller.store.poll_consumer_advance(found.id, consumer, position, now_ms=caller.now_ms())
    return await _poll(caller, found, numbering, position, Wish(limit))


@router.post("/app/{app}/poller/{sink}/consumer/{consumer}/seek", responses=WRITES)
async def poller_consumer_seek(
    app: AppPath, sink: SinkPath, consumer: ConsumerPath, body: SeekIn, caller: Calling
) -> SeekOut:
    """Have a consumer go on after a time, forwards or back."""
    found = await endpoint_of(caller, app, sink)
    position = await _start(caller, found, Span(None, body.after).after_id("msg"))
    await caller.store.poll_consumer_seek(found.id, consumer, position, now_ms=caller.now_ms())
    return SeekOut(iterator=_written(position))


async def _number(caller: Caller, sink: Endpoint) -> Numbering:
    return await caller.store.poll_number(sink.application_id, now_ms=caller.now_ms())


async def _start(caller: Caller, sink: Endpoint, after_id: str) -> Position:
    return await caller.store.poll_start(sink.application_id, after_id) if after_id else Position()


async def _poll(caller: Caller, sink: Endpoint, numbering: Numbering, position: Position, wish: Wish) -> Response:
    """Read on until there is something for the sink, the end is reached, or that was enough for one request."""
    data: list[Message] = []
    at_end = False
    for _ in range(_READS_MAX):
        found = await caller.store.poll_read(sink.application_id, position, wish.limit)
        at_end = len(found) < wish.limit
        position = replace(position, no=_last_no(found, position, numbering, at_end=at_end))
        data = [it.message for it in found if wish.wants(it.message) and caller.context.asked_for(sink, it.message)]
        if data or at_end:
            break
    page = PollOut(data=[], iterator=_written(position), done=at_end and not numbering.more)
    return exact(page, data=b"[%b]" % b",".join(map(shown, data)))


def _last_no(found: Sequence[Numbered], position: Position, numbering: Numbering, *, at_end: bool) -> int:
    """Up to which number this was read; at the end what is no longer there, or too old, is passed as well."""
    last_no = found[-1].no if found else position.no
    return max(last_no, numbering.last_no) if at_end else last_no


def _written(position: Position) -> str:
    """An iterator: the number, and the time of the id."""
    return f"{position.no}-{position.after_id.removeprefix(_PREFIX)}" if position.after_id else str(position.no)


def _read(iterator: str, numbering: Numbering) -> Position:
    found = _ITERATOR.fullmatch(iterator)
    if found is None or int(found[1]) > numbering.last_no:
        wrong = "none that a poll of this application has answered: leave it out to begin anew"
        raise RequestValidationError([{"loc": ("query", "iterator"), "msg": wrong, "type": "value_error"}])
    return Position(int(found[1]), _PREFIX + found[2] if found[2] else "")
