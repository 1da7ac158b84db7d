"""Turn what time alone changes: entitlements whose period, grace or suspension is over."""

import asyncio
from collections.abc import Callable, Sequence

from msgspec import Struct

from paybell import log
from paybell.clock import Clock
from paybell.errors import StoreUnavailable
from paybell.model.delivery import DeliveryJob
from paybell.ports import Book, Changes, RecordStore
from paybell.record.rules import turn
from paybell.record.service import RouteChange


class TimerConfig(Struct, frozen=True, kw_only=True):
    """How timers behave."""

    batch_max: int = 100
    """Customers per transaction."""
    poll_s: float = 1.0
    """How often to look for what is due."""


class TimerService:
    """Computes anew what is due. Several nodes may do so at once: whoever comes second finds nothing to change."""

    def __init__(
        self,
        store: RecordStore,
        clock: Clock,
        config: TimerConfig,
        *,
        route: RouteChange,
        hand_on: Callable[[Sequence[DeliveryJob]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._route = route
        self._hand_on = hand_on
        self._log = log.get("record")
        self._stopping = asyncio.Event()
        self.counts: dict[str, int] = {"turned": 0}

    def drain(self) -> None:
        """End; what is due stays due."""
        self._stopping.set()

    async def run(self) -> None:
        """Turn until :meth:`drain`, or until cancelled."""
        while not self._stopping.is_set():
            try:
                busy = await self.run_once()
            except StoreUnavailable as error:
                self._log.error("record.store_unavailable", error=str(error))
                busy = 0
            if not busy:
                await self._rest()

    async def run_once(self) -> int:
        """Turn one batch of what is due; how many customers that were."""
        now_ms = self._clock.now_ms()
        keys = await self._store.entitlement_due(now_ms=now_ms, limit=self._config.batch_max)
        if not keys:
            return 0

        def decide(book: Book) -> Changes:
            return turn(book, route=lambda change, endpoints: self._route(change, endpoints, now_ms), now_ms=now_ms)

        changes = await self._store.entitlement_turn(keys, decide)
        self.counts["turned"] += len(changes.entitlements)
        for it in changes.entitlements:
            self._log.info("entitlement.moved", id=it.id, product=it.product, state=it.state, version=it.version)
        if changes.deliveries:
            self._hand_on(changes.deliveries)
        return len(keys)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._config.poll_s):
                await self._stopping.wait()
        except TimeoutError:
            pass
