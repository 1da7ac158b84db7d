"""A whole SQLite database read in one snapshot, or written in one transaction."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import islice
from typing import Final

import apsw

from paybell.errors import Conflict, StoreUnavailable
from paybell.ports import ArchiveRow, ArchiveSpan
from paybell.store import rows
from paybell.store.archive import check_empty
from paybell.store.seal import Seal
from paybell.store.sqlite import lock
from paybell.store.sqlite.base import Part

_BUSY_MS: Final = 5000
_WRITE_PRAGMAS: Final = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -65536")
_INSERTS: Final = {
    "tasks": "archive_tasks_insert",
    "organisations": "archive_organisations_insert",
    "api_keys": "archive_api_keys_insert",
    "sources": "archive_sources_insert",
    "notifications": "archive_notifications_insert",
    "notification_keys": "archive_notification_keys_insert",
    "notification_states": "archive_notification_states_insert",
    "refusals": "archive_refusals_insert",
    "facts": "archive_facts_insert",
    "payments": "archive_payments_insert",
    "account_items": "archive_account_items_insert",
    "products": "archive_products_insert",
    "grants": "archive_grants_insert",
    "entitlements": "archive_entitlements_insert",
    "silences": "archive_silences_insert",
    "mentions": "archive_mentions_insert",
    "erasures": "archive_erasures_insert",
    "expectations": "expectation_insert",
    "merged_payments": "archive_merged_payments_insert",
    "aliases": "alias_insert",
    "postings": "posting_insert",
    "audit": "audit_insert",
    "applications": "archive_applications_insert",
    "endpoints": "archive_endpoints_insert",
    "event_types": "archive_event_types_insert",
    "messages": "archive_messages_insert",
    "message_extras": "message_extra_insert",
    "deliveries": "archive_deliveries_insert",
    "delivery_lines": "archive_delivery_lines_insert",
    "attempts": "archive_attempts_insert",
    "poll_heads": "archive_poll_heads_insert",
    "poll_numbers": "poll_number",
    "poll_consumers": "poll_consumer_seek",
}
_SERVED: Final = (
    "a running Paybell (or another copy) holds {path}: stop it first, so that nothing comes in that the copy would miss"
)


class SqliteArchive:
    """One connection in a transaction; its statements run on worker threads, one at a time."""

    dialect = "sqlite"

    def __init__(self, connection: apsw.Connection, sql: Mapping[str, str], seal: Seal) -> None:
        self._connection = connection
        self._sql = sql
        self._seal = seal

    async def batches(self, query: str, rows_max: int) -> AsyncIterator[Sequence[ArchiveRow]]:
        """See the port."""
        cursor = await asyncio.to_thread(self._connection.execute, self._sql[query])
        try:
            while batch := await asyncio.to_thread(_next, cursor, rows_max):
                yield batch
        finally:
            cursor.close()

    def open_box(self, box: bytes, row_id: str) -> bytes:
        """See the port."""
        return self._seal.open(box, row_id)

    def close_box(self, content: bytes, row_id: str) -> bytes:
        """See the port."""
        return self._seal.close(content, row_id)

    async def clear(self) -> None:
        """See the port."""
        self._connection.execute(self._sql["archive_clear"])

    async def write(self, table: str, batch: Sequence[ArchiveRow]) -> None:
        """See the port."""
        if table not in _INSERTS:
            raise Conflict(
                f"the source keeps {table} of messages that retention has dropped, which SQLite has no place for: copy "
                "it to PostgreSQL"
            )
        try:
            await asyncio.to_thread(self._connection.executemany, self._sql[_INSERTS[table]], batch)
        except apsw.ConstraintError as error:
            raise Conflict(f"the target cannot hold a row of {table}: {error}") from error


class ArchivePart(Part):
    """Reading and writing everything."""

    @asynccontextmanager
    async def archive_read(self, *, alone: bool) -> AsyncIterator[SqliteArchive]:
        """See the port."""
        with self._locked() if alone else contextlib.nullcontext(), self._connected(apsw.SQLITE_OPEN_READONLY) as it:
            it.execute("BEGIN")
            it.execute(self.sql["directory_version"]).fetchall()  # the snapshot begins with the first row read
            yield SqliteArchive(it, self.sql, self.seal)

    @asynccontextmanager
    async def archive_write(self, span: ArchiveSpan | None) -> AsyncIterator[SqliteArchive]:
        """See the port; a file needs no room made."""
        del span
        with self._locked(), self._connected(apsw.SQLITE_OPEN_READWRITE) as it:
            for pragma in _WRITE_PRAGMAS:
                it.execute(pragma).fetchall()
            it.execute("BEGIN IMMEDIATE")
            check_empty([rows.text(name) for (name,) in it.execute(self.sql["archive_occupied"])])
            yield SqliteArchive(it, self.sql, self.seal)
            await asyncio.to_thread(it.execute, "COMMIT")
            await asyncio.to_thread(it.execute, "PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        held = lock.take(self.database.path)
        if held is None:
            raise Conflict(_SERVED.format(path=self.database.path))
        try:
            yield
        finally:
            os.close(held)

    @contextmanager
    def _connected(self, flags: int) -> Iterator[apsw.Connection]:
        """A connection of its own; what is not committed when it closes is undone."""
        connection = apsw.Connection(self.database.path, flags=flags)
        connection.set_busy_timeout(_BUSY_MS)
        try:
            yield connection
        except (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.ReadOnlyError) as error:
            raise StoreUnavailable(f"the database {self.database.path} cannot be used now: {error}") from error
        finally:
            connection.close(force=True)


def _next(cursor: apsw.Cursor, rows_max: int) -> list[ArchiveRow]:
    return list(islice(cursor, rows_max))
