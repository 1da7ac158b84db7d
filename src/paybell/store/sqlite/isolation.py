"""How endpoints are doing, and turns to send, in SQLite."""

from collections.abc import Sequence

import apsw

from paybell.model.endpoint_state import EndpointState
from paybell.ports import AttemptNew, TurnAsk
from paybell.store import isolation_rows, rows
from paybell.store.isolation_rows import Spell, weighed
from paybell.store.sqlite.directory import DirectoryPart


class IsolationPart(DirectoryPart):
    """What keeps one endpoint's trouble its own."""

    async def endpoint_state_list(self) -> tuple[EndpointState, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[EndpointState, ...]:
            return tuple(isolation_rows.state(row) for row in connection.execute(self.sql["endpoint_state_list"]))

        return await self.database.read(job)

    async def endpoint_state_get(self, endpoint_id: str) -> EndpointState | None:
        """See the port."""
        return (await self.database.read(lambda connection: self._states(connection, endpoint_id))).get(endpoint_id)

    def _states(self, connection: apsw.Connection, endpoint_id: str) -> dict[str, EndpointState]:
        """The endpoint's by its id, unless it is well."""
        found = connection.execute(self.sql["endpoint_state_get"], (endpoint_id,)).fetchall()
        return {it.endpoint_id: it for it in map(isolation_rows.state, found)}

    async def delivery_waiting_count(self, endpoint_id: str, *, count_max: int) -> int:
        """See the port."""
        values = (endpoint_id, count_max)

        def job(connection: apsw.Connection) -> int:
            return rows.number(connection.execute(self.sql["delivery_waiting_count"], values).fetchall()[0][0])

        return await self.database.read(job)

    async def endpoint_probe(self, before: EndpointState, during: EndpointState) -> bool:
        """See the port."""

        def job(connection: apsw.Connection) -> bool:
            values = (str(during.breaker), during.held_until_ms, before.endpoint_id, before.held_until_ms)
            connection.execute(self.sql["endpoint_probe"], values)
            return connection.changes() > 0

        return await self.database.write(job)

    async def turn_take(self, asks: Sequence[TurnAsk], *, now_ms: int, slack_ms: int) -> frozenset[str]:
        """See the port."""

        def job(connection: apsw.Connection) -> frozenset[str]:
            now_us, slack_us = now_ms * 1000, (now_ms - slack_ms) * 1000
            steps = (isolation_rows.turn_row(ask) for ask in asks)
            found = [
                row
                for name, step_us in steps
                for row in connection.execute(self.sql["turn_take"], (name, now_us, step_us, slack_us)).fetchall()
            ]
            return frozenset(rows.text(row[0]) for row in found)

        return await self.database.write(job)

    def weigh_in(self, connection: apsw.Connection, new: AttemptNew) -> Spell:
        """Within a job: what an attempt makes of its endpoint."""
        if new.weigh is None and not new.disable_endpoint_reason:
            return Spell()
        outcome = weighed(self._states(connection, new.attempt.endpoint_id), [new])
        for it in outcome.changed:
            connection.execute(self.sql["endpoint_state_put"], isolation_rows.state_row(it))
        for name in outcome.well:
            connection.execute(self.sql["endpoint_recover"], (name,))
        for name, reason in outcome.disabled.items():
            connection.execute(self.sql["endpoint_disable"], (reason, self.clock.now_ms(), name))
        return outcome.spells[new.attempt.id]
