"""Named SQL: every query stands in queries/*.sql with a name and a sentence; dialects side by side under one name.

A query begins with ``-- name --`` where both databases take it, or ``-- name [sqlite] --`` / ``-- name [postgres] --``.
One that gives a page, newest first, is there a second time as ``name_up``: the same rows, oldest first.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

from paybell.errors import SchemaError
from paybell.model.migration import Migration

UP: Final = "_up"
"""Ends the name of a page that is read oldest first."""
_HEAD: Final = re.compile(r"^-- (?P<name>[a-z_]+)(?: \[(?P<dialect>[a-z]+)\])? --$", re.MULTILINE)


def queries(dialect: str) -> Mapping[str, str]:
    """All queries of one dialect, by name."""
    folder = resources.files("paybell.store") / "queries"
    found: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".sql"):
            found |= _split(file.read_text("utf-8"), dialect)
    return found | {f"{name}{UP}": _upwards(query) for name, query in found.items() if _gives_page(query)}


def _gives_page(query: str) -> bool:
    return ":limit" in query


def _upwards(query: str) -> str:
    """The page's last ORDER BY is its own."""
    rows_of, order_by, order = query.rpartition("ORDER BY")
    return rows_of + order_by + order.replace(" DESC", " ASC")


@cache  # asked for before each step
def schema(dialect: str) -> tuple[Migration, ...]:
    """The numbered migrations of one dialect, lowest first."""
    folder = resources.files("paybell.store") / "migrations"
    ending = f".{dialect}.sql"
    return tuple(
        Migration(
            number=int(file.name.split("_", 1)[0]),
            name=file.name.removesuffix(ending),
            sentence=file.read_text("utf-8").splitlines()[0].removeprefix("-- "),
            script=file.read_text("utf-8"),
        )
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(ending)
    )


def migrations(dialect: str) -> list[tuple[int, str]]:
    """Numbers and scripts of the migrations of one dialect, lowest first."""
    return [(it.number, it.script) for it in schema(dialect)]


def pending(steps: Sequence[Migration], version: int) -> tuple[Migration, ...]:
    """What a schema of that version lacks; ``SchemaError`` when it is newer than what this program knows."""
    newest = steps[-1].number
    if version > newest:
        raise SchemaError(
            f"the database has schema {version}, this program knows {newest}: install a newer Paybell, or "
            "restore the backup made before the upgrade"
        )
    return tuple(it for it in steps if it.number > version)


def refuse_older(lacking: Sequence[Migration]) -> None:
    """``SchemaError`` when anything is lacking."""
    if lacking:
        raise SchemaError(
            f"the database lacks {len(lacking)} of this program's migrations ({lacking[0].name} …): run `paybell db "
            "migrate` (with --plan to see them first), or start with PAYBELL_DATABASE_MIGRATE=true"
        )


def _split(text: str, dialect: str) -> dict[str, str]:
    heads = list(_HEAD.finditer(text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        if head["dialect"] in (None, dialect):
            if head["name"] in found:
                raise SchemaError(f"the query {head['name']} stands twice for {dialect}")
            found[head["name"]] = text[head.end() : following.start() if following else None].strip()
    return found
