"""Exact percentiles of a run's latencies: every single one is kept, nothing is put into buckets."""

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct


class Summary(Struct, frozen=True, kw_only=True):
    """Latencies in seconds. All are 0 where nothing was measured."""

    count: int
    p50: float
    p90: float
    p99: float
    p999: float
    max: float


def percentile(ordered: Sequence[float], fraction: float) -> float:
    """The nearest-rank percentile of ascending values: the smallest one that ``fraction`` of all do not exceed."""
    return ordered[max(0, math.ceil(fraction * len(ordered)) - 1)] if ordered else 0.0


def summarize(latencies: Iterable[float]) -> Summary:
    """The figures of any number of latencies, in seconds."""
    ordered = sorted(latencies)
    p50, p90, p99, p999, top = (percentile(ordered, fraction) for fraction in (0.5, 0.9, 0.99, 0.999, 1.0))
    return Summary(count=len(ordered), p50=p50, p90=p90, p99=p99, p999=p999, max=top)
