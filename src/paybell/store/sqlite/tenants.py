"""Applications, endpoints and event types in SQLite."""

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, EventType
from paybell.ports import Page, PageQuery
from paybell.store import rows
from paybell.store.directory import endpoint_change, endpoint_row
from paybell.store.sqlite.directory import DirectoryPart


class TenantPart(DirectoryPart):
    """Who wants to hear, and of what."""

    async def application_create(self, application: Application) -> None:
        """See the port."""
        it = application
        values = (it.id, it.organisation_id, it.uid, it.name, it.created_at_ms, it.updated_at_ms)
        taken = Conflict(f"an application with the uid {it.uid!r} exists already")
        await self.change(self.sql["application_insert"], values, taken)

    async def application_update(self, application: Application) -> None:
        """See the port."""
        it = application
        values = (it.uid, it.name, it.updated_at_ms, it.id, it.organisation_id)
        await self.change(self.sql["application_update"], values, NotFound(f"no application {it.id}"))

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            ids = connection.execute(self.sql["endpoint_ids"], (application_id, organisation_id)).fetchall()
            for (endpoint_id,) in ids:
                self._delete_endpoint(connection, organisation_id, rows.text(endpoint_id))
            connection.execute(self.sql["application_delete"], (application_id, organisation_id))
            if not connection.changes():
                raise NotFound(f"no application {application_id}")

        await self.change_by(job)

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """See the port."""

        def job(connection: apsw.Connection) -> Page[Application]:
            found = connection.execute(self.sql["application_page"], rows.bindings(query))
            return rows.page(found, query, rows.application, lambda it: it.id)

        return await self.database.read(job)

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """See the port."""

        def job(connection: apsw.Connection) -> Application:
            row = connection.execute(self.sql["application_lookup"], (organisation_id, name)).fetchone()
            if row is None:
                raise NotFound(f"no application {name}")
            return rows.application(row)

        return await self.database.read(job)

    # ---- endpoints

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """See the port."""
        it = endpoint
        taken = Conflict(f"an endpoint with the uid {it.uid!r} exists already in this application")
        await self.change(self.sql["endpoint_insert"], endpoint_row(it, self.seal), taken)

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """See the port. Whatever failed before, it is tried anew."""
        missing = NotFound(f"no endpoint {endpoint.id}")

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["endpoint_recover"], (endpoint.id,))
            self.change_in(connection, self.sql["endpoint_update"], endpoint_change(endpoint, self.seal), missing)

        await self.change_by(job)

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            self._delete_endpoint(connection, organisation_id, endpoint_id)

        await self.change_by(job)

    def _delete_endpoint(self, connection: apsw.Connection, organisation_id: str, endpoint_id: str) -> None:
        connection.execute(self.sql["endpoint_delete"], (endpoint_id, organisation_id))
        if not connection.changes():
            raise NotFound(f"no endpoint {endpoint_id}")
        ended = (self.clock.now_ms(), "the endpoint was deleted", endpoint_id)
        connection.execute(self.sql["delivery_end_of_endpoint"], ended)
        connection.execute(self.sql["endpoint_recover"], (endpoint_id,))

    # ---- event types

    async def event_type_create(self, event_type: EventType) -> None:
        """See the port."""
        it = event_type
        values = (it.organisation_id, it.name, it.description, it.created_at_ms)
        taken = Conflict(f"the event type {it.name} exists already")
        await self.change(self.sql["event_type_insert"], values, taken)

    async def event_type_list(self, organisation_id: str) -> tuple[EventType, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[EventType, ...]:
            found = connection.execute(self.sql["event_type_list"], (organisation_id,))
            return tuple(rows.event_type(row) for row in found)

        return await self.database.read(job)
