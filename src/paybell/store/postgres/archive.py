"""A whole PostgreSQL database read in one snapshot, or written in one transaction by COPY."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from operator import itemgetter
from typing import Any, Final

import asyncpg
from msgspec import Struct

from paybell.errors import Conflict
from paybell.ports import ArchiveRow, ArchiveSpan
from paybell.store import rows
from paybell.store.archive import BY_NAME, WEEK_MS, Table, check_empty
from paybell.store.postgres.database import Session
from paybell.store.postgres.periods import PeriodPart
from paybell.store.seal import Seal

_SPLIT: Final = {
    "notification_states": ("notification_queue", "notification_ends", frozenset({"pending", "needs_fetch"})),
    "deliveries": ("delivery_queue", "delivery_ends", frozenset({"due"})),
}
"""Tables of which what waits lies in one, and what ended in another."""
_SPAN_MAX_MS: Final = 520 * WEEK_MS
"""What is older than ten years needs no periods of its own."""
_BUSY: Final = "another copy from or to this database is under way, or source and target are the same database"
_Records = tuple[str, Sequence[str], Sequence[ArchiveRow]]


class _Keys(Struct, frozen=True):
    """A table of what is unique for ever: its columns, and those of the logical table that they repeat."""

    table: str
    columns: Mapping[str, str]


_KEYS: Final = {
    "notifications": _Keys(
        "notification_keys", {"source_id": "source_id", "dedupe_key": "dedupe_key", "notification_id": "id"}
    ),
    "messages": _Keys("message_keys", {"application_id": "application_id", "event_id": "event_id", "message_id": "id"}),
}
"""An empty key (a message that the caller gave no event id) has no row there."""


class PostgresArchive:
    """One session in a transaction."""

    dialect = "postgres"

    def __init__(self, session: Session, sql: Mapping[str, str], seal: Seal) -> None:
        self._session = session
        self._connection: Any = session.connection
        self._sql = sql
        self._seal = seal

    async def batches(self, query: str, rows_max: int) -> AsyncIterator[Sequence[ArchiveRow]]:
        """See the port."""
        await self._connection.execute(f"DECLARE {query} NO SCROLL CURSOR FOR {self._sql[query]}")
        while found := await self._connection.fetch(f"FETCH {rows_max} FROM {query}"):
            yield [tuple(row) for row in found]
        await self._connection.execute(f"CLOSE {query}")

    def open_box(self, box: bytes, row_id: str) -> bytes:
        """See the port."""
        return self._seal.open(box, row_id)

    def close_box(self, content: bytes, row_id: str) -> bytes:
        """See the port."""
        return self._seal.close(content, row_id)

    async def clear(self) -> None:
        """See the port."""
        await self._session.rows("archive_clear")

    async def write(self, table: str, batch: Sequence[ArchiveRow]) -> None:
        """See the port."""
        try:
            for name, columns, records in _physical(BY_NAME[table], batch):
                if records:
                    await self._connection.copy_records_to_table(name, records=records, columns=columns)
        except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
            raise Conflict(f"PostgreSQL cannot hold a row of {table}: {error}") from error


class ArchivePart(PeriodPart):
    """Reading and writing everything."""

    @asynccontextmanager
    async def archive_read(self, *, alone: bool) -> AsyncIterator[PostgresArchive]:
        """See the port."""
        async with self.database.transaction("repeatable_read") as session:
            await session.rows("transaction_patience")
            if alone:
                await _be_alone(session)
            yield PostgresArchive(session, self.database.sql, self.seal)

    @asynccontextmanager
    async def archive_write(self, span: ArchiveSpan | None) -> AsyncIterator[PostgresArchive]:
        """See the port. The periods are made first, each by itself: all at once would be too many locks."""
        async with self.database.transaction() as session:
            await _be_empty(session)
        if span is not None:
            await self.periods_make(max(span.first_ms, span.last_ms - _SPAN_MAX_MS), span.last_ms)
        async with self.database.transaction() as session:
            await session.rows("transaction_patience")
            await _be_empty(session)
            yield PostgresArchive(session, self.database.sql, self.seal)


async def _be_empty(session: Session) -> None:
    await _be_alone(session)
    check_empty([rows.text(name) for (name,) in await session.rows("archive_occupied")])


async def _be_alone(session: Session) -> None:
    ((taken,),) = await session.rows("archive_lock")
    if not taken:
        raise Conflict(_BUSY)
    await _refuse_living_nodes(session)


async def _refuse_living_nodes(session: Session) -> None:
    living = [rows.text(name) for (name,) in await session.rows("archive_nodes")]
    if living:
        raise Conflict(
            f"nodes serve from the database ({', '.join(living)}): stop them first, so that nothing comes in that the "
            "copy would miss"
        )


def _physical(table: Table, batch: Sequence[ArchiveRow]) -> Iterator[_Records]:
    """A logical table's rows as those of the tables that they lie in."""
    if table.name in _SPLIT:
        yield from _split(table, batch, *_SPLIT[table.name])
        return
    yield table.name, table.columns, batch
    if table.name in _KEYS:
        keys = _KEYS[table.name]
        found = _picked(table, batch, tuple(keys.columns.values()))
        yield keys.table, tuple(keys.columns), [row for row in found if row[1]]


def _split(
    table: Table, batch: Sequence[ArchiveRow], queue: str, ends: str, waiting: frozenset[str]
) -> Iterator[_Records]:
    state = table.columns.index("state")
    in_queue = tuple(it for it in table.columns if it not in {"finished_at_ms", "dead_reason"})
    in_ends = tuple(it for it in table.columns if it != "due_at_ms")
    free = {"leased": False} if table.name == "notification_states" else {}  # a delivery's lease is its state
    queued = _picked(table, [row for row in batch if row[state] in waiting], in_queue)
    yield queue, (*in_queue, *free), [(*row, *free.values()) for row in queued]
    yield ends, in_ends, _picked(table, [row for row in batch if row[state] not in waiting], in_ends)


def _picked(table: Table, batch: Sequence[ArchiveRow], columns: Sequence[str]) -> list[ArchiveRow]:
    pick = itemgetter(*(table.columns.index(name) for name in columns))
    return [pick(row) for row in batch]
