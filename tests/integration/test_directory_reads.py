"""What is changed here is known here at once, also when the directory was just being read from the time before."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from paybell.store.postgres import PostgresStore
from paybell.store.postgres.database import Session
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import application
from tests.contract.stores import PostgresPlace, SqlitePlace, World, run


class LateSession(Session):
    """Lets something happen after the applications were read."""

    then: Callable[[], Awaitable[None]]

    async def rows(self, name: str, *values: object) -> Sequence[Sequence[Any]]:
        found = await super().rows(name, *values)
        if name == "application_all":
            await self.then()
        return found


class LateConnection:
    """The same, for SQLite's reading threads."""

    def __init__(self, connection: apsw.Connection, query: str, then: Callable[[], None]) -> None:
        self.connection, self.query, self.then = connection, query, then

    def execute(self, query: str, *values: Any) -> Any:
        found = self.connection.execute(query, *values)
        if query != self.query:
            return found
        read = list(found)
        self.then()
        return read


async def is_known(world: World) -> None:
    found = await world.store.application_lookup(world.organisation.id, "kiosk")
    assert found.id == "app_2"


def test_on_postgresql(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        store = world.store
        assert isinstance(store, PostgresStore)
        added = application(id="app_2", uid="kiosk", organisation_id=world.organisation.id)
        async with store.database.session() as session:
            late = LateSession(session.connection, store.database.sql)
            late.then = lambda: store.application_create(added)
            await store.directory_in(late)
        await is_known(world)

    run(PostgresPlace(tmp_path), scenario)


def test_on_sqlite(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        store = world.store
        assert isinstance(store, SqliteStore)
        loop = asyncio.get_running_loop()
        added = application(id="app_2", uid="kiosk", organisation_id=world.organisation.id)

        def read(connection: apsw.Connection) -> None:
            query = store.sql["application_all"]
            wait = asyncio.run_coroutine_threadsafe
            late: Any = LateConnection(connection, query, lambda: wait(store.application_create(added), loop).result())
            store.directory_in(late)

        await store.database.read(read)
        await is_known(world)

    run(SqlitePlace(tmp_path), scenario)
