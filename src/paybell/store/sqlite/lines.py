"""Deliveries that wait their turn, in SQLite."""

from collections.abc import Iterable

import apsw

from paybell.model.delivery import BEHIND_MS, DeliveryJob
from paybell.store import rows
from paybell.store.sqlite.base import Part


class LinePart(Part):
    """Lines of deliveries: within a job, which is the only one that writes."""

    def line_join(self, connection: apsw.Connection, jobs: Iterable[DeliveryJob]) -> None:
        """New deliveries with a key go to the end of their lines; whichever is the first there is due."""
        for job in jobs:
            if job.order_key:
                connection.execute(self.sql["line_join"], (job.id, job.endpoint_id, job.order_key))
                self._release(connection, job.endpoint_id, job.order_key, 0, job.due_at_ms)

    def line_leave(self, connection: apsw.Connection, delivery_id: str, endpoint_id: str, order_key: str) -> None:
        """The first of a line has ended: the next is due."""
        for (place,) in connection.execute(self.sql["line_leave"], (delivery_id,)).fetchall():
            self._release(connection, endpoint_id, order_key, rows.number(place), self.clock.now_ms())

    def line_drop(self, connection: apsw.Connection, message_id: str) -> None:
        """A message has ended wherever it stands in lines."""
        for found in connection.execute(self.sql["line_of_message"], (message_id,)).fetchall():
            delivery_id, endpoint_id, order_key = map(rows.text, found)
            connection.execute(self.sql["line_leave"], (delivery_id,)).fetchall()
            self._release(connection, endpoint_id, order_key, 0, self.clock.now_ms())

    def _release(
        self, connection: apsw.Connection, endpoint_id: str, order_key: str, place: int, due_at_ms: int
    ) -> None:
        connection.execute(self.sql["line_release"], (due_at_ms, BEHIND_MS, endpoint_id, order_key, place))
