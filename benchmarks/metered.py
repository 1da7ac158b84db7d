"""What a store's statements cost on the server: each is explained as it is prepared, undone, and only then run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from paybell.store.postgres import PostgresStore
from paybell.store.postgres.database import Database

CLAIMING: Final = frozenset(
    ("notification_sweep", "notification_claim", "delivery_sweep", "delivery_waiting", "delivery_claim")
)


class Cost(Struct, frozen=True):
    """Pages of 8 KiB touched, and the server's time."""

    buffers: float
    ms: float


class Metered(Database):
    """A database that also says what each statement of a claim costs, while ``costs`` is there to be filled."""

    costs: dict[str, list[Cost]] | None = None

    async def rows(self, name: str, *values: object) -> Sequence[Sequence[Any]]:
        """Run one named query, explained first where that is asked for."""
        if self.costs is not None and name in CLAIMING:
            async with self.session() as session:
                cost = await self._cost(session.connection, self.sql[name], values)
            self.costs.setdefault(name, []).append(cost)
        return await super().rows(name, *values)

    async def _cost(self, connection: Any, query: str, values: Sequence[object]) -> Cost:
        await connection.execute(f"PREPARE metered AS {query}")
        await connection.execute("BEGIN")
        try:
            given = f"({', '.join(map(_literal, values))})" if values else ""
            for _ in range(2):  # the first one also pays for making the plan and for opening what it uses
                ((text,),) = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE metered{given}")
                await connection.execute("ROLLBACK; BEGIN")
        finally:
            await connection.execute("ROLLBACK; DEALLOCATE metered")
        told = json.loads(text)[0]
        plan = told["Plan"]
        return Cost(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], told["Execution Time"])


def metered(store: PostgresStore) -> Metered:
    """Let the store, which is not open yet, say what its statements cost."""
    store.database.__class__ = Metered
    assert isinstance(store.database, Metered)  # noqa: S101 - tells the reader, too
    return store.database


def per_call(costs: Mapping[str, Sequence[Cost]], calls: int) -> Cost:
    """What one claim costs on average, all its statements together."""
    every = [cost for each in costs.values() for cost in each]
    return Cost(sum(it.buffers for it in every) / calls, sum(it.ms for it in every) / calls)


def _literal(value: object) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | tuple):
        return "'{" + ",".join(f'"{it}"' for it in value) + "}'"
    return str(value)
