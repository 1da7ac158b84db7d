"""The transaction of record: lock, read the book, let the rule decide, write its changes."""

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from paybell.errors import StoreUnavailable
from paybell.model.entitlement import CustomerKey
from paybell.model.expectation import Expectation
from paybell.model.fact import Fact
from paybell.model.ledger import Posting
from paybell.model.payment import Payment
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
from paybell.store.postgres.base import columns
from paybell.store.postgres.database import Session, repeated
from paybell.store.postgres.directory import DirectoryPart
from paybell.store.postgres.grouping import PATIENCE_S, PAUSE_S
from paybell.store.postgres.lines import LinePart

_COLUMNS: Final = {
    "merge_same_facts": 2,
    "merge_facts": 2,
    "merge_earlier": 2,
    "merge_payment": 1,
    "merge_insert": 5,
    "alias_insert": 3,
    "fact_insert": 5,
    "fact_drop": 2,
    "payment_upsert": 12,
    "account_item_upsert": 12,
    "grant_upsert": 5,
    "grant_delete": 1,
    "entitlement_upsert": 17,
    "posting_insert": 15,
    "silence_insert": 6,
    "mention_insert": 3,
    "message_insert": 10,
    "delivery_insert": 10,
    "notification_finish": 5,
    "expectation_insert": 6,
}


class _MergedMeanwhileError(Exception):
    """A payment whose lock was awaited is another one by now: begin again, with no locks held."""


