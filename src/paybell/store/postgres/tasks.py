"""Background tasks in PostgreSQL."""

from collections.abc import Collection, Sequence

from paybell.errors import Conflict, NotFound
from paybell.model.delivery import BEHIND_MS
from paybell.model.task import Task, TaskKind
from paybell.ports import Advance, Candidate, Choose, Look, Moves, Tally, Tallying, TaskNew
from paybell.store import answer_rows, rows, task_rows
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Session, repeated
from paybell.store.postgres.deliveries import DeliveryPart


class TaskPart(DeliveryPart):
    """What is sent once more, many messages at a time."""

    async def task_create(self, new: TaskNew) -> None:
        """See the port."""
        it = new.task
        async with self.database.transaction() as session:
            await self._hold(session, it)
            ((running,),) = await session.rows("task_running", it.organisation_id, it.application_id)
            task_rows.refuse_more(rows.number(running), new.running_max)
            await session.rows("task_prune", *task_rows.prune_row(it))
            await session.rows("task_insert", *task_rows.task_row(it))
            if new.answer is not None:
                await session.rows("answer_keep", *answer_rows.answer_row(new.answer, self.seal))

    async def _hold(self, session: Session, it: Task) -> None:
        """Keep others from beginning one of the same application, or organisation."""
        if not it.application_id:
            await session.rows("task_organisation", it.organisation_id)
        elif not await session.rows("task_application", it.application_id):
            raise NotFound(f"no application {it.application_id}")

    async def task_get(self, organisation_id: str, task_id: str) -> Task:
        """See the port."""
        found = await self.database.rows("task_get", organisation_id, task_id)
        if not found:
            raise NotFound(f"no task {task_id}")
        return task_rows.task(found[0])

    async def task_cancel(self, organisation_id: str, task_id: str, *, now_ms: int) -> Task:
        """See the port."""
        before = await self.task_get(organisation_id, task_id)
        async with self.database.session() as session:
            changed = await session.count("task_cancel", now_ms, organisation_id, task_id)
        if not changed:
            raise Conflict(f"task {task_id} has ended already: it is {before.state}")
        return await self.task_get(organisation_id, task_id)

    async def task_claim(self, kinds: Collection[TaskKind], *, now_ms: int, lease_ends_at_ms: int) -> Task | None:
        """See the port."""
        found = await self.database.rows("task_claim", lease_ends_at_ms, now_ms, task_rows.kinds_text(kinds))
        return task_rows.task(found[0]) if found else None

    async def task_backlog(self, endpoint_id: str, *, now_ms: int, count_max: int) -> int:
        """See the port."""
        ((count,),) = await self.database.rows("task_backlog", endpoint_id, now_ms, count_max)
        return rows.number(count)

    async def task_look(self, look: Look) -> Sequence[Candidate]:
        """See the port."""
        name, values = task_rows.look_query(look)
        return [task_rows.candidate(row) for row in await self.database.rows(name, *values)]

    async def task_step(self, task: Task, look: Look, choose: Choose, *, now_ms: int) -> Task | None:
        """See the port."""
        after = await repeated(lambda: self._step(task, look, choose, now_ms))
        if after is not None and after.done > task.done:
            self._waiting.due(task.endpoint_id, now_ms)
            self.changed("deliver")
        return after

    async def _step(self, task: Task, look: Look, choose: Choose, now_ms: int) -> Task | None:
        async with self.database.transaction() as session:
            held = await session.rows("task_hold", task.endpoint_id)
            if (task.id, task.lease_no) not in {(row[0], row[1]) for row in held}:
                return None
            name, values = task_rows.look_query(look)
            found = await session.rows(name, *values)
            moves = choose([task_rows.candidate(row) for row in found])
            done = await self._do(session, moves, now_ms)
            ((*row,),) = await session.rows("task_move", *task_rows.move_row(task, moves, done, now_ms))
            return task_rows.task(row)

    async def _do(self, session: Session, moves: Moves, now_ms: int) -> int:
        done = 0
        if moves.resent:
            done += len(await session.rows("task_resend", now_ms, moves.resent, BEHIND_MS))
        if moves.added:
            new = [rows.delivery_row(job, now_ms) for job in moves.added]
            done += len(await session.rows("task_add", *columns(new, len(new[0]))))
        return done

    async def delivery_tally(self, asked: Tallying) -> Tally:
        """See the port."""
        (found,) = await self.database.rows("delivery_tally", *task_rows.tally_row(asked))
        return task_rows.tally(found)

    async def task_advance(self, task: Task, advance: Advance, *, now_ms: int) -> Task | None:
        """See the port."""
        found = await self.database.rows("task_move", *task_rows.advance_row(task, advance, now_ms))
        return task_rows.task(found[0]) if found else None

    async def task_put_off(self, task: Task, *, due_at_ms: int) -> None:
        """See the port."""
        await self.database.rows("task_move", *task_rows.put_off_row(task, due_at_ms))

    async def task_fail(self, task: Task, *, reason: str, now_ms: int) -> None:
        """See the port."""
        await self.database.rows("task_move", *task_rows.fail_row(task, reason, now_ms))
