"""Do the recording: parse, decide and write in one transaction, hand on the deliveries."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from paybell import log
from paybell.clock import Clock
from paybell.errors import StoreUnavailable
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.expectation import Expectation, newest
from paybell.model.notification import Notification, NotificationState
from paybell.model.source import Source
from paybell.model.text import readable
from paybell.ports import (
    Book,
    Change,
    Changes,
    Gateway,
    NotificationOutcome,
    OrderKey,
    Reading,
    RecordStore,
    Route,
    Routed,
    Said,
)
from paybell.record.reading import Reader
from paybell.record.rules import decide, expect


class RecordConfig(Struct, frozen=True, kw_only=True):
    """How record behaves."""

    batch_max: int = 100
    """Notifications per transaction."""
    waiting_max: int = 5000
    """Notifications kept in memory for recording; what comes beyond waits in the store."""
    lease_ms: int = 30_000
    """How long a claimed batch is nobody else's."""
    poll_s: float = 1.0
    """How often to look into the store when nothing was handed on."""
    pause_s: float = 0.5
    """How long to wait after the store was unavailable."""


RouteChange = Callable[[Change, tuple[Endpoint, ...], int], Routed]
"""(change, the organisation's endpoints, now in ms) -> messages and deliveries."""


class RecordService:
    """Turns notifications into facts, payments, messages and deliveries."""

    def __init__(
        self,
        store: RecordStore,
        gateways: Mapping[str, Gateway],
        clock: Clock,
        config: RecordConfig,
        *,
        route: RouteChange,
        hand_on: Callable[[Sequence[DeliveryJob]], None],
    ) -> None:
        self._store = store
        self._reader = Reader(gateways)
        self._clock = clock
        self._config = config
        self._route = route
        self._hand_on = hand_on
        self._log = log.get("record")
        self._waiting: deque[tuple[Notification, Source]] = deque()
        self._recording: list[tuple[Notification, Source]] = []
        self._awake = asyncio.Event()
        self._look = True
        self._stopping = False
        self.counts: dict[str, int] = dict.fromkeys(("recorded", "unmapped", "parked"), 0)

    @property
    def waiting_count(self) -> int:
        """Notifications that wait in memory."""
        return len(self._waiting)

    def has_room(self) -> bool:
        """Whether one more can wait in memory."""
        return len(self._waiting) < self._config.waiting_max

    def put(self, notification: Notification, source: Source) -> None:
        """Take a pending notification that is leased to this process."""
        self._waiting.append((notification, source))
        self._awake.set()

    def wake(self) -> None:
        """Look into the store at the next turn."""
        self._look = True
        self._awake.set()

    def held(self) -> set[str]:
        """The ids of all notifications that wait here or are being recorded."""
        return {notification.id for notification, _ in (*self._waiting, *self._recording)}

    def forget(self) -> None:
        """What was handed on was given to others."""
        self._waiting.clear()

    def drain(self) -> None:
        """Record what was handed on, then end; what is due in the store stays there."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Record until :meth:`drain`, or until cancelled."""
        while self._waiting or not self._stopping:
            self._awake.clear()
            try:
                busy = await self.run_once()
            except StoreUnavailable as error:
                self._log.error("record.store_unavailable", error=str(error))
                await self._clock.sleep(self._config.pause_s)
                continue
            if not busy:
                await self._rest()

    async def run_once(self) -> int:
        """Record one batch of what was handed on, else of what the store has due; return how many."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._config.batch_max))]
        if not batch and self._look:
            batch = await self._claim()
            self._look = len(batch) == self._config.batch_max
        if not batch:
            return 0
        self._recording = batch
        try:
            await self._record([self._reader.read(notification, source) for notification, source in batch])
        except StoreUnavailable:
            self._waiting.extendleft(reversed(batch))
            raise
        finally:
            self._recording = []
        return len(batch)

    async def expect(self, wish: Expectation) -> Said:
        """Say what an order should pay; its payments, and those who are told of them, learn it in one transaction."""
        order = OrderKey(wish.organisation_id, wish.order_id)
        now_ms = self._clock.now_ms()
        standing: list[Expectation] = []

        def decide_it(book: Book) -> Changes:
            standing[:] = book.expectations.get(order, ())
            return expect(book, wish, route=self._routed(now_ms), now_ms=now_ms)

        changes = await self._store.expectation_record(order, decide_it)
        self._done(changes)
        if not changes.expectations:
            return Said(newest(standing) or wish, is_new=False)
        (said,) = changes.expectations
        self._log.info("order.expected", id=said.id, order_id=said.order_id, payments=len(changes.payments))
        return Said(said, is_new=True)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._config.poll_s):
                await self._awake.wait()
        except TimeoutError:
            self._look = True

    async def _claim(self) -> list[tuple[Notification, Source]]:
        now_ms = self._clock.now_ms()
        claimed = await self._store.notification_claim(
            limit=self._config.batch_max, now_ms=now_ms, lease_ends_at_ms=now_ms + self._config.lease_ms
        )
        found: list[tuple[Notification, Source]] = []
        for notification in claimed:
            source = await self._store.source_get(notification.source_id)
            found.append((notification, source or _lost_source(notification)))
        return found

    async def _record(self, readings: list[Reading]) -> None:
        try:
            changes = await self._store.notification_record(readings, self.decision())
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, one reading must not stop the others
            if len(readings) > 1:  # find the one that cannot be recorded; the rest must flow
                for reading in readings:
                    await self._record([reading])
                return
            self._log.error("notification.unrecordable", id=readings[0].notification.id, exc_info=error)
            reason = readable(f"could not be recorded ({type(error).__name__}): {str(error)[:200]}")
            changes = await self._store.notification_record(readings, partial(_park, reason))
        self._done(changes)

    def decision(self) -> Callable[[Book], Changes]:
        """How readings are decided now."""
        now_ms = self._clock.now_ms()
        return partial(decide, route=self._routed(now_ms), now_ms=now_ms)

    def _routed(self, now_ms: int) -> Route:
        return lambda change, endpoints: self._route(change, endpoints, now_ms)

    def _done(self, changes: Changes) -> None:
        for outcome in changes.outcomes:
            self.counts[outcome.state] += 1
            if outcome.state is not NotificationState.RECORDED:
                self._log.warning(
                    "notification.set_aside",
                    id=outcome.notification_id,
                    state=outcome.state,
                    gateway_event=outcome.event,
                    reason=outcome.reason,
                )
        for merge in changes.merges:
            self._log.info("payment.merged", id=merge.payment_id, merged_into=merge.merged_into)
        for payment in changes.payments:
            self._log.info(
                "payment.moved",
                id=payment.id,
                gateway_payment_id=payment.gateway_payment_id,
                status=payment.state.status,
                version=payment.state.version,
            )
        if changes.deliveries:
            self._hand_on(changes.deliveries)


def _park(reason: str, book: Book) -> Changes:
    outcomes = [
        NotificationOutcome(notification_id=reading.notification.id, state=NotificationState.PARKED, reason=reason)
        for reading in book.readings
    ]
    return msgspec.structs.replace(Changes(), outcomes=tuple(outcomes))


def _lost_source(notification: Notification) -> Source:
    return Source(
        id=notification.source_id,
        organisation_id=notification.organisation_id,
        uid="",
        gateway="",
        livemode=True,
        secrets=(),
        token="",
        options={},
        enabled=False,
        created_at_ms=0,
    )
