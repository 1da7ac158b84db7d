"""Organisations and their keys in PostgreSQL."""

from collections.abc import Sequence

from paybell.errors import Conflict, NotFound
from paybell.model.key import ApiKey
from paybell.model.source import Organisation
from paybell.store import key_rows
from paybell.store.directory_rows import organisation
from paybell.store.postgres.base import Part


class KeyPart(Part):
    """One row for each key or portal token, found by its hash."""

    async def organisation_create(self, organisation: Organisation) -> None:
        """See the port."""
        it = organisation
        async with self.database.transaction() as session:
            await session.rows("organisation_lock")
            if not await session.count("organisation_create", it.id, it.name, it.created_at_ms, it.name):
                raise Conflict(f"an organisation named {it.name!r} exists already")

    async def organisation_list(self) -> tuple[Organisation, ...]:
        """See the port."""
        return tuple(map(organisation, await self.database.rows("organisation_list")))

    async def api_key_create(self, key: ApiKey, key_hash: bytes) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("api_key_insert", *key_rows.api_key_row(key, key_hash))

    async def api_key_find(self, key_hash: bytes) -> ApiKey | None:
        """See the port."""
        found = await self.database.rows("api_key_find", key_hash)
        return key_rows.api_key(found[0]) if found else None

    async def api_key_get(self, organisation_id: str, key_id: str) -> ApiKey:
        """See the port."""
        found = await self.database.rows("api_key_get", key_id, organisation_id)
        if not found:
            raise NotFound(f"no API key {key_id}")
        return key_rows.api_key(found[0])

    async def api_key_revoke(self, organisation_id: str, key_id: str, *, at_ms: int) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            if not await session.count("api_key_revoke", at_ms, key_id, organisation_id):
                raise NotFound(f"no API key {key_id}")

    async def api_key_touch(self, key_id: str, *, now_ms: int) -> None:
        """See the port."""
        await self.database.rows("api_key_touch", now_ms, key_id)

    async def portal_revoke(
        self, organisation_id: str, application_id: str, session_ids: Sequence[str], *, at_ms: int
    ) -> None:
        """See the port."""
        values = (at_ms, organisation_id, application_id)
        async with self.database.transaction() as session:
            if not session_ids:
                await session.rows("api_key_revoke_of_application", *values)
            for it in session_ids:
                await session.rows("api_key_revoke_of_session", *values, it)
