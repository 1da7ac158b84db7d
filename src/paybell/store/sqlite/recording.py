"""The transaction of record: read the book, let the rule decide, write its changes."""

from collections.abc import Iterable, Mapping, Sequence

import apsw
from msgspec.structs import replace

from paybell.model.entitlement import CustomerKey
from paybell.model.expectation import Expectation
from paybell.model.ledger import Posting
from paybell.model.notification import NotificationState
from paybell.ports import (
    Book,
    Changes,
    Decide,
    Facts,
    ItemKey,
    Known,
    KnownItem,
    OrderKey,
    PaymentKey,
    Reading,
    Subjects,
)
from paybell.store import account_rows, alias_rows, expectation_rows, ledger_rows, member_rows, rows
from paybell.store.sqlite.directory import DirectoryPart
from paybell.store.sqlite.lines import LinePart


class RecordingPart(DirectoryPart, LinePart):
    """Facts, payments, messages and deliveries, written together."""

    async def notification_record(self, readings: Sequence[Reading], decide: Decide) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            pending = [reading for reading in readings if self._is_pending(connection, reading)]
            changes = decide(self._book(connection, pending))
            self._write(connection, changes)
            return changes

        return await self.database.write(job)

    async def subject_rebuild(self, asked: Subjects, decide: Decide) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            read: dict[str, Known] = {}
            known = {key: it for key in asked.payments if (it := self._known(connection, key, read)) is not None}
            items = self._items(connection, asked.items)
            ids = [*read, *(it.item.id for it in items.values())]
            told = (row for it in ids for row in connection.execute(self.sql["fact_tellers"], (it,)))
            book = Book(
                readings=(),
                known=known,
                endpoints=self.directory_in(connection).endpoints_by_organisation if asked.tell else {},
                items=items,
                tellers=rows.tellers(told),
            )
            changes = decide(self._with_members(connection, book))
            self._write(connection, changes)
            return changes

        return await self.database.write(job)

    async def notification_renormalise(self, readings: Sequence[Reading], decide: Decide, *, tell: bool) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            book = self._book(connection, readings)
            changes = decide(book if tell else replace(book, endpoints={}))
            self._write(connection, replace(changes, outcomes=()))
            restated = [rows.outcome_row(it, 0) for it in changes.outcomes]
            connection.executemany(self.sql["notification_restate"], [(*it[:3], it[4]) for it in restated])
            return changes

        return await self.database.write(job)

    async def entitlement_turn(self, keys: Sequence[CustomerKey], decide: Decide) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            endpoints = self.directory_in(connection).endpoints_by_organisation
            changes = decide(self._of_customers(connection, Book(readings=(), known={}, endpoints=endpoints), keys))
            self._write(connection, changes)
            return changes

        return await self.database.write(job)

    async def expectation_record(self, order: OrderKey, decide: Decide) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            asked = (order.organisation_id, order.order_id, expectation_rows.PAYMENTS_MAX + 1)
            found = connection.execute(self.sql["expectation_payments"], asked).fetchall()
            read: dict[str, Known] = {}
            keys = expectation_rows.payment_keys(found)
            known = {key: it for key in keys if (it := self._known(connection, key, read)) is not None}
            endpoints = self.directory_in(connection).endpoints_by_organisation
            said = self._expectations(connection, [order])
            book = Book(readings=(), known=known, endpoints=endpoints, expectations=said)
            changes = decide(self._with_members(connection, book))
            self._write(connection, changes)
            return changes

        return await self.database.write(job)

    def _expectations(
        self, connection: apsw.Connection, orders: Sequence[OrderKey]
    ) -> Mapping[OrderKey, tuple[Expectation, ...]]:
        asked = ((order.organisation_id, order.order_id) for order in orders)
        found = (row for pair in asked for row in connection.execute(self.sql["expectation_list"], pair))
        return expectation_rows.by_order(map(expectation_rows.expectation, found))

    def _book(self, connection: apsw.Connection, readings: Sequence[Reading]) -> Book:
        read: dict[str, Known] = {}
        keys = alias_rows.keys(readings)
        known = {key: found for key in keys if (found := self._known(connection, key, read)) is not None}
        book = Book(
            readings=tuple(readings),
            known=known,
            endpoints=self.directory_in(connection).endpoints_by_organisation,
            expectations=self._expectations(connection, expectation_rows.orders(readings)),
            items=self._items(connection, account_rows.keys(readings)),
        )
        return self._with_members(connection, book)

    def _with_members(self, connection: apsw.Connection, book: Book) -> Book:
        """The same with what concerns the customers whom it names, if any."""
        keys = member_rows.customers(book)
        return self._of_customers(connection, book, keys) if keys else book

    def _of_customers(self, connection: apsw.Connection, book: Book, keys: Sequence[CustomerKey]) -> Book:
        run = connection.execute
        grants = [row for it in keys for row in run(self.sql["grant_list"], (it.source_id, it.customer))]
        listed = self.sql["entitlement_list"]
        held = [row for it in keys for row in run(listed, (it.source_id, it.customer))]
        mine = sorted({it.organisation_id for it in keys})
        return replace(
            book,
            grants=member_rows.by_customer(map(member_rows.grant, grants)),
            entitlements=member_rows.by_customer(map(member_rows.entitlement, held)),
            products={it: tuple(map(member_rows.product, run(self.sql["product_list"], (it,)))) for it in mine},
        )

    def _is_pending(self, connection: apsw.Connection, reading: Reading) -> bool:
        row = connection.execute(self.sql["notification_state_get"], (reading.notification.id,)).fetchone()
        return row is not None and row[0] == NotificationState.PENDING

    def _known(self, connection: apsw.Connection, key: PaymentKey, read: dict[str, Known]) -> Known | None:
        """The payment with that id or alias; what is in ``read`` already is not read again."""
        row = self._find(connection, (key.source_id, key.gateway_payment_id))
        if row is None:
            return None
        payment = rows.payment(row)
        if payment.id not in read:
            read[payment.id] = Known(payment, *self._told(connection, payment.id))
        return read[payment.id]

    def _items(self, connection: apsw.Connection, keys: Iterable[ItemKey]) -> Mapping[ItemKey, KnownItem]:
        found: dict[ItemKey, KnownItem] = {}
        for key in keys:
            asked = (key.source_id, str(key.subject), key.gateway_id)
            row = connection.execute(self.sql["account_item_by_gateway"], asked).fetchone()
            if row is not None:
                item = account_rows.item(row)
                found[key] = KnownItem(item, *self._told(connection, item.id))
        return found

    def _told(self, connection: apsw.Connection, subject_id: str) -> tuple[Facts, tuple[Posting, ...]]:
        facts = connection.execute(self.sql["fact_list"], (subject_id,))
        told = {rows.blob(digest): rows.fact(fact) for digest, fact in facts}
        postings = connection.execute(self.sql["posting_list"], (subject_id,))
        return told, tuple(ledger_rows.posting(row) for row in postings)

    def _find(self, connection: apsw.Connection, key: tuple[str, str]) -> Sequence[object] | None:
        """By its own id, else by an alias: one more look-up for a payment that is new."""
        row = connection.execute(self.sql["payment_by_gateway"], key).fetchone()
        if row is None and (alias := connection.execute(self.sql["alias_get"], key).fetchone()) is not None:
            row = connection.execute(self.sql["payment_standing"], alias).fetchone()
        return row

    def _write(self, connection: apsw.Connection, changes: Changes) -> None:
        """One prepared statement per table: a call for each row would cost about as much as the row itself."""
        now_ms = changes.now_ms or self.clock.now_ms()
        merges = [alias_rows.merge_row(merge) for merge in changes.merges]
        batches: dict[str, Sequence[rows.Row]] = {
            "merge_facts": [row[:2] for row in merges],
            "merge_earlier": [row[:2] for row in merges],
            "merge_payment": [row[1:2] for row in merges],
            "merge_insert": merges,
            "alias_insert": [alias_rows.alias_row(alias) for alias in changes.aliases],
            "fact_insert": [rows.fact_row(new, now_ms) for new in changes.facts],
            "fact_drop": [(it.subject_id, it.digest) for it in changes.dropped],
            "payment_upsert": [rows.payment_row(payment) for payment in changes.payments],
            "account_item_upsert": [account_rows.item_row(item) for item in changes.items],
            "grant_upsert": member_rows.grant_rows(changes.grants),
            "grant_delete": member_rows.silent_rows(changes.grants),
            "entitlement_upsert": [member_rows.entitlement_row(it) for it in changes.entitlements],
            "posting_insert": [ledger_rows.posting_row(posting) for posting in changes.postings],
            "silence_insert": [rows.silence_row(it) for it in changes.silences],
            "mention_insert": [(it.subject_id, it.notification_id, now_ms) for it in changes.mentions],
            "message_insert": [rows.message_row(message) for message in changes.messages],
            "delivery_insert": [rows.delivery_row(job, now_ms) for job in changes.deliveries],
            "notification_finish": [rows.outcome_row(outcome, now_ms) for outcome in changes.outcomes],
            "expectation_insert": [expectation_rows.expectation_row(it) for it in changes.expectations],
        }
        for name, values in batches.items():
            if values:
                connection.executemany(self.sql[name], values)
        self.line_join(connection, changes.deliveries)
