"""What benchmarks are told."""

from msgspec import Struct


class Options(Struct, frozen=True, kw_only=True):
    """``rate`` in requests a second; ``saturate`` looks for the highest one instead, from there on.

    ``nodes``: how many processes of Paybell share the ``database``.
    ``rows``: how many wait (claims, each number in turn), go through a queue (held_snapshot, the last one), or are
    facts of one payment (fold, each number in turn).
    ``endpoints``: how many get messages, each its own; with ``fan_out`` each all of them. ``keys``: idempotency keys.
    ``pairs``: how often isolation runs, without trouble and with it.
    """

    rate: float
    seconds: float
    connections: int
    saturate: bool
    module: str = "paybell"
    database: str = "sqlite"
    nodes: int = 1
    rows: tuple[int, ...] = ()
    endpoints: int = 1
    fan_out: bool = False
    keys: bool = True
    pairs: int = 1


class Measured(Struct, frozen=True, kw_only=True):
    """One run's figures for people, and whether it counts. ``void``: the generator was late, so nothing is known."""

    figures: dict[str, str]
    passed: bool
    void: bool
    sustained: bool
    rate: float
