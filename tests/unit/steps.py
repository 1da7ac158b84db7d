"""What tests of the steps stand on: a store in memory, one that fails when told, a sender that says what it is told."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from paybell.errors import StoreUnavailable
from paybell.model.delivery import Answered, Outcome
from paybell.model.notification import NotificationState
from paybell.ports import NotificationView, PageQuery, Sending
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.fake_clock import FakeClock
from tests.contract.stores import SqlitePlace, World, world


class Memory(SqlitePlace):
    """A database in memory."""

    def store(self, clock: FakeClock, *, serve: bool = True, key: bytes = bytes(32)) -> SqliteStore:
        return SqliteStore(":memory:", Seal(key, clock), clock, serve=serve)


def run(scenario: Callable[[World], Awaitable[None]]) -> None:
    """Run a scenario on a fresh store in memory; one that hangs fails."""

    async def main() -> None:
        async with asyncio.timeout(30), world(Memory(Path())) as it:
            await scenario(it)

    asyncio.run(main())


class Failing:
    """A store whose named calls are unavailable for so many times."""

    def __init__(self, store: Any, **times: int) -> None:
        self._store = store
        self.times = times

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self.times:
            return method

        async def call(*args: Any, **named: Any) -> Any:
            if self.times[name] > 0:
                self.times[name] -= 1
                raise StoreUnavailable("the disk is full")
            return await method(*args, **named)

        return call


class Wire:
    """A sender: answers from a row of outcomes, of which the last one stays; held back while ``hold`` is called."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.sent: list[Sending] = []
        self.outcomes = list(outcomes) or [Answered(status_code=200)]
        self._free = asyncio.Event()
        self._free.set()
        self._came = asyncio.Event()

    async def send(self, sending: Sending) -> Outcome:
        self.sent.append(sending)
        self._came.set()
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        await self._free.wait()
        return outcome

    def serves(self, url: str) -> bool:
        return True

    async def close(self) -> None:
        pass

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def wait_until_sent(self, count: int) -> None:
        while len(self.sent) < count:
            await self._came.wait()
            self._came.clear()


async def notifications(at: World, state: NotificationState | None = None) -> list[NotificationView]:
    """What the store has, oldest first."""
    filters = {"state": str(state)} if state else {}
    page = await at.store.notification_page(PageQuery(organisation_id=at.organisation.id, limit=250, filters=filters))
    return list(reversed(page.data))


async def turns_until(look: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    while not look():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)
