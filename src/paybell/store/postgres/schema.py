"""The schema of PostgreSQL, brought up to date number by number."""

from typing import Final

import asyncpg

from paybell.errors import SchemaError
from paybell.model.migration import Migration
from paybell.store import rows
from paybell.store.named import pending, refuse_older, schema
from paybell.store.postgres.base import Part
from paybell.store.postgres.database import Session

_TAKEN: Final = (asyncpg.DuplicateTableError, asyncpg.DuplicateObjectError, asyncpg.DuplicateFunctionError)


class SchemaPart(Part):
    """One transaction per number, one process at a time: whatever ends it in between leaves a whole number behind."""

    async def schema_pending(self) -> tuple[Migration, ...]:
        """See the port."""
        await self.database.open()
        try:
            return await self._pending()
        finally:
            await self.database.close()

    async def schema_migrate(self) -> tuple[Migration, ...]:
        """See the port."""
        await self.database.open()
        try:
            return await self.schema_raise()
        finally:
            await self.database.close()

    async def schema_check(self) -> None:
        """Refuse a schema that is older or newer than this program."""
        refuse_older(await self._pending())

    async def schema_raise(self) -> tuple[Migration, ...]:
        """Bring the schema up to date on the open database; what that took."""
        done: list[Migration] = []
        while lacking := await self._pending():
            async with self.database.transaction() as session:
                await session.rows("transaction_patience")
                await session.rows("schema_lock")
                await session.rows("schema_impatience")
                await session.rows("schema_create")
                if await self._version(session) < lacking[0].number:
                    await self._raise_once(session, lacking[0])
                    done.append(lacking[0])
        return tuple(done)

    async def _raise_once(self, session: Session, migration: Migration) -> None:
        try:
            for statement in migration.statements:
                await session.run(statement)
        except _TAKEN as error:
            raise SchemaError(
                f"the database holds another program's things ({error}): give PAYBELL_DATABASE a database of its own"
            ) from None
        await session.rows("schema_raise", migration.number)

    async def _pending(self) -> tuple[Migration, ...]:
        async with self.database.session() as session:
            return pending(schema("postgres"), await self._version(session))

    async def _version(self, session: Session) -> int:
        ((there,),) = await session.rows("schema_there")
        if not there:
            return 0
        ((version,),) = await session.rows("schema_version")
        return rows.number(version)
