"""A migration's script is cut into its statements, each of which the server sees as one, and nothing is left over."""

import asyncio
import sqlite3
from typing import Any

import apsw
import asyncpg
import pytest

from paybell.model.migration import Migration
from paybell.store.named import schema
from tests.postgres import server

FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n    -- one; two\n    RETURN 1;\nEND $$;"
TRIGGER = "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET n = n + 1; UPDATE c SET n = 1; END;"


def cut(script: str) -> list[str]:
    return Migration(number=1, name="0001_x", sentence="", script=script).statements


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", []),
        ("-- Only a sentence.\n", []),
        ("SELECT 1;\nSELECT 2;\n", ["SELECT 1;", "SELECT 2;"]),
        ("-- A sentence; with a semicolon;\nSELECT 1;\n\n-- Another.\nSELECT 2;", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT 1\n  FROM a;", ["SELECT 1\n  FROM a;"]),
        ("CREATE TABLE a (\n    -- what it is; of whom\n    b INT\n);", None),
        ("CREATE TABLE a (\n    -- what it is;\n    b INT\n);", None),
        (FUNCTION, [FUNCTION]),
        (f"SELECT 1;\n{FUNCTION}\nSELECT 2;", ["SELECT 1;", FUNCTION, "SELECT 2;"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;", None),
        (TRIGGER, [TRIGGER]),
        (f"{TRIGGER}\n{TRIGGER}", [TRIGGER, TRIGGER]),
        ("SELECT 1;   \nSELECT 2; -- at once\nSELECT 3;", ["SELECT 1;   ", "SELECT 2; -- at once\nSELECT 3;"]),
        ("SELECT 1;\nSELECT 2", ["SELECT 1;", "SELECT 2"]),
    ],
)
def test_a_statement_ends_with_a_semicolon_at_a_lines_end_but_not_within_a_function(
    script: str, statements: list[str] | None
) -> None:
    assert cut(script) == ([script] if statements is None else statements)


@pytest.mark.parametrize("migration", [*schema("sqlite"), *schema("postgres")], ids=lambda it: it.name)
def test_nothing_of_a_migration_is_left_out_but_sentences_between_statements(migration: Migration) -> None:
    kept = iter("\n".join(migration.statements).splitlines())
    upcoming = next(kept)
    for line in migration.script.splitlines():
        if line == upcoming:
            upcoming = next(kept, "")
        else:
            assert line == "" or line.startswith("--"), line
    assert (upcoming, list(kept)) == ("", [])


def test_sqlite_sees_one_statement_in_each() -> None:
    connection = apsw.Connection(":memory:")
    seen: list[str] = []

    def trace(_cursor: apsw.Cursor, statement: str, _bindings: object) -> bool:
        seen.append(statement.strip())
        return True

    connection.exec_trace = trace
    for migration in schema("sqlite"):
        for statement in migration.statements:
            seen.clear()
            assert sqlite3.complete_statement(statement)
            connection.execute(statement)
            assert seen == [statement.strip()]


def test_postgresql_sees_one_statement_in_each() -> None:
    """To prepare it: of several it says that it cannot."""

    async def main() -> None:
        connection: Any = await asyncpg.connect(server().new_database())
        for migration in schema("postgres"):
            for statement in migration.statements:
                await connection.prepare(statement)
                await connection.execute(statement)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await connection.prepare("SELECT 1; SELECT 2;")
        await connection.close()

    asyncio.run(main())
