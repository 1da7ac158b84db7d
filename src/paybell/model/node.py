"""Nodes: processes that serve from one database."""

from collections.abc import Mapping

from msgspec import Struct


class Node(Struct, frozen=True, kw_only=True):
    """One process and its last sign of life.

    ``beat_no`` rises with each; ``beat_at_ms`` is the database's time; ``clock_off_ms`` is how far the node's own clock
    was ahead of it. ``figures`` says how far behind it is: what waits in its memory, by step.
    """

    id: str
    name: str
    roles: tuple[str, ...]
    version: str
    started_at_ms: int
    figures: Mapping[str, int]
    beat_no: int = 0
    beat_at_ms: int = 0
    clock_off_ms: int = 0


class Roll(Struct, frozen=True, kw_only=True):
    """All nodes there are, and which of them leads in which term ('' for none)."""

    nodes: tuple[Node, ...]
    leader_id: str
    term: int


class Backlog(Struct, frozen=True, kw_only=True):
    """What is due for a step and nobody's yet: how many (counted up to a limit), and since when the oldest."""

    step: str
    count: int
    oldest_due_at_ms: int | None
