"""What is said of a change rides in the change's own transaction.

Whoever begins a change opens a :func:`changing` around it. The first transaction of its task that writes takes the line
with it: both are kept, or neither. It rides beside the calls, not in their arguments, so that no change can be added
to a store that forgets it (docs/decisions/0032).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

from msgspec.structs import replace

from paybell.model.audit import AuditLine
from paybell.ports.paging import Page, PageQuery


class Changing:
    """A change under way. ``is_open`` until its line is written, or the change is over."""

    __slots__ = ("is_open", "is_written", "line")

    def __init__(self, line: AuditLine) -> None:
        self.line = line
        self.is_open = True
        self.is_written = False

    def about(self, name: str) -> None:
        """Say what is changed, before it is."""
        self.line = replace(self.line, objects=(*self.line.objects, name))

    def written(self) -> None:
        """The line is on stable storage."""
        self.is_open, self.is_written = False, True


_CHANGING: Final[ContextVar[Changing | None]] = ContextVar("changing", default=None)


@contextmanager
def changing(line: AuditLine) -> Iterator[Changing]:
    """Let the line ride with what this task writes within the block."""
    change = Changing(line)
    token = _CHANGING.set(change)
    try:
        yield change
    finally:
        change.is_open = False  # tasks that were begun within go on, and must not take it for theirs
        _CHANGING.reset(token)


def riding() -> Changing | None:
    """The change of this task whose line is not yet written."""
    change = _CHANGING.get()
    return change if change is not None and change.is_open else None


class AuditStore(Protocol):
    """The audit log."""

    async def audit_append(self, line: AuditLine) -> None:
        """Write a line by itself: of a change that wrote nothing else."""
        ...

    async def audit_page(self, query: PageQuery) -> Page[AuditLine]:
        """Lines, newest first; of an actor, an operation, or about an object."""
        ...
