"""How endpoints are doing, and turns to send, in PostgreSQL."""

from collections.abc import Mapping, Sequence

from paybell.model.endpoint_state import EndpointState
from paybell.ports import AttemptNew, TurnAsk
from paybell.store import isolation_rows, rows
from paybell.store.isolation_rows import STATE_COLUMNS, Spell, weighed
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Session, repeated
from paybell.store.postgres.directory import DirectoryPart


class IsolationPart(DirectoryPart):
    """What keeps one endpoint's trouble its own."""

    async def endpoint_state_list(self) -> tuple[EndpointState, ...]:
        """See the port."""
        return tuple(isolation_rows.state(row) for row in await self.database.rows("endpoint_state_list"))

    async def endpoint_state_get(self, endpoint_id: str) -> EndpointState | None:
        """See the port."""
        found = await self.database.rows("endpoint_state_get", endpoint_id)
        return isolation_rows.state(found[0]) if found else None

    async def delivery_waiting_count(self, endpoint_id: str, *, count_max: int) -> int:
        """See the port."""
        ((count,),) = await self.database.rows("delivery_waiting_count", endpoint_id, count_max)
        return rows.number(count)

    async def endpoint_probe(self, before: EndpointState, during: EndpointState) -> bool:
        """See the port."""
        values = (str(during.breaker), during.held_until_ms, before.endpoint_id, before.held_until_ms)
        async with self.database.session() as session:
            return await session.count("endpoint_probe", *values) > 0

    async def turn_take(self, asks: Sequence[TurnAsk], *, now_ms: int, slack_ms: int) -> frozenset[str]:
        """See the port."""
        given = columns([isolation_rows.turn_row(ask) for ask in asks], 2)
        values = (*given, now_ms * 1000, (now_ms - slack_ms) * 1000)
        return frozenset(rows.text(row[0]) for row in await repeated(lambda: self.database.rows("turn_take", *values)))

    async def weigh_in(self, session: Session, group: Sequence[AttemptNew]) -> Mapping[str, Spell]:
        """Within a transaction: what attempts make of their endpoints; by attempt."""
        asked = [new for new in group if new.weigh is not None or new.disable_endpoint_reason]
        if not asked:
            return {}
        ids = sorted({new.attempt.endpoint_id for new in asked})
        found = [isolation_rows.state(row) for row in await session.rows("endpoint_state_lock", ids)]
        outcome = weighed({it.endpoint_id: it for it in found}, asked)
        if outcome.changed:
            put = sorted(isolation_rows.state_row(it) for it in outcome.changed)
            await session.rows("endpoint_state_put", *columns(put, STATE_COLUMNS))
        if outcome.well:
            await session.rows("endpoint_recover", outcome.well)
        for endpoint_id, reason in sorted(outcome.disabled.items()):
            await session.rows("endpoint_disable", reason, self.clock.now_ms(), endpoint_id)
        return outcome.spells
