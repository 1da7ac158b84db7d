"""The lock file beside a SQLite database: held by the one process that serves from it, or copies it."""

import fcntl
import os
from pathlib import Path


def take(database: str) -> int | None:
    """The descriptor that holds the lock until it is closed; None when another process holds it."""
    descriptor = os.open(Path(database + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
