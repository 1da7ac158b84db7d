"""Applications, endpoints and event types in PostgreSQL."""

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, EventType
from paybell.store import operational
from paybell.store.directory import Directory
from paybell.store.directory_rows import (
    application_change,
    application_row,
    endpoint_change,
    endpoint_row,
    event_type_change,
    event_type_row,
)
from paybell.store.postgres.database import Session
from paybell.store.postgres.operational import OperationalPart


class TenantPart(OperationalPart):
    """Who wants to hear, and of what."""

    async def application_create(self, application: Application) -> None:
        """See the port."""
        taken = Conflict(f"an application with the uid {application.uid!r} exists already")
        await self.change("application_insert", *application_row(application), problem=taken)

    async def application_update(self, application: Application) -> None:
        """See the port."""
        missing = NotFound(f"no application {application.id}")
        await self.change("application_update", *application_change(application), problem=missing)

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """See the port."""
        known = await self.directory_known()
        async with self.database.transaction() as session:
            for (endpoint_id,) in await session.rows("endpoint_ids", application_id, organisation_id):
                await self._delete_endpoint(session, known, organisation_id, endpoint_id)
            await session.rows("turn_forget", [application_id])
            for forget in ("poll_forget_head", "poll_forget_numbers"):
                await session.rows(forget, application_id)
            await session.rows("api_key_delete_of_application", organisation_id, application_id)
            missing = NotFound(f"no application {application_id}")
            await self.change_in(session, "application_delete", application_id, organisation_id, problem=missing)
        self.directory_forget()

    # ---- endpoints

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """See the port."""
        taken = Conflict(f"an endpoint with the uid {endpoint.uid!r} exists already in this application")
        known = await self.directory_known()
        async with self.database.transaction() as session:
            await self.change_in(session, "endpoint_insert", *endpoint_row(endpoint, self.seal), problem=taken)
            await self.tell(session, known, [operational.created(known, endpoint)])
        self.directory_forget()

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """See the port. Whatever failed before, it is tried anew."""
        missing = NotFound(f"no endpoint {endpoint.id}")
        known = await self.directory_known()
        async with self.database.transaction() as session:
            await session.rows("endpoint_recover", [endpoint.id])  # in the order in which an attempt takes both
            await self.change_in(session, "endpoint_update", *endpoint_change(endpoint, self.seal), problem=missing)
            await self.tell(session, known, [operational.updated(known, endpoint)])
        self.directory_forget()

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """See the port."""
        known = await self.directory_known()
        async with self.database.transaction() as session:
            await self._delete_endpoint(session, known, organisation_id, endpoint_id)
        self.directory_forget()

    async def _delete_endpoint(
        self, session: Session, known: Directory, organisation_id: str, endpoint_id: str
    ) -> None:
        missing = NotFound(f"no endpoint {endpoint_id}")
        await self.change_in(session, "endpoint_delete", endpoint_id, organisation_id, problem=missing)
        await session.rows("delivery_end_of_endpoint", self.clock.now_ms(), "the endpoint was deleted", endpoint_id)
        await session.rows("endpoint_recover", [endpoint_id])
        await session.rows("turn_forget", [endpoint_id])
        await session.rows("poll_forget_endpoint", endpoint_id)
        await session.rows("line_close", endpoint_id)
        await self.tell(session, known, operational.deleted(known, endpoint_id))

    # ---- event types

    async def event_type_create(self, event_type: EventType) -> None:
        """See the port."""
        taken = Conflict(f"the event type {event_type.name} exists already")
        await self.change("event_type_insert", *event_type_row(event_type), problem=taken)

    async def event_type_update(self, event_type: EventType) -> None:
        """See the port."""
        missing = NotFound(f"no event type {event_type.name}")
        await self.change("event_type_update", *event_type_change(event_type), problem=missing)

    async def event_type_delete(self, organisation_id: str, name: str) -> None:
        """See the port."""
        missing = NotFound(f"no event type {name}")
        await self.change("event_type_delete", organisation_id, name, problem=missing)
