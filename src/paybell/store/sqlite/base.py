"""What the parts of the SQLite store share."""

from collections.abc import Callable

import apsw

from paybell.clock import Clock
from paybell.model.audit import AuditLine
from paybell.ports import Step
from paybell.store import audit_rows
from paybell.store.named import queries
from paybell.store.seal import Seal
from paybell.store.sqlite.database import Database


class Part:
    """One part of the store: the database, its named queries, the seal, and who wants to hear of changes."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        self.database = database
        database.on_rollback = self.rolled_back
        database.audit = self.audit_in
        self.sql = queries("sqlite")
        self.seal = seal
        self.clock = clock
        self._callbacks: list[tuple[Step, Callable[[], None]]] = []

    def on_change(self, step: Step, callback: Callable[[], None]) -> None:
        """See the port."""
        self._callbacks.append((step, callback))

    def audit_in(self, connection: apsw.Connection, line: AuditLine) -> None:
        """Write the line of a change within its transaction."""
        connection.execute(self.sql["audit_insert"], audit_rows.line_row(line))

    def rolled_back(self) -> None:
        """Forget what was read in a transaction that was undone."""

    def changed(self, *steps: Step) -> None:
        """Tell whoever asked that work may have become due for these steps."""
        for step, callback in self._callbacks:
            if step in steps:
                callback()
