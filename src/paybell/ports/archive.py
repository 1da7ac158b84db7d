"""What copying and checking a whole database ask of the store."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

ArchiveRow = tuple[str | int | bytes | None, ...]


class ArchiveSpan(Struct, frozen=True):
    """The time in which everything was made that a database holds."""

    first_ms: int
    last_ms: int


class ArchiveReader(Protocol):
    """One snapshot of a whole database."""

    dialect: str
    """Which named queries it knows: sqlite or postgres."""

    def batches(self, query: str, rows_max: int) -> AsyncIterator[Sequence[ArchiveRow]]:
        """The rows of a named query, up to so many at once; several may be read side by side."""
        ...

    def open_box(self, box: bytes, row_id: str) -> bytes:
        """What the row's box holds; ``ConfigurationError`` when it was closed under another key."""
        ...


class ArchiveWriter(ArchiveReader, Protocol):
    """One transaction that fills a database."""

    async def clear(self) -> None:
        """Take the default organisation out."""
        ...

    async def write(self, table: str, batch: Sequence[ArchiveRow]) -> None:
        """Add rows of a logical table as they are; ``Conflict`` when the database cannot hold them."""
        ...

    def close_box(self, content: bytes, row_id: str) -> bytes:
        """A box for the row, under this database's key."""
        ...


class ArchiveStore(Protocol):
    """What copying and checking ask."""

    def archive_read(self, *, alone: bool) -> AbstractAsyncContextManager[ArchiveReader]:
        """A snapshot, until the end of the block. ``alone``: ``Conflict`` while anybody serves from the database."""
        ...

    def archive_write(self, span: ArchiveSpan | None) -> AbstractAsyncContextManager[ArchiveWriter]:
        """A transaction, committed at the end of the block, undone by an error; room is made for the span before.

        ``Conflict`` while anybody serves, and where anything is besides the default organisation.
        """
        ...
