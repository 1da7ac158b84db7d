"""Rows of nodes, their leader and their backlog to records and back, shared by the stores."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from paybell.model.node import Backlog, Node, Roll
from paybell.store import rows

WHATEVER_BEAT: Final = -1
_FIGURES: Final = msgspec.json.Decoder(dict[str, int])


def node_row(node: Node) -> rows.Row:
    """A node's six columns at its beginning."""
    return (
        node.id,
        node.name,
        ",".join(node.roles),
        node.version,
        node.started_at_ms,
        figures_text(node.figures),
    )


def figures_text(figures: Mapping[str, int]) -> str:
    """A node's figures as JSON."""
    return rows.ENCODER.encode(figures).decode()


def roll(nodes: Iterable[Sequence[object]], leader: Sequence[Sequence[object]]) -> Roll:
    """Nodes of nine columns and the leader of two."""
    ((leader_id, term),) = leader
    return Roll(nodes=tuple(_node(row) for row in nodes), leader_id=rows.text(leader_id), term=rows.number(term))


def _node(row: Sequence[object]) -> Node:
    return Node(
        id=rows.text(row[0]),
        name=rows.text(row[1]),
        roles=tuple(rows.text(row[2]).split(",")),
        version=rows.text(row[3]),
        started_at_ms=rows.number(row[4]),
        figures=_FIGURES.decode(rows.text(row[5])),
        beat_no=rows.number(row[6]),
        beat_at_ms=rows.number(row[7]),
        clock_off_ms=rows.number(row[8]),
    )


def backlog(row: Sequence[object]) -> Backlog:
    """What waits for a step, of three columns."""
    return Backlog(step=rows.text(row[0]), count=rows.number(row[1]), oldest_due_at_ms=rows.number_or_none(row[2]))
