"""Named SQL: every query stands in queries/*.sql with a name and a sentence; dialects side by side under one name.

A query begins with ``-- name --`` where both databases take it, or ``-- name [sqlite] --`` / ``-- name [postgres] --``.
"""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

from paybell.errors import SchemaError

_HEAD: Final = re.compile(r"^-- (?P<name>[a-z_]+)(?: \[(?P<dialect>[a-z]+)\])? --$", re.MULTILINE)


def queries(dialect: str) -> Mapping[str, str]:
    """All queries of one dialect, by name."""
    folder = resources.files("paybell.store") / "queries"
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            found |= _split(file.read_text("utf-8"), dialect)
    return found


def migrations(dialect: str) -> list[tuple[int, str]]:
    """The numbered migrations of one dialect, lowest first."""
    folder = resources.files("paybell.store") / "migrations"
    numbered = [
        (int(file.name.split("_", 1)[0]), file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(f".{dialect}.sql")
    ]
    return sorted(numbered)


def _split(text: str, dialect: str) -> dict[str, str]:
    heads = list(_HEAD.finditer(text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        if head["dialect"] in (None, dialect):
            if head["name"] in found:
                raise SchemaError(f"the query {head['name']} stands twice for {dialect}")
            found[head["name"]] = text[head.end() : following.start() if following else None].strip()
    return found
