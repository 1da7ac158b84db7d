"""The loops that tests run on: both that Paybell does, and one whose time can be set forward."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final

import uvloop

Run = Callable[[Coroutine[object, object, None]], None]
RUNNERS: Final[dict[str, Run]] = {"asyncio": asyncio.run, "uvloop": uvloop.run}


class Loop(asyncio.SelectorEventLoop):
    """Its time is the machine's, and so much ahead: what waits for hours is over at once."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s
