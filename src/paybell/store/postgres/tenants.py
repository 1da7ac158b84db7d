"""Applications, endpoints and event types in PostgreSQL."""

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, EventType
from paybell.ports import Page, PageQuery
from paybell.store import rows
from paybell.store.directory import endpoint_change, endpoint_row
from paybell.store.postgres.database import Session
from paybell.store.postgres.directory import DirectoryPart


class TenantPart(DirectoryPart):
    """Who wants to hear, and of what."""

    async def application_create(self, application: Application) -> None:
        """See the port."""
        it = application
        values = (it.id, it.organisation_id, it.uid, it.name, it.created_at_ms, it.updated_at_ms)
        taken = Conflict(f"an application with the uid {it.uid!r} exists already")
        await self.change("application_insert", *values, problem=taken)

    async def application_update(self, application: Application) -> None:
        """See the port."""
        it = application
        values = (it.uid, it.name, it.updated_at_ms, it.id, it.organisation_id)
        await self.change("application_update", *values, problem=NotFound(f"no application {it.id}"))

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            for (endpoint_id,) in await session.rows("endpoint_ids", application_id, organisation_id):
                await self._delete_endpoint(session, organisation_id, endpoint_id)
            missing = NotFound(f"no application {application_id}")
            await self.change_in(session, "application_delete", application_id, organisation_id, problem=missing)
        self.directory_forget()

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """See the port."""
        found = await self.database.page("application_page", rows.bindings(query))
        return rows.page(found, query, rows.application, lambda it: it.id)

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """See the port."""
        found = await self.database.rows("application_lookup", organisation_id, name)
        if not found:
            raise NotFound(f"no application {name}")
        return rows.application(found[0])

    # ---- endpoints

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """See the port."""
        taken = Conflict(f"an endpoint with the uid {endpoint.uid!r} exists already in this application")
        await self.change("endpoint_insert", *endpoint_row(endpoint, self.seal), problem=taken)

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """See the port. Whatever failed before, it is tried anew."""
        missing = NotFound(f"no endpoint {endpoint.id}")
        async with self.database.transaction() as session:
            await session.rows("endpoint_recover", [endpoint.id])  # in the order in which an attempt takes both
            await self.change_in(session, "endpoint_update", *endpoint_change(endpoint, self.seal), problem=missing)
        self.directory_forget()

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await self._delete_endpoint(session, organisation_id, endpoint_id)
        self.directory_forget()

    async def _delete_endpoint(self, session: Session, organisation_id: str, endpoint_id: str) -> None:
        missing = NotFound(f"no endpoint {endpoint_id}")
        await self.change_in(session, "endpoint_delete", endpoint_id, organisation_id, problem=missing)
        await session.rows("delivery_end_of_endpoint", self.clock.now_ms(), "the endpoint was deleted", endpoint_id)
        await session.rows("endpoint_recover", [endpoint_id])

    # ---- event types

    async def event_type_create(self, event_type: EventType) -> None:
        """See the port."""
        it = event_type
        values = (it.organisation_id, it.name, it.description, it.created_at_ms)
        await self.change("event_type_insert", *values, problem=Conflict(f"the event type {it.name} exists already"))

    async def event_type_list(self, organisation_id: str) -> tuple[EventType, ...]:
        """See the port."""
        found = await self.database.rows("event_type_list", organisation_id)
        return tuple(rows.event_type(row) for row in found)
