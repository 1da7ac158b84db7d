"""The first organisation and sources in PostgreSQL; sources and endpoints are kept in memory."""

import asyncio
from typing import Final

import asyncpg

from paybell.clock import Clock
from paybell.errors import Conflict, NotFound
from paybell.model.source import Organisation, Source
from paybell.ports import STEPS
from paybell.store.directory import Directory, DirectoryReads, DirectoryRows, directory_of
from paybell.store.directory_rows import (
    open_sign,
    organisation,
    sealed_sign,
    source_change,
    source_row,
)
from paybell.store.postgres.base import Part
from paybell.store.postgres.database import Database, Session
from paybell.store.seal import Seal

_DIRECTORY: Final = "directory"


class DirectoryPart(Part, DirectoryReads):
    """Who may send, and who wants to hear. The directory is read again whenever its version has risen."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self._directory: Directory | None = None
        self._forgotten = 0
        self.directory_told = asyncio.Event()
        """Set when another process says that it changed the directory."""

    def heard(self, step: str) -> None:
        """See the base; a change of the directory is told under its own name."""
        super().heard(step)
        if step in (_DIRECTORY, ""):
            self.directory_told.set()

    async def directory_in(self, session: Session) -> Directory:
        """The directory as it is now, from memory where its version is still the same.

        What was changed here while it was read is not in it, perhaps: then it is not kept.
        """
        forgotten = self._forgotten
        ((version,),) = await session.rows("directory_version")
        known = self._directory
        if known is not None and known.version == version:
            return known
        loaded = await self._load(session, version)
        if self._forgotten == forgotten:
            self._directory = loaded
        return loaded

    async def _load(self, session: Session, version: int) -> Directory:
        """The version was read first: rows newer than it are read again at the next look, older ones never kept."""
        first = await session.rows("organisation_first")
        read = DirectoryRows(
            version=version,
            first_organisation_id=first[0][0] if first else "",
            sources=await session.rows("source_all"),
            applications=await session.rows("application_all"),
            endpoints=await session.rows("endpoint_all"),
            event_types=await session.rows("event_type_all"),
        )
        return directory_of(read, self.seal)

    async def key_check(self) -> None:
        """See the port."""
        await self.directory_known()
        ((box,),) = await self.database.rows("directory_seal_get")
        if box is None:
            await self.database.rows("directory_seal_set", sealed_sign(self.seal))
            ((box,),) = await self.database.rows("directory_seal_get")
        open_sign(self.seal, box)

    async def directory_refresh(self) -> None:
        """Look whether another node or process changed the directory."""
        before = self._directory
        if before is not None:
            async with self.database.session() as session:
                await self.directory_in(session)
        if self._directory is not before:
            self.changed_here(*STEPS)

    async def directory_known(self) -> Directory:
        """The directory in memory, read first where it is not there."""
        known = self._directory
        if known is not None:
            return known
        async with self.database.session() as session:
            return await self.directory_in(session)

    def directory_forget(self) -> None:
        """Read the directory again at its next use, and tell whoever waits for changes."""
        self._directory = None
        self._forgotten += 1
        self.changed_here(*STEPS)
        self.hints.tell(_DIRECTORY)  # each tells its own steps once it has read what changed

    async def change(self, name: str, *values: object, problem: Exception) -> None:
        """Run one statement that must change a row, else raise ``problem``."""
        async with self.database.transaction() as session:
            await self.change_in(session, name, *values, problem=problem)
        self.directory_forget()

    async def change_in(self, session: Session, name: str, *values: object, problem: Exception) -> None:
        """The same within a transaction."""
        try:
            changed = await session.count(name, *values)
        except asyncpg.IntegrityConstraintViolationError:  # another's uid, or what it belongs to is gone
            raise Conflict("the uid is taken: choose another") from None
        if not changed:
            raise problem

    # ---- organisations

    async def organisation_default(self) -> Organisation:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("organisation_lock")
            found = await session.rows("organisation_first")
            if not found:
                values = (self.clock.new_id("org"), "default", self.clock.now_ms())
                await session.rows("organisation_insert", *values)
                return organisation(values)
        return organisation(found[0])

    # ---- sources

    async def source_create(self, source: Source) -> None:
        """See the port."""
        taken = Conflict(f"a source with the uid {source.uid!r} exists already: choose another, or change that one")
        await self.change("source_insert", *source_row(source, self.seal), problem=taken)

    async def source_update(self, source: Source) -> None:
        """See the port."""
        missing = NotFound(f"no source {source.id}")
        await self.change("source_update", *source_change(source, self.seal), problem=missing)

    async def source_delete(self, organisation_id: str, source_id: str) -> None:
        """See the port."""
        await self.change("source_delete", source_id, organisation_id, problem=NotFound(f"no source {source_id}"))
