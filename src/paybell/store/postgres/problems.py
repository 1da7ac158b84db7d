"""What can be wrong with a PostgreSQL server or the way to it, in our own words: what to do, and never a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from paybell.errors import ConfigurationError, StoreUnavailable
from paybell.store.place import without_password

_VERSION_MIN: Final = 150_000
_UNREACHABLE: Final = (OSError, asyncpg.PostgresConnectionError)  # TimeoutError too
_LOST: Final = (
    *_UNREACHABLE,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.OutOfMemoryError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InvalidCachedStatementError,  # another node migrated; the statement is prepared anew next time
    asyncpg.LockNotAvailableError,
)
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
    asyncpg.UndefinedObjectError,  # the URL's query names a setting that is none
    asyncpg.InvalidParameterValueError,
    ValueError,
)
"""What waiting does not mend: who, where or how we connect is wrong."""
_ANOTHER_SESSION: Final = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)
_POOLER: Final = (
    "a pooler in transaction mode seems to stand before PostgreSQL: set PAYBELL_DATABASE_POOLER=transaction, or name "
    "the server itself in PAYBELL_DATABASE"
)
_ELSEWHERE: Final = {
    "database": "ALTER DATABASE {database} RESET {name};",
    "user": "ALTER ROLE {role} RESET {name};",
    "database user": "ALTER ROLE {role} IN DATABASE {database} RESET {name};",
    "client": "take it out of PAYBELL_DATABASE",
    "command line": "take it out of the command that starts PostgreSQL",
}
"""Where a setting may be off for some or for one start only, and its remedy there."""
_IN_ITS_FILE: Final = "ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();"


def check_server(*, version: int, limit_ms: str, own_limit_ms: int, pooled: bool) -> None:
    """Refuse a server that is too old, or sessions that are not ours alone."""
    if version < _VERSION_MIN:
        raise ConfigurationError(f"PostgreSQL {version // 10_000} is too old: Paybell needs 15 or newer")
    if not pooled and limit_ms != str(own_limit_ms):
        raise ConfigurationError(_POOLER)


def check_durable(name: str, source: str, database: str, role: str) -> None:
    """Refuse a server that could lose what it has acknowledged, since that setting is off."""
    remedy = _ELSEWHERE.get(source, _IN_ITS_FILE).format(name=name, database=database, role=role)
    raise ConfigurationError(
        f"the PostgreSQL server has {name} = off (by its {source}), so that a power cut would lose acknowledged "
        f"webhooks: set {name} = on ({remedy}) and start again"
    )


@contextmanager
def connecting(url: str) -> Iterator[None]:
    """What is wrong with who, where or how we connect."""
    try:
        yield
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" not in str(error):
            raise
        raise ConfigurationError(f"{_POOLER} ({error})") from None
    except _REFUSED as error:
        raise ConfigurationError(
            f"cannot use the database {without_password(url)} ({_words(error)}): right it in PAYBELL_DATABASE"
        ) from None
    except _UNREACHABLE as error:
        raise StoreUnavailable(
            f"cannot reach the database {without_password(url)} ({_words(error)}): check its host and port, and that "
            "it runs and lets this machine in"
        ) from error


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the connection as ours."""
    try:
        yield
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"the database's user may not do what Paybell must ({error}): make it the owner of the database, or give "
            "it the right (GRANT CREATE, USAGE ON SCHEMA public TO ...)"
        ) from None
    except _ANOTHER_SESSION as error:
        raise StoreUnavailable(f"{_POOLER} ({_words(error)})") from error
    except _LOST as error:
        raise StoreUnavailable(f"the database cannot be used now: {_words(error)}") from error


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
