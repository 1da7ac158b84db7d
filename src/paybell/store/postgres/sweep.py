"""Leases that ran out become due: a bounded walk, since a vacuum that is held up leaves dead entries behind it."""

from paybell.store.postgres.database import Database
from paybell.store.postgres.reach import Reach


class Sweep:
    """One queue's sweep."""

    def __init__(self, database: Database, query: str) -> None:
        self._database = database
        self._query = query
        self._reach = Reach()

    async def sweep(self, now_ms: int) -> None:
        """Make due what was leased until now or before; it counts as due from now."""
        await self._database.rows(self._query, self._reach.floor_ms(now_ms), now_ms)
        self._reach.seen(now_ms)
