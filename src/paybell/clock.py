"""The door through which time, chance and ids come in; everything else takes them as arguments."""

import asyncio
import random
import secrets
import time
from typing import Final, Protocol

import uuid_utils

_TIME_DIGITS: Final = 12


def first_id(prefix: str, at_ms: int) -> str:
    """Sorts before all ids of that prefix that were made then or later, and after all earlier ones."""
    return f"{prefix}_{at_ms:012x}"


def time_of(id_: str) -> int | None:
    """When an id was made, in milliseconds since 1970, as its first digits say; None for one that is not ours."""
    digits = id_.partition("_")[2][:_TIME_DIGITS]
    try:
        return int(digits, 16) if len(digits) == _TIME_DIGITS else None
    except ValueError:
        return None


def id_at(prefix: str, at_ms: int) -> str:
    """Before every id of that time or later, after all earlier ones."""
    return f"{prefix}_{max(0, at_ms):0{_TIME_DIGITS}x}"


class Clock(Protocol):
    """A source of time, chance and ids."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z."""
        ...

    def chance(self) -> float:
        """A number in [0, 1), different each time."""
        ...

    def new_id(self, prefix: str) -> str:
        """A fresh id, ``prefix_`` and 32 hex digits (UUIDv7), which sorts after all earlier ones of this process."""
        ...

    def new_secret(self, byte_count: int) -> bytes:
        """That many bytes nobody can guess."""
        ...

    async def sleep(self, delay_s: float) -> None:
        """Return after so many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clock and generators."""

    def now_ms(self) -> int:
        """Wall-clock milliseconds."""
        return time.time_ns() // 1_000_000

    def chance(self) -> float:
        """A pseudo-random number; used for jitter only, never for secrets."""
        return random.random()  # noqa: S311 - jitter, not a secret

    def new_id(self, prefix: str) -> str:
        """A UUIDv7 in hex behind its prefix."""
        return f"{prefix}_{uuid_utils.uuid7().hex}"

    def new_secret(self, byte_count: int) -> bytes:
        """Bytes of the operating system's generator."""
        return secrets.token_bytes(byte_count)

    async def sleep(self, delay_s: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(delay_s)
