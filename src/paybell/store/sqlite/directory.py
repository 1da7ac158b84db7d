"""Organisations, keys and sources in SQLite; sources and endpoints are kept in memory."""

from collections.abc import Mapping
from itertools import groupby

import apsw
import msgspec
from msgspec import Struct

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.source import ApiKey, Organisation, Source
from paybell.ports import Page, PageQuery
from paybell.store import rows
from paybell.store.sqlite.base import Part
from paybell.store.sqlite.database import Job


class _SourceBox(Struct):
    secrets: tuple[str, ...]
    token: str
    options: dict[str, object]


class EndpointBox(Struct):
    """What is sealed of an endpoint."""

    secrets: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]


class Directory(Struct, frozen=True, kw_only=True):
    """All sources and endpoints at one version."""

    version: int
    sources: Mapping[str, Source]
    sources_by_name: Mapping[str, Source]
    """By id, and by uid for those of the default organisation."""
    endpoints: Mapping[str, Endpoint]
    endpoints_by_organisation: Mapping[str, tuple[Endpoint, ...]]


class DirectoryPart(Part):
    """Who may send, and who wants to hear. The directory is read again whenever its version has risen."""

    _directory: Directory | None = None

    def directory_in(self, connection: apsw.Connection) -> Directory:
        """The directory as this transaction sees it."""
        (version,) = connection.execute(self.sql["directory_version"]).fetchall()[0]
        known = self._directory
        if known is not None and known.version == version:
            return known
        loaded = self._load(connection, rows.number(version))
        self._directory = loaded
        return loaded

    def rolled_back(self) -> None:
        """Forget a directory that may have been read from changes that were undone."""
        self._directory = None

    async def directory_refresh(self) -> None:
        """Look whether another process changed the directory."""
        before = self._directory
        if before is not None:
            await self.database.read(self.directory_in)
        if self._directory is not before:
            self.changed()

    async def directory_known(self) -> Directory:
        """The directory in memory, read first where it is not there."""
        known = self._directory
        return known if known is not None else await self.database.read(self.directory_in)

    def _load(self, connection: apsw.Connection, version: int) -> Directory:
        sources = [self._source(row) for row in connection.execute(self.sql["source_all"])]
        endpoints = [self._endpoint(row) for row in connection.execute(self.sql["endpoint_all"])]
        first = connection.execute(self.sql["organisation_first"]).fetchone()
        by_uid = {it.uid: it for it in sources if first is not None and it.organisation_id == first[0]}
        by_id = {source.id: source for source in sources}
        by_organisation = groupby(sorted(endpoints, key=_organisation_id), key=_organisation_id)
        return Directory(
            version=version,
            sources=by_id,
            sources_by_name=by_uid | by_id,
            endpoints={endpoint.id: endpoint for endpoint in endpoints},
            endpoints_by_organisation={key: tuple(group) for key, group in by_organisation},
        )

    def _source(self, row: rows.Row) -> Source:
        source_id = rows.text(row[0])
        box = msgspec.json.decode(self.seal.open(rows.blob(row[5]), source_id), type=_SourceBox)
        return Source(
            id=source_id,
            organisation_id=rows.text(row[1]),
            uid=rows.text(row[2]),
            gateway=rows.text(row[3]),
            livemode=bool(row[4]),
            secrets=box.secrets,
            token=box.token,
            options=box.options,
            enabled=bool(row[6]),
            created_at_ms=rows.number(row[7]),
        )

    def _endpoint(self, row: rows.Row) -> Endpoint:
        endpoint_id = rows.text(row[0])
        box = msgspec.json.decode(self.seal.open(rows.blob(row[7]), endpoint_id), type=EndpointBox)
        return Endpoint(
            id=endpoint_id,
            organisation_id=rows.text(row[1]),
            application_id=rows.text(row[2]),
            uid=rows.text(row[3]),
            url=rows.text(row[4]),
            description=rows.text(row[5]),
            event_types=frozenset(rows.text(row[6]).split(",")) - {""},
            secrets=box.secrets,
            headers=box.headers,
            disabled=bool(row[8]),
            disabled_reason=rows.text(row[9]),
            created_at_ms=rows.number(row[10]),
            updated_at_ms=rows.number(row[11]),
        )

    async def change(self, query: str, values: tuple[str | int | bytes | None, ...], problem: Exception) -> None:
        """Run one statement that must change a row, else raise ``problem``."""

        def job(connection: apsw.Connection) -> None:
            try:
                connection.execute(query, values)
            except apsw.ConstraintError:  # an update took another's uid, or what it belongs to is gone
                raise Conflict("the uid is taken: choose another") from None
            if not connection.changes():
                raise problem

        await self.change_by(job)

    async def change_by(self, job: Job[None]) -> None:
        """Run a job that changes the directory, and forget what was in memory."""
        await self.database.write(job)
        self.directory_forget()

    def directory_forget(self) -> None:
        """Read the directory again at its next use, and tell whoever waits for changes."""
        self._directory = None
        self.changed()

    # ---- organisations and keys

    async def organisation_default(self) -> Organisation:
        """See the port."""

        def job(connection: apsw.Connection) -> Organisation:
            found = connection.execute(self.sql["organisation_first"]).fetchone()
            if found is None:
                found = (self.clock.new_id("org"), "default", self.clock.now_ms())
                connection.execute(self.sql["organisation_insert"], found)
            return Organisation(id=rows.text(found[0]), name=rows.text(found[1]), created_at_ms=rows.number(found[2]))

        return await self.database.write(job)

    async def api_key_create(self, key: ApiKey, key_hash: bytes) -> None:
        """See the port."""
        values = (key.id, key.organisation_id, key.name, key_hash, key.created_at_ms, key.expires_at_ms)

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["api_key_insert"], values)

        await self.database.write(job)

    async def api_key_find(self, key_hash: bytes) -> ApiKey | None:
        """See the port."""

        def job(connection: apsw.Connection) -> ApiKey | None:
            row = connection.execute(self.sql["api_key_find"], (key_hash,)).fetchone()
            if row is None:
                return None
            return ApiKey(
                id=rows.text(row[0]),
                organisation_id=rows.text(row[1]),
                name=rows.text(row[2]),
                created_at_ms=rows.number(row[3]),
                expires_at_ms=rows.number_or_none(row[4]),
                revoked_at_ms=rows.number_or_none(row[5]),
            )

        return await self.database.read(job)

    # ---- sources

    def _source_box(self, source: Source) -> bytes:
        box = _SourceBox(source.secrets, source.token, dict(source.options))
        return self.seal.close(msgspec.json.encode(box), source.id)

    async def source_find(self, name: str) -> Source | None:
        """See the port."""
        return (await self.directory_known()).sources_by_name.get(name)

    async def source_get(self, source_id: str) -> Source | None:
        """See the port."""
        return (await self.directory_known()).sources.get(source_id)

    async def source_create(self, source: Source) -> None:
        """See the port."""
        values = (
            source.id,
            source.organisation_id,
            source.uid,
            source.gateway,
            int(source.livemode),
            self._source_box(source),
            int(source.enabled),
            source.created_at_ms,
        )
        taken = Conflict(f"a source with the uid {source.uid!r} exists already: choose another, or change that one")
        await self.change(self.sql["source_insert"], values, taken)

    async def source_update(self, source: Source) -> None:
        """See the port."""
        values = (source.uid, self._source_box(source), int(source.enabled), source.id, source.organisation_id)
        await self.change(self.sql["source_update"], values, NotFound(f"no source {source.id}"))

    async def source_delete(self, organisation_id: str, source_id: str) -> None:
        """See the port."""
        await self.change(self.sql["source_delete"], (source_id, organisation_id), NotFound(f"no source {source_id}"))

    async def source_page(self, query: PageQuery) -> Page[Source]:
        """See the port."""
        directory = await self.directory_known()
        mine = (it for it in reversed(list(directory.sources.values())) if it.organisation_id == query.organisation_id)
        kept = [it for it in mine if not query.iterator or it.id < query.iterator]
        return rows.cut(kept, query, lambda it: it.id)

    async def source_lookup(self, organisation_id: str, name: str) -> Source:
        """See the port."""
        for source in (await self.directory_known()).sources.values():
            if source.organisation_id == organisation_id and name in (source.id, source.uid):
                return source
        raise NotFound(f"no source {name}")


def _organisation_id(endpoint: Endpoint) -> str:
    return endpoint.organisation_id
