"""Which store the settings name."""

from pathlib import Path
from typing import Final

from paybell.clock import Clock
from paybell.config import Settings
from paybell.errors import ConfigurationError
from paybell.ports import Retention, SchemaStore, Store
from paybell.store.place import MEMORY, is_postgres, sqlite_path
from paybell.store.postgres import PostgresOptions, PostgresStore
from paybell.store.seal import KEY_BYTES, Seal, key_from_file, key_from_text
from paybell.store.sqlite import SqliteStore

KEY_SUFFIX: Final = ".key"
_DAY_MS: Final = 86_400_000


def open_store(chosen: Settings, clock: Clock, *, serve: bool) -> Store:
    """The store that the settings name; not opened yet. ``ConfigurationError`` when its key is missing or wrong."""
    return store_under(chosen, Seal(_key(chosen, clock), clock), clock, serve=serve)


def open_schema(chosen: Settings, clock: Clock) -> SchemaStore:
    """The schema of that store. It takes no key, and makes none."""
    return store_under(chosen, Seal(bytes(KEY_BYTES), clock), clock, serve=False)


def store_under(chosen: Settings, seal: Seal, clock: Clock, *, serve: bool) -> Store:
    """The store that the settings name, under that seal."""
    if is_postgres(chosen.database):
        options = PostgresOptions(
            connections_max=chosen.database_connections_max, pooled=chosen.database_pooler == "transaction"
        )
        return PostgresStore(
            chosen.database, seal, clock, serve=serve, migrate=chosen.database_migrate, options=options
        )
    return SqliteStore(sqlite_path(chosen.database), seal, clock, serve=serve, migrate=chosen.database_migrate)


def retention_of(chosen: Settings) -> Retention:
    """How long the settings keep things."""
    return Retention(
        notifications_ms=chosen.keep_notifications_days * _DAY_MS,
        messages_ms=chosen.keep_messages_days * _DAY_MS,
        audit_ms=chosen.keep_audit_days * _DAY_MS,
    )


def _key(chosen: Settings, clock: Clock) -> bytes:
    if chosen.secret_key:
        return key_from_text(chosen.secret_key)
    if is_postgres(chosen.database):
        raise ConfigurationError(
            "with PostgreSQL, PAYBELL_SECRET_KEY is needed, the same for every node and command: 32 bytes in base64 "
            "that seal secrets at rest; make them with `openssl rand -base64 32`, and keep a copy elsewhere"
        )
    path = sqlite_path(chosen.database)
    return clock.new_secret(KEY_BYTES) if path == MEMORY else key_from_file(Path(path + KEY_SUFFIX), clock)
