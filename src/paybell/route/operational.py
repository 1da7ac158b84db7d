"""Decide who hears of what happens to endpoints and deliveries, and write it down in Svix's shape: pure."""

from collections.abc import Iterable, Mapping

import msgspec

from paybell.model.delivery import Attempt
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.model.moment import rfc3339
from paybell.model.operational import operational_application_id
from paybell.ports import Occurrence, Routed
from paybell.route.rules import Mint, deliver_to, wants


def route_occurrence(occurrence: Occurrence, endpoints: Iterable[Endpoint], mint: Mint) -> Routed:
    """One message for the operational endpoints that want it, none where nobody does."""
    takers = [it for it in endpoints if wants(it, occurrence.event_type)]
    if not takers:
        return Routed(messages=(), deliveries=())
    organisation_id = occurrence.endpoint.organisation_id
    message = Message(
        id=mint.new_id("msg"),
        organisation_id=organisation_id,
        application_id=operational_application_id(organisation_id),
        event_type=occurrence.event_type,
        event_id=f"{occurrence.event_type}.{occurrence.key}",
        payload=_payload(occurrence, mint.now_ms),
        payment_id="",
        created_at_ms=mint.now_ms,
    )
    return Routed(messages=(message,), deliveries=tuple(deliver_to(it, message, mint) for it in takers))


def _payload(it: Occurrence, now_ms: int) -> bytes:
    about = {"appId": it.endpoint.application_id, "appUid": it.application_uid or None, "endpointId": it.endpoint.id}
    told = _of_endpoint(it) if it.attempt is None else _of_attempt(it.attempt, it.message_event_id)
    return msgspec.json.encode({"type": it.event_type, "timestamp": rfc3339(now_ms), "data": {**about, **told}})


def _of_endpoint(it: Occurrence) -> Mapping[str, object]:
    times = {"failSince": it.failing_since_ms, "disabledFrom": it.disabled_from_ms}
    shown = {name: rfc3339(at_ms) for name, at_ms in times.items() if at_ms}
    return {"endpointUid": it.endpoint.uid or None, **shown, **({"reason": it.reason} if it.reason else {})}


def _of_attempt(attempt: Attempt, message_event_id: str) -> Mapping[str, object]:
    last = {
        "id": attempt.id,
        "responseStatusCode": attempt.status_code,
        "timestamp": rfc3339(attempt.started_at_ms),
    }
    return {"msgId": attempt.message_id, "msgEventId": message_event_id or None, "lastAttempt": last}
