"""Decide what to claim: of which endpoints, in which order, how many of each. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from paybell.deliver.health import is_held, pace
from paybell.deliver.lanes import Lanes
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.ports import EndpointRule, TurnAsk

TURNS_MS: Final = 100
"""For how long turns are taken at once."""
_EACH_MIN: Final = 8
"""Claimed of each endpoint at least, where it has so many: fewer would be many small claims."""
_NOBODYS: Final = EndpointRule(application_id="")


class Scene(Struct, frozen=True, kw_only=True):
    """What a plan is made of. Times of endpoints that nothing is sent to, and of names that have no turn, are ends."""

    now_ms: int
    waiting: Mapping[str, int]
    """When each endpoint's next delivery falls due, soonest first."""
    rules: Mapping[str, EndpointRule]
    states: Mapping[str, EndpointState]
    elsewhere_until_ms: Mapping[str, int]
    """Endpoints that only other processes serve."""
    next_turn_ms: Mapping[str, int]


class Plan(Struct, frozen=True, kw_only=True):
    """What to claim of whom, in that order, before any turns and probes are taken that it needs."""

    rooms: Mapping[str, int]
    rates: Mapping[str, float]
    """Of endpoints in ``rooms`` that have a limit."""
    application_rates: Mapping[str, int]
    """Of applications with an endpoint in ``rooms`` that have a limit."""
    probes: frozenset[str]
    next_at_ms: int | None
    """When there may be more to claim than now, without anything happening; None for never."""

    def asks(self, rules: Mapping[str, EndpointRule]) -> list[TurnAsk]:
        """The turns to take for it."""
        asks = [
            TurnAsk(name=name, count=_turns(rate, self.rooms[name]), rate=rate) for name, rate in self.rates.items()
        ]
        for application_id, rate in self.application_rates.items():
            wanted = sum(room for name, room in self.rooms.items() if rules[name].application_id == application_id)
            asks.append(TurnAsk(name=application_id, count=_turns(rate, wanted), rate=rate))
        return asks


def make_plan(scene: Scene, lanes: Lanes, *, limit: int, endpoint_max: int) -> Plan:
    """Share ``limit`` deliveries out: applications take turns, the longest waiting of each first."""
    later: list[int] = []
    free: dict[str, int] = {}
    for name, due_at_ms in scene.waiting.items():
        ready_ms = max(due_at_ms, _ready_ms(name, scene))
        if ready_ms > scene.now_ms:
            later.append(ready_ms)
        elif name and (room := _room(name, scene, lanes)) > 0:
            free[name] = room
    rooms = _shared_out(free, scene.rules, lanes, limit=min(limit, lanes.all_room), endpoint_max=endpoint_max)
    probes = frozenset(name for name in rooms if _is_unclosed(name, scene))
    limited = (scene.rules.get(name, _NOBODYS) for name in rooms)
    return Plan(
        rooms=rooms,
        rates={name: rate for name in rooms if name not in probes and (rate := _rate(name, scene))},
        application_rates={it.application_id: it.application_rate for it in limited if it.application_rate},
        probes=probes,
        next_at_ms=min(later, default=None),
    )


def _shared_out(
    free: Mapping[str, int], rules: Mapping[str, EndpointRule], lanes: Lanes, *, limit: int, endpoint_max: int
) -> dict[str, int]:
    each = min(endpoint_max, max(_EACH_MIN, limit // max(1, len(free))))
    rooms: dict[str, int] = {}
    left: dict[str, int] = {}
    for name in _in_turn(free, rules):
        if limit <= 0:
            break
        application_id = rules.get(name, _NOBODYS).application_id
        theirs = left.setdefault(application_id, lanes.share_room(application_id))
        room = min(free[name], each, limit, theirs)
        if room > 0:
            rooms[name] = room
            limit -= room
            left[application_id] -= room
    return rooms


def allot(
    plan: Plan, asks: Sequence[TurnAsk], granted: frozenset[str], rules: Mapping[str, EndpointRule]
) -> dict[str, int]:
    """What may be claimed once turns were taken: no more of any than it has turns."""
    turns = {ask.name: ask.count if ask.name in granted else 0 for ask in asks}
    rooms: dict[str, int] = {}
    for name, wanted in plan.rooms.items():
        application_id = rules.get(name, _NOBODYS).application_id
        room = min(wanted, turns.get(name, wanted), turns.get(application_id, wanted))
        if application_id in turns:
            turns[application_id] -= room
        if room:
            rooms[name] = room
    return rooms


def turns_end_ms(ask: TurnAsk, now_ms: int) -> int:
    """When there may be turns again after these were taken."""
    return now_ms + max(1, int(ask.count * 1000 / ask.rate))


def _turns(rate: float, wanted: int) -> int:
    return min(wanted, max(1, int(rate * TURNS_MS / 1000)))


def _rate(name: str, scene: Scene) -> float:
    """Deliveries a second to that endpoint; 0 for no limit."""
    own, recovering = scene.rules.get(name, _NOBODYS).rate, pace(scene.states.get(name), scene.now_ms)
    return min(own, recovering) if own and recovering else own or recovering


def _ready_ms(name: str, scene: Scene) -> int:
    """From when on anything may be sent there."""
    state, rule = scene.states.get(name), scene.rules.get(name, _NOBODYS)
    held_ms = state.held_until_ms if state is not None and is_held(state, scene.now_ms) else 0
    turns_ms = max(scene.next_turn_ms.get(name, 0), scene.next_turn_ms.get(rule.application_id, 0))
    return max(held_ms, turns_ms, scene.elsewhere_until_ms.get(name, 0))


def _room(name: str, scene: Scene, lanes: Lanes) -> int:
    rule = scene.rules.get(name, _NOBODYS)
    is_limited = bool(_rate(name, scene) or rule.application_rate)
    room = lanes.room(name, rule.application_id, at_once=is_limited)
    return min(1, room) if _is_unclosed(name, scene) else room


def _is_unclosed(name: str, scene: Scene) -> bool:
    """Whether only a probe is sent there."""
    state = scene.states.get(name)
    return state is not None and state.breaker is not Breaker.CLOSED


def _in_turn(names: Iterable[str], rules: Mapping[str, EndpointRule]) -> Iterator[str]:
    """One of each application, then the next of each, and so on."""
    by_application: dict[str, deque[str]] = {}
    for name in names:
        by_application.setdefault(rules.get(name, _NOBODYS).application_id, deque()).append(name)
    lines = deque(by_application.values())
    while lines:
        line = lines.popleft()
        yield line.popleft()
        if line:
            lines.append(line)
