"""Where a database is, as a URL: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST:PORT/NAME``."""

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from paybell.errors import ConfigurationError

SQLITE: Final = "sqlite:///"
MEMORY: Final = ":memory:"
_POSTGRES: Final = ("postgresql://", "postgres://")
_HOST: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[^\s@/?#:,\[\]]*)(?::\d{1,5})?"
_WELL_FORMED: Final = re.compile(
    rf"postgres(?:ql)?://(?:[^\s@/?#\[\]]*@)?{_HOST}(?:,{_HOST})*(?:/[^\s@/?#]*)?(?:\?[^\s#]*)?"
)


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file (or memory)."""
    return url.startswith(SQLITE) and url != SQLITE


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(_POSTGRES)


def is_well_formed(url: str) -> bool:
    """Whether a PostgreSQL URL has its special characters percent-encoded, so that no part is taken for another."""
    return _WELL_FORMED.fullmatch(url) is not None


def sqlite_path(url: str) -> str:
    """The file of a SQLite URL."""
    return url.removeprefix(SQLITE)


def refuse_memory(url: str, option: str) -> None:
    """``ConfigurationError`` for a database in memory, where another process is to find it; name the option to set."""
    if url == SQLITE + MEMORY:
        raise ConfigurationError(f"a database in memory is known to its own process alone: name a file with {option}")


def without_password(url: str) -> str:
    """The URL as it may be shown: its query may hold a password, too."""
    if not is_postgres(url):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host, query=""))
