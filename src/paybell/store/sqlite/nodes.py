"""The one node of a SQLite file, and what waits for it."""

from collections.abc import Callable, Mapping, Sequence

import apsw

from paybell.model.node import Backlog, Node, Roll
from paybell.ports import Held
from paybell.store import node_rows, rows
from paybell.store.sqlite.base import Part


class NodePart(Part):
    """Who serves from this file."""

    async def node_join(self, node: Node) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["node_forget"])
            connection.execute(self.sql["node_join"], node_rows.node_row(node))

        await self.database.write(job)

    async def node_beat(self, node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
        """See the port."""

        def job(connection: apsw.Connection) -> Roll | None:
            values = (now_ms, node_rows.figures_text(figures), node_id)
            alive = connection.execute(self.sql["node_beat"], values).fetchall()
            return self._roll(connection) if alive else None

        return await self.database.write(job)

    async def node_list(self) -> Roll:
        """See the port."""
        return await self.database.read(self._roll)

    async def now_ms(self) -> int:
        """See the port; it is this machine's."""
        return self.clock.now_ms()

    def _roll(self, connection: apsw.Connection) -> Roll:
        nodes = connection.execute(self.sql["node_list"]).fetchall()
        return node_rows.roll(nodes, connection.execute(self.sql["leader_get"]).fetchall())

    async def node_bury(self, nodes: Sequence[Node], *, now_ms: int) -> tuple[str, ...]:  # noqa: ARG002 - see below
        """See the port; but leases end when the next process opens the file, since it is alone."""

        def job(connection: apsw.Connection) -> tuple[str, ...]:
            gone = [connection.execute(self.sql["node_bury"], (node.id, node.beat_no)).fetchall() for node in nodes]
            return tuple(rows.text(row[0]) for found in gone for row in found)

        return await self.database.write(job)

    async def node_leave(self, node_id: str, *, now_ms: int) -> None:  # noqa: ARG002 - see above
        """See the port."""
        values = (node_id, node_rows.WHATEVER_BEAT)
        await self.database.write(lambda it: it.execute(self.sql["node_bury"], values).fetchall())

    async def lease_reclaim(self, held: Callable[[], Held], *, lease_ms: int, now_ms: int) -> int:  # noqa: ARG002 - see below
        """Nothing: no answer of a file gets lost on its way."""
        return 0

    async def leader_take(self, node_id: str, term: int) -> bool:
        """See the port."""
        values = (node_id, term)
        return await self.database.write(lambda it: bool(it.execute(self.sql["leader_take"], values).fetchall()))

    async def backlog_list(self, *, now_ms: int, count_max: int) -> tuple[Backlog, ...]:
        """See the port."""
        values = (now_ms, count_max)
        found = await self.database.read(lambda it: it.execute(self.sql["backlog_list"], values).fetchall())
        return tuple(node_rows.backlog(row) for row in found)
