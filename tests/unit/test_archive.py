"""The digest of a table depends on its rows alone; the logical tables are all that both stores keep."""

import re
from hashlib import sha256

import apsw
import apsw.ext
import msgspec
import pytest

from paybell.clock import time_of
from paybell.ports import ArchiveRow
from paybell.store.archive import TABLES, Digest, TableDigest, digest_of_all
from paybell.store.named import migrations, queries

ROWS: list[ArchiveRow] = [("a", 1, None, b"\x00\xff"), ("Ψ", -1, "", b""), ("z", 2**62, "\n", b"z")]


def digest(*batches: list[ArchiveRow]) -> TableDigest:
    taken = Digest("things")
    for batch in batches:
        taken.add(batch)
    return taken.result()


def test_a_digest_does_not_depend_on_how_the_rows_were_batched() -> None:
    assert digest(ROWS) == digest(ROWS[:1], [], ROWS[1:]) == digest(*([row] for row in ROWS))
    assert digest(ROWS).row_count == 3


def test_a_digest_is_that_of_message_pack_arrays_one_after_the_other() -> None:
    """So that anybody can compute it with other tools."""
    packed = bytes.fromhex("94 a161 01 c0 c40200ff" + "94 a2cea8 ff a0 c400" + "94 a17a cf4000000000000000 a10a c4017a")
    assert digest(ROWS) == TableDigest(table="things", row_count=3, sha256=sha256(packed).hexdigest())


@pytest.mark.parametrize(
    "others",
    [
        ROWS[::-1],
        ROWS[:2],
        [*ROWS, ROWS[-1]],
        [("a", "1", None, b"\x00\xff"), *ROWS[1:]],
        [("a", 1, "", b"\x00\xff"), *ROWS[1:]],
        [("a", 1, None, "\x00\xff"), *ROWS[1:]],
        [("a", 1), (None, b"\x00\xff"), *ROWS[1:]],
    ],
)
def test_other_rows_have_another_digest(others: list[ArchiveRow]) -> None:
    assert digest(others).sha256 != digest(ROWS).sha256


def test_the_digest_of_all_depends_on_each_table() -> None:
    one, other = digest(ROWS), digest(ROWS[:1])
    named = msgspec.structs.replace(one, table="others")
    assert len({digest_of_all(them) for them in ([one, other], [other, one], [one], [named, other])}) == 4


@pytest.mark.parametrize(
    ("row_id", "time"),
    [
        ("ntf_0197000000ff0123456789abcdef0123", 0x0197_0000_00FF),
        ("ntf_", None),
        ("", None),
        ("ntf_zz", None),
        ("ep_Ψ", None),
    ],
)
def test_an_id_begins_with_its_time(row_id: str, time: int | None) -> None:
    assert time_of(row_id) == time


NOT_KEPT = {"directory", "nodes", "leader", "kept_answers", "failing_endpoints", "endpoint_states", "send_turns"}
"""What belongs to the database at hand and the processes that use it, or is kept for some days."""


def test_every_table_is_copied_with_every_column() -> None:
    """Else a copy would lose it, and no digest would tell."""
    connection = apsw.Connection(":memory:")
    for _, script in migrations("sqlite"):
        connection.execute(script)
    there = {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    logical = {table.name: list(table.columns) for table in TABLES}
    assert {name for name in there if not name.startswith("sqlite_")} - NOT_KEPT == set(logical) - {"message_keys"}
    for name in logical.keys() & there:
        columns = [str(it[1]) for it in connection.execute(f"PRAGMA table_info({name})")]
        assert columns == logical[name], name


@pytest.mark.parametrize("table", TABLES, ids=lambda it: it.name)
def test_a_query_gives_the_columns_of_its_table_in_their_order(table: object) -> None:
    it = next(each for each in TABLES if each is table)
    connection = apsw.Connection(":memory:")
    for _, script in migrations("sqlite"):
        connection.execute(script)
    found = apsw.ext.query_info(connection, queries("sqlite")[it.query]).description
    assert tuple(name for name, _ in found) == it.columns or it.name == "message_keys"
    key = ", ".join(it.columns[: it.key_columns])
    for dialect in ("sqlite", "postgres"):
        query = queries(dialect)[it.query]
        order = re.sub(r"\b\w\.", "", query.rpartition("ORDER BY ")[2]).rstrip(";")
        assert order == key or "WHERE 0" in query, dialect
