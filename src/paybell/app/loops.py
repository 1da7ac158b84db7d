"""How the steps' loops are run."""

import asyncio
from collections.abc import Awaitable, Callable

from paybell import log


async def guarded(run: Callable[[], Awaitable[None]]) -> None:
    """A loop that ends by an error ends loudly. Called here, not before: a stop may come before it has begun."""
    try:
        await run()
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.get("app").critical("step.died", exc_info=error)
        raise
