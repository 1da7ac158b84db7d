"""Every payment of an organisation folded again from its facts."""

from collections.abc import AsyncIterator
from typing import Final

from paybell.clock import Clock
from paybell.ports import Book, Changes, PageQuery, PaymentKey, Store
from paybell.record.rebuild import Difference, differences, rebuild

ROWS_MAX: Final = 100
"""Payments of one transaction."""


async def rebuild_payments(
    store: Store, clock: Clock, organisation_id: str, *, dry_run: bool
) -> AsyncIterator[tuple[int, list[Difference]]]:
    """Go through all payments, newest first, some at a time: how many were looked at, and what differed.

    What differs is put right, unless it is a dry run; nobody is told. It can be broken off and begun again.
    """
    iterator = ""
    while True:
        query = PageQuery(organisation_id=organisation_id, limit=ROWS_MAX, iterator=iterator)
        page = await store.payment_page(query)
        keys = [PaymentKey(payment.source_id, payment.gateway_payment_id) for payment in page.data]
        found: list[Difference] = []

        def decide(book: Book, found: list[Difference] = found) -> Changes:
            changes = rebuild(book, now_ms=clock.now_ms())
            found[:] = differences(book, changes)  # the transaction may be tried more than once
            return Changes() if dry_run else changes

        if keys:
            await store.payment_rebuild(keys, decide)
        yield len(keys), found
        if page.done:
            return
        iterator = page.iterator
