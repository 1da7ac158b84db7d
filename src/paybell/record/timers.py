"""Turn what time alone changes: entitlements whose period, grace or suspension is over."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from paybell.clock import Clock
from paybell.model.delivery import DeliveryJob
from paybell.ports import Book, Changes, Looping, RecordStore
from paybell.record.rules import turn
from paybell.record.service import RouteChange


class TimerConfig(Struct, frozen=True, kw_only=True):
    """How timers behave."""

    batch_max: int = 100
    """Customers per transaction."""
    poll_s: float = 1.0
    """How often to look for what is due."""


class TimerService(Looping):
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
        super().__init__("record", poll_s=config.poll_s)
        self._store = store
        self._clock = clock
        self._config = config
        self._route = route
        self._hand_on = hand_on
        self.counts: dict[str, int] = {"turned": 0}

    async def run_once(self) -> bool:
        """Turn one batch of what is due; whether there was any."""
        now_ms = self._clock.now_ms()
        keys = await self._store.entitlement_due(now_ms=now_ms, limit=self._config.batch_max)
        if not keys:
            return False

        def decide(book: Book) -> Changes:
            return turn(book, route=lambda change, endpoints: self._route(change, endpoints, now_ms), now_ms=now_ms)

        changes = await self._store.entitlement_turn(keys, decide)
        self.counts["turned"] += len(changes.entitlements)
        for it in changes.entitlements:
            self._log.info("entitlement.moved", id=it.id, product=it.product, state=it.state, version=it.version)
        if changes.deliveries:
            self._hand_on(changes.deliveries)
        return True
