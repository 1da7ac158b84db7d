"""Answers kept under idempotency keys."""

import apsw

from paybell.model.answer import AnswerKey, AnswerNew, Beginning, Begun, BeingAnswered
from paybell.store import answer_rows
from paybell.store.sqlite.base import Part


class AnswerPart(Part):
    """One row for each key."""

    async def answer_begin(self, key: AnswerKey, *, now_ms: int, ends_at_ms: int) -> Beginning:
        """See the port."""

        def job(connection: apsw.Connection) -> Beginning:
            new = (key.organisation_id, key.name, key.request_digest, b"", ends_at_ms, now_ms)
            if connection.execute(self.sql["answer_begin"], new).fetchone() is not None:
                return Begun()
            row = connection.execute(self.sql["answer_get"], (key.organisation_id, key.name)).fetchone()
            return BeingAnswered() if row is None else answer_rows.found(row, key, self.seal)

        return await self.database.write(job)

    async def answer_keep(self, new: AnswerNew) -> None:
        """See the port."""
        values = answer_rows.answer_row(new, self.seal)
        await self.database.write(lambda connection: connection.execute(self.sql["answer_keep"], values))

    async def answer_forget(self, key: AnswerKey) -> None:
        """See the port."""
        values = (key.organisation_id, key.name)
        await self.database.write(lambda connection: connection.execute(self.sql["answer_forget"], values))
