"""Payments and their timelines, as people look at them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import apsw

from paybell.errors import NotFound
from paybell.model.account import AccountItem
from paybell.model.fact import Subject
from paybell.model.ledger import Balance
from paybell.model.notification import Notification
from paybell.model.payment import Payment
from paybell.ports import Recorded, TimelineEntry
from paybell.store import account_rows, alias_rows, ledger_rows, rows, timeline
from paybell.store.sqlite.base import Part

T = TypeVar("T")


class PaymentPart(Part):
    """Reads of payments; what writes them is the transaction of record."""

    async def payment_get(self, organisation_id: str, payment_id: str) -> Payment:
        """See the port."""
        return await self.database.read(lambda connection: self._get(connection, organisation_id, payment_id))

    def _get(self, connection: apsw.Connection, organisation_id: str, payment_id: str) -> Payment:
        row = connection.execute(self.sql["payment_get"], (organisation_id, payment_id)).fetchone()
        if row is None:
            raise NotFound(f"no payment {payment_id}")
        return rows.payment(row)

    async def fact_list(self, subject_id: str) -> tuple[Recorded, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Recorded, ...]:
            return tuple(map(rows.recorded, connection.execute(self.sql["timeline_facts"], (subject_id,))))

        return await self.database.read(job)

    async def notification_told(self, organisation_id: str, subject_id: str) -> tuple[Notification, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Notification, ...]:
            found = connection.execute(self.sql["notification_told"], (subject_id, organisation_id))
            return tuple(map(rows.notification, found))

        return await self.database.read(job)

    async def account_item_get(self, organisation_id: str, subject: Subject, item_id: str) -> AccountItem:
        """See the port."""

        def job(connection: apsw.Connection) -> AccountItem:
            row = connection.execute(self.sql["account_item_get"], (organisation_id, str(subject), item_id)).fetchone()
            if row is None:
                raise NotFound(f"no {subject} {item_id}")
            return account_rows.item(row)

        return await self.database.read(job)

    async def ledger_balances(self, organisation_id: str) -> tuple[Balance, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[Balance, ...]:
            return tuple(map(ledger_rows.balance, connection.execute(self.sql["ledger_balances"], (organisation_id,))))

        return await self.database.read(job)

    async def payment_timeline(self, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[TimelineEntry, ...]:
            found = self._get(connection, organisation_id, payment_id).id
            merged = [alias_rows.merged(row) for row in connection.execute(self.sql["merge_list"], (found,))]
            return self._timeline(connection, organisation_id, found, merged)

        return await self.database.read(job)

    async def account_item_timeline(
        self, organisation_id: str, subject: Subject, item_id: str
    ) -> tuple[TimelineEntry, ...]:
        """See the port."""
        item = await self.account_item_get(organisation_id, subject, item_id)
        return await self.database.read(lambda connection: self._timeline(connection, organisation_id, item.id, []))

    def _timeline(
        self, connection: apsw.Connection, organisation_id: str, found: str, merged: list[alias_rows.Merged]
    ) -> tuple[TimelineEntry, ...]:
        ids = [found, *(it.id for it in merged)]
        told = [row for it in ids for row in connection.execute(self.sql["timeline_messages"], (it,))]
        asked = [timeline.of_message(organisation_id, rows.text(row[2]), rows.text(row[0])) for row in told]
        return timeline.ordered(
            timeline.notifications(
                row for it in ids for row in connection.execute(self.sql["timeline_notifications"], (it,))
            ),
            timeline.facts(connection.execute(self.sql["timeline_facts"], (found,))),
            timeline.merges(merged),
            timeline.postings(row for it in ids for row in connection.execute(self.sql["posting_list"], (it,))),
            timeline.silences(row for it in ids for row in connection.execute(self.sql["timeline_silences"], (it,))),
            timeline.messages(told),
            timeline.deliveries(self._of(connection, "delivery_page_of_message", asked, rows.delivery)),
            timeline.attempts(self._of(connection, "attempt_page_of_message", asked, rows.attempt)),
        )

    def _of(
        self,
        connection: apsw.Connection,
        name: str,
        asked: list[dict[str, str | int]],
        read: Callable[[Sequence[object]], T],
    ) -> list[T]:
        return [read(row) for named in asked for row in connection.execute(self.sql[name], named)]
