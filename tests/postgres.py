"""The PostgreSQL server of this test run, with its data in memory where there is plenty.

Memory outlives a killed process as the disk's cache does, so no test sees the difference; only a power cut would.
"""

import atexit
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Final

import asyncpg

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
    running = PostgresServer(data_under=_memory())
    atexit.register(running.stop)
    return running


def stop() -> None:
    """Stop the server, if one was started, and forget its data."""
    if server.cache_info().currsize:
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


def migrated_database() -> str:
    """The URL of a database of its own that has its schema already: to copy one is quicker than to migrate it."""
    return server().new_database(_template())


def log_file(url: str) -> str:
    """The file of the server's log that is being written now."""
    return at_once(_log_file(url))


async def _log_file(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        name: str = await connection.fetchval("SELECT pg_walfile_name(pg_current_wal_lsn())")
        return name
    finally:
        await connection.close()


@lru_cache(maxsize=1)
def _template() -> str:
    url, clock = server().new_database(), FakeClock()
    store = PostgresStore(url, Seal(bytes(32), clock), clock, serve=False)
    at_once(store.schema_migrate())
    return url.rpartition("/")[2]
