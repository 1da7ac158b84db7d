"""Hints between processes: "something is due for that step", told with NOTIFY. Polling finds what no hint reached.

A hint is sent after the commit, in a transaction of its own, since NOTIFY makes commits wait for each other; and at
most once in an interval for each step, however much becomes due.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final

from paybell import log
from paybell.clock import Clock
from paybell.errors import PaybellError, StoreUnavailable
from paybell.store.postgres.database import Database

CHANNEL: Final = "paybell"
_INTERVAL_S: Final = 0.02
"""At most so often a hint for one step: a claim finds at once what many appends made due."""
_RETRY_S: Final = 1.0


class Hints:
    """Tells other processes, and hears from them. ``heard`` gets what to look at; '' after a silence: at everything."""

    def __init__(self, database: Database, clock: Clock, heard: Callable[[str], None]) -> None:
        self._database = database
        self._clock = clock
        self._heard = heard
        self._log = log.get("hints")
        self._due: set[str] = set()
        self._telling: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._me = clock.new_id("hint")

    def open(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Tell what is to be told, then be silent."""
        if self._telling is not None:
            await self._telling
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    def tell(self, *steps: str) -> None:
        """Something is due for these steps, and this process does not see to it at once."""
        self._due.update(steps)
        if self._due and self._telling is None:
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._due:
                steps, self._due = sorted(self._due), set()
                with contextlib.suppress(PaybellError):  # others find it when they poll
                    await self._database.rows("hint_tell", CHANNEL, [f"{step} {self._me}" for step in steps])
                await asyncio.sleep(_INTERVAL_S)
        finally:
            self._telling = None

    async def _listen(self) -> None:
        while True:
            try:
                connection = await self._database.listener()
            except StoreUnavailable:
                await self._clock.sleep(_RETRY_S)
                continue
            if connection is None:  # a pooler stands between: polling has to do
                return
            try:
                await self._hear(connection)
            finally:
                connection.terminate()
            self._log.warning("hints.lost", detail="the listening connection has ended; polling until it is back")
            await self._clock.sleep(_RETRY_S)

    async def _hear(self, connection: Any) -> None:
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        with contextlib.suppress(OSError):
            await connection.add_listener(CHANNEL, self._on_hint)
            self._heard("")
            await ended.wait()

    def _on_hint(self, _connection: Any, _backend: int, _channel: str, told: str) -> None:
        step, _, who = told.partition(" ")
        if who != self._me:
            self._heard(step)
