"""Payments and their timelines, as people look at them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from paybell.errors import NotFound
from paybell.model.account import AccountItem
from paybell.model.fact import Subject
from paybell.model.ledger import Balance
from paybell.model.notification import Notification
from paybell.model.payment import Payment
from paybell.ports import Recorded, TimelineEntry
from paybell.store import account_rows, alias_rows, ledger_rows, rows, timeline
from paybell.store.postgres.base import Part
from paybell.store.postgres.database import Session

T = TypeVar("T")


class PaymentPart(Part):
    """Reads of payments; what writes them is the transaction of record."""

    async def payment_get(self, organisation_id: str, payment_id: str) -> Payment:
        """See the port."""
        return _one(await self.database.rows("payment_get", organisation_id, payment_id), payment_id)

    async def fact_list(self, subject_id: str) -> tuple[Recorded, ...]:
        """See the port."""
        return tuple(map(rows.recorded, await self.database.rows("timeline_facts", subject_id)))

    async def notification_told(self, organisation_id: str, subject_id: str) -> tuple[Notification, ...]:
        """See the port."""
        found = await self.database.rows("notification_told", subject_id, organisation_id)
        return tuple(map(rows.notification, found))

    async def account_item_get(self, organisation_id: str, subject: Subject, item_id: str) -> AccountItem:
        """See the port."""
        found = await self.database.rows("account_item_get", organisation_id, str(subject), item_id)
        if not found:
            raise NotFound(f"no {subject} {item_id}")
        return account_rows.item(found[0])

    async def ledger_balances(self, organisation_id: str) -> tuple[Balance, ...]:
        """See the port."""
        return tuple(map(ledger_rows.balance, await self.database.rows("ledger_balances", organisation_id)))

    async def payment_timeline(self, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
        """See the port."""
        async with self.database.transaction("repeatable_read") as session:
            found = _one(await session.rows("payment_get", organisation_id, payment_id), payment_id).id
            merged = [alias_rows.merged(row) for row in await session.rows("merge_list", found)]
            return await _timeline(session, organisation_id, found, merged)

    async def account_item_timeline(
        self, organisation_id: str, subject: Subject, item_id: str
    ) -> tuple[TimelineEntry, ...]:
        """See the port."""
        item = await self.account_item_get(organisation_id, subject, item_id)
        async with self.database.transaction("repeatable_read") as session:
            return await _timeline(session, organisation_id, item.id, [])


async def _timeline(
    session: Session, organisation_id: str, found: str, merged: Sequence[alias_rows.Merged]
) -> tuple[TimelineEntry, ...]:
    ids = [found, *(it.id for it in merged)]
    told = [row for it in ids for row in await session.rows("timeline_messages", it)]
    asked = [timeline.of_message(organisation_id, row[2], row[0]) for row in told]
    return timeline.ordered(
        timeline.notifications([row for it in ids for row in await session.rows("timeline_notifications", it)]),
        timeline.facts(await session.rows("timeline_facts", found)),
        timeline.merges(merged),
        timeline.postings(await session.rows("posting_known", ids)),
        timeline.silences([row for it in ids for row in await session.rows("timeline_silences", it)]),
        timeline.messages(told),
        timeline.deliveries(await _of(session, "delivery_page_of_message", asked, rows.delivery)),
        timeline.attempts(await _of(session, "attempt_page_of_message", asked, rows.attempt)),
    )


def _one(found: Sequence[Sequence[object]], payment_id: str) -> Payment:
    if not found:
        raise NotFound(f"no payment {payment_id}")
    return rows.payment(found[0])


async def _of(
    session: Session, name: str, asked: Sequence[dict[str, str | int]], read: Callable[[Sequence[object]], T]
) -> list[T]:
    return [read(row) for named in asked for row in await session.page(name, named)]
