"""The tasks that send: as many as the lanes have places for, each of which goes on with whatever has its turn."""

import asyncio
from collections.abc import Awaitable, Callable

from paybell.deliver.lanes import Lanes
from paybell.model.delivery import DeliveryJob


class _Place:
    """What a task sends now."""

    __slots__ = ("job",)

    def __init__(self, job: DeliveryJob) -> None:
        self.job = job


class Places:
    """Takes deliveries out of lanes and has them sent."""

    def __init__(
        self, lanes: Lanes, send: Callable[[DeliveryJob], Awaitable[None]], may_begin: Callable[[], bool]
    ) -> None:
        """``send`` sees one delivery through, and tells the lanes. Nothing is begun while ``may_begin`` says no."""
        self._lanes = lanes
        self._send = send
        self._may_begin = may_begin
        self._tasks: dict[asyncio.Task[None], _Place] = {}

    def fill(self) -> None:
        """Begin what there are places for, in its turn."""
        while (job := self._take()) is not None:
            place = _Place(job)
            task = asyncio.create_task(self._occupy(place))
            self._tasks[task] = place
            task.add_done_callback(self._tasks.pop)

    def held(self) -> set[str]:
        """The ids of all that is being sent."""
        return {place.job.id for place in self._tasks.values()}

    async def settle(self) -> None:
        """Return once nothing is being sent."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def end(self, *, grace_s: float) -> list[DeliveryJob]:
        """Wait for what is being sent, then break off the rest; what that was."""
        if not self._tasks:
            return []
        _, late = await asyncio.wait(self._tasks, timeout=grace_s)
        broken_off = [self._tasks[task].job for task in late]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return broken_off

    def _take(self) -> DeliveryJob | None:
        return self._lanes.take() if self._may_begin() else None

    async def _occupy(self, place: _Place) -> None:
        """Send a delivery, then what has its turn: a task for each costs more than to sign it."""
        try:
            while True:
                await self._send(place.job)
                job = self._take()
                if job is None:
                    return
                place.job = job
                self.fill()  # what is done may have held back more than one
        finally:
            self.fill()
