"""A SQLite file that has its schema already: to copy one is quicker than to migrate it."""

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.fake_clock import FakeClock
from tests.threads import at_once


def begin_migrated(path: Path) -> None:
    """Where nothing is there yet, begin with the schema."""
    if not path.exists() and path.parent.is_dir():
        shutil.copy(_template(), path)


@lru_cache(maxsize=1)
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="paybell-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, clock = folder / "template.db", FakeClock()
    store = SqliteStore(str(path), Seal(bytes(32), clock), clock, serve=False)
    at_once(store.schema_migrate())
    return path
