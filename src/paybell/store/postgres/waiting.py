"""Which endpoints have deliveries waiting, and from when on: what every claim of deliveries begins with."""

from collections.abc import Iterable, Mapping
from typing import Final

from paybell.model.delivery import DeliveryJob
from paybell.store import rows
from paybell.store.postgres.database import Database
from paybell.store.postgres.reach import LeaseEnds, Walk
from paybell.store.postgres.sweep import Sweep

_FEW: Final = 100
_EXPLORE_EVERY_MS: Final = 1_000
"""Where many endpoints are known, how often to look for others."""
_REUSE_MS: Final = 50


class Waiting:
    """Looks into the delivery queue, each time no further back than needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sweep = Sweep(database, "delivery_sweep")
        self._walk = Walk()
        self._lease_ends = LeaseEnds()
        self._explored_ms = 0
        self._last: tuple[int, Mapping[str, int]] | None = None

    async def look_again(self, now_ms: int) -> Mapping[str, int]:
        """The same for the claim that follows a look at once; the claim makes what was seen old."""
        last, self._last = self._last, None
        if last is not None and abs(now_ms - last[0]) < _REUSE_MS:
            return last[1]
        first = await self.look(now_ms)
        self._last = None
        return first

    async def look(self, now_ms: int) -> Mapping[str, int]:
        """When each endpoint's first delivery falls due, soonest first; under '' when the first lease runs out."""
        await self._sweep.sweep(now_ms)
        floors = sorted(self._walk.floors(now_ms).items())
        names, floors_ms = zip(("", 0), *floors, strict=True)  # '' is before all: what comes first may be new
        explore = len(names) <= _FEW or not 0 <= now_ms - self._explored_ms < _EXPLORE_EVERY_MS
        values = (names, floors_ms, self._lease_ends.floor_ms, explore)
        found = await self._database.rows("delivery_waiting", *values)
        if explore:
            self._explored_ms = now_ms
        first = {rows.text(name): rows.number(due_at_ms) for name, due_at_ms in found}
        told = dict(sorted(first.items(), key=lambda item: item[1]))
        lease_end_ms = first.pop("", None)
        self._walk.seen(now_ms, first)
        self._lease_ends.seen(now_ms, lease_end_ms)
        self._last = (now_ms, told)
        return told

    def leased(self, now_ms: int, ends_at_ms: int) -> None:
        """This process claimed something until then."""
        self._lease_ends.leased(now_ms, ends_at_ms)

    def due(self, endpoint_id: str, due_at_ms: int) -> None:
        """This process made something due at that time."""
        self._last = None
        self._walk.lower(endpoint_id, due_at_ms)

    def added(self, now_ms: int, jobs: Iterable[DeliveryJob]) -> None:
        """This process added those deliveries, leased or due."""
        for job in jobs:
            if job.lease_no:
                self.leased(now_ms, job.lease_ends_at_ms)
            else:
                self.due(job.endpoint_id, job.due_at_ms)
