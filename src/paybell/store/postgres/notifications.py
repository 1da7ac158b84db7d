"""Notifications, hints and refusals in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

from paybell.clock import Clock
from paybell.errors import Conflict, NotFound
from paybell.model.notification import Notification, NotificationState, Refusal
from paybell.ports import Appended, FetchDone, FetchJob, NotificationNew, NotificationView
from paybell.store import rows
from paybell.store.postgres.base import Part, columns
from paybell.store.postgres.database import Database, repeated
from paybell.store.postgres.grouping import Grouper
from paybell.store.postgres.reach import Reach
from paybell.store.postgres.sweep import Sweep
from paybell.store.seal import Seal

_COLUMNS: Final = 12


class NotificationPart(Part):
    """What arrived, and what became of it."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self.appends: Grouper[NotificationNew, Appended] = Grouper(self._append)
        self._leases = Sweep(database, "notification_sweep")
        self._reach = {"pending": Reach(), "needs_fetch": Reach()}

    async def notification_append(self, new: NotificationNew) -> Appended:
        """See the port."""
        return await self.appends.submit(new)

    async def _append(self, group: Sequence[NotificationNew], _again: bool) -> Sequence[Appended]:  # noqa: FBT001
        """One that is found under its own id was appended by the try before, whose answer was lost: no duplicate."""
        now_ms = self.clock.now_ms()
        given = columns([_row(new, now_ms) for new in group], _COLUMNS)
        added = await repeated(lambda: self.database.rows("notification_append", *given, self.node_no))
        kept = {row[0] for row in added}
        for new in group:
            self._made_due(new.state, new.due_at_ms)
        repeats = [new.notification for new in group if new.notification.id not in kept]
        first = await self._first(repeats) if repeats else {}
        ids = [first.get((it.source_id, it.dedupe_key), it.id) for it in (new.notification for new in group)]
        return [Appended(id_, duplicate=id_ != new.notification.id) for new, id_ in zip(group, ids, strict=True)]

    async def _first(self, repeats: Sequence[Notification]) -> dict[tuple[str, str], str]:
        keys = columns([(it.source_id, it.dedupe_key) for it in repeats], 2)
        known = await self.database.rows("notification_first", *keys)
        first = {(rows.text(row[0]), rows.text(row[1])): rows.text(row[2]) for row in known}
        found = ((first[it.source_id, it.dedupe_key], it) for it in repeats if it.hint)
        hints = [(id_, it.received_at_ms) for id_, it in found if id_ != it.id]
        if hints:
            await repeated(lambda: self.database.rows("hint_reopen", *columns(hints, 2)))
            self._made_due(NotificationState.NEEDS_FETCH, min(at_ms for _, at_ms in hints))
        return first

    async def notification_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[Notification]:
        """See the port."""
        return [rows.notification(row) for row in await self._claim("pending", limit, now_ms, lease_ends_at_ms)]

    async def fetch_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[FetchJob]:
        """See the port."""
        return [
            FetchJob(
                notification=rows.notification(row), attempt_count=rows.number(row[9]), wanted_no=rows.number(row[10])
            )
            for row in await self._claim("needs_fetch", limit, now_ms, lease_ends_at_ms)
        ]

    async def _claim(self, state: str, limit: int, now_ms: int, lease_ends_at_ms: int) -> Sequence[Sequence[object]]:
        await self._leases.sweep(now_ms)
        reach = self._reach[state]
        values = (state, now_ms, limit, lease_ends_at_ms, reach.floor_ms(now_ms), self.node_no)
        claimed = await self.database.rows("notification_claim", *values)
        reach.seen(now_ms, first_ms=max(row[11] for row in claimed) if len(claimed) == limit else None)
        return claimed

    def _made_due(self, state: NotificationState, due_at_ms: int) -> None:
        if state in self._reach:
            self._reach[state].lower(due_at_ms)
            if due_at_ms <= self.clock.now_ms():
                self.hints.tell("record" if state is NotificationState.PENDING else "reconcile")

    async def fetch_finish(self, done: FetchDone) -> Appended | None:
        """See the port."""
        appended = await repeated(lambda: self._fetch_finish(done))
        self._made_due(NotificationState.NEEDS_FETCH, done.due_at_ms)
        if done.answer is not None:
            self._made_due(done.answer.state, done.answer.due_at_ms)
        return appended

    async def _fetch_finish(self, done: FetchDone) -> Appended | None:
        async with self.database.transaction() as session:
            appended = None
            if done.answer is not None:
                it = done.answer.notification
                given = columns([_row(done.answer, self.clock.now_ms())], _COLUMNS)
                new = await session.rows("notification_append", *given, self.node_no)
                appended = Appended(it.id, duplicate=False)
                if not new:
                    (first,) = await session.rows("notification_first", [it.source_id], [it.dedupe_key])
                    appended = Appended(rows.text(first[2]), duplicate=True)
            key = (done.notification_id, done.wanted_no)
            if done.state is NotificationState.NEEDS_FETCH:
                values = (done.reason, done.attempt_count, done.due_at_ms)
                changed = await session.rows("fetch_postpone", *values, *key)
            else:
                ended = (str(done.state), done.reason, done.attempt_count, done.due_at_ms)
                changed = await session.rows("fetch_settle", *ended, *key)
            if not changed:
                await session.rows("fetch_again", done.due_at_ms, *key)
        return appended

    async def refusal_append(self, refusal: Refusal, keep_max: int) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("refusal_insert", *rows.refusal_row(refusal))
            await session.rows("refusal_trim", refusal.source_id, keep_max)

    async def notification_get(self, organisation_id: str, notification_id: str) -> NotificationView:
        """See the port."""
        found = await self.database.rows("notification_get", organisation_id, notification_id)
        if not found:
            raise NotFound(f"no notification {notification_id}")
        return rows.notification_view(found[0])

    async def notification_replay(self, organisation_id: str, notification_id: str, *, now_ms: int) -> NotificationView:
        """See the port."""
        before = await self.notification_get(organisation_id, notification_id)
        rows.check_whole(before.notification)
        to = NotificationState.NEEDS_FETCH if before.notification.hint else NotificationState.PENDING
        values = (str(to), now_ms, notification_id, organisation_id)
        async with self.database.transaction() as session:
            if not await session.rows("notification_replay", *values):
                raise Conflict(f"{notification_id} is still {before.status.state}: there is nothing to replay yet")
        self._made_due(to, now_ms)
        self.changed("record", "reconcile")
        return await self.notification_get(organisation_id, notification_id)


def _row(new: NotificationNew, now_ms: int) -> rows.Row:
    """A notification's columns and those of its place in the queue."""
    return (*rows.notification_row(new), str(new.state), new.due_at_ms, new.due_at_ms > now_ms)
