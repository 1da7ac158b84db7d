"""Databases at any number of their schema, and processes that bring them on, or die at it."""

import asyncio
import itertools
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg

from paybell.ports import Store
from paybell.store.named import schema
from paybell.store.postgres import PostgresStore
from paybell.store.postgres.database import Database, Session
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.fake_clock import FakeClock
from tests.contract.stores import KEY
from tests.postgres import server

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["pytest", "tests.acceptance.cli_world", __name__])
_END_S = 60
_OWN = 0x50424C31

Shape = Sequence[tuple[Any, ...]]
Table = Sequence[Mapping[str, Any]]
Contents = Mapping[str, Table]


class Ground(Protocol):
    """A database on which no store is open, looked at from outside."""

    url: str
    dialect: str

    def __init__(self, folder: Path) -> None: ...

    def run(self, *statements: str) -> None:
        """Change it as anybody could."""
        ...

    def version(self) -> int:
        """The number of its schema, 0 for none."""
        ...

    def shape(self) -> Shape:
        """All that its schema is made of."""
        ...

    def set_version(self, number: int) -> None:
        """Say that it has that schema, whatever it has."""
        ...

    def contents(self) -> Contents:
        """All rows of all tables that keep something."""
        ...

    def insert(self, contents: Contents) -> None:
        """Add rows, but for those columns that it has not (yet)."""
        ...


class SqliteGround:
    """A file."""

    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "paybell.db"
        self.url = f"sqlite:///{self.path}"

    def run(self, *statements: str) -> None:
        with closing(apsw.Connection(str(self.path))) as connection:
            for statement in statements:
                connection.execute(statement).fetchall()

    def version(self) -> int:
        return int(self._rows("PRAGMA user_version")[0][0])

    def set_version(self, number: int) -> None:
        self.run(f"PRAGMA user_version = {number}", f"PRAGMA application_id = {_OWN}")

    def shape(self) -> Shape:
        return [
            *self._rows(
                "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1, 2"
            ),
            *self._rows("PRAGMA user_version"),
            *self._rows("PRAGMA application_id"),
        ]

    def contents(self) -> Contents:
        return {name: self._table(name, columns) for name, columns in self._tables().items()}

    def insert(self, contents: Contents) -> None:
        there = self._tables()
        with closing(apsw.Connection(str(self.path))) as connection, connection:
            for table, rows in contents.items():
                for row in rows if table in there else ():
                    known = {name: row[name] for name in there[table] if name in row}
                    holes = ", ".join("?" * len(known))
                    connection.execute(
                        f"INSERT INTO {table} ({', '.join(known)}) VALUES ({holes})",  # noqa: S608
                        tuple(known.values()),
                    )

    def _tables(self) -> dict[str, list[str]]:
        names = self._rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        return {
            name: [row[1] for row in self._rows(f"PRAGMA table_info({name})")]
            for (name,) in names
            if name not in _NOT_KEPT
        }

    def _table(self, name: str, columns: Sequence[str]) -> Table:
        found = self._rows(f"SELECT {', '.join(columns)} FROM {name} ORDER BY 1, 2")  # noqa: S608 - names of ours
        return [dict(zip(columns, row, strict=True)) for row in found]

    def _rows(self, query: str) -> Shape:
        with closing(apsw.Connection(str(self.path))) as connection:
            return connection.execute(query).fetchall()


class PostgresGround:
    """A database of the server of this test run."""

    dialect = "postgres"

    def __init__(self, folder: Path) -> None:
        self.url = server().new_database()

    def run(self, *statements: str) -> None:
        async def main(connection: Any) -> None:
            for statement in statements:
                await connection.execute(statement)

        self._on_connection(main)

    def version(self) -> int:
        if not self._rows("SELECT 1 FROM pg_class WHERE relname = 'paybell_schema'"):
            return 0
        return int(self._rows("SELECT max(version) FROM paybell_schema")[0][0])

    def set_version(self, number: int) -> None:
        self.run(
            "CREATE TABLE IF NOT EXISTS paybell_schema (version INTEGER NOT NULL)",
            f"INSERT INTO paybell_schema VALUES ({number})",  # noqa: S608 - a number
        )

    def shape(self) -> Shape:
        return self._rows(_CATALOG)

    def contents(self) -> Contents:
        async def main(connection: Any) -> Contents:
            names = [row[0] for row in await connection.fetch(_TABLES) if row[0] not in _NOT_KEPT]
            found = {name: await connection.fetch(f"TABLE {name} ORDER BY 1, 2") for name in names}
            return {name: [dict(row) for row in rows] for name, rows in found.items()}

        kept: Contents = self._on_connection(main)
        return kept

    def insert(self, contents: Contents) -> None:
        there = self._tables()

        async def main(connection: Any) -> None:
            await connection.execute("SET session_replication_role = replica")  # in whatever order they come
            for table, rows in contents.items():
                for row in rows if table in there else ():
                    known = {name: row[name] for name in there[table] if name in row}
                    holes = ", ".join(f"${number}" for number in range(1, len(known) + 1))
                    await connection.execute(
                        f"INSERT INTO {table} ({', '.join(known)}) VALUES ({holes})",  # noqa: S608 - names of ours
                        *known.values(),
                    )

        self._on_connection(main)

    def _tables(self) -> dict[str, list[str]]:
        found = self._rows(_TABLES)
        return {row[0]: row[1] for row in found if row[0] not in _NOT_KEPT}

    def _rows(self, query: str) -> Sequence[Any]:
        return self._on_connection(lambda connection: connection.fetch(query))

    def _on_connection(self, work: Any) -> Any:
        async def main() -> Any:
            connection = await asyncpg.connect(self.url)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(main())


