"""What is counted for people."""

from msgspec import Struct


class AttemptCount(Struct, frozen=True, kw_only=True):
    """How attempts ended."""

    delivered: int = 0
    failed: int = 0
    canceled: int = 0
