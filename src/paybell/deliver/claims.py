"""Claim what is due: whose turn it is, what each endpoint can take, and no more than its limits allow."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.clock import Clock
from paybell.deliver.health import is_held, probing
from paybell.deliver.lanes import Lanes
from paybell.deliver.planning import TURNS_MS, Plan, Scene, allot, make_plan, turns_end_ms
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint_state import EndpointState
from paybell.ports import DeliverStore, DeliveryClaim, EndpointRule

_LOOK_MS: Final = 1_000
"""How often to look at how endpoints are doing, since other processes see it, too."""
_REFUSED_MS: Final = TURNS_MS // 2
"""How long to wait for turns that another process has taken."""


class ClaimConfig(Struct, frozen=True, kw_only=True):
    """How much is claimed at once, in all and of one endpoint, and for how long."""

    limit: int
    endpoint_max: int
    lease_ms: int
    elsewhere_ms: int


class Claims:
    """What this process knows of endpoints, and claims by it."""

    def __init__(self, store: DeliverStore, clock: Clock, lanes: Lanes, config: ClaimConfig) -> None:
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._config = config
        self._rules: Mapping[str, EndpointRule] = {}
        self._states: dict[str, EndpointState] = {}
        self._looked_ms: int | None = None
        self._elsewhere_until_ms: dict[str, int] = {}
        self._next_turn_ms: dict[str, int] = {}
        self.next_at_ms: int | None = None
        """When the next claim may find something if nothing happens before; None for never."""

    def has_room(self, endpoint_id: str) -> bool:
        """Whether a delivery to the endpoint can be sent without being claimed."""
        if endpoint_id in self._elsewhere_until_ms or endpoint_id in self._states:
            return False
        rule = self._rules.get(endpoint_id)
        if rule is None or rule.rate or rule.application_rate:
            return False
        return self._lanes.has_room(endpoint_id)

    def state(self, endpoint_id: str) -> EndpointState | None:
        """How an endpoint is doing, as far as this process knows; None for well."""
        return self._states.get(endpoint_id)

    def is_held(self, endpoint_id: str) -> bool:
        """Whether nothing is sent to it now."""
        return is_held(self._states.get(endpoint_id), self._clock.now_ms())

    def learn(self, endpoint_id: str, state: EndpointState | None) -> None:
        """How an endpoint is doing; None for well."""
        if state is None:
            self._states.pop(endpoint_id, None)
        else:
            self._states[endpoint_id] = state
        self._lanes.limit(endpoint_id, state.concurrency if state else None)

    def leave(self, endpoint_id: str) -> None:
        """Only other processes serve it: look again in a while."""
        self._elsewhere_until_ms[endpoint_id] = self._clock.now_ms() + self._config.elsewhere_ms

    async def claim(self) -> Sequence[DeliveryJob]:
        """Lease what is due and can be sent now."""
        now_ms = self._clock.now_ms()
        await self._look(now_ms)
        waiting = await self._store.delivery_waiting()
        self._lanes.due({name for name, due_at_ms in waiting.items() if due_at_ms <= now_ms})
        scene = Scene(
            now_ms=now_ms,
            waiting=waiting,
            rules=self._rules,
            states=self._states,
            elsewhere_until_ms=self._elsewhere_until_ms,
            next_turn_ms=self._next_turn_ms,
        )
        plan = make_plan(scene, self._lanes, limit=self._config.limit, endpoint_max=self._config.endpoint_max)
        self.next_at_ms = plan.next_at_ms
        rooms = await self._probed(await self._allowed(plan, now_ms), plan, now_ms)
        if not rooms:
            return ()
        wanted = DeliveryClaim(
            now_ms=now_ms,
            lease_ends_at_ms=now_ms + self._config.lease_ms,
            limit=self._config.limit,
            rooms=rooms,
        )
        claimed = await self._store.delivery_claim(wanted)
        self._lanes.claimed(rooms, Counter(job.endpoint_id for job in claimed))
        return claimed

    async def _look(self, now_ms: int) -> None:
        """See how endpoints are doing, what they ask for, and forget what is over."""
        self._rules = await self._store.endpoint_rules()
        for ends in (self._elsewhere_until_ms, self._next_turn_ms):
            for name in [name for name, until_ms in ends.items() if until_ms <= now_ms]:
                del ends[name]
        if self._looked_ms is not None and 0 <= now_ms - self._looked_ms < _LOOK_MS:
            return
        self._looked_ms = now_ms
        states = {it.endpoint_id: it for it in await self._store.endpoint_state_list()}
        for name in [*(self._states.keys() - states.keys()), *states]:
            if self._states.get(name) != states.get(name):
                self.learn(name, states.get(name))

    async def _allowed(self, plan: Plan, now_ms: int) -> dict[str, int]:
        """What of it may be claimed, with turns taken for what is limited."""
        asks = plan.asks(self._rules)
        if not asks:
            return dict(plan.rooms)
        granted = await self._store.turn_take(asks, now_ms=now_ms, slack_ms=TURNS_MS)
        for ask in asks:
            ends_ms = turns_end_ms(ask, now_ms) if ask.name in granted else now_ms + _REFUSED_MS
            self._next_turn_ms[ask.name] = ends_ms
            self.next_at_ms = min(self.next_at_ms or ends_ms, ends_ms)
        return allot(plan, asks, granted, self._rules)

    async def _probed(self, rooms: dict[str, int], plan: Plan, now_ms: int) -> dict[str, int]:
        """The same without endpoints whose probe somebody else sends."""
        for name in plan.probes & rooms.keys():
            before = self._states[name]
            during = probing(before, now_ms=now_ms, lease_ms=self._config.lease_ms)
            if await self._store.endpoint_probe(before, during):
                self.learn(name, during)
            else:
                self._looked_ms = None
                del rooms[name]
        return rooms
