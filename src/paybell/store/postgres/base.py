"""What the parts of the PostgreSQL store share."""

from collections.abc import Callable, Sequence

from paybell.clock import Clock
from paybell.ports import Step
from paybell.store.postgres.database import Database
from paybell.store.postgres.hints import Hints
from paybell.store.seal import Seal


class Part:
    """One part of the store: the database, the seal, and who wants to hear of changes."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self.database = database
        self.seal = seal
        self.clock = clock
        self.node_no = 0
        """Whose the leases are that this store takes; 0 where it serves as no node."""
        self._callbacks: list[tuple[Step, Callable[[], None]]] = []
        self.hints = Hints(database, clock, self.heard)

    def on_change(self, step: Step, callback: Callable[[], None]) -> None:
        """See the port."""
        self._callbacks.append((step, callback))

    def changed(self, *steps: Step) -> None:
        """Work may have become due for these steps: tell them here, and in other processes."""
        self.hints.tell(*steps)
        self.changed_here(*steps)

    def changed_here(self, *steps: Step) -> None:
        """The same, to be told in this process alone."""
        for step, callback in self._callbacks:
            if step in steps:
                callback()

    def heard(self, step: str) -> None:
        """Another process says that work may have become due; '' after a silence."""
        for wanted, callback in self._callbacks:
            if step in (wanted, ""):
                callback()


def columns(rows: Sequence[Sequence[object]], count: int) -> list[list[object]]:
    """Rows as columns, for ``unnest``; ``count`` empty ones for no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(count)]
