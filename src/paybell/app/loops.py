"""How the steps' loops are run, and what deliver's is told by the settings."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from paybell import log
from paybell.config import Settings
from paybell.deliver.service import DeliverConfig

_DAY_MS: Final = 86_400_000


async def guarded(run: Callable[[], Awaitable[None]]) -> None:
    """A loop that ends by an error ends loudly. Called here, not before: a stop may come before it has begun."""
    try:
        await run()
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.get("app").critical("step.died", exc_info=error)
        raise


def deliver_config(chosen: Settings) -> DeliverConfig:
    """How deliver behaves."""
    return DeliverConfig(
        timeout_s=chosen.delivery_timeout_s,
        endpoint_active_max=chosen.endpoint_active_max,
        active_max=chosen.deliveries_active_max,
        failing_ms=chosen.endpoint_failing_days * _DAY_MS,
    )
