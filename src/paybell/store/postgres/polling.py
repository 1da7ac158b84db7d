"""Messages by the numbers by which they are polled, in PostgreSQL."""

from collections.abc import Sequence

from paybell.ports import Numbered, Numbering, Position
from paybell.store import polling
from paybell.store.polling import AT_ONCE, Head
from paybell.store.postgres.base import Part
from paybell.store.postgres.database import Database, Session


class PollPart(Part):
    """Numbers are given under the lock of the application's head, so that they are committed in their order."""

    async def poll_number(self, application_id: str, *, now_ms: int) -> Numbering:
        """See the port. Where there is nothing new, nothing is locked and nothing written."""
        head = polling.head(await self.database.rows("poll_head", application_id))
        if (
            head is not None
            and not head.is_wide(now_ms)
            and not await _look(self.database, application_id, head, now_ms)
        ):
            return Numbering(head.last_no, more=False)
        async with self.database.transaction() as session:
            await session.rows("poll_begin", application_id, now_ms)
            held = polling.head(await session.rows("poll_head_lock", application_id)) or Head()
            found = await _look(session, application_id, held, now_ms)
            after = held.after(found, now_ms)
            await session.rows("poll_number", application_id, held.last_no, found)
            await session.rows("poll_advance", after.last_no, after.last_id, after.wide_at_ms, application_id)
        return Numbering(after.last_no, more=len(found) == AT_ONCE)

    async def poll_read(self, application_id: str, position: Position, limit: int) -> Sequence[Numbered]:
        """See the port."""
        found = await self.database.rows("poll_read", application_id, position.no, position.after_id, limit)
        return [polling.numbered(row) for row in found]

    async def poll_start(self, application_id: str, after_id: str) -> Position:
        """See the port. The head is read first: what gets a number meanwhile comes after it."""
        head = polling.head(await self.database.rows("poll_head", application_id)) or Head()
        found = await self.database.rows("poll_start", application_id, after_id)
        return polling.start(found, head.last_no, after_id)

    async def poll_consumer_get(self, endpoint_id: str, name: str) -> Position:
        """See the port."""
        return polling.position(await self.database.rows("poll_consumer_get", endpoint_id, name))

    async def poll_consumer_advance(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            values = (endpoint_id, name, position.no, position.after_id, now_ms)
            await session.rows("poll_consumer_advance", *values)

    async def poll_consumer_seek(self, endpoint_id: str, name: str, position: Position, *, now_ms: int) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("poll_consumer_seek", endpoint_id, name, position.no, position.after_id, now_ms)


async def _look(asked: Database | Session, application_id: str, head: Head, now_ms: int) -> list[str]:
    found = await asked.rows("poll_new", application_id, head.floor_id(now_ms), AT_ONCE)
    return [it for (it,) in found]
