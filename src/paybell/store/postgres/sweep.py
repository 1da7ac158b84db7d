"""Leases that ran out become due: a bounded walk, since a vacuum that is held up leaves dead entries behind it."""

from typing import Final

from paybell.store.postgres.database import Database

_MARGIN_MS: Final = 60_000
"""How far clocks may differ and a commit may lag: what is older was swept before."""
_WHOLE_EVERY_MS: Final = 600_000


class Sweep:
    """One queue's sweep; each time from a minute before the last one, and all of it every ten minutes."""

    def __init__(self, database: Database, query: str) -> None:
        self._database = database
        self._query = query
        self._swept_ms = 0
        self._whole_ms = 0

    @property
    def floor_ms(self) -> int:
        """No lease that is still there ends before."""
        return max(0, self._swept_ms - _MARGIN_MS)

    async def sweep(self, now_ms: int) -> None:
        """Make due what was leased until now or before."""
        floor_ms = self.floor_ms
        if now_ms - self._whole_ms > _WHOLE_EVERY_MS:
            floor_ms, self._whole_ms = 0, now_ms
        await self._database.rows(self._query, floor_ms, now_ms)
        self._swept_ms = now_ms
