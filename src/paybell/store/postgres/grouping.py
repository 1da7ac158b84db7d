"""Many callers, one statement: while one group is under way, the next one collects. There is no timer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from paybell.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class Grouper(Generic[Item, Result]):
    """Hands items in groups of at most ``group_max`` to ``write``, which gives one result for each, in order.

    A group that fails is written again item by item, so that one that cannot be written harms no other; where the
    database cannot be reached, all of it fails at once.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]], *, group_max: int = 500) -> None:
        self._write = write
        self._group_max = group_max
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def waiting_count(self) -> int:
        """Items handed in and not yet begun."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """Return the item's result once its group is committed."""
        if self._closing:
            raise StoreUnavailable("the database is closing")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Write what was handed in; take no more."""
        self._closing = True
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._group_max))]
            await self._together(group)
        self._running = None

    async def _together(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - its caller gets it
            if len(group) == 1 or isinstance(error, StoreUnavailable):
                for _, future in group:
                    if not future.done():
                        future.set_exception(error)
                return
            for one in group:
                await self._together([one])
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)
