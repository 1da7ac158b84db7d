"""The SQLite file: one writing connection that groups jobs into commits, and read-only connections for reads.

Many callers hand in jobs; all that are waiting run in one transaction, and each caller is answered after the commit's
fsync. There is no timer: while one batch commits, the next one collects. The statements run on the event loop's own
thread and only BEGIN-when-busy and COMMIT (the fsync) run on a worker thread: with the statements on a thread of their
own, each of them waits for Python's lock (docs/decisions/0003).
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import apsw

from paybell.errors import SchemaError, StoreUnavailable
from paybell.model.audit import AuditLine
from paybell.ports import Changing, riding
from paybell.store.place import MEMORY
from paybell.store.sqlite import lock

T = TypeVar("T")
Job = Callable[[apsw.Connection], T]

APPLICATION_ID: Final = 0x50424C31  # "PBL1": says whose file this is
_WRITE_FLAGS: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
_WRITE_PRAGMAS: Final = (
    "PRAGMA page_size = 8192",  # of a new file: 4 KB hold three messages of 1 KB, and a gap
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 2000",
    "PRAGMA cache_size = -65536",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = FAST",  # what is overwritten leaves no trace in pages that are written anyway
)
_BATCH_JOBS_MAX: Final = 1024
_BUSY_MS: Final = 5000
_READERS: Final = 2


class _Pending(Generic[T]):
    """A job, its caller, and what came of it before the commit."""

    __slots__ = ("_result", "error", "future", "job")

    def __init__(self, job: Job[T], future: asyncio.Future[T]) -> None:
        self.job = job
        self.future = future
        self.error: Exception | None = None
        self._result: T

    def run(self, connection: apsw.Connection) -> None:
        self._result = self.job(connection)

    def answer(self) -> None:
        if self.error is None:
            self.future.set_result(self._result)
        else:
            self.future.set_exception(_translated(self.error))

    def fail(self, error: Exception) -> None:
        self.future.set_exception(error)


class Database:
    """A SQLite database behind one event loop. ``path`` may be ``:memory:`` (reads then share the writer).

    ``on_rollback`` is told when something that jobs may have read in their transaction was undone; ``audit`` writes the
    line of a change within one.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.on_rollback: Callable[[], None] = _nothing
        self.audit: Callable[[apsw.Connection, AuditLine], None] = _no_line
        self._waiting: deque[_Pending[Any]] = deque()
        self._running = False
        self._closed = asyncio.Event()
        self._closing = False
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="paybell-commit")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="paybell-read")
        self._local = threading.local()
        self._read_connections: list[apsw.Connection] = []

    def open(self) -> None:
        """Open the writing connection; `StoreUnavailable` when the file cannot be opened."""
        try:
            if self.path == MEMORY:
                self._connect()
            else:
                folder = Path(self.path).parent
                folder.mkdir(parents=True, exist_ok=True)
                with lock.opening(folder):
                    self._connect()
        except (apsw.Error, OSError) as error:
            raise StoreUnavailable(f"cannot open the database {self.path}: {error}") from error
        self.writer.set_busy_timeout(0)

    def _connect(self) -> None:
        self.writer = apsw.Connection(self.path, flags=_WRITE_FLAGS, statementcachesize=256)
        self.writer.set_busy_timeout(_BUSY_MS)
        self._refuse_foreign()
        for pragma in _WRITE_PRAGMAS:
            self.writer.execute(pragma).fetchall()

    def _refuse_foreign(self) -> None:
        """Before anything is written: the mode of its journal is a mark in the file.

        Tables first: their maker's id came with them, however many come while we look.
        """
        tables = self.writer.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
        if tables and self.writer.pragma("application_id") != APPLICATION_ID:
            self.writer.close()
            raise SchemaError(f"{self.path} is another program's database: give PAYBELL_DATABASE another file")

    @property
    def waiting_count(self) -> int:
        """Jobs handed in and not yet begun: the measure of overload."""
        return len(self._waiting)

    def write(self, job: Job[T]) -> Awaitable[T]:
        """Run a job in the next transaction; its result is there once that is committed and synced.

        A job that raises is undone alone; the others of its batch are not touched. The line of the change that it
        belongs to is written with it.
        """
        change = riding()
        return self._write(job) if change is None else self._write_audited(job, change)

    async def _write_audited(self, job: Job[T], change: Changing) -> T:
        def audited(connection: apsw.Connection) -> T:
            result = job(connection)
            self.audit(connection, change.line)
            return result

        result = await self._write(audited)
        change.written()
        return result

    def _write(self, job: Job[T]) -> asyncio.Future[T]:
        if self._closing:
            raise StoreUnavailable("the database is closing")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Pending(job, future))
        if not self._running:
            self._running = True
            loop.call_soon(self._begin, loop)
        return future

    async def read(self, job: Job[T]) -> T:
        """Run a job on a read-only connection of a worker thread."""
        if self.path == MEMORY:
            return await self._write(job)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, self._on_reader, job)
        except apsw.BusyError as error:
            raise StoreUnavailable("the database is busy; try again") from error

    async def tidy(self) -> None:
        """Write the log of changes into the file and empty it; what others read from just now stays in it a while."""
        if self.path != MEMORY:
            await asyncio.get_running_loop().run_in_executor(self._readers, self._tidy)

    def _tidy(self) -> None:
        connection = apsw.Connection(self.path)
        try:
            connection.set_busy_timeout(_BUSY_MS)
            with contextlib.suppress(apsw.BusyError):
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()

    async def close(self) -> None:
        """Commit what was handed in, then close every connection."""
        self._closing = True
        if self._running:
            await self._closed.wait()
        self._committer.shutdown()
        self._readers.shutdown()
        for connection in self._read_connections:
            connection.close()
        with contextlib.suppress(apsw.Error):
            self.writer.execute("PRAGMA optimize").fetchall()
        self.writer.close()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self.writer.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:  # another process writes: wait for it off the loop
            waiting = loop.run_in_executor(self._committer, self._begin_patiently)
            waiting.add_done_callback(lambda done: self._begun(loop, done.exception()))
        except apsw.Error as error:
            self._begun(loop, error)
        else:
            self._run(loop)

    def _begin_patiently(self) -> None:
        self.writer.set_busy_timeout(_BUSY_MS)
        try:
            self.writer.execute("BEGIN IMMEDIATE")
        finally:
            self.writer.set_busy_timeout(0)

    def _begun(self, loop: asyncio.AbstractEventLoop, error: BaseException | None) -> None:
        if error is None:
            self._run(loop)
        else:
            self._finish(loop, self._take(), error)

    def _take(self) -> list[_Pending[Any]]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH_JOBS_MAX))]

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        batch = self._take()
        try:
            self._run_together(batch)
        except apsw.Error as error:  # SQLite itself rolled back (disk full, I/O error): nothing of this batch is kept
            self._finish(loop, batch, error)
            return
        committing = loop.run_in_executor(self._committer, self._commit)
        committing.add_done_callback(lambda done: self._finish(loop, batch, done.exception()))

    def _run_together(self, batch: list[_Pending[Any]]) -> None:
        """Run all jobs; if one raises, undo everything and run them again, each undone alone where it raises.

        Jobs therefore may run twice, and must do nothing but use the connection. Errors are rare, and a savepoint
        around every job would cost more than the work of the smallest.
        """
        execute = self.writer.execute
        execute("SAVEPOINT batch")
        try:
            for pending in batch:
                pending.run(self.writer)
        except Exception:  # noqa: BLE001 - found again below, by the job that raises it
            execute("ROLLBACK TO batch")
            self.on_rollback()
            self._run_apart(batch)

    def _run_apart(self, batch: list[_Pending[Any]]) -> None:
        execute = self.writer.execute
        for pending in batch:
            execute("SAVEPOINT job")
            try:
                pending.run(self.writer)
            except Exception as error:  # noqa: BLE001 - the job's caller gets it
                pending.error = error
                execute("ROLLBACK TO job")
                self.on_rollback()
            execute("RELEASE job")

    def _commit(self) -> None:
        self.writer.execute("COMMIT")

    def _finish(self, loop: asyncio.AbstractEventLoop, batch: list[_Pending[Any]], error: BaseException | None) -> None:
        if error is not None:
            self.on_rollback()
            if self.writer.in_transaction:
                with contextlib.suppress(apsw.Error):
                    self.writer.execute("ROLLBACK")
        for pending in batch:
            if pending.future.done():  # its caller went away; the row is kept all the same
                continue
            if error is not None:
                pending.fail(StoreUnavailable(f"the database could not commit: {error}"))
            else:
                pending.answer()
        if self._waiting:
            loop.call_soon(self._begin, loop)
        else:
            self._running = False
            if self._closing:
                self._closed.set()

    def _on_reader(self, job: Job[T]) -> T:
        connection: apsw.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=128)
            connection.set_busy_timeout(_BUSY_MS)
            self._local.connection = connection
            self._read_connections.append(connection)
        return job(connection)


def _nothing() -> None:
    """Nobody wants to hear of it."""


def _no_line(_connection: apsw.Connection, _line: AuditLine) -> None:
    """Nobody keeps a log."""


def _translated(error: Exception) -> Exception:
    if isinstance(error, apsw.FullError | apsw.IOError | apsw.BusyError | apsw.ReadOnlyError):
        translated = StoreUnavailable(f"the database could not write: {error}")
        translated.__cause__ = error
        return translated
    return error
