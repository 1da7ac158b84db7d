"""Decide who is dead, and who keeps house. Counted in looks, never in clock time: clocks jump and differ."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from paybell.model.node import Node, Roll


class Sighting(Struct, frozen=True):
    """The last news of a node or of the leader's term, and how many looks ago it was new."""

    news: int
    looks: int


class Seen(Struct, frozen=True, kw_only=True):
    """What one node has seen of the others so far."""

    nodes: Mapping[str, Sighting] = {}
    term: Sighting = Sighting(-1, 0)


def look(seen: Seen, roll: Roll) -> Seen:
    """Add one look at the roll; nodes that are there no more are forgotten."""
    nodes = {it.id: _sight(seen.nodes.get(it.id), it.beat_no) for it in roll.nodes}
    return Seen(nodes=nodes, term=_sight(seen.term, roll.term))


def dead(seen: Seen, roll: Roll, me: str, *, after_looks: int) -> Sequence[Node]:
    """Nodes that have not beaten for so many looks."""
    return [it for it in roll.nodes if it.id != me and seen.nodes[it.id].looks >= after_looks]


def may_lead(seen: Seen, roll: Roll, me: str, *, after_looks: int) -> bool:
    """Whether to begin the next term: as the leader, or where there is none, or where it has gone silent."""
    there = {it.id for it in roll.nodes}
    return roll.leader_id == me or roll.leader_id not in there or seen.term.looks >= after_looks


def _sight(before: Sighting | None, news: int) -> Sighting:
    return Sighting(news, before.looks + 1) if before is not None and before.news == news else Sighting(news, 0)