_NOT_KEPT = frozenset({"directory", "leader", "nodes", "paybell_schema", "postings"})
"""What says how things are now, what a migration itself puts in, and what the first releases did not have."""
_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum)
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
 GROUP BY c.relname
"""
_CATALOG = """
SELECT 'column', c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
       coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text || coalesce(l.collname, '')
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
 WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'relation', c.relname::text, c.relkind::text, coalesce(c.reloptions::text, ''),
       coalesce(pg_get_partkeydef(c.oid), ''),
       CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) WHEN 'i' THEN pg_get_indexdef(c.oid)
                      WHEN 'I' THEN pg_get_indexdef(c.oid) ELSE coalesce(pg_get_expr(c.relpartbound, c.oid), '') END
  FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), '', ''
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid), '', ''
  FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'function', proname::text, pg_get_functiondef(oid), '', '', ''
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
 ORDER BY 1, 2, 3
"""
GROUNDS: Mapping[str, type[Ground]] = {"sqlite": SqliteGround, "postgres": PostgresGround}


def raised_to(ground: Ground, number: int) -> None:
    """Bring an empty database to that number as the releases did that had no more."""
    for step in schema(ground.dialect)[:number]:
        ground.run(*step.statements)
        ground.set_version(step.number)


def store_on(url: str, *, serve: bool = False, migrate: bool = True) -> SqliteStore | PostgresStore:
    """A store of today's program, not opened yet."""
    clock = FakeClock()
    seal = Seal(KEY, clock)
    if url.startswith("sqlite:///"):
        return SqliteStore(url.removeprefix("sqlite:///"), seal, clock, serve=serve, migrate=migrate)
    return PostgresStore(url, seal, clock, serve=serve, migrate=migrate)


async def _nothing(_: Store) -> None:
    """Only open and close."""


def on(store: Store, work: Callable[[Store], Awaitable[None]] = _nothing) -> None:
    """Do something on an open store, and close it."""

    async def main() -> None:
        await store.open()
        try:
            await work(store)
        finally:
            await store.close()

    return asyncio.run(main())


# ---------------------------------------------------------------------------------------- other processes


def dies(url: str, statement_no: int) -> bool:
    """Whether a process that brings the schema up to date, and is killed before that statement of it, got so far."""
    process = _started(_migrate_and_die, url, statement_no)
    return _ended(process) == -signal.SIGKILL


def migrated_together(url: str, process_count: int) -> list[list[int]]:
    """The numbers that each of some processes brought in that all begin at the same moment."""
    barrier = _FORKS.Barrier(process_count)
    pipes = [_FORKS.Pipe(duplex=False) for _ in range(process_count)]
    processes = [_started(_migrate, url, barrier, sending) for _, sending in pipes]
    statuses = [_ended(it) for it in processes]
    assert statuses == [0] * process_count
    return [receiving.recv() for receiving, _ in pipes]


def _started(target: Any, *given: Any) -> BaseProcess:
    process = _FORKS.Process(target=target, args=given)
    process.start()
    return process


def _ended(process: BaseProcess) -> int:
    process.join(_END_S)
    status = process.exitcode
    if status is None:
        process.kill()
        raise AssertionError(f"the process did not end within {_END_S} s")
    process.close()
    return status


def _migrate(url: str, barrier: Barrier, answer: Any) -> None:
    store = store_on(url)
    barrier.wait(_END_S)
    answer.send([it.number for it in asyncio.run(store.schema_migrate())])


def _migrate_and_die(url: str, statement_no: int) -> None:
    store = store_on(url)
    count = itertools.count(1)

    def step(*_: object) -> bool:
        if next(count) == statement_no:
            os.kill(os.getpid(), signal.SIGKILL)
        return True

    if isinstance(store, SqliteStore):
        store.database.open()
        store.database.writer.exec_trace = step
        store.schema_raise()
    else:
        store.database = _Mortal(url, step)
        asyncio.run(store.schema_migrate())


class _Mortal(Database):
    """Tells ``step`` of everything before it is asked of the server, and of every commit, before and after."""

    def __init__(self, url: str, step: Any) -> None:
        super().__init__(url)
        self._step = step

    @asynccontextmanager
    async def transaction(self, isolation: str = "read_committed") -> AsyncIterator[Session]:
        async with super().transaction(isolation) as session:
            yield _MortalSession(session.connection, self.sql, self._step)
            self._step()
        self._step()


class _MortalSession(Session):
    def __init__(self, connection: Any, sql: Mapping[str, str], step: Any) -> None:
        super().__init__(connection, sql)
        self._step = step

    async def rows(self, name: str, *values: object) -> Sequence[Sequence[Any]]:
        self._step()
        return await super().rows(name, *values)

    async def run(self, script: str) -> None:
        self._step()
        await super().run(script)
