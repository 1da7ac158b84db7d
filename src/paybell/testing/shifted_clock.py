"""The machine's own clock, which a test can move on: days pass in no time, and nobody has to wait."""

from paybell.clock import SystemClock


class ShiftedClock(SystemClock):
    """Goes as the machine's clock does, so much ahead of it as :meth:`advance` was asked for."""

    def __init__(self) -> None:
        self._ahead_ms = 0

    def now_ms(self) -> int:
        """Wall-clock milliseconds, moved on."""
        return super().now_ms() + self._ahead_ms

    def advance(self, delay_s: float) -> None:
        """Move on; what sleeps goes on sleeping."""
        self._ahead_ms += round(delay_s * 1000)
