"""What pretend APIs of gateways have in common: a server on loopback that answers from what it was told."""

from abc import ABC, abstractmethod

from paybell.testing.received import Received, Reply
from paybell.testing.receiver import Receiver


class PretendApi(ABC):
    """An API server; ``url`` is its base. ``told`` has the bodies to answer with, by the id asked about."""

    def __init__(self) -> None:
        self.told: dict[str, bytes] = {}
        self._server = Receiver(answer=self.answer)

    async def start(self) -> None:
        """Listen on a free port of loopback."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()

    @property
    def url(self) -> str:
        """What to put into ``options.baseUrl``."""
        return self._server.url.rstrip("/")

    @property
    def asked_count(self) -> int:
        """How often it was asked."""
        return self._server.count

    @abstractmethod
    def answer(self, received: Received) -> Reply:
        """The answer to one question."""
