"""The first organisation and sources in SQLite; sources and endpoints are kept in memory."""

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.source import Organisation, Source
from paybell.ports import STEPS
from paybell.store import rows
from paybell.store.directory import Directory, DirectoryReads, DirectoryRows, directory_of
from paybell.store.directory_rows import (
    open_sign,
    organisation,
    sealed_sign,
    source_change,
    source_row,
)
from paybell.store.sqlite.base import Part
from paybell.store.sqlite.database import Job


class DirectoryPart(Part, DirectoryReads):
    """Who may send, and who wants to hear. The directory is read again whenever its version has risen."""

    _directory: Directory | None = None
    _forgotten = 0

    def directory_in(self, connection: apsw.Connection) -> Directory:
        """The directory as this transaction sees it.

        What was changed meanwhile is not in it, perhaps, where a thread of the readers reads it: then it is not kept.
        """
        forgotten = self._forgotten
        (version,) = connection.execute(self.sql["directory_version"]).fetchall()[0]
        known = self._directory
        if known is not None and known.version == version:
            return known
        loaded = self._load(connection, rows.number(version))
        if self._forgotten == forgotten:
            self._directory = loaded
        return loaded

    def rolled_back(self) -> None:
        """Forget a directory that may have been read from changes that were undone."""
        self._directory = None
        self._forgotten += 1

    async def key_check(self) -> None:
        """See the port."""
        await self.directory_known()
        box = await self.database.read(self._sign)
        if box is None:
            values = (sealed_sign(self.seal),)
            await self.database.write(lambda it: it.execute(self.sql["directory_seal_set"], values))
            box = await self.database.read(self._sign)
        open_sign(self.seal, rows.blob(box))

    def _sign(self, connection: apsw.Connection) -> object:
        return connection.execute(self.sql["directory_seal_get"]).fetchall()[0][0]

    async def directory_refresh(self) -> None:
        """Look whether another process changed the directory."""
        before = self._directory
        if before is not None:
            await self.database.read(self.directory_in)
        if self._directory is not before:
            self.changed(*STEPS)

    async def directory_known(self) -> Directory:
        """The directory in memory, read first where it is not there."""
        known = self._directory
        return known if known is not None else await self.database.read(self.directory_in)

    def _load(self, connection: apsw.Connection, version: int) -> Directory:
        first = connection.execute(self.sql["organisation_first"]).fetchone()
        read = DirectoryRows(
            version=version,
            first_organisation_id=rows.text(first[0]) if first else "",
            sources=connection.execute(self.sql["source_all"]),
            applications=connection.execute(self.sql["application_all"]),
            endpoints=connection.execute(self.sql["endpoint_all"]),
            event_types=connection.execute(self.sql["event_type_all"]),
        )
        return directory_of(read, self.seal)

    async def change(self, query: str, values: rows.Row, problem: Exception) -> None:
        """Run one statement that must change a row, else raise ``problem``."""
        await self.change_by(lambda connection: self.change_in(connection, query, values, problem))

    def change_in(self, connection: apsw.Connection, query: str, values: rows.Row, problem: Exception) -> None:
        """The same within a job."""
        try:
            connection.execute(query, values)
        except apsw.ConstraintError:  # an update took another's uid, or what it belongs to is gone
            raise Conflict("the uid is taken: choose another") from None
        if not connection.changes():
            raise problem

    async def change_by(self, job: Job[None]) -> None:
        """Run a job that changes the directory, and forget what was in memory."""
        await self.database.write(job)
        self.directory_forget()

    def directory_forget(self) -> None:
        """Read the directory again at its next use, and tell whoever waits for changes."""
        self._directory = None
        self._forgotten += 1
        self.changed(*STEPS)

    # ---- organisations

    async def organisation_default(self) -> Organisation:
        """See the port."""

        def job(connection: apsw.Connection) -> Organisation:
            found = connection.execute(self.sql["organisation_first"]).fetchone()
            if found is None:
                found = (self.clock.new_id("org"), "default", self.clock.now_ms())
                connection.execute(self.sql["organisation_insert"], found)
            return organisation(found)

        return await self.database.write(job)

    # ---- sources

    async def source_create(self, source: Source) -> None:
        """See the port."""
        taken = Conflict(f"a source with the uid {source.uid!r} exists already: choose another, or change that one")
        await self.change(self.sql["source_insert"], source_row(source, self.seal), taken)

    async def source_update(self, source: Source) -> None:
        """See the port."""
        missing = NotFound(f"no source {source.id}")
        await self.change(self.sql["source_update"], source_change(source, self.seal), missing)

    async def source_delete(self, organisation_id: str, source_id: str) -> None:
        """See the port."""
        await self.change(self.sql["source_delete"], (source_id, organisation_id), NotFound(f"no source {source_id}"))
