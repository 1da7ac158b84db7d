"""Organisations and their keys in SQLite."""

from collections.abc import Sequence

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.key import ApiKey
from paybell.model.source import Organisation
from paybell.store import key_rows, rows
from paybell.store.directory_rows import organisation
from paybell.store.sqlite.base import Part


class KeyPart(Part):
    """One row for each key or portal token, found by its hash."""

    async def organisation_create(self, organisation: Organisation) -> None:
        """See the port."""
        it = organisation

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["organisation_create"], (it.id, it.name, it.created_at_ms, it.name))
            if not connection.changes():
                raise Conflict(f"an organisation named {it.name!r} exists already")

        await self.database.write(job)

    async def organisation_list(self) -> tuple[Organisation, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Organisation, ...]:
            return tuple(map(organisation, connection.execute(self.sql["organisation_list"])))

        return await self.database.read(job)

    async def api_key_create(self, key: ApiKey, key_hash: bytes) -> None:
        """See the port."""
        values = key_rows.api_key_row(key, key_hash)
        await self.database.write(lambda connection: connection.execute(self.sql["api_key_insert"], values))

    async def api_key_find(self, key_hash: bytes) -> ApiKey | None:
        """See the port."""
        return await self.database.read(lambda connection: self._one(connection, "api_key_find", (key_hash,)))

    async def api_key_get(self, organisation_id: str, key_id: str) -> ApiKey:
        """See the port."""
        values = (key_id, organisation_id)
        found = await self.database.read(lambda connection: self._one(connection, "api_key_get", values))
        if found is None:
            raise NotFound(f"no API key {key_id}")
        return found

    def _one(self, connection: apsw.Connection, query: str, values: rows.Row) -> ApiKey | None:
        row = connection.execute(self.sql[query], values).fetchone()
        return None if row is None else key_rows.api_key(row)

    async def api_key_revoke(self, organisation_id: str, key_id: str, *, at_ms: int) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["api_key_revoke"], (at_ms, key_id, organisation_id))
            if not connection.changes():
                raise NotFound(f"no API key {key_id}")

        await self.database.write(job)

    async def api_key_touch(self, key_id: str, *, now_ms: int) -> None:
        """See the port."""
        values = (now_ms, key_id)
        await self.database.write(lambda connection: connection.execute(self.sql["api_key_touch"], values))

    async def portal_revoke(
        self, organisation_id: str, application_id: str, session_ids: Sequence[str], *, at_ms: int
    ) -> None:
        """See the port."""
        values = (at_ms, organisation_id, application_id)

        def job(connection: apsw.Connection) -> None:
            if not session_ids:
                connection.execute(self.sql["api_key_revoke_of_application"], values)
            for it in session_ids:
                connection.execute(self.sql["api_key_revoke_of_session"], (*values, it))

        await self.database.write(job)
