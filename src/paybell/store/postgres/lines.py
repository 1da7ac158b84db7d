"""Deliveries that wait their turn, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from paybell.model.delivery import BEHIND_MS, DeliveryJob
from paybell.store.postgres.base import Part, columns
from paybell.store.postgres.database import Session


class LinePart(Part):
    """Lines of deliveries. Whoever changes one holds its lock until the commit, so that nobody is forgotten in it."""

    async def line_join(self, session: Session, jobs: Iterable[DeliveryJob]) -> None:
        """New deliveries with a key go to the end of their lines; whichever is the first there is due."""
        ordered = [job for job in jobs if job.order_key]
        if not ordered:
            return
        lines = sorted({(job.endpoint_id, job.order_key) for job in ordered})
        await session.rows("line_lock", [_lock(*line) for line in lines])
        joining = [(job.id, job.endpoint_id, job.order_key) for job in ordered]
        await session.rows("line_join", *columns(joining, 3))
        due_at_ms = min(job.due_at_ms for job in ordered)
        await self._release(session, [(*line, 0) for line in lines], due_at_ms)

    async def line_leave(self, session: Session, ended: Sequence[tuple[str, str, str]]) -> None:
        """Deliveries (id, endpoint, key) have ended, each the first of its line: the next are due."""
        if not ended:
            return
        await session.rows("line_lock", sorted({_lock(*line) for _, *line in ended}))
        left = await session.rows("line_leave", [delivery_id for delivery_id, _, _ in ended])
        await self._release(session, sorted(tuple(row) for row in left), self.clock.now_ms())

    async def line_drop(self, session: Session, message_id: str) -> None:
        """A message ends wherever it stands in lines; before its deliveries do."""
        found = await session.rows("line_of_message", message_id)
        if not found:
            return
        lines = sorted({(row[1], row[2]) for row in found})
        await session.rows("line_lock", sorted(_lock(*line) for line in lines))
        await session.rows("line_leave", [row[0] for row in found])
        await self._release(session, [(*line, 0) for line in lines], self.clock.now_ms())

    async def _release(self, session: Session, lines: Sequence[tuple[str, str, int]], due_at_ms: int) -> None:
        await session.rows("line_release", due_at_ms, BEHIND_MS, *columns(lines, 3))


def _lock(endpoint_id: str, order_key: str) -> int:
    """The advisory lock of a line: two lines that share one only wait for each other."""
    name = f"{endpoint_id}\0\0\0\0{order_key}"
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
