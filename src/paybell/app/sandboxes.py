"""The sandbox of transformations, and which headers its code and everybody else may set."""

from collections.abc import Iterable
from typing import Final

from paybell.config import Settings
from paybell.deliver.rules import check_custom_headers
from paybell.deliver.shaping import Shaper
from paybell.ports import Store, Transformer
from paybell.transform import Sandbox, SandboxConfig
from paybell.transports import check_headers

_WAITING_SHARE: Final = 0.5
"""Of the time of a try, for waiting for a turn: the rest is for the code, and for the endpoint."""


def sandbox_of(chosen: Settings) -> Sandbox:
    """A sandbox with the limits of the settings; it starts processes when they are needed."""
    config = SandboxConfig(
        time_s=chosen.transformation_time_s,
        payload_bytes_max=chosen.body_bytes_max,
        processes_max=chosen.transformation_processes_max,
        wait_s=chosen.delivery_timeout_s * _WAITING_SHARE,
    )
    return Sandbox(config, check_headers=check_any_headers)


def shaper_of(chosen: Settings, store: Store, transformer: Transformer) -> Shaper:
    """What deliver calls."""
    return Shaper(store, transformer, timeout_s=chosen.delivery_timeout_s)


def check_any_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse, with ``ConfigurationError``, headers that nobody but Paybell may set, or that cannot be sent."""
    given = tuple(headers)
    check_headers(given)
    check_custom_headers(given)
