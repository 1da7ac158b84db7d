"""Messages by the numbers by which they are polled, in SQLite."""

from collections.abc import Sequence

import apsw

from paybell.ports import Numbered, Numbering, Position
from paybell.store import polling, rows
from paybell.store.polling import AT_ONCE, Head
from paybell.store.sqlite.base import Part


class PollPart(Part):
    """One writer gives numbers, so that they are committed in their order."""

    async def poll_number(self, application_id: str, *, now_ms: int) -> Numbering:
        """See the port. Where there is nothing new, nothing is written."""

        def look(connection: apsw.Connection) -> Head | None:
            head = self._poll_head(connection, application_id)
            quiet = head and not head.is_wide(now_ms) and not self._poll_look(connection, application_id, head, now_ms)
            return head if quiet else None

        def job(connection: apsw.Connection) -> Numbering:
            connection.execute(self.sql["poll_begin"], (application_id, now_ms))
            head = self._poll_head(connection, application_id) or Head()
            found = self._poll_look(connection, application_id, head, now_ms)
            numbers = [(application_id, no, it) for no, it in enumerate(found, head.last_no + 1)]
            connection.executemany(self.sql["poll_number"], numbers)
            after = head.after(found, now_ms)
            connection.execute(
                self.sql["poll_advance"], (after.last_no, after.last_id, after.wide_at_ms, application_id)
            )
            return Numbering(after.last_no, more=len(found) == AT_ONCE)

        quiet = await self.database.read(look)
        return await self.database.write(job) if quiet is None else Numbering(quiet.last_no, more=False)

    def _poll_head(self, connection: apsw.Connection, application_id: str) -> Head | None:
        return polling.head(connection.execute(self.sql["poll_head"], (application_id,)).fetchall())

    def _poll_look(self, connection: apsw.Connection, application_id: str, head: Head, now_ms: int) -> list[str]:
        values = (application_id, head.floor_id(now_ms), AT_ONCE)
        return [rows.text(it) for (it,) in connection.execute(self.sql["poll_new"], values)]

    async def poll_read(self, application_id: str, position: Position, limit: int) -> Sequence[Numbered]:
        """See the port."""
        found = await self._poll_found("poll_read", application_id, position.no, position.after_id, limit)
        return [polling.numbered(row) for row in found]

    async def poll_start(self, application_id: str, after_id: str) -> Position:
        """See the port. The head is read first: what gets a number meanwhile comes after it."""
        head = polling.head(await self._poll_found("poll_head", application_id)) or Head()
        found = await self._poll_found("poll_start", application_id, after_id)
        return polling.start(found, head.last_no, after_id)

    async def poll_consumer_get(self, endpoint_id: str, name: str) -> Position:
        """See the port."""
        return polling.position(await self._poll_found("poll_consumer_get", endpoint_id, name))

    async def poll_consumer_advance(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """See the port."""
        values = (endpoint_id, name, position.no, position.after_id, now_ms)
        await self.database.write(lambda connection: connection.execute(self.sql["poll_consumer_advance"], values))

    async def poll_consumer_seek(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """See the port."""
        values = (endpoint_id, name, position.no, position.after_id, now_ms)
        await self.database.write(lambda connection: connection.execute(self.sql["poll_consumer_seek"], values))

    async def _poll_found(self, name: str, *values: str | int) -> Sequence[Sequence[object]]:
        return await self.database.read(lambda connection: connection.execute(self.sql[name], values).fetchall())
