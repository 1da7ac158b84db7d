"""The schema of SQLite, brought up to date number by number."""

from pathlib import Path
from typing import Final

import apsw

from paybell.errors import StoreUnavailable
from paybell.model.migration import Migration
from paybell.store import rows
from paybell.store.named import pending, refuse_older, schema
from paybell.store.place import MEMORY
from paybell.store.sqlite.base import Part
from paybell.store.sqlite.database import APPLICATION_ID

_PATIENCE_MS: Final = 5000


class SchemaPart(Part):
    """One transaction per number, one process at a time: whatever ends it in between leaves a whole number behind."""

    async def schema_pending(self) -> tuple[Migration, ...]:
        """See the port; a file that is not there is not made."""
        if not self._is_there():
            return schema("sqlite")
        self.database.open()
        try:
            return pending(schema("sqlite"), self._version())
        finally:
            await self.database.close()

    async def schema_migrate(self) -> tuple[Migration, ...]:
        """See the port."""
        self.database.open()
        try:
            return self.schema_raise()
        finally:
            await self.database.close()

    def schema_check(self) -> None:
        """Refuse a schema that is older or newer than this program; a new file gets its schema all the same."""
        if self._version():
            refuse_older(pending(schema("sqlite"), self._version()))
        else:
            self.schema_raise()

    def schema_raise(self) -> tuple[Migration, ...]:
        """Bring the schema up to date on the open database; what that took."""
        writer = self.database.writer
        writer.set_busy_timeout(_PATIENCE_MS)
        done: list[Migration] = []
        try:
            while lacking := pending(schema("sqlite"), self._version()):
                writer.execute("BEGIN IMMEDIATE")
                try:
                    if self._version() < lacking[0].number:  # nobody else has done it meanwhile
                        self._raise_once(lacking[0])
                        done.append(lacking[0])
                    writer.execute("COMMIT")
                except BaseException:
                    if writer.in_transaction:  # a full disk ends it by itself
                        writer.execute("ROLLBACK")
                    raise
        except apsw.Error as error:
            raise StoreUnavailable(f"cannot prepare the database {self.database.path}: {error}") from error
        finally:
            writer.set_busy_timeout(0)
        return tuple(done)

    def _raise_once(self, migration: Migration) -> None:
        for statement in migration.statements:
            self.database.writer.execute(statement)
        self.database.writer.execute(f"PRAGMA user_version = {migration.number}")
        self.database.writer.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _version(self) -> int:
        return rows.number(self.database.writer.pragma("user_version"))

    def _is_there(self) -> bool:
        return self.database.path != MEMORY and Path(self.database.path).exists()
