"""The loop of a service that looks for what is due: steps may not share it with one another, so it stands here."""

import asyncio
from abc import ABC, abstractmethod

from paybell import log
from paybell.errors import StoreUnavailable


class Looping(ABC):
    """Does one thing after the other while there is any, and looks again every ``poll_s`` seconds."""

    def __init__(self, name: str, *, poll_s: float) -> None:
        """``name`` is the step's, under which it logs."""
        self._name = name
        self._poll_s = poll_s
        self._log = log.get(name)
        self._stopping = asyncio.Event()

    def drain(self) -> None:
        """End after what is under way; what is due stays due."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until :meth:`drain`, or until cancelled."""
        while not self._stopping.is_set():
            try:
                busy = await self.run_once()
            except StoreUnavailable as error:
                self._log.error(f"{self._name}.store_unavailable", error=str(error))
                busy = False
            if not busy:
                await self._rest()

    @abstractmethod
    async def run_once(self) -> bool:
        """Do what comes next; whether there was anything."""

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._poll_s):
                await self._stopping.wait()
        except TimeoutError:
            pass
