"""The connections to PostgreSQL: a small pool, named queries, and errors in our own words."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final, TypeVar

import asyncpg
from msgspec import Struct

from paybell.errors import StoreUnavailable
from paybell.ports import riding
from paybell.store import audit_rows
from paybell.store.named import queries
from paybell.store.postgres.problems import check_durable, check_server, connecting, translated

T = TypeVar("T")
_POOL_MIN: Final = 0
_CONNECT_TIMEOUT_S: Final = 10.0
_STATEMENT_TIMEOUT_MS: Final = 30_000
_RETRIES: Final = 10
_NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")
_ISOLATIONS: Final = {"read_committed": "READ COMMITTED", "repeatable_read": "REPEATABLE READ, READ ONLY"}
_BEGIN: Final = "BEGIN ISOLATION LEVEL {}"
_IDLE_TIMEOUT_MS: Final = 5_000
"""A node that is cut off in the middle of a transaction keeps its rows locked for so long, and no longer."""
_LIMITS: Final = {
    "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
    "idle_in_transaction_session_timeout": str(_IDLE_TIMEOUT_MS),
}
_SILENCE: Final = {
    "tcp_user_timeout": "10000",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""How soon the server finds that a client is gone without a word."""
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3}
"""The same for the client, in seconds and tries."""
_TIMEOUTS: Final = {"timeout": _CONNECT_TIMEOUT_S, "command_timeout": _STATEMENT_TIMEOUT_MS / 1000 + 5}
"""What even the server's own limit did not end is waited for no longer: nobody is there any more."""
_MIGRATION_TIMEOUT_S: Final = 86_400.0
_CLOSE_S: Final = 5.0
_PLANNER: Final = {
    "plan_cache_mode": "force_generic_plan",
    **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off"),
}
"""A statement is planned while its tables are small and runs when they are not: all go by index, row by row."""
_SET_LIMITS: Final = "".join(f"; SET LOCAL {name} = {value}" for name, value in (_LIMITS | _PLANNER).items())
_SETTINGS: Final = {"application_name": "paybell", "timezone": "UTC", **_LIMITS, **_SILENCE, **_PLANNER}
_CONFLICTS: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class PostgresOptions(Struct, frozen=True, kw_only=True):
    """How to connect. ``pooled``: a pooler in transaction mode stands between, so that no session is ours."""

    connections_max: int = 10
    pooled: bool = False


