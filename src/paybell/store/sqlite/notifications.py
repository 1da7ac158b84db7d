"""Notifications, hints and refusals in SQLite."""

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.notification import Notification, NotificationState, Refusal
from paybell.ports import Appended, FetchDone, FetchJob, NotificationNew, NotificationView
from paybell.store import rows
from paybell.store.sqlite.base import Part


class NotificationPart(Part):
    """What arrived, and what became of it."""

    async def notification_append(self, new: NotificationNew) -> Appended:
        """See the port."""
        return await self.database.write(lambda connection: self._append(connection, new))

    def _append(self, connection: apsw.Connection, new: NotificationNew) -> Appended:
        it, sql = new.notification, self.sql
        connection.execute(sql["notification_insert"], rows.notification_row(new))
        if connection.changes():
            state = (it.id, it.organisation_id, it.source_id, str(new.state), new.due_at_ms)
            connection.execute(sql["notification_state_insert"], state)
            return Appended(it.id, duplicate=False)
        found = connection.execute(sql["notification_by_dedupe"], (it.source_id, it.dedupe_key)).fetchone()
        first = rows.text(found[0]) if found else it.id
        if it.hint:
            connection.execute(sql["hint_reopen"], (it.received_at_ms, first))
        return Appended(first, duplicate=True)

    async def notification_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[Notification]:
        """See the port."""

        def job(connection: apsw.Connection) -> list[Notification]:
            due = self._lease(connection, NotificationState.PENDING, limit, now_ms, lease_ends_at_ms)
            return [rows.notification(row) for row in due]

        return await self.database.write(job)

    async def fetch_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[FetchJob]:
        """See the port."""

        def job(connection: apsw.Connection) -> list[FetchJob]:
            due = self._lease(connection, NotificationState.NEEDS_FETCH, limit, now_ms, lease_ends_at_ms)
            return [
                FetchJob(
                    notification=rows.notification(row),
                    attempt_count=rows.number(row[9]),
                    wanted_no=rows.number(row[10]),
                )
                for row in due
            ]

        return await self.database.write(job)

    def _lease(
        self, connection: apsw.Connection, state: NotificationState, limit: int, now_ms: int, lease_ends_at_ms: int
    ) -> list[rows.Row]:
        due = connection.execute(self.sql["notification_due"], (str(state), now_ms, limit)).fetchall()
        for row in due:
            connection.execute(self.sql["notification_lease"], (lease_ends_at_ms, rows.text(row[0])))
        return due

    async def fetch_finish(self, done: FetchDone) -> Appended | None:
        """See the port."""

        def job(connection: apsw.Connection) -> Appended | None:
            appended = None if done.answer is None else self._append(connection, done.answer)
            finished = None if done.state is NotificationState.NEEDS_FETCH else done.due_at_ms
            due = done.due_at_ms if finished is None else None
            connection.execute(
                self.sql["fetch_finish"],
                (str(done.state), done.reason, done.attempt_count, due, finished, done.notification_id, done.wanted_no),
            )
            if not connection.changes():
                again = (done.due_at_ms, done.notification_id, done.wanted_no)
                connection.execute(self.sql["fetch_again"], again)
            return appended

        return await self.database.write(job)

    async def refusal_append(self, refusal: Refusal, keep_max: int) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["refusal_insert"], rows.refusal_row(refusal))
            connection.execute(self.sql["refusal_trim"], (refusal.source_id, keep_max))

        await self.database.write(job)

    async def notification_get(self, organisation_id: str, notification_id: str) -> NotificationView:
        """See the port."""
        return await self.database.read(lambda connection: self._view(connection, organisation_id, notification_id))

    def _view(self, connection: apsw.Connection, organisation_id: str, notification_id: str) -> NotificationView:
        found = connection.execute(self.sql["notification_get"], (organisation_id, notification_id)).fetchone()
        if found is None:
            raise NotFound(f"no notification {notification_id}")
        return rows.notification_view(found)

    async def notification_replay(self, organisation_id: str, notification_id: str, *, now_ms: int) -> NotificationView:
        """See the port."""

        def job(connection: apsw.Connection) -> NotificationView:
            before = self._view(connection, organisation_id, notification_id)
            rows.check_whole(before.notification)
            to = NotificationState.NEEDS_FETCH if before.notification.hint else NotificationState.PENDING
            values = (str(to), now_ms, notification_id, organisation_id)
            connection.execute(self.sql["notification_replay"], values)
            if not connection.changes():
                raise Conflict(f"{notification_id} is still {before.status.state}: there is nothing to replay yet")
            return self._view(connection, organisation_id, notification_id)

        view = await self.database.write(job)
        self.changed("record", "reconcile")
        return view
