"""What happens to endpoints and deliveries, told in the transaction in which it does, in SQLite."""

from collections.abc import Iterable

import apsw
from msgspec.structs import replace

from paybell.clock import Clock
from paybell.ports import Occurrence, RouteOccurrence
from paybell.store import rows
from paybell.store.directory import Directory
from paybell.store.operational import attempt_before, listeners, to_nobody
from paybell.store.seal import Seal
from paybell.store.sqlite.database import Database
from paybell.store.sqlite.directory import DirectoryPart
from paybell.store.sqlite.lines import LinePart


class OperationalPart(DirectoryPart, LinePart):
    """Operational webhooks: messages like any other, left due."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self._route_occurrence: RouteOccurrence = to_nobody

    def on_occurrence(self, route: RouteOccurrence) -> None:
        """See the port."""
        self._route_occurrence = route

    def directory_at_hand(self, connection: apsw.Connection) -> Directory:
        """What is in memory: it may be a second old, and costs nothing."""
        return self._directory or self.directory_in(connection)

    def tell(self, connection: apsw.Connection, known: Directory, occurrences: Iterable[Occurrence]) -> bool:
        """Within a job: add what is told of them; whether anything was that had not been told before."""
        told = [self._tell_one(connection, known, it) for it in occurrences]
        return any(told)

    def _tell_one(self, connection: apsw.Connection, known: Directory, occurrence: Occurrence) -> bool:
        endpoints = listeners(known, occurrence)
        if not endpoints or not self._is_news(connection, occurrence):
            return False
        routed = self._route_occurrence(self._named(connection, occurrence), endpoints)
        for message in routed.messages:
            connection.execute(self.sql["message_insert_once"], rows.message_row(message))
            if not connection.changes():
                return False
        jobs = [rows.delivery_row(job, job.due_at_ms) for job in routed.deliveries]
        connection.executemany(self.sql["delivery_insert"], jobs)
        self.line_join(connection, routed.deliveries)
        return bool(jobs)

    def _is_news(self, connection: apsw.Connection, it: Occurrence) -> bool:
        """What was delivered, and is once more, has not recovered."""
        before = attempt_before(it)
        return before is None or (1,) not in connection.execute(self.sql["attempt_outcome"], before).fetchall()

    def _named(self, connection: apsw.Connection, it: Occurrence) -> Occurrence:
        """With the message's own name, where it is about one."""
        if it.attempt is None:
            return it
        found = connection.execute(self.sql["message_event_id"], (it.attempt.message_id,)).fetchone()
        return it if found is None else replace(it, message_event_id=rows.text(found[0]))
