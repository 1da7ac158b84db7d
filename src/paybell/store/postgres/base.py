"""What the parts of the PostgreSQL store share."""

from collections.abc import Callable, Sequence

from paybell.clock import Clock
from paybell.store.postgres.database import Database
from paybell.store.seal import Seal


class Part:
    """One part of the store: the database, the seal, and who wants to hear of changes."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self.database = database
        self.seal = seal
        self.clock = clock
        self._callbacks: list[Callable[[], None]] = []

    def on_change(self, callback: Callable[[], None]) -> None:
        """See the port."""
        self._callbacks.append(callback)

    def changed(self) -> None:
        """Tell whoever asked that work may have become due."""
        for callback in self._callbacks:
            callback()


def columns(rows: Sequence[Sequence[object]], count: int) -> list[list[object]]:
    """Rows as columns, for ``unnest``; ``count`` empty ones for no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
