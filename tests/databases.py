"""The databases that whole programs are tested on: what they are told of each, and how tests look into it."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import apsw

from paybell.testing.postgres import PostgresServer
from tests.postgres import migrated_database, rows_of
from tests.sqlite import begin_migrated

SECRET_KEY = base64.b64encode(bytes(range(32))).decode()
Rows = Sequence[tuple[Any, ...]]


class Database(Protocol):
    """A database with nothing in it."""

    url: str
    settings: Mapping[str, str]
    """What a program must be given to use it."""
    takeover_s: float
    """How long what a dead process held in memory may rest, at most, until a living one takes it over."""

    def __init__(self, folder: Path) -> None: ...

    def rows(self, query: str) -> Rows:
        """What a query finds; both stores have tables or views of the same names."""
        ...


class SqliteDatabase:
    """A file with its schema."""

    takeover_s = 0.0

    def __init__(self, folder: Path) -> None:
        self.path = folder / "paybell.db"
        begin_migrated(self.path)
        self.url = f"sqlite:///{self.path}"
        self.settings: Mapping[str, str] = {"database": self.url}

    def rows(self, query: str) -> Rows:
        connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


class PostgresDatabase:
    """One of the server of this test run."""

    takeover_s = 60.0

    def __init__(self, folder: Path, of: PostgresServer | None = None) -> None:
        self.url = of.new_database() if of is not None else migrated_database()
        self.settings: Mapping[str, str] = {"database": self.url, "secret_key": SECRET_KEY}

    def rows(self, query: str) -> Rows:
        return rows_of(self.url, query)


DATABASES: Mapping[str, type[Database]] = {"sqlite": SqliteDatabase, "postgres": PostgresDatabase}


def environment(database: Database) -> dict[str, str]:
    """Its settings as environment variables."""
    return {f"PAYBELL_{name.upper()}": value for name, value in database.settings.items()}
