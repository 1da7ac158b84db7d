"""Decide which messages a task sends once more. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, assert_never

from msgspec import Struct

from paybell.errors import ConfigurationError
from paybell.model.delivery import DeliveryJob, DeliveryState, standing_of
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.model.task import Asked, Task, TaskKind, TaskState
from paybell.ports import Candidate, Moves

RANGE_MAX_MS: Final = 90 * 86_400_000
"""How long a range may be: three months, as long as messages are kept where nothing else is set."""
_TIME_END: Final = len("msg_") + 12
_CLASS: Final = 100


class Wishes(Struct, frozen=True):
    """What an endpoint wants: whether a message, and whether an event type at all."""

    message: Callable[[Endpoint, Message], bool]
    event_type: Callable[[Endpoint, str], bool]


class Picked(Struct, frozen=True):
    """What is sent once more, what for the first time, and how many of those asked for are not to be sent now."""

    again: tuple[Candidate, ...]
    first: tuple[Candidate, ...]
    skipped: int


def check_range(asked: Asked, *, now_ms: int) -> None:
    """Refuse a range that nobody can mean, with ``ConfigurationError``."""
    if asked.until_ms > now_ms:
        raise ConfigurationError("until lies in the future: leave it out to mean now")
    if asked.since_ms >= asked.until_ms:
        raise ConfigurationError("since must lie before until, and in the past")
    if asked.until_ms - asked.since_ms > RANGE_MAX_MS:
        raise ConfigurationError("a range has 90 days at most: ask for its parts one after the other")


def pick(kind: TaskKind, asked: Asked, endpoint: Endpoint, found: Sequence[Candidate], wishes: Wishes) -> Picked:
    """Choose among the messages of the range."""
    wanted = [it for it in found if _is_meant(kind, asked, endpoint, it, wishes)]
    ready = [it for it in wanted if it.state is not DeliveryState.LEASED and it.message.payload]
    return Picked(
        again=tuple(it for it in ready if it.state is not None),
        first=tuple(it for it in ready if it.state is None),
        skipped=len(wanted) - len(ready),
    )


def moves(
    task: Task, picked: Picked, found: Sequence[Candidate], *, limit: int, jobs: tuple[DeliveryJob, ...]
) -> Moves:
    """A step that deals with all it looked at; it is the last where fewer than it asked for were left."""
    return Moves(
        resent=tuple(it.delivery_id for it in picked.again),
        added=jobs,
        skipped=picked.skipped,
        cursor=found[-1].message.id if found else task.cursor,
        state=TaskState.RUNNING if len(found) == limit else TaskState.FINISHED,
    )


def job_of(message: Message, endpoint: Endpoint, *, new_id: str, now_ms: int) -> DeliveryJob:
    """A delivery of a message that is not new, due at once, unless it was to be sent later.

    Its id begins with the message's time: what is kept by time is kept, and dropped, together.
    """
    prefix = new_id.partition("_")[0]
    made = new_id[len(prefix) + 1 + _TIME_END - len("msg_") :]
    return DeliveryJob(
        id=f"{prefix}_{message.id[len('msg_') : _TIME_END]}{made}",
        message_id=message.id,
        endpoint_id=endpoint.id,
        application_id=message.application_id,
        organisation_id=message.organisation_id,
        event_type=message.event_type,
        payload=message.payload,
        told_at_ms=message.created_at_ms,
        trace=message.trace,
        attempt_count=0,
        lease_no=0,
        lease_ends_at_ms=0,
        due_at_ms=max(now_ms, message.deliver_at_ms),
        resent_at_count=0,
    )


def _is_meant(kind: TaskKind, asked: Asked, endpoint: Endpoint, it: Candidate, wishes: Wishes) -> bool:
    match kind:
        case TaskKind.RECOVER:
            return it.state is DeliveryState.DEAD and _is_to_recover(asked, it)
        case TaskKind.REPLAY_MISSING:
            return it.state is None and _is_missing(endpoint, it, wishes)
        case TaskKind.BULK_REPLAY:
            return it.state is not None and _is_asked_for(asked, it.state, it)
        case TaskKind.APPLICATION_STATS | TaskKind.EVENT_TYPE_AGGREGATE | TaskKind.PURGE_CONTENT:
            return False
        case _:
            assert_never(kind)


def _is_missing(endpoint: Endpoint, it: Candidate, wishes: Wishes) -> bool:
    """Wanted, and no fallback of a change of which the endpoint wants something more special."""
    if any(wishes.event_type(endpoint, beside) for beside in it.beside):
        return False
    return wishes.message(endpoint, it.message)


def _is_to_recover(asked: Asked, it: Candidate) -> bool:
    if asked.event_types and it.message.event_type not in asked.event_types:
        return False
    return not asked.reasons or it.dead_reason in asked.reasons


def _is_asked_for(asked: Asked, state: DeliveryState, it: Candidate) -> bool:
    if asked.event_types and it.message.event_type not in asked.event_types:
        return False
    if asked.channel and asked.channel not in it.message.channels:
        return False
    if asked.tag and asked.tag not in it.message.tags:
        return False
    if asked.standing is not None and standing_of(state, tried=it.attempt_count > 0) is not asked.standing:
        return False
    if asked.status_class is None:
        return True
    return it.status_code is not None and it.status_code // _CLASS * _CLASS == asked.status_class
