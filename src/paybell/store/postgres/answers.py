"""Answers kept under idempotency keys."""

from paybell.model.answer import AnswerKey, AnswerNew, Beginning, Begun, BeingAnswered
from paybell.store import answer_rows
from paybell.store.postgres.base import Part


class AnswerPart(Part):
    """One row for each key."""

    async def answer_begin(self, key: AnswerKey, *, now_ms: int, ends_at_ms: int) -> Beginning:
        """See the port."""
        new = (key.organisation_id, key.name, key.request_digest, b"", ends_at_ms, now_ms)
        if await self.database.rows("answer_begin", *new):
            return Begun()
        found = await self.database.rows("answer_get", key.organisation_id, key.name)
        return answer_rows.found(found[0], key, self.seal) if found else BeingAnswered()

    async def answer_keep(self, new: AnswerNew) -> None:
        """See the port."""
        await self.database.rows("answer_keep", *answer_rows.answer_row(new, self.seal))

    async def answer_forget(self, key: AnswerKey) -> None:
        """See the port."""
        await self.database.rows("answer_forget", key.organisation_id, key.name)
