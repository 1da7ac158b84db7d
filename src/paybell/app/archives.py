"""Copy a database into another, and check one: which keys open its boxes, and what its payments must add up to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from paybell.app.stores import KEY_SUFFIX, open_store, store_under
from paybell.clock import Clock
from paybell.config import Settings, settings
from paybell.errors import ConfigurationError, Conflict
from paybell.ports import Store
from paybell.record.accounts import project_item
from paybell.record.ledger import misposted
from paybell.record.projection import project
from paybell.store.archive import TableDigest, span_of
from paybell.store.checking import Folds, Report, verify
from paybell.store.copying import copy, open_boxes
from paybell.store.place import is_sqlite, refuse_memory, sqlite_path
from paybell.store.seal import KEY_BYTES, Seal, key_from_file, key_from_text

_SAME: Final = "source and target are the same database: give --to another one"


async def copy_database(
    source: str, target: str, clock: Clock, on_table: Callable[[TableDigest], None]
) -> tuple[TableDigest, ...]:
    """Copy the database at one URL into that at another, or nothing of it; tell each table that is written."""
    from_settings, to_settings = settings(database=source), settings(database=target)
    _check_place(source, "--from")
    refuse_memory(target, "--to")
    if source == target or (is_sqlite(source) and is_sqlite(target) and _is_one_file(source, target)):
        raise Conflict(_SAME)
    async with (
        _opened(store_under(from_settings, _seal(clock, *_keys(from_settings, clock)), clock, serve=False)) as it,
        it.archive_read(alone=True) as reader,
    ):
        await open_boxes(reader)
        async with _opened(open_store(to_settings, clock, serve=False)) as other:
            await other.key_check()
            async with other.archive_write(await span_of(reader)) as writer:
                return await copy(reader, writer, on_table)


FOLDS: Final = Folds(project=project, project_item=project_item, audit=misposted)


async def verify_database(database: str | None, clock: Clock) -> Report:
    """Check the database that the settings name (or that URL) in one snapshot, also while others serve from it."""
    chosen = settings(database=database)
    _check_place(chosen.database, "--database")
    store = store_under(
        chosen, _seal(clock, *_keys(chosen, clock)[:1]), clock, serve=False
    )  # the one that a server would take
    async with _opened(store) as it, it.archive_read(alone=False) as reader:
        return await verify(reader, FOLDS)


def _check_place(url: str, option: str) -> None:
    refuse_memory(url, option)
    if is_sqlite(url) and not Path(sqlite_path(url)).exists():
        raise ConfigurationError(f"there is no database at {sqlite_path(url)}: name one that is there with {option}")


def _is_one_file(source: str, target: str) -> bool:
    other = Path(sqlite_path(target))
    return other.exists() and other.samefile(sqlite_path(source))


def _keys(chosen: Settings, clock: Clock) -> list[bytes]:
    """Every key that may have sealed what is there, the one that a server would take first; none is made."""
    keys = [key_from_text(chosen.secret_key)] if chosen.secret_key else []
    if is_sqlite(chosen.database):
        key_file = Path(sqlite_path(chosen.database) + KEY_SUFFIX)
        if key_file.exists():
            keys.append(key_from_file(key_file, clock))
    return keys


def _seal(clock: Clock, *keys: bytes) -> Seal:
    """Opens what any of the keys has sealed; without one, nothing."""
    first, *others = keys or (clock.new_secret(KEY_BYTES),)
    return Seal(first, clock, *others)


@asynccontextmanager
async def _opened(store: Store) -> AsyncIterator[Store]:
    await store.open()
    try:
        yield store
    finally:
        await store.close()
