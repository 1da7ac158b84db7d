"""Paybell over one PostgreSQL, for any number of identical nodes."""

from paybell.store.postgres.database import PostgresOptions
from paybell.store.postgres.store import PostgresStore

__all__ = ["PostgresOptions", "PostgresStore"]
