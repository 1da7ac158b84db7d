"""Locks beside a SQLite database: of the one process that serves from it or copies it, and of those that open it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def opening(folder: Path) -> Iterator[None]:
    """One open at a time in a folder: SQLite makes no file a WAL one while another reads it, and does not wait."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
