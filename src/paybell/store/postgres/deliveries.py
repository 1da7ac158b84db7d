"""Messages, deliveries and attempts in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Final

from paybell.clock import Clock
from paybell.errors import Conflict, NotFound
from paybell.model.answer import Beginning, Begun
from paybell.model.delivery import BEHIND_MS, Attempt, DeadReason, DeliveryJob
from paybell.model.message import PAYLOAD_EXPIRED, Message
from paybell.ports import AttemptNew, Changes, Decide, DeliveryClaim, MessageNew, Reading
from paybell.store import answer_rows, extra_rows, operational, rows
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Database, Session, repeated
from paybell.store.postgres.grouping import Grouper
from paybell.store.postgres.isolation import IsolationPart
from paybell.store.postgres.operational import DELIVERY_COLUMNS, MESSAGE_COLUMNS, OperationalPart
from paybell.store.postgres.recording import RecordingPart
from paybell.store.postgres.waiting import Waiting
from paybell.store.seal import Seal

_ATTEMPT_COLUMNS: Final = 19
_KEY_COLUMNS: Final = 4


class DeliveryPart(RecordingPart, IsolationPart, OperationalPart):
    """What we tell, to whom, and how it went."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self.attempts: Grouper[AttemptNew, bool] = Grouper(self._append_attempts)
        self.posts: Grouper[MessageNew, bool] = Grouper(self._post)
        self._waiting = Waiting(database, clock)

    # ---- deliver

    async def delivery_claim(self, claim: DeliveryClaim) -> list[DeliveryJob]:
        """See the port."""
        first = await self._waiting.look_again(claim.now_ms)
        due = columns([(name, first.get(name, 0), room) for name, room in claim.rooms.items()], 3)
        values = (*due, claim.now_ms, claim.limit, claim.lease_ends_at_ms, self.node_no)
        claimed = [rows.delivery_job(row) for row in await self.database.rows("delivery_claim", *values)]
        self._waiting.claimed(claim.rooms)
        self._waiting.leased(claim.now_ms, claim.lease_ends_at_ms)
        return claimed

    async def delivery_waiting(self) -> Mapping[str, int]:
        """See the port."""
        return await self._waiting.look(self.clock.now_ms())

    async def delivery_release(self, jobs: Sequence[DeliveryJob], *, due_at_ms: int) -> None:
        """See the port."""
        given = columns([(job.id, job.lease_no) for job in jobs], 2)
        await repeated(lambda: self.database.rows("delivery_release", *given, due_at_ms))
        for job in jobs:
            self._waiting.due(job.endpoint_id, due_at_ms)
        self.hints.tell("deliver")

    async def delivery_abandon(self, job: DeliveryJob, *, reason: DeadReason, error: str, now_ms: int) -> None:
        """See the port."""
        values = (job.id, job.lease_no, now_ms, error, reason)
        if not job.order_key:
            await self.database.rows("delivery_abandon", *values)
            return
        async with self.database.transaction() as session:
            if await session.count("delivery_abandon", *values):
                await self.line_leave(session, [(job.id, job.endpoint_id, job.order_key)])
        self._waiting.due(job.endpoint_id, self.clock.now_ms())

    async def attempt_append(self, new: AttemptNew) -> bool:
        """See the port."""
        kept = await self.attempts.submit(new)
        if kept and new.due_at_ms is not None:
            self._waiting.due(new.attempt.endpoint_id, new.due_at_ms)
        elif kept and new.order_key:
            self._waiting.due(new.attempt.endpoint_id, self.clock.now_ms())
        return kept

    async def _append_attempts(self, group: Sequence[AttemptNew], again: bool) -> Sequence[bool]:  # noqa: FBT001
        there = await self._there("attempt_there", [new.attempt.id for new in group]) if again else set()
        rest = [new for new in group if new.attempt.id not in there]
        kept = await repeated(lambda: self._append_together(rest))
        return [new.attempt.id in there or new.attempt.id in kept for new in group]

    async def _there(self, query: str, ids: Sequence[str]) -> set[str]:
        """What the try before committed, although its answer was lost."""
        return {rows.text(row[0]) for row in await self.database.rows(query, ids)}

    async def _append_together(self, group: Sequence[AttemptNew]) -> set[str]:
        given = columns([rows.attempt_end_row(new) for new in group], _ATTEMPT_COLUMNS)
        if not any(new.weigh or new.order_key or operational.may_tell(new) for new in group):
            return {row[0] for row in await self.database.rows("attempt_append", *given)}
        known = await self.directory_known()
        async with self.database.transaction() as session:
            kept = {row[0] for row in await session.rows("attempt_append", *given)}
            recorded = [new for new in group if new.attempt.id in kept]
            spells = await self.weigh_in(session, recorded)
            told = [it for new in recorded for it in operational.attempted(known, new, spells.get(new.attempt.id))]
            jobs = await self.tell(session, known, told)
            ended = [new for new in recorded if new.order_key and new.due_at_ms is None]
            await self.line_leave(
                session, [(it.attempt.delivery_id, it.attempt.endpoint_id, it.order_key) for it in ended]
            )
        if any(it.reason for it in spells.values()):
            self.directory_forget()
        if jobs:
            self._added(jobs)
            self.changed_here("deliver")
        return kept

    # ---- messages and what people look at

    async def notification_record(self, readings: Sequence[Reading], decide: Decide) -> Changes:
        """See the port."""
        changes = await super().notification_record(readings, decide)
        self._added(changes.deliveries)
        return changes

    async def message_post(self, new: MessageNew) -> Beginning:
        """See the port."""
        if await self.posts.submit(new):
            self._added(new.deliveries)
            return Begun()
        if new.key is not None:
            taken = await self.database.rows("answer_get", new.key.organisation_id, new.key.name)
            if taken:
                return answer_rows.found(taken[0], new.key, self.seal)
        raise Conflict(f"a message with the event id {new.message.event_id!r} was posted already")

    def _added(self, jobs: Sequence[DeliveryJob]) -> None:
        self._waiting.added(self.clock.now_ms(), jobs)
        if not all(job.lease_no for job in jobs):
            self.hints.tell("deliver")

    async def _post(self, group: Sequence[MessageNew], again: bool) -> Sequence[bool]:  # noqa: FBT001
        there = await self._there("message_there", [it.message.id for it in group]) if again else set()
        rest = [it for it in group if it.message.id not in there]
        kept = await repeated(lambda: self._post_together(rest))
        return [it.message.id in there or it.message.id in kept for it in group]

    async def _post_together(self, group: Sequence[MessageNew]) -> set[str]:
        """In one statement, but where a key may have been taken for a message whose event id is not free."""
        given = self._posted(group)
        ordered = any(job.order_key for it in group for job in it.deliveries)
        extras = [extra_rows.extra_row(it.message) for it in group if it.message.has_extras]
        if not ordered and not extras and not any(it.key is not None and it.message.event_id for it in group):
            return {row[0] for row in await self.database.rows("message_post", *given)}
        async with self.database.transaction() as session:
            kept = {row[0] for row in await session.rows("message_post", *given)}
            posted = [it for it in group if it.key is not None and it.message.id not in kept]
            refused = [(*answer_rows.key_row(it)[:2], it.message.id) for it in posted]
            if refused:
                await session.rows("answer_withdraw", *columns(refused, 3))
            mine = [row for row in extras if row[0] in kept]
            if mine:
                await session.rows("message_extra_insert", *columns(mine, extra_rows.COLUMNS))
            await self.line_join(session, [job for it in group if it.message.id in kept for job in it.deliveries])
        return kept

    def _posted(self, group: Sequence[MessageNew]) -> list[object]:
        messages = [(*rows.message_row(it.message), *answer_rows.key_row(it)) for it in group]
        jobs = [rows.delivery_row(job, it.message.created_at_ms) for it in group for job in it.deliveries]
        return [
            *columns(messages, MESSAGE_COLUMNS + _KEY_COLUMNS),
            self.clock.now_ms(),
            *columns(jobs, DELIVERY_COLUMNS),
            self.node_no,
        ]

    async def message_lookup(self, organisation_id: str, application_id: str, name: str) -> Message:
        """See the port."""
        found = await self.database.rows("message_lookup", organisation_id, application_id, name)
        if not found:
            raise NotFound(f"no message {name}")
        return extra_rows.message(found[0])

    async def message_list(self, organisation_id: str, ids: Sequence[str]) -> list[Message]:
        """See the port."""
        return [extra_rows.message(row) for row in await self.database.rows("message_list", organisation_id, ids)]

    async def message_expunge(self, message: Message, *, reason: str, now_ms: int) -> None:
        """See the port."""
        key = (message.organisation_id, message.application_id, message.id)
        async with self.database.transaction() as session:
            await self._expunge(session, key, reason, now_ms)
        self.changed("deliver")

    async def _expunge(self, session: Session, key: tuple[str, str, str], reason: str, now_ms: int) -> None:
        await session.rows("message_expunge", b"", *key)
        await self.line_drop(session, key[2])
        await session.rows("delivery_end_of_message", now_ms, reason, key[2])

    async def payload_expire(self, *, now_ms: int, limit: int) -> int:
        """See the port. A transaction for each: it may hold the lock of a line."""
        ended = await self.database.rows("message_extra_ended", now_ms, limit)
        for message_id, organisation_id, application_id in ended:
            async with self.database.transaction() as session:
                await self._expunge(session, (organisation_id, application_id, message_id), PAYLOAD_EXPIRED, now_ms)
                await session.rows("message_extra_end", message_id)
        if ended:
            self.changed("deliver")
        return len(ended)

    async def attempt_expunge(self, organisation_id: str, attempt_id: str) -> None:
        """See the port."""
        async with self.database.session() as session:
            if not await session.count("attempt_expunge", organisation_id, attempt_id):
                raise NotFound(f"no attempt {attempt_id}")

    async def delivery_resend(self, organisation_id: str, message_id: str, endpoint_id: str, *, now_ms: int) -> None:
        """See the port."""
        key = (message_id, endpoint_id, organisation_id)
        if not await self.database.rows("delivery_of_message", *key):
            raise NotFound(f"message {message_id} was never for endpoint {endpoint_id}")
        async with self.database.transaction() as session:
            if not await session.rows("delivery_resend", now_ms, *key, BEHIND_MS):
                raise rows.being_sent(message_id, endpoint_id)
        self._waiting.due(endpoint_id, now_ms)
        self.changed("deliver")

    async def attempt_get(self, organisation_id: str, attempt_id: str) -> Attempt:
        """See the port."""
        found = await self.database.rows("attempt_get", organisation_id, attempt_id)
        if not found:
            raise NotFound(f"no attempt {attempt_id}")
        return rows.attempt(found[0])
