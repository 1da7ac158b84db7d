"""What happens to endpoints and deliveries, shared by the stores: who would hear of it, and of what."""

from msgspec.structs import replace

from paybell.model.endpoint import Endpoint
from paybell.model.operational import (
    ATTEMPT_RECOVERED,
    ENDPOINT_CREATED,
    ENDPOINT_DELETED,
    ENDPOINT_DISABLED,
    ENDPOINT_FAILING,
    ENDPOINT_UPDATED,
    is_operational,
    operational_application_id,
)
from paybell.ports import AttemptNew, Occurrence, Routed
from paybell.store.directory import Directory
from paybell.store.isolation_rows import Spell

NOTHING = Routed(messages=(), deliveries=())


def to_nobody(_occurrence: Occurrence, _endpoints: tuple[Endpoint, ...]) -> Routed:
    """Where nothing was handed to the store that routes."""
    return NOTHING


def listeners(known: Directory, occurrence: Occurrence) -> tuple[Endpoint, ...]:
    """The operational endpoints that hear of its application; none where it is about one of them."""
    about = occurrence.endpoint.application_id
    if is_operational(about):
        return ()
    every = known.endpoints_by_application.get(operational_application_id(occurrence.endpoint.organisation_id), ())
    return tuple(it for it in every if not it.options.applications or about in it.options.applications)


def created(known: Directory, endpoint: Endpoint) -> Occurrence:
    """An endpoint was added."""
    return _of(known, endpoint, ENDPOINT_CREATED, endpoint.id)


def updated(known: Directory, endpoint: Endpoint) -> Occurrence:
    """An endpoint was changed; twice within a millisecond is once."""
    return _of(known, endpoint, ENDPOINT_UPDATED, f"{endpoint.id}.{endpoint.updated_at_ms}")


def deleted(known: Directory, endpoint_id: str) -> tuple[Occurrence, ...]:
    """An endpoint was deleted."""
    endpoint = known.endpoints.get(endpoint_id)
    return () if endpoint is None else (_of(known, endpoint, ENDPOINT_DELETED, endpoint.id),)


def may_tell(new: AttemptNew) -> bool:
    """Whether there may be anything to tell of an attempt: nothing is of one that was taken at once."""
    return bool(new.event_type) or not new.attempt.delivered


def attempted(known: Directory, new: AttemptNew, spell: Spell | None) -> tuple[Occurrence, ...]:
    """What an attempt tells of its message, and of its endpoint, whose attempts may have failed for long."""
    endpoint = known.endpoints.get(new.attempt.endpoint_id)
    if endpoint is None:
        return ()
    of_message = _of(known, endpoint, new.event_type, new.attempt.id)
    told = [replace(of_message, attempt=new.attempt)] if new.event_type else []
    return (*told, *_of_spell(known, endpoint, new, spell or Spell()))


def _of_spell(known: Directory, endpoint: Endpoint, new: AttemptNew, spell: Spell) -> tuple[Occurrence, ...]:
    since_ms = spell.since_ms or new.attempt.started_at_ms
    is_long = 0 < spell.since_ms <= new.warning_since_max_ms
    if new.attempt.delivered or not (spell.reason or is_long):
        return ()
    event_type = ENDPOINT_DISABLED if spell.reason else ENDPOINT_FAILING
    left_ms = 0 if spell.reason else since_ms - new.failing_since_max_ms
    fails = replace(
        _of(known, endpoint, event_type, f"{endpoint.id}.{since_ms}"), failing_since_ms=since_ms, reason=spell.reason
    )
    return (replace(fails, disabled_from_ms=new.attempt.started_at_ms + left_ms) if left_ms else fails,)


def attempt_before(it: Occurrence) -> tuple[str, str, int] | None:
    """Which attempt must not have been taken for it to be news; None where it is anyhow."""
    if it.attempt is None or it.event_type != ATTEMPT_RECOVERED:
        return None
    return it.attempt.message_id, it.attempt.endpoint_id, it.attempt.attempt_no - 1


def _of(known: Directory, endpoint: Endpoint, event_type: str, key: str) -> Occurrence:
    application = known.applications_by_name.get((endpoint.organisation_id, endpoint.application_id))
    uid = "" if application is None else application.uid
    return Occurrence(event_type=event_type, key=key, endpoint=endpoint, application_uid=uid)
