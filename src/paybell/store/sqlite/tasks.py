"""Background tasks in SQLite."""

from collections.abc import Collection, Sequence

import apsw

from paybell.errors import Conflict, NotFound
from paybell.model.delivery import BEHIND_MS
from paybell.model.task import Task, TaskKind
from paybell.ports import Advance, Candidate, Choose, Look, Tally, Tallying, TaskNew
from paybell.store import answer_rows, rows, task_rows
from paybell.store.sqlite.deliveries import DeliveryPart


class TaskPart(DeliveryPart):
    """What is sent once more, many messages at a time."""

    async def task_create(self, new: TaskNew) -> None:
        """See the port."""
        it = new.task

        def job(connection: apsw.Connection) -> None:
            ((running,),) = connection.execute(
                self.sql["task_running"], (it.organisation_id, it.application_id)
            ).fetchall()
            task_rows.refuse_more(rows.number(running), new.running_max)
            connection.execute(self.sql["task_prune"], task_rows.prune_row(it))
            connection.execute(self.sql["task_insert"], task_rows.task_row(it))
            if new.answer is not None:
                connection.execute(self.sql["answer_keep"], answer_rows.answer_row(new.answer, self.seal))

        await self.database.write(job)

    async def task_get(self, organisation_id: str, task_id: str) -> Task:
        """See the port."""
        return await self.database.read(lambda connection: self._task(connection, organisation_id, task_id))

    def _task(self, connection: apsw.Connection, organisation_id: str, task_id: str) -> Task:
        row = connection.execute(self.sql["task_get"], (organisation_id, task_id)).fetchone()
        if row is None:
            raise NotFound(f"no task {task_id}")
        return task_rows.task(row)

    async def task_cancel(self, organisation_id: str, task_id: str, *, now_ms: int) -> Task:
        """See the port."""

        def job(connection: apsw.Connection) -> Task:
            before = self._task(connection, organisation_id, task_id)
            connection.execute(self.sql["task_cancel"], (now_ms, organisation_id, task_id))
            if not connection.changes():
                raise Conflict(f"task {task_id} has ended already: it is {before.state}")
            return self._task(connection, organisation_id, task_id)

        return await self.database.write(job)

    async def task_claim(self, kinds: Collection[TaskKind], *, now_ms: int, lease_ends_at_ms: int) -> Task | None:
        """See the port. Most often there is none, which a look says without a write."""
        wanted = task_rows.kinds_text(kinds)
        first = await self.database.read(lambda it: it.execute(self.sql["task_next_due"], (wanted,)).fetchone())
        if first is None or rows.number(first[0]) > now_ms:
            return None

        def job(connection: apsw.Connection) -> Task | None:
            found = connection.execute(self.sql["task_claim"], (lease_ends_at_ms, now_ms, wanted)).fetchall()
            return task_rows.task(found[0]) if found else None

        return await self.database.write(job)

    async def task_backlog(self, endpoint_id: str, *, now_ms: int, count_max: int) -> int:
        """See the port."""
        values = (endpoint_id, now_ms, count_max)

        def job(connection: apsw.Connection) -> int:
            return rows.number(connection.execute(self.sql["task_backlog"], values).fetchall()[0][0])

        return await self.database.read(job)

    async def task_look(self, look: Look) -> Sequence[Candidate]:
        """See the port."""
        return await self.database.read(lambda connection: self._look(connection, look))

    def _look(self, connection: apsw.Connection, look: Look) -> list[Candidate]:
        name, values = task_rows.look_query(look)
        return [task_rows.candidate(row) for row in connection.execute(self.sql[name], values)]

    async def task_step(self, task: Task, look: Look, choose: Choose, *, now_ms: int) -> Task | None:
        """See the port."""

        def job(connection: apsw.Connection) -> Task | None:
            if connection.execute(self.sql["task_hold"], (task.id, task.lease_no)).fetchone() is None:
                return None
            moves = choose(self._look(connection, look))
            done = 0
            for delivery_id in moves.resent:
                connection.execute(self.sql["task_resend"], (now_ms, delivery_id, BEHIND_MS))
                done += connection.changes()
            for new in moves.added:
                connection.execute(self.sql["task_add"], rows.delivery_row(new, now_ms))
                done += connection.changes()
            found = connection.execute(self.sql["task_move"], task_rows.move_row(task, moves, done, now_ms)).fetchall()
            return task_rows.task(found[0])

        after = await self.database.write(job)
        if after is not None and after.done > task.done:
            self.changed("deliver")
        return after

    async def delivery_tally(self, asked: Tallying) -> Tally:
        """See the port."""
        values = task_rows.tally_row(asked)
        found = await self.database.read(lambda it: it.execute(self.sql["delivery_tally"], values).fetchall())
        return task_rows.tally(found[0])

    async def task_advance(self, task: Task, advance: Advance, *, now_ms: int) -> Task | None:
        """See the port."""
        found = await self._move(task_rows.advance_row(task, advance, now_ms))
        return task_rows.task(found[0]) if found else None

    async def task_put_off(self, task: Task, *, due_at_ms: int) -> None:
        """See the port."""
        await self._move(task_rows.put_off_row(task, due_at_ms))

    async def task_fail(self, task: Task, *, reason: str, now_ms: int) -> None:
        """See the port."""
        await self._move(task_rows.fail_row(task, reason, now_ms))

    async def _move(self, values: rows.Row) -> Sequence[Sequence[object]]:
        return await self.database.write(
            lambda connection: connection.execute(self.sql["task_move"], values).fetchall()
        )
