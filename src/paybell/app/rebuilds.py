"""Everything of an organisation folded again from its facts, or from facts that are derived anew."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.clock import Clock
from paybell.gateways import GATEWAYS
from paybell.model.endpoint import Endpoint
from paybell.model.fact import Subject
from paybell.model.notification import Notification, NotificationState, is_erased
from paybell.ports import (
    Book,
    Change,
    Changes,
    Gateway,
    ItemKey,
    PageQuery,
    PaymentKey,
    Reading,
    Routed,
    Store,
    Subjects,
)
from paybell.record.reading import Reader
from paybell.record.rebuild import Difference, Rederived, differences, rebuild
from paybell.record.rules import decide
from paybell.route.rules import Mint, route_change

ROWS_MAX: Final = 100
"""Payments of one transaction."""
_READ_AGAIN: Final = frozenset({NotificationState.RECORDED, NotificationState.UNMAPPED, NotificationState.PARKED})
_ITEMS: Final = tuple(it for it in Subject if it is not Subject.PAYMENT)


class Wish(Struct, frozen=True, kw_only=True):
    """What is asked: only to look, to tell subscribers what differed, to read raw notifications again."""

    dry_run: bool = False
    tell: bool = False
    renormalise: bool = False


class _DryRunError(Exception):
    """Nothing of it is to be written."""


Round = tuple[int, list[Difference]]
"""How many subjects (or notifications) were looked at, and what differed."""


async def rebuild_payments(
    store: Store,
    clock: Clock,
    organisation_id: str,
    wish: Wish,
    gateways: Mapping[str, Gateway] = GATEWAYS,
) -> AsyncIterator[Round]:
    """Go through everything, newest first, some at a time. It can be broken off and begun again.

    Nobody is told unless the wish says so. Facts are derived anew payment by payment, so that none is ever without;
    then every notification is looked at, for what none of them told before.
    """
    work = _Work(store, clock, organisation_id, wish, gateways)
    async for keys, ids in work.payments():
        yield await work.subjects(Subjects(payments=keys, tell=wish.tell), ids)
    for subject in _ITEMS:
        async for item_keys, ids in work.items(subject):
            yield await work.subjects(Subjects(items=item_keys, tell=wish.tell), ids)
    if wish.renormalise:
        async for readings in work.notifications():
            yield await work.read_again(readings)


class _Work:
    """One run."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        organisation_id: str,
        wish: Wish,
        gateways: Mapping[str, Gateway] = GATEWAYS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._organisation_id = organisation_id
        self._wish = wish
        self._reader = Reader(gateways)

    async def payments(self) -> AsyncIterator[tuple[tuple[PaymentKey, ...], list[str]]]:
        iterator, done = "", False
        while not done:
            page = await self._store.payment_page(self._query(iterator))
            keys = tuple(PaymentKey(it.source_id, it.gateway_payment_id) for it in page.data)
            yield keys, [it.id for it in page.data]
            iterator, done = page.iterator, page.done

    async def items(self, subject: Subject) -> AsyncIterator[tuple[tuple[ItemKey, ...], list[str]]]:
        iterator, done = "", False
        while not done:
            page = await self._store.account_item_page(self._query(iterator, subject=str(subject)))
            yield (
                tuple(ItemKey(it.source_id, it.subject, it.gateway_id) for it in page.data),
                [it.id for it in page.data],
            )
            iterator, done = page.iterator, page.done

    async def notifications(self) -> AsyncIterator[list[Reading]]:
        iterator, done = "", False
        while not done:
            page = await self._store.notification_page(self._query(iterator))
            kept = [it.notification for it in page.data if it.status.state in _READ_AGAIN]
            yield [it for it in [await self._read(one) for one in kept] if it is not None and not it.error]
            iterator, done = page.iterator, page.done

    def _query(self, iterator: str, **filters: str) -> PageQuery:
        return PageQuery(organisation_id=self._organisation_id, limit=ROWS_MAX, iterator=iterator, filters=filters)

    async def subjects(self, asked: Subjects, ids: Sequence[str]) -> Round:
        """Fold them again; first derive their facts anew, if that is wished for."""
        if not ids:
            return 0, []
        rederived = await self._rederived(ids) if self._wish.renormalise else {}

        def decide_it(book: Book) -> Changes:
            return rebuild(book, route=self._route, now_ms=self._clock.now_ms(), rederived=rederived)

        found = await self._run(decide_it, lambda it: self._store.subject_rebuild(asked, it))
        return len(ids), found

    async def read_again(self, readings: Sequence[Reading]) -> Round:
        """Record what none of them told before."""
        if not readings:
            return 0, []

        def decide_it(book: Book) -> Changes:
            return decide(book, route=self._route, now_ms=self._clock.now_ms())

        run = self._store.notification_renormalise
        return 0, await self._run(decide_it, lambda it: run(readings, it, tell=self._wish.tell))

    async def _run(
        self, decide_it: Callable[[Book], Changes], write: Callable[[Callable[[Book], Changes]], Awaitable[Changes]]
    ) -> list[Difference]:
        found: list[Difference] = []

        def judged(book: Book) -> Changes:
            changes = decide_it(book)
            found[:] = differences(book, changes)  # the transaction may be tried more than once
            if self._wish.dry_run:
                raise _DryRunError
            return changes

        with contextlib.suppress(_DryRunError):
            await write(judged)
        return found

    async def _rederived(self, ids: Sequence[str]) -> Rederived:
        told = [await self._store.notification_told(self._organisation_id, it) for it in ids]
        found = {it.id: await self._read(it) for notifications in told for it in notifications}
        return {
            notification_id: {fact.digest(): fact for fact in reading.parsed.facts}
            for notification_id, reading in found.items()
            if reading is not None and not reading.error
        }

    async def _read(self, notification: Notification) -> Reading | None:
        """None for what says nothing by itself, or no longer says what it said: hints, and what was erased."""
        source = await self._store.source_get(notification.source_id)
        if source is None or notification.hint or is_erased(notification):
            return None
        return self._reader.read(notification, source)

    def _route(self, change: Change, endpoints: tuple[Endpoint, ...]) -> Routed:
        """What there is to deliver is left to those who serve."""
        now_ms = self._clock.now_ms()
        mint = Mint(new_id=self._clock.new_id, has_room=lambda _: False, now_ms=now_ms, lease_ends_at_ms=now_ms)
        return route_change(change, endpoints, mint)
