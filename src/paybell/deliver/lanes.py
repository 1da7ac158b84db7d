"""Lanes: each endpoint has its own queue and its own limit, so that a slow one delays nobody else. Synchronous.

What is sent next is whose turn it is: applications take turns, within one its endpoints, and within an endpoint's lane
three first tries go before a retry. A lane never has more places than are left for others, so that however many hang
some are always free. All work is in constant time, however many lanes there are.

What does not fit waits in the store. Its endpoint is then *behind*: what is newer waits there, too, and goes past
nothing, until a claim finds less than there is room for.
"""

from collections import deque
from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from paybell.model.delivery import DeliveryJob

_RESUME_SHARE: Final = 2
_SHARE_MAX: Final = 0.75
"""What one application, or all retries, may have of the places there are."""
_FIRST_TRIES: Final = 3
"""How many go before a retry."""
_UNWELL_ROOM: Final = 2
"""How many times what is sent at once may be taken on for an endpoint that is not well."""


class LaneLimits(Struct, frozen=True, kw_only=True):
    """Places: being sent, and queued in memory; for one endpoint and in all."""

    active_max: int
    waiting_max: int
    all_active_max: int = 1_024
    all_waiting_max: int = 8_192


class Share:
    """An application's part: its lanes whose turn may come, and how many places it has."""

    __slots__ = ("active", "application_id", "is_enrolled", "lane_count", "turns", "waiting")

    def __init__(self, application_id: str) -> None:
        self.application_id = application_id
        self.turns: deque[Lane] = deque()
        self.is_enrolled = False
        self.active = 0
        self.waiting = 0
        self.lane_count = 0


class Lane:
    """One endpoint's queue in memory, and how many of its deliveries are being sent."""

    __slots__ = (
        "active",
        "endpoint_id",
        "firsts",
        "is_enrolled",
        "is_held_back",
        "overflowed",
        "retries",
        "share",
        "turn",
    )

    def __init__(self, endpoint_id: str, share: Share) -> None:
        self.endpoint_id = endpoint_id
        self.share = share
        self.firsts: deque[DeliveryJob] = deque()
        self.retries: deque[DeliveryJob] = deque()
        self.active = 0
        self.turn = 0
        self.overflowed = False
        self.is_enrolled = False
        self.is_held_back = False

    @property
    def waiting_count(self) -> int:
        """Deliveries queued."""
        return len(self.firsts) + len(self.retries)


