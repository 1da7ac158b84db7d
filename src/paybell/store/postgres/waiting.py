"""Which endpoints have deliveries waiting, and from when on: what every claim of deliveries begins with."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from paybell.clock import Clock
from paybell.model.delivery import DeliveryJob
from paybell.store import rows
from paybell.store.postgres.database import Database
from paybell.store.postgres.reach import LeaseEnds, Walk
from paybell.store.postgres.sweep import Sweep

_FEW: Final = 100
"""Endpoints with something waiting that are all looked at each time."""
_REST: Final = 10
"""Where more wait: how many times as long as a look at all took until the next of them."""
_REST_MAX_MS: Final = 5_000
_REUSE_MS: Final = 50


class Waiting:
    """Looks into the delivery queue, each time no further back than needed, and at no more endpoints.

    A look at 10,000 endpoints takes a tenth of a second or more. Where many have something waiting, looks go to those
    alone that this process changed or claimed of, and now and then to all, for what other processes have made due.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sweep = Sweep(database, "delivery_sweep")
        self._walk = Walk()
        self._lease_ends = LeaseEnds()
        self._first: dict[str, int] = {}
        self._changed: set[str] = set()
        self._rests_ms = range(0)
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
        """When each endpoint's first delivery falls due, soonest first.

        Under '' when to look again if nothing happens: when the first lease runs out, or others' changes are due.
        """
        await self._sweep.sweep(now_ms)
        changed, self._changed = self._changed, set()
        rests = len(self._first) > _FEW and now_ms in self._rests_ms
        try:
            ends_ms = await (self._look_at(changed, now_ms) if rests else self._look_at_all(now_ms))
        except BaseException:
            self._changed |= changed
            raise
        self._first = dict(sorted(self._first.items(), key=lambda item: item[1]))
        again_ms = [ends_ms] if ends_ms is not None else []
        again_ms += [self._rests_ms.stop] if rests else []
        told = {"": min(again_ms), **self._first} if again_ms else self._first
        self._last = (now_ms, told)
        return told

    async def _look_at_all(self, now_ms: int) -> int | None:
        """When the first lease runs out."""
        first, ends_ms = await self._find(self._walk.floors(now_ms), all_=True)
        self._walk.seen(now_ms, first)
        self._lease_ends.seen(now_ms, ends_ms)
        self._first = first
        end_ms = self._clock.now_ms()
        self._rests_ms = range(now_ms, end_ms + min(_REST * (end_ms - now_ms), _REST_MAX_MS))
        return ends_ms

    async def _look_at(self, names: Collection[str], now_ms: int) -> int | None:
        first, ends_ms = await self._find(self._walk.floors_of(names, now_ms), all_=False)
        self._walk.seen_of(names, now_ms, first)
        self._lease_ends.seen(now_ms, ends_ms)
        self._first = {name: due_at_ms for name, due_at_ms in self._first.items() if name not in names} | first
        return ends_ms

    async def _find(self, floors: Mapping[str, int], *, all_: bool) -> tuple[dict[str, int], int | None]:
        """What falls due first of each, from its floor on, and when the first lease runs out."""
        names, floors_ms = zip(("", 0), *sorted(floors.items()), strict=True)  # '' is before all: the first may be new
        found = await self._database.rows("delivery_waiting", names, floors_ms, self._lease_ends.floor_ms, all_)
        first = {rows.text(name): rows.number(due_at_ms) for name, due_at_ms in found}
        return first, first.pop("", None)

    def claimed(self, names: Collection[str]) -> None:
        """This process claimed of those endpoints."""
        self._changed.update(names)

    def leased(self, now_ms: int, ends_at_ms: int) -> None:
        """This process claimed something until then."""
        self._lease_ends.leased(now_ms, ends_at_ms)

    def due(self, endpoint_id: str, due_at_ms: int) -> None:
        """This process made something due at that time."""
        self._last = None
        self._changed.add(endpoint_id)
        self._walk.lower(endpoint_id, due_at_ms)

    def added(self, now_ms: int, jobs: Iterable[DeliveryJob]) -> None:
        """This process added those deliveries, leased or due."""
        for job in jobs:
            if job.lease_no:
                self.leased(now_ms, job.lease_ends_at_ms)
            else:
                self.due(job.endpoint_id, job.due_at_ms)