class RecordingPart(DirectoryPart, LinePart):
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
            except _MergedMeanwhileError:
                continue  # whoever merged it has committed, so somebody gets on
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

    async def subject_rebuild(self, asked: Subjects, decide: Decide) -> Changes:
        """See the port."""
        while True:
            try:
                return await repeated(lambda: self._rebuild(asked, decide))
            except _MergedMeanwhileError:
                continue

    async def _rebuild(self, asked: Subjects, decide: Decide) -> Changes:
        async with self.database.transaction() as session:
            directory = await self.directory_in(session)
            known = await self._known(session, set(asked.payments)) if asked.payments else {}
            items = await self._items(session, asked.items) if asked.items else {}
            ids = [*{it.payment.id for it in known.values()}, *(it.item.id for it in items.values())]
            book = Book(
                readings=(),
                known=known,
                endpoints=directory.endpoints_by_organisation if asked.tell else {},
                items=items,
                tellers=rows.tellers(await session.rows("fact_tellers", ids)),
            )
            changes = decide(await self._with_members(session, book))
            await self._write(session, changes)
        return changes

    async def notification_renormalise(self, readings: Sequence[Reading], decide: Decide, *, tell: bool) -> Changes:
        """See the port."""
        while True:
            try:
                return await repeated(lambda: self._renormalise(readings, decide, tell=tell))
            except _MergedMeanwhileError:
                continue

    async def _renormalise(self, readings: Sequence[Reading], decide: Decide, *, tell: bool) -> Changes:
        async with self.database.transaction() as session:
            directory = await self.directory_in(session)
            book = await self._book_of(session, tuple(readings))
            changes = decide(replace(book, endpoints=directory.endpoints_by_organisation if tell else {}))
            await self._write(session, replace(changes, outcomes=()))
            restated = [rows.outcome_row(it, 0) for it in changes.outcomes]
            await session.rows("notification_restate", *columns([(*it[:3], it[4]) for it in restated], 4))
        return changes

    async def entitlement_turn(self, keys: Sequence[CustomerKey], decide: Decide) -> Changes:
        """See the port."""
        return await repeated(lambda: self._turn(keys, decide))

    async def _turn(self, keys: Sequence[CustomerKey], decide: Decide) -> Changes:
        async with self.database.transaction() as session:
            directory = await self.directory_in(session)
            book = Book(readings=(), known={}, endpoints=directory.endpoints_by_organisation)
            changes = decide(await self._of_customers(session, book, keys))
            await self._write(session, changes)
        return changes

    async def expectation_record(self, order: OrderKey, decide: Decide) -> Changes:
        """See the port. The order's lock comes first: whoever records a payment of it then, has or will see the row."""
        while True:
            try:
                return await repeated(lambda: self._expect(order, decide))
            except _MergedMeanwhileError:
                continue

    async def _expect(self, order: OrderKey, decide: Decide) -> Changes:
        async with self.database.transaction() as session:
            directory = await self.directory_in(session)
            await session.rows("payment_lock", [_lock_of_order(order)])
            asked = (order.organisation_id, order.order_id, expectation_rows.PAYMENTS_MAX + 1)
            keys = expectation_rows.payment_keys(await session.rows("expectation_payments", *asked))
            known = await self._known(session, keys) if keys else {}
            said = await self._expectations(session, [order])
            endpoints = directory.endpoints_by_organisation
            book = Book(readings=(), known=known, endpoints=endpoints, expectations=said)
            changes = decide(await self._with_members(session, book))
            await self._write(session, changes)
        return changes

    async def _expectations(
        self, session: Session, orders: Sequence[OrderKey]
    ) -> Mapping[OrderKey, tuple[Expectation, ...]]:
        asked = columns([(order.organisation_id, order.order_id) for order in orders], 2)
        found = await session.rows("expectation_known", *asked) if orders else ()
        return expectation_rows.by_order(map(expectation_rows.expectation, found))

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
        return replace(await self._book_of(session, pending), endpoints=directory.endpoints_by_organisation)

    async def _book_of(self, session: Session, readings: tuple[Reading, ...]) -> Book:
        """All that a decision about them needs, but for whom to tell."""
        keys, orders, items = alias_rows.keys(readings), expectation_rows.orders(readings), account_rows.keys(readings)
        book = Book(
            readings=readings,
            known=await self._known(session, keys, orders) if keys else {},
            endpoints={},
            expectations=await self._expectations(session, orders),
            items=await self._items(session, items) if items else {},
        )
        return await self._with_members(session, book)

    async def _with_members(self, session: Session, book: Book) -> Book:
        """The same with what concerns the customers whom it names, if any; their locks come last."""
        keys = member_rows.customers(book)
        return await self._of_customers(session, book, keys) if keys else book

    async def _of_customers(self, session: Session, book: Book, keys: Sequence[CustomerKey]) -> Book:
        await session.rows("payment_lock", sorted(map(_lock_of_customer, keys)))
        named = columns([(it.source_id, it.customer) for it in keys], 2)
        grants = await session.rows("grant_known", *named)
        held = await session.rows("entitlement_known", *named)
        mine = sorted({it.organisation_id for it in keys})
        products = {it: await session.rows("product_list", it) for it in mine}
        return replace(
            book,
            grants=member_rows.by_customer(map(member_rows.grant, grants)),
            entitlements=member_rows.by_customer(map(member_rows.entitlement, held)),
            products={it: tuple(map(member_rows.product, found)) for it, found in products.items()},
        )

    async def _known(
        self, session: Session, keys: set[PaymentKey], orders: Sequence[OrderKey] = ()
    ) -> dict[PaymentKey, Known]:
        found = await self._locked(session, keys, orders)
        payments = {it.id: it for it in found.values()}
        facts, postings = await self._told(session, list(payments))
        known = {it.id: Known(it, facts[it.id], tuple(postings[it.id])) for it in payments.values()}
        return {key: known[it.id] for key, it in found.items()}

    async def _items(self, session: Session, keys: Sequence[ItemKey]) -> dict[ItemKey, KnownItem]:
        """Their locks come after those of payments: whoever waits here holds none that sorts behind."""
        await session.rows("payment_lock", sorted(map(_lock_of_item, keys)))
        by_column = columns([(key.source_id, str(key.subject), key.gateway_id) for key in keys], 3)
        found = [account_rows.item(row) for row in await session.rows("account_item_known", *by_column)]
        facts, postings = await self._told(session, [it.id for it in found])
        return {account_rows.key_of(it): KnownItem(it, facts[it.id], tuple(postings[it.id])) for it in found}

    async def _told(
        self, session: Session, subject_ids: Sequence[str]
    ) -> tuple[Mapping[str, Facts], Mapping[str, Sequence[Posting]]]:
        facts: dict[str, dict[bytes, Fact]] = {it: {} for it in subject_ids}
        postings: dict[str, list[Posting]] = {it: [] for it in subject_ids}
        if subject_ids:
            for subject_id, digest, stored in await session.rows("fact_known", subject_ids):
                facts[subject_id][digest] = rows.fact(stored)
            for row in await session.rows("posting_known", subject_ids):
                posting = ledger_rows.posting(row)
                postings[posting.payment_id].append(posting)
        return facts, postings

    async def _locked(
        self, session: Session, keys: set[PaymentKey], orders: Sequence[OrderKey]
    ) -> dict[PaymentKey, Payment]:
        """The payments with those ids, locked: orders, then ids, then each payment that other ids lead to as well."""
        first = sorted(map(_lock_of_order, orders))
        await session.rows("payment_lock", [*first, *sorted({_lock_of(key) for key in keys})])
        found = await self._found(session, keys)
        shared = sorted({_lock_of_payment(it) for it in found.values() if it.state.aliases})
        if not shared:
            return found
        await session.rows("payment_lock", shared)
        again = await self._found(session, keys)
        if {key: it.id for key, it in again.items()} != {key: it.id for key, it in found.items()}:
            raise _MergedMeanwhileError
        return again

    async def _found(self, session: Session, keys: set[PaymentKey]) -> dict[PaymentKey, Payment]:
        by_column = columns([(key.source_id, key.gateway_payment_id) for key in keys], 2)
        found = await session.rows("payment_known", *by_column)
        return {PaymentKey(row[0], row[1]): rows.payment(row[2:]) for row in found}

    async def _write(self, session: Session, changes: Changes) -> None:
        now_ms = changes.now_ms or self.clock.now_ms()
        merges = [alias_rows.merge_row(merge) for merge in changes.merges]
        batches: dict[str, list[rows.Row]] = {
            "merge_same_facts": [row[:2] for row in merges],
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
        for name, batch in batches.items():
            if batch:
                owner = (self.node_no,) if name == "delivery_insert" else ()
                await session.rows(name, *columns(batch, _COLUMNS[name]), *owner)
        await self.line_join(session, changes.deliveries)


def _lock_of(key: PaymentKey) -> int:
    """The advisory lock of an id of a gateway: two ids that share one only wait for each other."""
    return _lock(f"{key.source_id}\0{key.gateway_payment_id}")


def _lock_of_item(key: ItemKey) -> int:
    """The advisory lock of an account item."""
    return _lock(f"{key.source_id}\0{key.subject}\0{key.gateway_id}")


def _lock_of_customer(key: CustomerKey) -> int:
    """The advisory lock of a customer: what they may use."""
    return _lock(f"{key.source_id}\0\0\0{key.customer}")


def _lock_of_order(order: OrderKey) -> int:
    """The advisory lock of an order: what is expected of it, and which payments are of it."""
    return _lock(f"{order.organisation_id}\0\0{order.order_id}")


def _lock_of_payment(payment: Payment) -> int:
    """The advisory lock of a payment that several ids lead to."""
    return _lock(payment.id)


def _lock(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)