class Lanes:
    """All endpoints' lanes."""

    def __init__(self, limits: LaneLimits) -> None:
        self._limits = limits
        self._share_active_max = max(1, int(limits.all_active_max * _SHARE_MAX))
        self._share_waiting_max = max(1, int(limits.all_waiting_max * _SHARE_MAX))
        self._lanes: dict[str, Lane] = {}
        self._shares: dict[str, Share] = {}
        self._turns: deque[Share] = deque()
        self._held_back: deque[Lane] = deque()
        self._fewer: dict[str, int] = {}
        self._behind: set[str] = set()
        self._retrying = 0
        self.waiting_count = 0
        """Deliveries queued in memory."""
        self.active_count = 0
        """Deliveries being sent."""

    def limit(self, endpoint_id: str, active_max: int | None) -> None:
        """Send so many at once to one that is not well; None: as many as to any."""
        if active_max is None:
            self._fewer.pop(endpoint_id, None)
        else:
            self._fewer[endpoint_id] = active_max
        if (lane := self._lanes.get(endpoint_id)) is not None:
            self._enrol(lane)

    def has_room(self, endpoint_id: str) -> bool:
        """Whether one more may be queued without going past others; a 'no' holds until claims have caught up."""
        if endpoint_id in self._behind:
            return False
        lane = self._lanes.get(endpoint_id)
        if lane is None:  # the last quarter is for claims, which are shared out between applications
            fits = self.waiting_count < self._share_waiting_max
        else:
            fits = self._room(endpoint_id, lane, lane.share) > 0
            lane.overflowed = lane.overflowed or not fits
        if not fits:
            self._behind.add(endpoint_id)
        return fits

    def due(self, endpoint_ids: Collection[str]) -> None:
        """Of these, and of no others, something is due in the store."""
        self._behind.intersection_update(endpoint_ids)

    def claimed(self, rooms: Mapping[str, int], counts: Mapping[str, int]) -> None:
        """So many of each were claimed: where that is all there was room for, more may wait."""
        for endpoint_id, room in rooms.items():
            if counts.get(endpoint_id, 0) < room:
                self._behind.discard(endpoint_id)
            else:
                self._behind.add(endpoint_id)

    def room(self, endpoint_id: str, application_id: str, *, at_once: bool = False) -> int:
        """How many may be claimed for it; ``at_once``: only such as are sent without waiting for each other."""
        lane, share = self._lanes.get(endpoint_id), self._shares.get(application_id)
        room = self._room(endpoint_id, lane, share)
        if lane is not None and endpoint_id in self._behind and not self._wants_more(lane):
            room = 0  # many at once are claimed at less cost each
        if at_once:
            room = min(room, self._active_max(endpoint_id) - (lane.active + lane.waiting_count if lane else 0))
        if room <= 0 and lane is not None:
            lane.overflowed = True
        return max(0, room)

    def share_room(self, application_id: str) -> int:
        """How many may be queued for all endpoints of an application together."""
        share = self._shares.get(application_id)
        return self._share_waiting_max - (share.waiting if share is not None else 0)

    @property
    def all_room(self) -> int:
        """How many may be queued in all."""
        return self._limits.all_waiting_max - self.waiting_count

    def _room(self, endpoint_id: str, lane: Lane | None, share: Share | None) -> int:
        room = min(self._limits.waiting_max, self._limits.all_waiting_max - self.waiting_count)
        if share is not None:
            room = min(room, self._share_waiting_max - share.waiting)
        if lane is not None:  # and no more than it leaves to others
            left = self._limits.all_waiting_max - self.waiting_count - lane.waiting_count
            room = min(room, self._limits.waiting_max - lane.waiting_count, (left + 1) // 2)
        fewer = self._fewer.get(endpoint_id)
        if fewer is not None:
            room = min(room, _UNWELL_ROOM * fewer - (lane.active + lane.waiting_count if lane else 0))
        return room

    def held(self) -> set[str]:
        """The ids of all that is queued."""
        return {job.id for lane in self._lanes.values() for queue in (lane.firsts, lane.retries) for job in queue}

    def put(self, job: DeliveryJob) -> None:
        """Queue a leased delivery."""
        lane = self._lanes.get(job.endpoint_id)
        if lane is None:
            lane = self._open(job.endpoint_id, job.application_id)
        (lane.retries if job.attempt_count else lane.firsts).append(job)
        lane.share.waiting += 1
        self.waiting_count += 1
        if not lane.is_enrolled:
            self._enrol(lane)

    def take(self) -> DeliveryJob | None:
        """The next delivery to send, if there is a place for one more."""
        while self._turns and self.active_count < self._limits.all_active_max:
            share = self._turns[0]
            job = self._take_of(share)
            if job is not None:
                self._turns.rotate(-1)
                return job
            self._turns.popleft()
            share.is_enrolled = False
        return None

    def done(self, job: DeliveryJob) -> bool:
        """One was sent; whether its lane overflowed before and should now be filled from the store again."""
        lane = self._lanes[job.endpoint_id]
        lane.active -= 1
        lane.share.active -= 1
        self.active_count -= 1
        self._retrying -= job.attempt_count > 0
        self._let_go()
        refill = lane.overflowed and self._wants_more(lane)
        if refill:
            lane.overflowed = False
        if lane.waiting_count:
            self._enrol(lane)
        else:
            self._close(lane)
        if lane.share.turns:
            self._enrol_share(lane.share)
        return refill

    def drain(self) -> list[DeliveryJob]:
        """Take everything that is queued."""
        return [job for lane in list(self._lanes.values()) for job in self._drain(lane)]

    def drain_endpoint(self, endpoint_id: str) -> list[DeliveryJob]:
        """Take what is queued for one endpoint."""
        lane = self._lanes.get(endpoint_id)
        return self._drain(lane) if lane is not None else []

    def _drain(self, lane: Lane) -> list[DeliveryJob]:
        jobs = [*lane.firsts, *lane.retries]
        lane.firsts.clear()
        lane.retries.clear()
        lane.share.waiting -= len(jobs)
        self.waiting_count -= len(jobs)
        self._close(lane)
        return jobs

    def _wants_more(self, lane: Lane) -> bool:
        return lane.waiting_count * _RESUME_SHARE <= self._limits.waiting_max

    def _active_max(self, endpoint_id: str) -> int:
        return self._fewer.get(endpoint_id, self._limits.active_max)

    def _open(self, endpoint_id: str, application_id: str) -> Lane:
        share = self._shares.get(application_id)
        if share is None:
            share = self._shares[application_id] = Share(application_id)
        share.lane_count += 1
        lane = self._lanes[endpoint_id] = Lane(endpoint_id, share)
        return lane

    def _close(self, lane: Lane) -> None:
        """Forget a lane that has nothing, and an application without lanes."""
        if lane.active or lane.waiting_count or self._lanes.get(lane.endpoint_id) is not lane:
            return
        del self._lanes[lane.endpoint_id]
        lane.share.lane_count -= 1
        if not lane.share.lane_count:
            del self._shares[lane.share.application_id]

    def _enrol(self, lane: Lane) -> None:
        """It has something to send, and perhaps may."""
        if not lane.is_enrolled and lane.waiting_count:
            lane.is_enrolled = True
            lane.share.turns.append(lane)
        self._enrol_share(lane.share)

    def _enrol_share(self, share: Share) -> None:
        if not share.is_enrolled:
            share.is_enrolled = True
            self._turns.append(share)

    def _take_of(self, share: Share) -> DeliveryJob | None:
        while share.turns and share.active < self._share_active_max:
            lane = share.turns.popleft()
            queue = self._queue(lane)
            if queue is None:
                lane.is_enrolled = False
                continue
            share.turns.append(lane)
            return self._begin(lane, queue)
        return None

    def _queue(self, lane: Lane) -> deque[DeliveryJob] | None:
        """What the lane sends from now; None where it may not, until one of its own, or another's, is done."""
        if lane.active >= self._active_max(lane.endpoint_id) or not lane.waiting_count:
            return None
        if lane.active < self._limits.all_active_max - self.active_count:
            wants_retry = not lane.firsts or (lane.retries and lane.turn % (_FIRST_TRIES + 1) == _FIRST_TRIES)
            if wants_retry and self._retrying < self._share_active_max:
                return lane.retries
            if lane.firsts:
                return lane.firsts
        self._hold_back(lane)
        return None

    def _hold_back(self, lane: Lane) -> None:
        """It may send when others have."""
        if not lane.is_held_back:
            lane.is_held_back = True
            self._held_back.append(lane)

    def _let_go(self) -> None:
        """Whoever was held back longest and still has something tries again."""
        while self._held_back:
            lane = self._held_back.popleft()
            lane.is_held_back = False
            if lane.waiting_count:
                self._enrol(lane)
                return

    def _begin(self, lane: Lane, queue: deque[DeliveryJob]) -> DeliveryJob:
        job = queue.popleft()
        lane.turn += 1
        lane.active += 1
        lane.share.active += 1
        lane.share.waiting -= 1
        self.waiting_count -= 1
        self.active_count += 1
        self._retrying += job.attempt_count > 0
        return job
