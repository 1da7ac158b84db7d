"""Looking for the highest rate that holds: climb until one does not, then halve the gap."""

from collections.abc import Callable
from typing import Final

CLIMBS_MAX: Final = 8
HALVINGS: Final = 3
STEP: Final = 1.4


def climb(start: float, holds: Callable[[float], bool]) -> float:
    """The highest rate found for which ``holds``; 0 if not even ``start`` does. At most 11 tries."""
    low, high, rate = 0.0, 0.0, start
    for _ in range(CLIMBS_MAX):
        if not holds(rate):
            high = rate
            break
        low, rate = rate, rate * STEP
    if not low or not high:
        return low
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