class Session:
    """One connection, and the named queries."""

    def __init__(self, connection: Any, sql: Mapping[str, str]) -> None:
        self.connection = connection
        self._sql = sql

    async def rows(self, name: str, *values: object) -> Sequence[Sequence[Any]]:
        """Run a named query with values by place."""
        found: Sequence[Sequence[Any]] = await self.connection.fetch(self._sql[name], *values)
        return found

    async def count(self, name: str, *values: object) -> int:
        """Run a named statement with values by place; how many rows it changed."""
        tag: str = await self.connection.execute(self._sql[name], *values)
        return int(tag.rpartition(" ")[2])

    async def run(self, script: str) -> None:
        """Run a statement of a migration: it may take its time."""
        await self.connection.execute(script, timeout=_MIGRATION_TIMEOUT_S)

    async def page(self, name: str, named: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run a named query with values by name."""
        text, names = numbered(self._sql[name])
        found: Sequence[Sequence[Any]] = await self.connection.fetch(text, *(named[it] for it in names))
        return found


class Database:
    """A pool on ``url``; every failure of the connection is a ``StoreUnavailable``.

    Behind a pooler in transaction mode statements are not prepared, and each runs in a transaction that sets its own
    limits: the next one may meet another session.
    """

    def __init__(self, url: str, options: PostgresOptions | None = None) -> None:
        self.url = url
        self.sql = queries("postgres")
        self._options = options or PostgresOptions()
        self._pool: Any = None
        self.on_lost: Callable[[], None] = _nothing
        """Called when something was asked of the server and the answer, or the server itself, could not be reached."""

    async def open(self) -> None:
        """Connect, and refuse a server that could lose what it has acknowledged."""
        try:
            with translated(), connecting(self.url):
                self._pool = await asyncpg.create_pool(
                    self.url,
                    min_size=_POOL_MIN,
                    max_size=self._options.connections_max,
                    init=_watch,
                    reset=_tidy,
                    **self._connect(),
                )
                async with self._pool.acquire():  # the pool itself begins with none, and so finds nothing wrong
                    pass
            await self._check()
        except BaseException:
            await self.close()
            raise

    async def _check(self) -> None:
        async with self.session() as session:
            ((version, limit_ms),) = await session.rows("server_facts")
            careless = await session.rows("server_careless")
        check_server(
            version=version, limit_ms=limit_ms, own_limit_ms=_STATEMENT_TIMEOUT_MS, pooled=self._options.pooled
        )
        for found in careless:
            check_durable(*found)

    async def listener(self) -> Any:
        """A connection of its own, not of the pool; None behind a pooler, which passes no notifications on."""
        if self._options.pooled:
            return None
        with translated():
            connection = await asyncpg.connect(self.url, **self._connect())
        await _watch(connection)
        return connection

    def _connect(self) -> dict[str, Any]:
        if self._options.pooled:
            return {**_TIMEOUTS, "statement_cache_size": 0}
        return {**_TIMEOUTS, "server_settings": _SETTINGS}

    async def close(self) -> None:
        """Wait a little for what is under way, then disconnect."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_S):
                await pool.close()
        except TimeoutError:  # a server that answers no more keeps nobody from ending
            pool.terminate()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection of its own, each statement a transaction."""
        if self._options.pooled:
            async with self._transaction("read_committed") as session:
                yield session
            return
        async with self._acquired() as connection:
            yield Session(connection, self.sql)

    @asynccontextmanager
    async def transaction(self, isolation: str = "read_committed") -> AsyncIterator[Session]:
        """A connection in a transaction, committed at the end, undone by an error.

        The line of the change that it belongs to is written with it, unless it only reads.
        """
        change = riding() if isolation == "read_committed" else None
        async with self._transaction(isolation) as session:
            yield session
            if change is not None and change.is_open:
                await session.rows("audit_insert", *audit_rows.line_row(change.line))
        if change is not None:
            change.written()

    @asynccontextmanager
    async def _transaction(self, isolation: str) -> AsyncIterator[Session]:
        begin = _BEGIN.format(_ISOLATIONS[isolation]) + (_SET_LIMITS if self._options.pooled else "")
        async with self._acquired() as connection:
            await connection.execute(begin)
            try:
                yield Session(connection, self.sql)
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[Any]:
        if self._pool is None:
            raise StoreUnavailable("the database is closing")
        try:
            with translated():
                async with self._pool.acquire(timeout=_CONNECT_TIMEOUT_S) as connection:
                    yield connection
        except StoreUnavailable:
            self.on_lost()
            raise

    async def rows(self, name: str, *values: object) -> Sequence[Sequence[Any]]:
        """Run one named query in a transaction of its own."""
        async with self.session() as session:
            return await session.rows(name, *values)

    async def page(self, name: str, named: Mapping[str, object]) -> Sequence[Sequence[Any]]:
        """Run one named query with named values."""
        async with self.session() as session:
            return await session.page(name, named)


async def repeated(work: Callable[[], Awaitable[T]]) -> T:
    """Do it again when the server chose it as a deadlock's victim: it was undone whole, and the other has gone on."""
    for _ in range(_RETRIES):
        try:
            return await work()
        except _CONFLICTS:
            await asyncio.sleep(0)
    return await work()


@lru_cache(maxsize=256)
def numbered(query: str) -> tuple[str, tuple[str, ...]]:
    """A query with ``:name`` as ``$1`` …, and the names in that order."""
    names: list[str] = []

    def place(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _NAMED.sub(place, query), tuple(names)


def _nothing() -> None:
    """Nobody wants to hear of it."""


async def _watch(connection: Any) -> None:
    """Have a silent server asked for signs of life: who waits for an answer sends nothing, and would wait for ever."""
    found = connection._transport.get_extra_info("socket")  # noqa: SLF001 - asyncpg has no other way to its socket
    if found.family in (socket.AF_INET, socket.AF_INET6):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            found.setsockopt(socket.IPPROTO_TCP, option, value)


async def _tidy(connection: Any) -> None:
    """Spare a round trip: nothing of ours outlives a transaction (no locks, cursors or listeners)."""
    if connection.is_in_transaction():  # its ROLLBACK was broken off
        await connection.reset()
