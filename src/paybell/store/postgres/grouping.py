"""Many callers, one statement: while one group is under way, the next one collects. There is no timer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from paybell.errors import StoreUnavailable

Item = TypeVar("Item")
Result = TypeVar("Result")
Write = Callable[[Sequence[Item], bool], Awaitable[Sequence[Result]]]
"""(items, whether they may have been committed by the try before) -> one result for each."""
PATIENCE_S: Final = 3.0
"""How long a write waits for a database that is away: less than gateways wait for their answer."""
PAUSE_S: Final = 0.1


class Grouper(Generic[Item, Result]):
    """Hands items in groups of at most ``group_max`` to ``write``, which gives one result for each, in order.

    A group that fails is written again item by item, so that one that cannot be written harms no other. Where the
    database cannot be reached, the group is written again for ``patience_s``, and ``write`` is told: it may have been
    committed, and only the answer lost. After that all fails at once, until something has been written again.
    """

    def __init__(
        self,
        write: Write[Item, Result],
        *,
        group_max: int = 500,
        patience_s: float = PATIENCE_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._write = write
        self._group_max = group_max
        self._patience_s = patience_s
        self._pause_s = pause_s
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closing = False
        self._down = False

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
            results = await self._write_patiently([item for item, _ in group])
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

    async def _write_patiently(self, items: Sequence[Item]) -> Sequence[Result]:
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + (0.0 if self._down else self._patience_s)
        again = False
        while True:
            try:
                results = await self._write(items, again)
            except StoreUnavailable:
                if self._closing or loop.time() >= ends_s:
                    self._down = True
                    raise
                again = True
                await asyncio.sleep(self._pause_s)
            else:
                self._down = False
                return results
