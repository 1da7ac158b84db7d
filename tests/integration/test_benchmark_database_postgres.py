"""The benchmarks' view of a server: does it count what clients did, and read what they kept?"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from benchmarks.database import Database, opened


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with opened("postgres", Path(tmp_path_factory.mktemp("bench"))) as found:
        asyncio.run(run(found.url, "CREATE TABLE kept (name text, filler text)"))
        yield found


async def run(url: str, *scripts: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()


def test_statements_commits_and_bytes_between_begin_and_end_are_counted_and_others_are_not(database: Database) -> None:
    insert = "INSERT INTO kept SELECT 'a', repeat('x', 1000) FROM generate_series(1, 100)"
    database.begin()

    asyncio.run(run(database.url, *[insert] * 8, "BEGIN", insert, insert, "COMMIT"))
    database.end()

    found = {name: float(value) for name, value in database.figures(1).items()}
    assert found["statements per message"] == 12
    assert found["of these BEGIN and COMMIT"] == 2
    assert 9 <= found["commits per message"] < 40  # the session's own beginning, and autovacuum's
    assert found["WAL bytes per notification"] > 1_000_000
    assert found["database bytes per notification"] > 1_000_000
    assert found["WAL syncs per message"] >= 9


def test_the_cpu_of_processes_that_have_ended_counts(database: Database) -> None:
    database.begin()
    asyncio.run(run(database.url, "SELECT count(*) FROM generate_series(1, 1000000)"))
    database.end()

    assert float(database.figures(1)["database CPU µs per payment"]) >= 20_000


def test_a_column_is_read_as_text(database: Database) -> None:
    asyncio.run(run(database.url, "CREATE TABLE numbers AS SELECT generate_series(1, 3) AS number"))

    assert sorted(database.column("SELECT number FROM numbers")) == ["1", "2", "3"]
