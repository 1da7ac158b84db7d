"""Paybell in one SQLite file."""

from paybell.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
