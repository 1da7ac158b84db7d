"""How far back a look at what is due has to go.

While somebody holds a snapshot open, no dead index entry goes away, and a look from the beginning would walk over all
that was claimed since. What falls due is written at its time or before; so a look begins a little before the last one's
end, now and then further back for what another's commit or clock brought late, and seldom at the very beginning.
"""

from collections.abc import Collection, Mapping
from typing import Final

LAG_MS: Final = 1_000
"""How much later than the time in it a row may usually appear."""
_WIDE_LAG_MS: Final = 60_000
_WIDE_EVERY_MS: Final = 10_000
_WHOLE_EVERY_MS: Final = 600_000


class Pace:
    """When to look further back than usual. A clock that was set back counts as time that passed."""

    def __init__(self) -> None:
        self._wide_ms = 0
        self._whole_ms = 0
        self._tried_ms = 0

    def is_whole(self, now_ms: int) -> bool:
        """Whether this look begins at the very beginning."""
        tried = now_ms != self._tried_ms and 0 <= now_ms - self._tried_ms < _WIDE_EVERY_MS
        return not tried and not 0 <= now_ms - self._whole_ms < _WHOLE_EVERY_MS

    def try_whole(self, now_ms: int) -> bool:
        """The same for one that is taken now: should it take too long and fail, it is not taken again at once."""
        whole = self.is_whole(now_ms)
        if whole:
            self._tried_ms = now_ms
        return whole

    def is_wide(self, now_ms: int) -> bool:
        """Whether this look goes back to where the last wide one ended, and a minute more."""
        return not 0 <= now_ms - self._wide_ms < _WIDE_EVERY_MS

    def done(self, now_ms: int) -> None:
        """The look of that time has been taken."""
        if self.is_whole(now_ms):
            self._whole_ms = self._wide_ms = now_ms
        elif self.is_wide(now_ms):
            self._wide_ms = now_ms


class Reach:
    """Looks at one index that is ordered by time."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._floor_ms = 0
        self._wide_floor_ms = 0

    def floor_ms(self, now_ms: int) -> int:
        """This look begins after that."""
        if self._pace.try_whole(now_ms):
            return 0
        if self._pace.is_wide(now_ms):
            return max(0, min(self._wide_floor_ms, now_ms) - _WIDE_LAG_MS)
        return min(self._floor_ms, now_ms - LAG_MS)

    def seen(self, now_ms: int, *, first_ms: int | None = None) -> None:
        """Nothing is left that was due before ``first_ms`` (None: until now)."""
        if self._pace.is_wide(now_ms):
            self._wide_floor_ms = self._floor_ms
        self._pace.done(now_ms)
        self._floor_ms = min(now_ms - LAG_MS, now_ms if first_ms is None else first_ms - 1)

    def lower(self, due_at_ms: int) -> None:
        """This process itself makes something due at that time."""
        self._floor_ms = min(self._floor_ms, due_at_ms - 1)


class Walk:
    """Looks at an index that is ordered by endpoint, then by time."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._floors: dict[str, int] = {}
        self._wide_floors: dict[str, int] = {}

    def floors(self, now_ms: int) -> dict[str, int]:
        """Where this look begins at each endpoint that is known; at any other it begins at the beginning."""
        if self._pace.try_whole(now_ms):
            return {}
        if self._pace.is_wide(now_ms):
            return {name: max(0, self._wide_floors.get(name, 0) - _WIDE_LAG_MS) for name in self._floors}
        return {name: min(floor_ms, now_ms - LAG_MS) for name, floor_ms in self._floors.items()}

    def seen(self, now_ms: int, first: Mapping[str, int]) -> None:
        """When the first delivery of each endpoint that has any waiting falls due."""
        if self._pace.is_wide(now_ms):
            self._wide_floors = dict(self._floors)
        known = first.keys() if self._pace.is_whole(now_ms) else first.keys() | self._floors.keys()
        self._pace.done(now_ms)
        self._floors = {name: min(first.get(name, now_ms) - 1, now_ms - LAG_MS) for name in known}

    def floors_of(self, names: Collection[str], now_ms: int) -> dict[str, int]:
        """Where a look at those alone begins."""
        return {name: min(self._floors.get(name, 0), now_ms - LAG_MS) for name in names}

    def seen_of(self, names: Collection[str], now_ms: int, first: Mapping[str, int]) -> None:
        """When the first delivery of each of them that has any waiting falls due."""
        self._floors |= {name: min(first.get(name, now_ms) - 1, now_ms - LAG_MS) for name in names}

    def lower(self, endpoint_id: str, due_at_ms: int) -> None:
        """This process itself makes something due there at that time."""
        if due_at_ms <= self._floors.get(endpoint_id, 0):
            self._floors[endpoint_id] = due_at_ms - 1


class LeaseEnds:
    """When the first lease runs out, without a walk over the leases of all that ended within them.

    Leases of other nodes are taken to be no shorter than this one's; where they are, the sweep still finds their end.
    """

    def __init__(self) -> None:
        self._lease_ms = 0
        self.floor_ms = 0

    def leased(self, now_ms: int, ends_at_ms: int) -> None:
        """This process itself took a lease."""
        lease_ms = ends_at_ms - now_ms
        self._lease_ms = min(self._lease_ms or lease_ms, lease_ms)
        self.floor_ms = min(self.floor_ms, ends_at_ms - 1)

    def seen(self, now_ms: int, first_ms: int | None) -> None:
        """The first lease that is held ends at ``first_ms``; None: there is none."""
        self.floor_ms = now_ms + self._lease_ms - LAG_MS if first_ms is None else first_ms - 1
