"""Coroutines run from wherever a test is: on a thread of their own, since it may ask from within a running loop."""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """What it gives, awaited here. All run on one loop, so that they may share connections."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="at_once", daemon=True).start()
    return loop
