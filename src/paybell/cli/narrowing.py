"""Options that narrow what a command is about: times and event types."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from paybell.errors import ConfigurationError
from paybell.model.message import EVENT_TYPE_PATTERN

EventTypes = Annotated[
    list[str] | None, typer.Option("--event-type", help="Only that event type; may be given more than once.")
]


def time_ms(text: str, option: str) -> int:
    """A time that an option was given; ``ConfigurationError`` where it is none, or has no zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} must be a time such as 2024-06-26T11:08:07Z, not {text!r}") from None
    if at.tzinfo is None:
        raise ConfigurationError(f"{option} needs its zone: write {text}Z for UTC")
    return int(at.timestamp() * 1000)


def event_types_of(names: Sequence[str]) -> Sequence[str]:
    """Event types that were given; ``ConfigurationError`` for what cannot be one."""
    for name in names:
        if not EVENT_TYPE_PATTERN.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no event type: letters, digits, _, . and - make one")
    return names
