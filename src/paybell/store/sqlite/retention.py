"""What has been kept long enough, taken out of SQLite a little at a time, so that nobody waits for it."""

from collections.abc import Iterable, Sequence
from typing import Final

import apsw

from paybell.clock import id_at
from paybell.ports import Retention, Tended
from paybell.store import rows
from paybell.store.sqlite.base import Part

_AT_ONCE: Final = 500


class RetentionPart(Part):
    """Drops notifications that ended, and messages that have no delivery waiting, with all that hangs on them."""

    async def tend(self, retention: Retention, *, now_ms: int) -> Tended:
        """See the port."""

        def job(connection: apsw.Connection) -> Tended:
            notifications = self._notifications(connection, retention.notifications_ms, now_ms)
            messages = self._messages(connection, retention.messages_ms, now_ms)
            connection.execute(self.sql["answer_drop"], (now_ms, _AT_ONCE))
            connection.execute(self.sql["api_key_drop"], (now_ms, _AT_ONCE))
            if retention.audit_ms:
                connection.execute(self.sql["audit_drop"], (id_at("aud", now_ms - retention.audit_ms), _AT_ONCE))
            counts = (("notifications", len(notifications)), ("messages", len(messages)))
            return Tended(
                dropped=tuple(f"{count} {name}" for name, count in counts if count),
                more=_AT_ONCE in (len(notifications), len(messages)),
            )

        return await self.database.write(job)

    def _notifications(self, connection: apsw.Connection, kept_ms: int, now_ms: int) -> Sequence[str]:
        old = self._old(connection, "notification_old", "ntf", kept_ms, now_ms)
        self._each(connection, ("notification_key_keep", "notification_drop", "notification_state_drop"), old)
        return old

    def _messages(self, connection: apsw.Connection, kept_ms: int, now_ms: int) -> Sequence[str]:
        old = self._old(connection, "message_old", "msg", kept_ms, now_ms)
        hanging = ("attempt_drop", "delivery_drop", "poll_drop", "message_extra_drop")
        self._each(connection, (*hanging, "message_drop"), old)
        return old

    def _old(self, connection: apsw.Connection, query: str, prefix: str, kept_ms: int, now_ms: int) -> Sequence[str]:
        if not kept_ms:
            return ()
        values = (id_at(prefix, now_ms - kept_ms), _AT_ONCE)
        return [rows.text(row[0]) for row in connection.execute(self.sql[query], values)]

    def _each(self, connection: apsw.Connection, queries: Iterable[str], ids: Sequence[str]) -> None:
        for query in queries:
            connection.executemany(self.sql[query], [(it,) for it in ids])
