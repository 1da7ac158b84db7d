"""What errands are, and what their results say. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application
from paybell.model.task import Asked, Task, TaskKind

RUNNING_MAX: Final = 10
"""Errands of one organisation at the same time, or tasks of one application."""
_ENCODER: Final = msgspec.json.Encoder()
R = TypeVar("R", bound=Struct)


class AppStat(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many deliveries an application's messages of a time have."""

    app_id: str
    app_uid: str | None
    message_destinations: int


class AppStats(Struct, frozen=True, kw_only=True, rename="camel"):
    """The result of ``application.stats``, by application's id."""

    app_stats: tuple[AppStat, ...] = ()


class AppUse(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which event types an application's endpoints name, and whether one of them takes all."""

    app_id: str
    explicitly_subscribed_event_types: tuple[str, ...]
    has_catch_all_endpoint: bool


class EventTypeUses(Struct, frozen=True, kw_only=True):
    """The result of ``event-type.aggregate``, by application's id; its name is written as Svix writes it."""

    event_types: tuple[AppUse, ...] = ()


class Purged(Struct, frozen=True, kw_only=True, rename="camel"):
    """The result of ``application.purge_content``."""

    messages_purged: int = 0


class Place(Struct, frozen=True):
    """Where a walk over applications and their messages stands."""

    application_id: str = ""
    """All before it are counted; itself, too, where there is no message."""
    message_id: str = ""
    """The last of its messages that was counted, where there are more."""


def errand(kind: TaskKind, organisation_id: str, asked: Asked, *, new_id: str, now_ms: int, about: str = "") -> Task:
    """A task to begin, ``about`` an application or ('') the organisation; ``ConfigurationError`` for no range."""
    if asked.since_ms >= asked.until_ms:
        raise ConfigurationError("since must lie before until, and in the past")
    return Task(
        id=new_id,
        organisation_id=organisation_id,
        application_id=about,
        kind=kind,
        asked=asked,
        due_at_ms=now_ms,
        created_at_ms=now_ms,
        updated_at_ms=now_ms,
    )


def place_of(cursor: str) -> Place:
    """Where a task stands."""
    application_id, _, message_id = cursor.partition("/")
    return Place(application_id, message_id)


def cursor_of(place: Place) -> str:
    """The same as a cursor."""
    return f"{place.application_id}/{place.message_id}"


def read(result: str, kind: type[R]) -> R:
    """What a task has found so far; of one that has just begun, nothing."""
    return msgspec.json.decode(result, type=kind) if result else kind()


def written(result: Struct) -> str:
    """The same as a result."""
    return _ENCODER.encode(result).decode()


def counted(before: AppStats, application: Application, count: int) -> AppStats:
    """With so many more of an application, which is the last one where there were some of it before."""
    earlier = before.app_stats
    if earlier and earlier[-1].app_id == application.id:
        count += earlier[-1].message_destinations
        earlier = earlier[:-1]
    new = AppStat(app_id=application.id, app_uid=application.uid or None, message_destinations=count)
    return AppStats(app_stats=(*earlier, new))


def uses_of(application: Application, endpoints: Iterable[Endpoint]) -> AppUse:
    """What an application's endpoints ask for, switched on or not."""
    asked = [it.event_types for it in endpoints]
    return AppUse(
        app_id=application.id,
        explicitly_subscribed_event_types=tuple(sorted(frozenset().union(*asked))),
        has_catch_all_endpoint=any(not it for it in asked),
    )


def still_asked(applications: Sequence[Application], place: Place) -> list[Application]:
    """Those that are not counted yet, in the order of the walk."""
    begun = place.application_id if place.message_id else ""
    ordered = sorted(applications, key=lambda it: it.id)
    return [it for it in ordered if it.id > place.application_id or it.id == begun]
