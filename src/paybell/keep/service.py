"""Do the keeping: give signs of life, take over from dead nodes, and (as the leader) keep the database small."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from paybell import log
from paybell.clock import Clock
from paybell.errors import PaybellError, StoreUnavailable
from paybell.keep.rules import Seen, dead, look, may_lead
from paybell.model.node import Node, Roll
from paybell.ports import Held, KeepStore, Retention, Tended

_PAYLOADS_AT_ONCE: Final = 500
_CLOCK_OFF_MS: Final = 5_000
"""From here on a node's clock is so wrong that others' retries and leases come early or late."""


class KeepConfig(Struct, frozen=True, kw_only=True):
    """How keep behaves."""

    beat_s: float = 1.0
    """How often to give a sign of life."""
    beat_timeout_s: float = 1.5
    """How long one may take."""
    dead_after_looks: int = 5
    """Looks without news of a node after which it is taken for dead; a beat apart each."""
    fresh_s: float = 4.0
    """How long after its last sign of life a node may begin something; less than until others take it for dead."""
    tend_every_looks: int = 60
    """How often the leader makes and drops what is due by its time."""
    lease_ms: int = 60_000
    """The longest lease that the steps take."""
    retention: Retention = Retention()

    def __post_init__(self) -> None:
        """Refuse a node that would still begin things when others take it for dead."""
        if self.fresh_s >= self.dead_after_looks * self.beat_s:
            raise ValueError("fresh_s must be shorter than dead_after_looks beats")


class KeepService:
    """One node's signs of life, and its turn at keeping house.

    ``figures`` says how far behind this node is, ``held`` what it has in hand; ``on_buried`` is called when others took
    this node for dead: what it holds in memory is others' now. ``on_fresh`` is called when it may begin things again.
    """

    def __init__(
        self,
        store: KeepStore,
        clock: Clock,
        config: KeepConfig,
        node: Node,
        *,
        figures: Callable[[], Mapping[str, int]],
        held: Callable[[], Held],
        on_buried: Callable[[], None],
        on_fresh: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._figures = figures
        self._held = held
        self._on_buried = on_buried
        self._on_fresh = on_fresh
        self._log = log.get("keep")
        self._seen = Seen()
        self._looks_to_tend = 0
        self._tending: asyncio.Task[None] | None = None
        self._beaten_s = 0.0
        self.node = node
        self.leads = False
        self.counts: dict[str, int] = dict.fromkeys(("buried", "reclaimed", "dropped", "expired"), 0)

    def is_fresh(self) -> bool:
        """Whether the last sign of life is young enough to begin something: nobody takes this node for dead yet."""
        return asyncio.get_running_loop().time() - self._beaten_s < self._config.fresh_s

    async def join(self) -> None:
        """Become one of the nodes."""
        await self._store.node_join(self.node)
        self._seen = Seen()
        self._beaten_s = asyncio.get_running_loop().time()

    async def leave(self) -> None:
        """Be no node any more; give back what is still leased."""
        try:
            async with asyncio.timeout(self._config.beat_timeout_s):
                await self._store.node_leave(self.node.id, now_ms=self._clock.now_ms())
        except (StoreUnavailable, TimeoutError) as error:  # others find out by themselves
            self._log.warning("node.left_silently", error=str(error))

    async def run(self) -> None:
        """Beat until cancelled."""
        try:
            while True:
                await self._clock.sleep(self._config.beat_s)
                await self._beat()
                self._tend_when_due()
        finally:
            if self._tending is not None:
                self._tending.cancel()
                await asyncio.gather(self._tending, return_exceptions=True)

    async def _beat(self) -> None:
        try:
            async with asyncio.timeout(self._config.beat_timeout_s):
                await self.run_once()
        except (StoreUnavailable, TimeoutError) as error:
            self.leads = False
            self._log.error("node.unheard", error=str(error) or "the database did not answer in time")
        except Exception as error:  # noqa: BLE001 - whatever it is, the next beat is due: a silent node begins nothing
            self.leads = False
            self._log.error("node.beat_failed", exc_info=error)

    async def run_once(self) -> None:
        """One sign of life, one look at the others, and what follows from it."""
        began_s = asyncio.get_running_loop().time()
        roll = await self._store.node_beat(self.node.id, now_ms=self._clock.now_ms(), figures=self._figures())
        if roll is None:
            await self._rise()
            return
        was_fresh, self._beaten_s = self.is_fresh(), began_s
        if not was_fresh:
            self._on_fresh()
        self._seen = look(self._seen, roll)
        self._check_clock(roll)
        await self._reclaim()
        await self._lead(roll)

    async def _reclaim(self) -> None:
        count = await self._store.lease_reclaim(self._held, lease_ms=self._config.lease_ms, now_ms=self._clock.now_ms())
        if count:
            self.counts["reclaimed"] += count
            self._log.warning("leases.reclaimed", count=count)

    async def _rise(self) -> None:
        """Others took this node for dead: it begins again, as a new one."""
        self._log.warning("node.was_taken_for_dead", id=self.node.id)
        self.leads = False
        self._on_buried()
        self.node = msgspec.structs.replace(
            self.node, id=self._clock.new_id("node"), started_at_ms=self._clock.now_ms(), figures=self._figures()
        )
        await self.join()
        self._on_fresh()

    async def _lead(self, roll: Roll) -> None:
        after = self._config.dead_after_looks
        led, self.leads = self.leads, False
        if may_lead(self._seen, roll, self.node.id, after_looks=after):
            self.leads = await self._store.leader_take(self.node.id, roll.term)
        if not self.leads:
            return
        if not led:
            self._log.info("node.leads", id=self.node.id, term=roll.term + 1)
            self._looks_to_tend = 0  # whoever led before may not have come to it
        await self._bury(roll)

    async def _bury(self, roll: Roll) -> None:
        silent = dead(self._seen, roll, self.node.id, after_looks=self._config.dead_after_looks)
        if not silent:
            return
        buried = await self._store.node_bury(silent, now_ms=self._clock.now_ms())
        for node in silent:
            if node.id in buried:
                self.counts["buried"] += 1
                self._log.warning("node.dead", id=node.id, name=node.name)

    def _tend_when_due(self) -> None:
        """Begin a round of it beside the beats: it may take longer than others wait for one."""
        self._looks_to_tend -= 1
        if self.leads and self._looks_to_tend <= 0 and (self._tending is None or self._tending.done()):
            self._looks_to_tend = self._config.tend_every_looks
            self._tending = asyncio.create_task(self.tend_once())

    async def tend_once(self) -> None:
        """Make room for what is to come, and drop what has been kept long enough."""
        try:
            tended: Tended = await self._store.tend(self._config.retention, now_ms=self._clock.now_ms())
            expired = await self._store.payload_expire(now_ms=self._clock.now_ms(), limit=_PAYLOADS_AT_ONCE)
        except PaybellError as error:  # the next round is due all the same
            self._log.error("database.untended", error=str(error))
            return
        if tended.more or expired == _PAYLOADS_AT_ONCE:
            self._looks_to_tend = 0
        if expired:
            self.counts["expired"] += expired
            self._log.info("payloads.expired", count=expired)
        if tended.made or tended.dropped:
            self.counts["dropped"] += len(tended.dropped)
            self._log.info("database.tended", made=tended.made, dropped=tended.dropped)

    def _check_clock(self, roll: Roll) -> None:
        mine = next((it for it in roll.nodes if it.id == self.node.id), None)
        if mine is not None and abs(mine.clock_off_ms) > _CLOCK_OFF_MS:
            self._log.error("node.clock_off", ms=mine.clock_off_ms, detail="set this machine's clock, with NTP")
