"""How a payment, or an account item, came to its state: what each notification changed, and what came late.

Pure: the facts are folded again in the order in which they were recorded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from paybell.model.account import AccountState
from paybell.model.fact import Fact, Kind
from paybell.model.payment import PaymentState
from paybell.ports import TIMELINE_KINDS, Recorded, TimelineEntry

State = PaymentState | AccountState
STEPS_MAX: Final = 500
"""Of a timeline; each folds all facts before it."""
_FIGURES: Final = ("captured_minor", "refunded_minor", "disputed_minor", "authorized_minor", "amount_minor", "flags")
_ENDS: Final = frozenset({Kind.FAILED, Kind.CANCELED, Kind.EXPIRED, Kind.VOIDED})
_RANKS: Final = {kind: rank for rank, kind in enumerate(TIMELINE_KINDS)}


def with_transitions(
    timeline: Sequence[TimelineEntry], facts: Iterable[Recorded], project: Callable[[Iterable[Fact]], State]
) -> tuple[TimelineEntry, ...]:
    """A timeline with what each notification changed; of more than :data:`STEPS_MAX` it stays as it is."""
    steps = _steps(facts)
    if len(steps) > STEPS_MAX:
        return tuple(timeline)
    moved = [*timeline, *_transitions(steps, project)]
    return tuple(sorted(moved, key=lambda it: (it.at_ms, _RANKS[it.kind])))


def _steps(facts: Iterable[Recorded]) -> list[list[Recorded]]:
    """What was recorded together, oldest first; a merchant's word after the notification that it was added with."""
    steps: dict[tuple[int, str], list[Recorded]] = {}
    for it in sorted(facts, key=lambda one: (one.recorded_at_ms, not one.notification_id, one.notification_id)):
        steps.setdefault((it.recorded_at_ms, it.notification_id), []).append(it)
    return list(steps.values())


def _transitions(
    steps: Sequence[Sequence[Recorded]], project: Callable[[Iterable[Fact]], State]
) -> Iterable[TimelineEntry]:
    known: list[Fact] = []
    before: State | None = None
    for step in steps:
        new = [it.fact for it in step]
        late_ms = max((fact.at_ms for fact in known), default=0) - max(fact.at_ms for fact in new)
        known += new
        after = project(known)
        changed = _changed(before, after)
        yield TimelineEntry(
            at_ms=step[0].recorded_at_ms,
            kind="transition",
            id=f"version {after.version}",
            text=_said(before, after, changed, new) + (f"; came {late_ms / 1000:g} s late" if late_ms > 0 else ""),
            detail={
                "from": None if before is None else str(before.status),
                "to": str(after.status),
                "changed": changed,
                "lateMs": max(0, late_ms),
                "notificationId": step[0].notification_id,
            },
        )
        before = after


def _changed(before: State | None, after: State) -> Mapping[str, Sequence[object]]:
    """The figures that are others now, with what they were."""
    if before is None:
        return {}
    named = [name for name in _FIGURES if hasattr(after, name)]
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in named}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _said(before: State | None, after: State, changed: Mapping[str, Sequence[object]], new: Sequence[Fact]) -> str:
    if before is None:
        return f"begins as {after.status}"
    moved = [] if before.status == after.status else [f"{before.status} becomes {after.status}"]
    moved += [f"{name} {_shown(was)} becomes {_shown(now)}" for name, (was, now) in changed.items()]
    if moved:
        return ", ".join(moved)
    return f"stays {after.status}: {_why(after, new)}"


def _shown(value: object) -> str:
    return (" ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _why(after: State, new: Sequence[Fact]) -> str:
    """Why nothing changed."""
    kinds = {fact.kind for fact in new}
    if isinstance(after, PaymentState) and after.captured_minor > 0 and kinds & _ENDS:
        return f"a {min(kinds & _ENDS)} that is told does not undo what was captured"
    return "what it says changes no figure"
