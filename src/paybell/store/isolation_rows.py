"""How endpoints are doing: rows to records and back, and what attempts make of them."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from paybell.model.endpoint import FAILED_FOR_LONG
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.model.entitlement import DAY_MS
from paybell.ports import AttemptNew, TurnAsk
from paybell.store import rows

STATE_COLUMNS = 10
_US_PER_S = 1_000_000


class Spell(Struct, frozen=True):
    """How an endpoint fails as of an attempt: since when all have (0: they have not), and why it is disabled."""

    since_ms: int = 0
    reason: str = ""


class Weighed(Struct, frozen=True, kw_only=True):
    """What some attempts make of their endpoints: states to write, those to forget, those to disable and why."""

    changed: tuple[EndpointState, ...]
    well: tuple[str, ...]
    disabled: Mapping[str, str]
    spells: Mapping[str, Spell]
    """By attempt."""


def weighed(before: Mapping[str, EndpointState], attempts: Iterable[AttemptNew]) -> Weighed:
    """Weigh attempts one after the other. One that is disabled has no state: what waits for it is to end at once."""
    states: dict[str, EndpointState | None] = dict(before)
    disabled: dict[str, str] = {}
    spells: dict[str, Spell] = {}
    for new in attempts:
        endpoint_id = new.attempt.endpoint_id
        if new.weigh is not None:
            states[endpoint_id] = new.weigh(states.get(endpoint_id))
        state = states.get(endpoint_id)
        since_ms = state.failing_since_ms if state else 0
        reason = failing_reason(new, since_ms)
        spells[new.attempt.id] = Spell(since_ms, reason)
        if reason:
            disabled[endpoint_id] = reason
    states |= dict.fromkeys(disabled)
    return Weighed(
        changed=tuple(it for name, it in states.items() if it is not None and it != before.get(name)),
        well=tuple(name for name, it in states.items() if it is None and name in before),
        disabled=disabled,
        spells=spells,
    )


def failing_reason(new: AttemptNew, since_ms: int) -> str:
    """Why a failed attempt disables its endpoint; '' where it does not. ``since_ms`` is 0 where not all have failed."""
    if new.disable_endpoint_reason or not 0 < since_ms <= new.failing_since_max_ms:
        return new.disable_endpoint_reason
    days = (new.attempt.started_at_ms - since_ms) // DAY_MS
    return FAILED_FOR_LONG.format(days=days)


def state(row: Sequence[object]) -> EndpointState:
    """A row of endpoint_states."""
    return EndpointState(
        endpoint_id=rows.text(row[0]),
        breaker=Breaker(rows.text(row[1])),
        breaker_since_ms=rows.number(row[2]),
        failing_since_ms=rows.number(row[3]),
        failure_count=rows.number(row[4]),
        probe_count=rows.number(row[5]),
        concurrency=rows.number(row[6]),
        held_until_ms=rows.number(row[7]),
        held_reason=rows.text(row[8]),
        recovering_since_ms=rows.number(row[9]),
    )


def state_row(it: EndpointState) -> rows.Row:
    """A state's ten columns."""
    return (
        it.endpoint_id,
        str(it.breaker),
        it.breaker_since_ms,
        it.failing_since_ms,
        it.failure_count,
        it.probe_count,
        it.concurrency,
        it.held_until_ms,
        it.held_reason,
        it.recovering_since_ms,
    )


def turn_row(ask: TurnAsk) -> tuple[str, int]:
    """Whose turns, and how many microseconds they are."""
    return ask.name, int(ask.count * _US_PER_S / ask.rate)
