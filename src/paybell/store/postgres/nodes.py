"""Nodes, their leader and what waits for them in PostgreSQL."""

from collections.abc import Mapping, Sequence

from paybell.model.node import Backlog, Node, Roll
from paybell.ports import STEPS
from paybell.store import rows
from paybell.store.postgres.base import Part, columns
from paybell.store.postgres.database import Session, repeated


class NodePart(Part):
    """Who serves from this database."""

    async def node_join(self, node: Node) -> None:
        """See the port."""
        ((self.node_no,),) = await self.database.rows("node_join", *rows.node_row(node))

    async def node_beat(self, node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
        """See the port."""
        async with self.database.transaction() as session:
            alive = await session.rows("node_beat", node_id, now_ms, rows.figures_text(figures))
            return await self._roll(session) if alive else None

    async def node_list(self) -> Roll:
        """See the port."""
        async with self.database.transaction("repeatable_read") as session:
            return await self._roll(session)

    async def now_ms(self) -> int:
        """See the port."""
        ((now_ms,),) = await self.database.rows("node_time")
        return rows.number(now_ms)

    async def _roll(self, session: Session) -> Roll:
        return rows.roll(await session.rows("node_list"), await session.rows("leader_get"))

    async def node_bury(self, nodes: Sequence[Node], *, now_ms: int) -> tuple[str, ...]:
        """See the port."""
        given = columns([(node.id, node.beat_no) for node in nodes], 2)
        gone = await repeated(lambda: self.database.rows("node_bury", *given, now_ms))
        if gone:
            self.changed(*STEPS)
        return tuple(rows.text(row[0]) for row in gone)

    async def node_leave(self, node_id: str, *, now_ms: int) -> None:
        """See the port."""
        self.node_no = 0
        await repeated(lambda: self.database.rows("node_bury", [node_id], [rows.WHATEVER_BEAT], now_ms))

    async def leader_take(self, node_id: str, term: int) -> bool:
        """See the port."""
        return bool(await self.database.rows("leader_take", node_id, term))

    async def backlog_list(self, *, now_ms: int, count_max: int) -> tuple[Backlog, ...]:
        """See the port."""
        found = await self.database.rows("backlog_list", now_ms, count_max)
        return tuple(rows.backlog(row) for row in found)
