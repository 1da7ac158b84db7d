"""Messages, deliveries and attempts in SQLite."""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.answer import Beginning, Begun
from paybell.model.delivery import BEHIND_MS, Attempt, DeadReason, DeliveryJob, DeliveryState
from paybell.model.message import PAYLOAD_EXPIRED, Message
from paybell.ports import AttemptNew, DeliveryClaim, MessageNew
from paybell.store import answer_rows, extra_rows, operational, rows
from paybell.store.isolation_rows import Spell
from paybell.store.sqlite.isolation import IsolationPart
from paybell.store.sqlite.operational import OperationalPart
from paybell.store.sqlite.recording import RecordingPart


class DeliveryPart(RecordingPart, IsolationPart, OperationalPart):
    """What we tell, to whom, and how it went."""

    # ---- deliver

    async def delivery_claim(self, claim: DeliveryClaim) -> list[DeliveryJob]:
        """See the port."""

        def job(connection: apsw.Connection) -> list[DeliveryJob]:
            claimed: list[DeliveryJob] = []
            for endpoint_id, wanted in claim.rooms.items():
                room = min(wanted, claim.limit - len(claimed))
                if room <= 0:
                    break
                due = self._due(connection, endpoint_id, claim.now_ms, room)
                claimed += [self._lease_delivery(connection, row, claim) for row in due]
            return claimed

        return await self.database.write(job)

    def _due(self, connection: apsw.Connection, endpoint_id: str, now_ms: int, room: int) -> list[rows.Row]:
        """The oldest that are due; where there are more, half of the room is for first tries."""
        firsts, retries = (
            connection.execute(self.sql["delivery_due"], (endpoint_id, is_retry, now_ms, room)).fetchall()
            for is_retry in (0, 1)
        )
        if not retries:
            return firsts
        half = (room + 1) // 2
        kept, due_at_ms = firsts[:half], itemgetter(11)
        others = sorted([*firsts[half:], *retries], key=due_at_ms)
        return sorted([*kept, *others[: room - len(kept)]], key=due_at_ms)

    def _lease_delivery(self, connection: apsw.Connection, row: rows.Row, claim: DeliveryClaim) -> DeliveryJob:
        connection.execute(self.sql["delivery_lease"], (claim.lease_ends_at_ms, rows.number(row[14])))
        return DeliveryJob(
            id=rows.text(row[0]),
            message_id=rows.text(row[1]),
            endpoint_id=rows.text(row[2]),
            application_id=rows.text(row[3]),
            organisation_id=rows.text(row[4]),
            event_type=rows.text(row[5]),
            payload=rows.blob(row[6]),
            told_at_ms=rows.number(row[7]),
            trace=rows.text(row[8]),
            attempt_count=rows.number(row[9]),
            lease_no=rows.number(row[10]) + 1,
            lease_ends_at_ms=claim.lease_ends_at_ms,
            due_at_ms=rows.number(row[11]),
            resent_at_count=rows.number_or_none(row[12]),
            order_key=rows.text(row[13]),
        )

    async def delivery_waiting(self) -> Mapping[str, int]:
        """See the port."""
        found = await self.database.read(lambda it: it.execute(self.sql["delivery_waiting"]).fetchall())
        return {rows.text(name): rows.number(due_at_ms) for name, due_at_ms in found}

    async def delivery_release(self, jobs: Sequence[DeliveryJob], *, due_at_ms: int) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            for it in jobs:
                self._finish(connection, it.id, it.lease_no, DeliveryState.DUE, due_at_ms=due_at_ms)

        await self.database.write(job)

    async def delivery_abandon(self, job: DeliveryJob, *, reason: DeadReason, error: str, now_ms: int) -> None:
        """See the port."""

        def abandon(connection: apsw.Connection) -> None:
            ended = self._finish(
                connection,
                job.id,
                job.lease_no,
                DeliveryState.DEAD,
                due_at_ms=None,
                finished=now_ms,
                error=error,
                dead_reason=reason,
            )
            if ended and job.order_key:
                self.line_leave(connection, job.id, job.endpoint_id, job.order_key)

        await self.database.write(abandon)

    def _finish(
        self,
        connection: apsw.Connection,
        delivery_id: str,
        lease_no: int,
        state: DeliveryState,
        *,
        due_at_ms: int | None,
        finished: int | None = None,
        attempts: int = 0,
        error: str = "",
        dead_reason: DeadReason | None = None,
    ) -> bool:
        values = (str(state), due_at_ms, finished, attempts, error, dead_reason or "", delivery_id, lease_no)
        connection.execute(self.sql["delivery_finish"], values)
        return connection.changes() > 0

    async def attempt_append(self, new: AttemptNew) -> bool:
        """See the port."""
        it = new.attempt

        def job(connection: apsw.Connection) -> tuple[bool, bool, bool]:
            ended = None if new.due_at_ms is not None else it.started_at_ms + it.duration_ms
            if not self._finish(
                connection,
                it.delivery_id,
                new.lease_no,
                new.state,
                due_at_ms=new.due_at_ms,
                finished=ended,
                attempts=1,
                error=rows.last_error(it),
                dead_reason=new.dead_reason,
            ):
                return False, False, False
            connection.execute(self.sql["attempt_insert"], rows.attempt_row(it))
            if new.order_key and new.due_at_ms is None:
                self.line_leave(connection, it.delivery_id, it.endpoint_id, new.order_key)
            spell = self.weigh_in(connection, new)
            return True, bool(spell.reason), self._tell_attempt(connection, new, spell)

        kept, disabled, told = await self.database.write(job)
        if disabled:
            self.directory_forget()
        elif told:
            self.changed("deliver")
        return kept

    def _tell_attempt(self, connection: apsw.Connection, new: AttemptNew, spell: Spell) -> bool:
        if not operational.may_tell(new):
            return False
        known = self.directory_at_hand(connection)
        return self.tell(connection, known, operational.attempted(known, new, spell))

    # ---- messages and what people look at

    async def message_post(self, new: MessageNew) -> Beginning:
        """See the port."""
        outcome = await self.database.write(lambda connection: self._post(connection, new))
        if isinstance(outcome, Conflict):
            raise outcome
        return outcome

    def _post(self, connection: apsw.Connection, new: MessageNew) -> Beginning | Conflict:
        """A conflict is given, not raised: others of its batch would be written twice."""
        message = new.message
        if new.key is not None:
            connection.execute(self.sql["answer_post"], (*answer_rows.key_row(new), message.id, self.clock.now_ms()))
            if not connection.changes():
                taken = connection.execute(self.sql["answer_get"], (new.key.organisation_id, new.key.name))
                return answer_rows.found(taken.fetchall()[0], new.key, self.seal)
        connection.execute(self.sql["message_insert_once"], rows.message_row(message))
        if not connection.changes():
            if new.key is not None:
                named = (new.key.organisation_id, new.key.name, message.id)
                connection.execute(self.sql["answer_withdraw"], named)
            return Conflict(f"a message with the event id {message.event_id!r} was posted already")
        if message.has_extras:
            connection.execute(self.sql["message_extra_insert"], extra_rows.extra_row(message))
        jobs = [rows.delivery_row(job, message.created_at_ms) for job in new.deliveries]
        connection.executemany(self.sql["delivery_insert"], jobs)
        self.line_join(connection, new.deliveries)
        return Begun()

    async def message_lookup(self, organisation_id: str, application_id: str, name: str) -> Message:
        """See the port."""

        def job(connection: apsw.Connection) -> Message:
            row = connection.execute(self.sql["message_lookup"], (organisation_id, application_id, name)).fetchone()
            if row is None:
                raise NotFound(f"no message {name}")
            return extra_rows.message(row)

        return await self.database.read(job)

    async def message_list(self, organisation_id: str, ids: Sequence[str]) -> list[Message]:
        """See the port."""
        values = (organisation_id, json.dumps(ids))
        found = await self.database.read(lambda it: it.execute(self.sql["message_list"], values).fetchall())
        return [extra_rows.message(row) for row in found]

    async def message_expunge(self, message: Message, *, reason: str, now_ms: int) -> None:
        """See the port."""
        key = (message.organisation_id, message.application_id, message.id)
        await self.database.write(lambda connection: self._expunge(connection, key, reason, now_ms))

    def _expunge(self, connection: apsw.Connection, key: tuple[str, str, str], reason: str, now_ms: int) -> None:
        connection.execute(self.sql["message_expunge"], (b"", *key))
        self.line_drop(connection, key[2])
        connection.execute(self.sql["delivery_end_of_message"], (now_ms, reason, key[2]))

    async def payload_expire(self, *, now_ms: int, limit: int) -> int:
        """See the port."""

        def job(connection: apsw.Connection) -> int:
            ended = connection.execute(self.sql["message_extra_ended"], (now_ms, limit)).fetchall()
            for message_id, organisation_id, application_id in ended:
                key = (rows.text(organisation_id), rows.text(application_id), rows.text(message_id))
                self._expunge(connection, key, PAYLOAD_EXPIRED, now_ms)
                connection.execute(self.sql["message_extra_end"], (message_id,))
            return len(ended)

        return await self.database.write(job)

    async def attempt_expunge(self, organisation_id: str, attempt_id: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self.sql["attempt_expunge"], (organisation_id, attempt_id))
            if not connection.changes():
                raise NotFound(f"no attempt {attempt_id}")

        await self.database.write(job)

    async def delivery_resend(self, organisation_id: str, message_id: str, endpoint_id: str, *, now_ms: int) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            key = (message_id, endpoint_id, organisation_id)
            if connection.execute(self.sql["delivery_of_message"], key).fetchone() is None:
                raise NotFound(f"message {message_id} was never for endpoint {endpoint_id}")
            connection.execute(self.sql["delivery_resend"], (now_ms, *key, BEHIND_MS))
            if not connection.changes():
                raise rows.being_sent(message_id, endpoint_id)

        await self.database.write(job)
        self.changed("deliver")

    async def attempt_get(self, organisation_id: str, attempt_id: str) -> Attempt:
        """See the port."""

        def job(connection: apsw.Connection) -> Attempt:
            row = connection.execute(self.sql["attempt_get"], (organisation_id, attempt_id)).fetchone()
            if row is None:
                raise NotFound(f"no attempt {attempt_id}")
            return rows.attempt(row)

        return await self.database.read(job)
