"""What deliver and web ask of the sandbox in which the code of endpoints' owners runs."""

from typing import Protocol

from msgspec import Struct


class Webhook(Struct, frozen=True, kw_only=True):
    """What a transformation is given.

    ``payload`` are the bytes of a JSON object; ``at_ms`` is where the code's clock stands, and ``id`` the seed of its
    chance, so that the same message always becomes the same.
    """

    id: str
    event_type: str
    payload: bytes
    channels: tuple[str, ...]
    url: str
    at_ms: int


class Transformed(Struct, frozen=True, kw_only=True):
    """What is to be sent: the bytes of a JSON object, and ``headers`` to add; nothing at all where ``canceled``."""

    payload: bytes
    headers: tuple[tuple[str, str], ...] = ()
    canceled: bool = False


class Fault(Struct, frozen=True, kw_only=True):
    """Why a transformation did not work, for its author; ``line`` of the code where one is to blame.

    ``busy`` where the code is not to blame at all: the same may work later.
    """

    reason: str
    line: int | None = None
    busy: bool = False

    def text(self) -> str:
        """The reason, with its line."""
        return f"{self.reason} (line {self.line})" if self.line else self.reason


class Transformer(Protocol):
    """Runs code that nobody trusts. Code of two owners never meets in one process."""

    async def check(self, code: str, *, owner: str) -> Fault | None:
        """Why the code could never be a transformation; None where it can."""
        ...

    async def transform(self, code: str, webhook: Webhook, *, owner: str) -> Transformed | Fault:
        """Let the code change the webhook. Never raises, and ends within its limits whatever the code does."""
        ...

    async def close(self) -> None:
        """End what runs."""
        ...
