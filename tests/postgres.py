"""The PostgreSQL server of this test run, with its data in memory where there is plenty.

Memory outlives a killed process as the disk's cache does, so no test sees the difference; only a power cut would.
"""

import asyncio
import atexit
import shutil
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg

from paybell.clock import SystemClock
from paybell.store.postgres import PostgresStore
from paybell.store.seal import Seal
from paybell.testing.fake_clock import FakeClock
from paybell.testing.postgres import PostgresServer
from tests.threads import at_once

_MEMORY: Final = Path("/dev/shm")
_PLENTY_BYTES: Final = 12 << 30
"""A run leaves some GiB of databases behind until it ends."""


@lru_cache(maxsize=1)
def server() -> PostgresServer:
    running = PostgresServer({"autovacuum": "off"}, data_under=_memory())  # it would go round hundreds of databases
    atexit.register(running.stop)
    return running


def stop() -> None:
    """Stop the server, if one was started, and forget its data."""
    if server.cache_info().currsize:
        for each in (_makes, _looks):
            at_once(each.end())
        server().stop()


def _memory() -> Path | None:
    """The file system that lies in memory, where that has room and memory is to be had; else None."""
    try:
        free_bytes = shutil.disk_usage(_MEMORY).free
        known = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        available_bytes = int(known["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return None
    return _MEMORY if min(free_bytes, available_bytes) >= _PLENTY_BYTES else None


class Looks:
    """One connection, kept to where the last question was asked."""

    def __init__(self) -> None:
        self._url = ""
        self._connection: Any = None
        self._turn = asyncio.Lock()

    async def ask(self, url: str, query: str) -> Sequence[Any]:
        """Its rows; one question after the other."""
        async with self._turn:
            if url != self._url or self._connection.is_closed():
                await self.end()
                self._connection = await asyncpg.connect(url)
                self._url = url
            found: Sequence[Any] = await self._connection.fetch(query)
            return found

    async def end(self) -> None:
        """Keep none."""
        connection, self._connection, self._url = self._connection, None, ""
        if connection is not None:
            await connection.close()


_makes, _looks = Looks(), Looks()
_NUMBERS: Final = count(1)


def migrated_database(at_ms: int | None = None) -> str:
    """The URL of a database of its own with its schema, and its periods from that time on (None: now): a copy."""
    name = f"copy_{next(_NUMBERS)}"
    template = _template_now() if at_ms is None else _template(at_ms)
    at_once(_makes.ask(server().url(), f"CREATE DATABASE {name} TEMPLATE {template} {_strategy()}"))
    return server().url(name)


def rows_of(url: str, query: str) -> Sequence[tuple[Any, ...]]:
    """What a query finds there."""
    return [tuple(row) for row in at_once(_looks.ask(url, query))]


def log_file(url: str) -> str:
    """The file of the server's log that is being written now."""
    ((name,),) = rows_of(url, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    return str(name)


@lru_cache(maxsize=1)
def _strategy() -> str:
    """As files, not row by row through the log, where the server can (PostgreSQL 15): half of the CPU."""
    ((can,),) = at_once(_makes.ask(server().url(), "SELECT current_setting('server_version_num')::int >= 150000"))
    return "STRATEGY file_copy" if can else ""


@lru_cache(maxsize=1)
def _template_now() -> str:
    return _template(SystemClock().now_ms())


@lru_cache(maxsize=2)
def _template(at_ms: int) -> str:
    url, clock = server().new_database(), FakeClock(at_ms)

    async def make() -> None:
        store = PostgresStore(url, Seal(bytes(32), clock), clock)
        await store.open()
        await store.close()

    at_once(make())
    return url.rpartition("/")[2]
