"""What happens to endpoints and deliveries, told in the transaction in which it does, in PostgreSQL."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from paybell.clock import Clock
from paybell.model.delivery import DeliveryJob
from paybell.ports import Occurrence, RouteOccurrence
from paybell.store import rows
from paybell.store.directory import Directory
from paybell.store.operational import attempt_before, listeners, to_nobody
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Database, Session
from paybell.store.postgres.directory import DirectoryPart
from paybell.store.postgres.lines import LinePart
from paybell.store.seal import Seal

MESSAGE_COLUMNS: Final = 10
DELIVERY_COLUMNS: Final = 10


class OperationalPart(DirectoryPart, LinePart):
    """Operational webhooks: messages like any other, left due."""

    def __init__(self, database: Database, seal: Seal, clock: Clock) -> None:
        super().__init__(database, seal, clock)
        self._route_occurrence: RouteOccurrence = to_nobody

    def on_occurrence(self, route: RouteOccurrence) -> None:
        """See the port."""
        self._route_occurrence = route

    async def tell(
        self, session: Session, known: Directory, occurrences: Iterable[Occurrence]
    ) -> tuple[DeliveryJob, ...]:
        """Within a transaction: add what is told of them; the deliveries of what had not been told before."""
        heard = [
            (it, endpoints)
            for it in occurrences
            if (endpoints := listeners(known, it)) and await self._is_news(session, it)
        ]
        names = await self._message_names(session, [it for it, _ in heard])
        named = [(replace(it, message_event_id=names.get(_message_id(it), "")), endpoints) for it, endpoints in heard]
        routed = [self._route_occurrence(it, endpoints) for it, endpoints in named]
        messages = [rows.message_row(message) for it in routed for message in it.messages]
        if not messages:
            return ()
        kept = {row[0] for row in await session.rows("message_insert", *columns(messages, MESSAGE_COLUMNS))}
        jobs = tuple(job for it in routed for job in it.deliveries if job.message_id in kept)
        if jobs:
            values = columns([rows.delivery_row(job, job.due_at_ms) for job in jobs], DELIVERY_COLUMNS)
            await session.rows("delivery_insert", *values, self.node_no)
            await self.line_join(session, jobs)
        return jobs

    async def _is_news(self, session: Session, it: Occurrence) -> bool:
        """What was delivered, and is once more, has not recovered."""
        before = attempt_before(it)
        return before is None or not any(row[0] for row in await session.rows("attempt_outcome", *before))

    async def _message_names(self, session: Session, occurrences: Sequence[Occurrence]) -> dict[str, str]:
        ids = sorted({_message_id(it) for it in occurrences} - {""})
        found = await session.rows("message_event_id", ids) if ids else ()
        return {rows.text(message_id): rows.text(event_id) for message_id, event_id in found}


def _message_id(it: Occurrence) -> str:
    return "" if it.attempt is None else it.attempt.message_id
