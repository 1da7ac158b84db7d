"""The benchmark of a backlog posts all that it says it has posted, and claims it as the deliver step does."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks import backlog
from benchmarks.backlog import AT_ONCE, CLAIM_MAX, ENDPOINTS
from benchmarks.process import Failed
from paybell.store.postgres import PostgresStore
from paybell.store.sqlite import SqliteStore


def benched(folder: Path, scenario: Callable[[SqliteStore | PostgresStore], Awaitable[None]]) -> None:
    async def main() -> None:
        async with backlog.opened(str(folder / "paybell.db")) as store:
            await scenario(store)

    asyncio.run(main())


def test_all_that_waits_is_in_the_database(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore | PostgresStore) -> None:
        empty = (await store.status()).size_bytes
        await backlog.fill(store, AT_ONCE + 100)
        counts = (await store.status()).counts
        assert (counts["messages"], counts["deliveries.due"]) == (AT_ONCE + 100, AT_ONCE + 100)
        assert (await store.status()).size_bytes - empty > (AT_ONCE + 100) * 1_100

    benched(tmp_path, scenario)


def test_half_of_what_waits_is_claimed_each_row_once(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore | PostgresStore) -> None:
        await backlog.fill(store, 20 * ENDPOINTS)
        claims = await backlog.claim(store, 20 * ENDPOINTS)
        assert (claims.rows, len(claims.wall_s)) == (10 * ENDPOINTS, 10 * ENDPOINTS // CLAIM_MAX)
        assert (await store.status()).counts["deliveries.leased"] == 10 * ENDPOINTS

    benched(tmp_path, scenario)


def test_claims_that_find_nothing_fail(tmp_path: Path) -> None:
    async def scenario(store: SqliteStore | PostgresStore) -> None:
        await backlog.fill(store, 10)
        with pytest.raises(Failed, match="nothing was claimed although 30 deliveries wait"):
            await backlog.claim(store, 40)

    benched(tmp_path, scenario)
