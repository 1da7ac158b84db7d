"""Nodes, their leader and what waits for them in PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from paybell.clock import Clock
from paybell.model.node import Backlog, Node, Roll
from paybell.ports import STEPS, Held
from paybell.store import node_rows, rows
from paybell.store.postgres.base import Part, columns
from paybell.store.postgres.database import Database, Session, repeated
from paybell.store.postgres.grouping import PATIENCE_S
from paybell.store.seal import Seal

_RECLAIM_AFTER_MS: Final = round(2 * PATIENCE_S * 1000)
"""Until then a write that waited out an absence has ended, one way or the other."""
_FOR_EVER_MS: Final = 2**62


class NodePart(Part):
    """Who serves from this database."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self._lost_at_ms: int | None = None
        self._former: tuple[int, int] | None = None
        database.on_lost = self._lost

    def _lost(self) -> None:
        self._lost_at_ms = self.clock.now_ms()

    async def lease_reclaim(self, held: Callable[[], Held], *, lease_ms: int, now_ms: int) -> int:
        """See the port."""
        reclaimed = await self._reclaim_former(held, now_ms) + await self._reclaim_lost(held, lease_ms, now_ms)
        if reclaimed:
            self.changed(*STEPS)
        return reclaimed

    async def _reclaim_former(self, held: Callable[[], Held], now_ms: int) -> int:
        """What this process leased as the node that others buried, after they had: nobody will bury that one again."""
        if self._former is None:
            return 0
        node_no, since_ms = self._former
        count = await repeated(lambda: self._reclaim(node_no, held(), _FOR_EVER_MS, now_ms))
        if now_ms - since_ms >= _RECLAIM_AFTER_MS:
            self._former = None
        return count

    async def _reclaim_lost(self, held: Callable[[], Held], lease_ms: int, now_ms: int) -> int:
        lost_at_ms = self._lost_at_ms
        if lost_at_ms is None or now_ms - lost_at_ms < _RECLAIM_AFTER_MS:
            return 0
        until_ms = lost_at_ms + lease_ms
        count = await repeated(lambda: self._reclaim(self.node_no, held(), until_ms, now_ms))
        if self._lost_at_ms == lost_at_ms:
            self._lost_at_ms = None
        return count

    async def _reclaim(self, node_no: int, held: Held, until_ms: int, now_ms: int) -> int:
        async with self.database.transaction() as session:
            counts = [
                await session.count(query, node_no, sorted(ids), until_ms, now_ms)
                for query, ids in (
                    ("notification_reclaim", held.notifications),
                    ("delivery_reclaim", held.deliveries),
                )
            ]
        return sum(counts)

    async def node_join(self, node: Node) -> None:
        """See the port."""
        former = self.node_no
        ((self.node_no,),) = await self.database.rows("node_join", *node_rows.node_row(node))
        if former:
            self._former = (former, self.clock.now_ms())

    async def node_beat(self, node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
        """See the port."""
        async with self.database.transaction() as session:
            alive = await session.rows("node_beat", node_id, now_ms, node_rows.figures_text(figures))
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
        return node_rows.roll(await session.rows("node_list"), await session.rows("leader_get"))

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
        await repeated(lambda: self.database.rows("node_bury", [node_id], [node_rows.WHATEVER_BEAT], now_ms))

    async def leader_take(self, node_id: str, term: int) -> bool:
        """See the port."""
        return bool(await self.database.rows("leader_take", node_id, term))

    async def backlog_list(self, *, now_ms: int, count_max: int) -> tuple[Backlog, ...]:
        """See the port."""
        found = await self.database.rows("backlog_list", now_ms, count_max)
        return tuple(node_rows.backlog(row) for row in found)
