"""What polling asks of the store: messages in an order in which none ever comes before one that was read."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from paybell.model.message import Message


class Position(Struct, frozen=True):
    """How far somebody has read: up to that number, and of what follows only messages with ids above ``after_id``."""

    no: int = 0
    after_id: str = ""


class Numbering(Struct, frozen=True):
    """The highest number that a message of an application has, and whether there are more that have none yet."""

    last_no: int
    more: bool


class Numbered(Struct, frozen=True):
    """A message, and its number among those of its application."""

    no: int
    message: Message


class PollStore(Protocol):
    """Messages by number, and consumers of a sink (an endpoint that is polled)."""

    async def poll_number(self, application_id: str, *, now_ms: int) -> Numbering:
        """Give numbers, on from the highest, to messages that have none: some at a time, the oldest first.

        A number that is seen is followed by higher ones alone, whenever the transactions end that write messages: it
        is given to what is committed, one caller after the other. What is committed over a minute after its id was
        made is found within a minute more, up to an hour.
        """
        ...

    async def poll_read(self, application_id: str, position: Position, limit: int) -> Sequence[Numbered]:
        """The messages after a position, by number; those that retention has dropped are left out."""
        ...

    async def poll_start(self, application_id: str, after_id: str) -> Position:
        """Before the first message with a higher id; at the end where there is none."""
        ...

    async def poll_consumer_get(self, endpoint_id: str, name: str) -> Position:
        """How far a consumer has read; at the very beginning for one that is not known."""
        ...

    async def poll_consumer_advance(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """It has read as far as that, if it had not got further already."""
        ...

    async def poll_consumer_seek(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """It goes on from there, forwards or back."""
        ...
