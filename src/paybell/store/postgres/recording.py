"""The transaction of record: lock, read the book, let the rule decide, write its changes."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from paybell.errors import StoreUnavailable
from paybell.model.fact import Fact
from paybell.model.ledger import Posting
from paybell.ports import Book, Changes, Decide, Known, PaymentKey, Reading
from paybell.store import ledger_rows, rows
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Session, repeated
from paybell.store.postgres.directory import DirectoryPart
from paybell.store.postgres.grouping import PATIENCE_S, PAUSE_S

_COLUMNS: Final = {
    "fact_insert": 5,
    "payment_upsert": 12,
    "posting_insert": 15,
    "message_insert": 8,
    "delivery_insert": 10,
    "notification_finish": 5,
}


class RecordingPart(DirectoryPart):
    """Facts, payments, messages and deliveries, written together."""

    async def notification_record(self, readings: Sequence[Reading], decide: Decide) -> Changes:
        """See the port. A commit whose answer was lost is looked for: its deliveries are leased to this process."""
        unsure: list[Changes] = []
        ends_s = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                if unsure and await self._is_committed(unsure[-1]):
                    return unsure[-1]
                return await repeated(lambda: self._record(readings, decide, unsure))
            except StoreUnavailable:
                if asyncio.get_running_loop().time() >= ends_s:
                    raise
                await asyncio.sleep(PAUSE_S)

    async def _record(self, readings: Sequence[Reading], decide: Decide, unsure: list[Changes]) -> Changes:
        unsure.clear()
        async with self.database.transaction() as session:
            changes = decide(await self._book(session, readings))
            await self._write(session, changes)
            unsure.append(changes)
        return changes

    async def _is_committed(self, changes: Changes) -> bool:
        """Of what has no deliveries nothing is handed on: it may be recorded once more, and finds nothing pending."""
        if not changes.deliveries:
            return False
        return bool(await self.database.rows("delivery_there", changes.deliveries[0].id))

    async def _book(self, session: Session, readings: Sequence[Reading]) -> Book:
        directory = await self.directory_in(session)
        ids = [reading.notification.id for reading in readings]
        waiting = {row[0] for row in await session.rows("notification_lock", ids)}
        pending = tuple(reading for reading in readings if reading.notification.id in waiting)
        keys = {PaymentKey(reading.source.id, fact.aggregate) for reading in pending for fact in reading.parsed.facts}
        return Book(
            readings=pending,
            known=await self._known(session, keys) if keys else {},
            endpoints=directory.endpoints_by_organisation,
        )

    async def _known(self, session: Session, keys: set[PaymentKey]) -> dict[PaymentKey, Known]:
        await session.rows("payment_lock", sorted({_lock_of(key) for key in keys}))
        by_column = columns([(key.source_id, key.gateway_payment_id) for key in keys], 2)
        payments = [rows.payment(row) for row in await session.rows("payment_known", *by_column)]
        facts: dict[str, list[Fact]] = {payment.id: [] for payment in payments}
        postings: dict[str, list[Posting]] = {payment.id: [] for payment in payments}
        if facts:
            for payment_id, stored in await session.rows("fact_known", list(facts)):
                facts[payment_id].append(rows.fact(stored))
            for row in await session.rows("posting_known", list(facts)):
                posting = ledger_rows.posting(row)
                postings[posting.payment_id].append(posting)
        return {
            PaymentKey(it.source_id, it.gateway_payment_id): Known(it, tuple(facts[it.id]), tuple(postings[it.id]))
            for it in payments
        }

    async def _write(self, session: Session, changes: Changes) -> None:
        now_ms = self.clock.now_ms()
        batches: dict[str, list[rows.Row]] = {
            "fact_insert": [rows.fact_row(new, now_ms) for new in changes.facts],
            "payment_upsert": [rows.payment_row(payment) for payment in changes.payments],
            "posting_insert": [ledger_rows.posting_row(posting) for posting in changes.postings],
            "message_insert": [rows.message_row(message) for message in changes.messages],
            "delivery_insert": [rows.delivery_row(job, now_ms) for job in changes.deliveries],
            "notification_finish": [rows.outcome_row(outcome, now_ms) for outcome in changes.outcomes],
        }
        for name, batch in batches.items():
            if batch:
                owner = (self.node_no,) if name == "delivery_insert" else ()
                await session.rows(name, *columns(batch, _COLUMNS[name]), *owner)


def _lock_of(key: PaymentKey) -> int:
    """A payment's advisory lock: two payments that share one only wait for each other."""
    digest = blake2b(f"{key.source_id}\0{key.gateway_payment_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
