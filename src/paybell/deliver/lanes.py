"""Lanes: each endpoint has its own queue and its own limit, so that a slow one delays nobody else. Synchronous."""

from collections import deque
from typing import Final

from paybell.model.delivery import DeliveryJob

_RESUME_SHARE: Final = 2


class Lane:
    """One endpoint's queue in memory, and how many of its deliveries are being sent."""

    __slots__ = ("active", "overflowed", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[DeliveryJob] = deque()
        self.active = 0
        self.overflowed = False


class Lanes:
    """All endpoints' lanes: at most ``waiting_max`` queued and ``active_max`` being sent per endpoint."""

    def __init__(self, *, waiting_max: int, active_max: int) -> None:
        self._waiting_max = waiting_max
        self._active_max = active_max
        self._lanes: dict[str, Lane] = {}

    def has_room(self, endpoint_id: str) -> bool:
        """Whether one more may be queued; a 'no' is remembered until the lane has drained to half."""
        lane = self._lanes.get(endpoint_id)
        if lane is None or len(lane.waiting) < self._waiting_max:
            return True
        lane.overflowed = True
        return False

    def busy(self) -> frozenset[str]:
        """Endpoints for which nothing should be claimed now."""
        return frozenset(key for key, lane in self._lanes.items() if len(lane.waiting) >= self._waiting_max)

    def held(self) -> set[str]:
        """The ids of all that is queued."""
        return {job.id for lane in self._lanes.values() for job in lane.waiting}

    def waiting(self) -> list[str]:
        """Endpoints with something queued."""
        return [key for key, lane in self._lanes.items() if lane.waiting]

    def put(self, job: DeliveryJob) -> None:
        """Queue a leased delivery."""
        self._lanes.setdefault(job.endpoint_id, Lane()).waiting.append(job)

    def take(self, endpoint_id: str) -> DeliveryJob | None:
        """The next delivery to send to the endpoint, if its limit allows one more."""
        lane = self._lanes.get(endpoint_id)
        if lane is None or not lane.waiting or lane.active >= self._active_max:
            return None
        lane.active += 1
        return lane.waiting.popleft()

    def done(self, endpoint_id: str) -> bool:
        """One was sent; whether the lane overflowed before and should now be filled from the store again."""
        lane = self._lanes[endpoint_id]
        lane.active -= 1
        refill = lane.overflowed and len(lane.waiting) * _RESUME_SHARE <= self._waiting_max
        if refill:
            lane.overflowed = False
        if not lane.active and not lane.waiting:
            del self._lanes[endpoint_id]
        return refill

    def drain(self) -> list[DeliveryJob]:
        """Take everything that is queued."""
        jobs = [job for lane in self._lanes.values() for job in lane.waiting]
        for lane in self._lanes.values():
            lane.waiting.clear()
        return jobs

    @property
    def waiting_count(self) -> int:
        """Deliveries queued in memory."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    @property
    def active_count(self) -> int:
        """Deliveries being sent."""
        return sum(lane.active for lane in self._lanes.values())
