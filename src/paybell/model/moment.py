"""Moments as they are written in bodies."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=64)  # one moment serves all messages of a transaction, and all deliveries of a message
def rfc3339(at_ms: int) -> str:
    """A time as RFC 3339 with milliseconds, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"
