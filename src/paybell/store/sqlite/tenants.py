"""Applications, endpoints and event types in SQLite."""

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, EventType
from paybell.store import operational, rows
from paybell.store.directory_rows import (
    application_change,
    application_row,
    endpoint_change,
    endpoint_row,
    event_type_change,
    event_type_row,
)
from paybell.store.sqlite.operational import OperationalPart


class TenantPart(OperationalPart):
    """Who wants to hear, and of what."""

    async def application_create(self, application: Application) -> None:
        """See the port."""
        taken = Conflict(f"an application with the uid {application.uid!r} exists already")
        await self.change(self.sql["application_insert"], application_row(application), taken)

    async def application_update(self, application: Application) -> None:
        """See the port."""
        missing = NotFound(f"no application {application.id}")
        await self.change(self.sql["application_update"], application_change(application), missing)

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            ids = connection.execute(self.sql["endpoint_ids"], (application_id, organisation_id)).fetchall()
            for (endpoint_id,) in ids:
                self._delete_endpoint(connection, organisation_id, rows.text(endpoint_id))
            for forget in ("turn_forget", "poll_forget_head", "poll_forget_numbers"):
                connection.execute(self.sql[forget], (application_id,))
            connection.execute(self.sql["api_key_delete_of_application"], (organisation_id, application_id))
            connection.execute(self.sql["application_delete"], (application_id, organisation_id))
            if not connection.changes():
                raise NotFound(f"no application {application_id}")

        await self.change_by(job)

    # ---- endpoints

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """See the port."""
        taken = Conflict(f"an endpoint with the uid {endpoint.uid!r} exists already in this application")

        def job(connection: apsw.Connection) -> None:
            known = self.directory_at_hand(connection)
            self.change_in(connection, self.sql["endpoint_insert"], endpoint_row(endpoint, self.seal), taken)
            self.tell(connection, known, [operational.created(known, endpoint)])

        await self.change_by(job)

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """See the port. Whatever failed before, it is tried anew."""
        missing = NotFound(f"no endpoint {endpoint.id}")

        def job(connection: apsw.Connection) -> None:
            known = self.directory_at_hand(connection)
            connection.execute(self.sql["endpoint_recover"], (endpoint.id,))
            self.change_in(connection, self.sql["endpoint_update"], endpoint_change(endpoint, self.seal), missing)
            self.tell(connection, known, [operational.updated(known, endpoint)])

        await self.change_by(job)

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            self._delete_endpoint(connection, organisation_id, endpoint_id)

        await self.change_by(job)

    def _delete_endpoint(self, connection: apsw.Connection, organisation_id: str, endpoint_id: str) -> None:
        known = self.directory_at_hand(connection)
        connection.execute(self.sql["endpoint_delete"], (endpoint_id, organisation_id))
        if not connection.changes():
            raise NotFound(f"no endpoint {endpoint_id}")
        ended = (self.clock.now_ms(), "the endpoint was deleted", endpoint_id)
        connection.execute(self.sql["delivery_end_of_endpoint"], ended)
        for forget in ("line_close", "endpoint_recover", "turn_forget", "poll_forget_endpoint"):
            connection.execute(self.sql[forget], (endpoint_id,))
        self.tell(connection, known, operational.deleted(known, endpoint_id))

    # ---- event types

    async def event_type_create(self, event_type: EventType) -> None:
        """See the port."""
        taken = Conflict(f"the event type {event_type.name} exists already")
        await self.change(self.sql["event_type_insert"], event_type_row(event_type), taken)

    async def event_type_update(self, event_type: EventType) -> None:
        """See the port."""
        missing = NotFound(f"no event type {event_type.name}")
        await self.change(self.sql["event_type_update"], event_type_change(event_type), missing)

    async def event_type_delete(self, organisation_id: str, name: str) -> None:
        """See the port."""
        missing = NotFound(f"no event type {name}")
        await self.change(self.sql["event_type_delete"], (organisation_id, name), missing)
