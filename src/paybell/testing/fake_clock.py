"""A clock that stands still until it is told to move; its chance and its ids are the same in every run."""

import asyncio
import heapq
import random  # noqa: TID251 - the other door for chance
from itertools import count
from typing import Final

START_MS: Final = 1_750_000_000_000
"""2025-06-15T15:06:40Z: a time like any other, so that "never" (0) lies far before it."""
_TIME_DIGITS: Final = 12
_COUNT_DIGITS: Final = 20


class FakeClock:
    """A :class:`~paybell.clock.Clock` for tests: settable time, seeded chance, ids that sort by time like real ones."""

    def __init__(self, now_ms: int = START_MS, *, seed: int = 0) -> None:
        self._now_ms = now_ms
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._count = count(1)
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """The time it was set to."""
        return self._now_ms

    def chance(self) -> float:
        """The next of a seeded row of numbers in [0, 1)."""
        return self._random.random()

    def new_id(self, prefix: str) -> str:
        """The time and a running number, in 32 hex digits behind the prefix."""
        return f"{prefix}_{self._now_ms:0{_TIME_DIGITS}x}{next(self._count):0{_COUNT_DIGITS}x}"

    def new_secret(self, byte_count: int) -> bytes:
        """The next bytes of the seeded row: anybody can guess them."""
        return self._random.randbytes(byte_count)

    async def sleep(self, delay_s: float) -> None:
        """Return once :meth:`advance` has passed the end."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_ms + round(delay_s * 1000), next(self._count), woken))
        await woken

    @property
    def sleeper_count(self) -> int:
        """How many wait for the time to move."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def advance(self, delay_s: float) -> None:
        """Move on and wake, in their order, all whose time has come; they run at the loop's next turn."""
        self.set(self._now_ms + round(delay_s * 1000))

    def set(self, now_ms: int) -> None:
        """Set the time; going back wakes nobody."""
        self._now_ms = now_ms
        while self._sleepers and self._sleepers[0][0] <= now_ms:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)
