"""What an organisation hears of its own endpoints and deliveries."""

import json
from typing import Any

import jsonschema_rs
import pytest
from msgspec.structs import replace

from paybell.deliver.rules import FAILING_COUNT, RETRY_DELAYS_S, Verdict, tidings
from paybell.model.delivery import DeliveryState
from paybell.model.moment import rfc3339
from paybell.model.operational import (
    ATTEMPT_EXHAUSTED,
    ATTEMPT_FAILING,
    ATTEMPT_RECOVERED,
    ENDPOINT_DISABLED,
    ENDPOINT_FAILING,
    OPERATIONAL_EVENT_TYPES,
    is_operational,
    operational_application_id,
)
from paybell.ports import Occurrence
from paybell.route.operational import route_occurrence
from paybell.route.rules import Mint
from paybell.testing.builders import attempt, delivery, endpoint, message
from paybell.testing.fake_clock import START_MS, FakeClock
from paybell.web.api.webhook_schemas import schema_of

LAST = len(RETRY_DELAYS_S) + 1
DAY_MS = 86_400_000
DELIVERED, DUE, DEAD = DeliveryState.DELIVERED, DeliveryState.DUE, DeliveryState.DEAD
OPERATIONAL = operational_application_id("org_1")


@pytest.mark.parametrize(
    ("state", "attempt_count", "attempt_no", "expected"),
    [
        (DELIVERED, 1, 1, ""),
        (DELIVERED, FAILING_COUNT, FAILING_COUNT, ""),
        (DELIVERED, FAILING_COUNT + 1, FAILING_COUNT + 1, ATTEMPT_RECOVERED),
        (DELIVERED, 1, LAST + 1, ATTEMPT_RECOVERED),
        (DUE, 1, 1, ""),
        (DUE, FAILING_COUNT - 1, FAILING_COUNT - 1, ""),
        (DUE, FAILING_COUNT, FAILING_COUNT, ATTEMPT_FAILING),
        (DUE, FAILING_COUNT + 1, FAILING_COUNT + 1, ""),
        (DUE, 1, FAILING_COUNT, ""),
        (DUE, FAILING_COUNT, LAST + FAILING_COUNT, ATTEMPT_FAILING),
        (DEAD, 1, 1, ATTEMPT_EXHAUSTED),
        (DEAD, LAST, LAST, ATTEMPT_EXHAUSTED),
    ],
)
def test_a_message_is_told_of_at_its_fourth_failure_its_last_and_when_it_is_taken_after_all(
    state: DeliveryState, attempt_count: int, attempt_no: int, expected: str
) -> None:
    assert tidings(Verdict(state=state), attempt_count=attempt_count, attempt_no=attempt_no) == expected


def test_where_fewer_are_tried_than_four_it_is_taken_after_all_from_the_try_after_the_last() -> None:
    delivered = Verdict(state=DELIVERED)
    assert tidings(delivered, attempt_count=2, attempt_no=2, delays_s=(5,)) == ""
    assert tidings(delivered, attempt_count=1, attempt_no=3, delays_s=(5,)) == ATTEMPT_RECOVERED


def test_the_application_of_operational_endpoints_is_one_for_each_organisation() -> None:
    assert is_operational(OPERATIONAL)
    assert not is_operational("app_1")
    assert operational_application_id("org_2") != OPERATIONAL


def occurrence(event_type: str, **changes: Any) -> Occurrence:
    plain = Occurrence(event_type=event_type, key="k", endpoint=endpoint(uid="hook"), application_uid="shop")
    return replace(plain, **changes)


def listener(number: int, *event_types: str, **changes: Any) -> Any:
    return endpoint(id=f"ep_{number}", application_id=OPERATIONAL, event_types=frozenset(event_types), **changes)


def mint() -> Mint:
    return Mint(new_id=FakeClock().new_id, has_room=lambda _: False, now_ms=START_MS, lease_ends_at_ms=0)


def body(it: Occurrence) -> Any:
    (told,) = route_occurrence(it, [listener(1)], mint()).messages
    return json.loads(told.payload)


def test_those_hear_of_it_who_want_to_by_one_message() -> None:
    listeners = [
        listener(1),
        listener(2, ENDPOINT_FAILING),
        listener(3, ENDPOINT_DISABLED),
        listener(4, disabled=True),
    ]
    routed = route_occurrence(occurrence(ENDPOINT_DISABLED), listeners, mint())
    (told,) = routed.messages
    assert (told.application_id, told.event_type, told.event_id) == (
        OPERATIONAL,
        ENDPOINT_DISABLED,
        "endpoint.disabled.k",
    )
    assert [(it.endpoint_id, it.message_id, it.lease_no) for it in routed.deliveries] == [
        ("ep_1", told.id, 0),
        ("ep_3", told.id, 0),
    ]
    assert route_occurrence(occurrence(ENDPOINT_DISABLED), listeners[1:2], mint()).messages == ()


def test_of_an_endpoint_it_says_which_and_since_when_it_fails() -> None:
    told = body(occurrence(ENDPOINT_FAILING, failing_since_ms=START_MS, disabled_from_ms=START_MS + 5 * DAY_MS))
    assert told["type"] == ENDPOINT_FAILING
    times = (told["data"].pop("failSince"), told["data"].pop("disabledFrom"))
    assert times == (rfc3339(START_MS), rfc3339(START_MS + 5 * DAY_MS))
    assert told["data"] == {"appId": "app_1", "appUid": "shop", "endpointId": "ep_1", "endpointUid": "hook"}


def test_of_a_message_it_says_which_and_how_its_last_attempt_went() -> None:
    tried = attempt(delivery(message()), status_code=503, delivered=False)
    told = body(occurrence(ATTEMPT_EXHAUSTED, attempt=tried, message_event_id="ev-1", application_uid=""))
    last = told["data"].pop("lastAttempt")
    assert last == {"id": tried.id, "responseStatusCode": 503, "timestamp": rfc3339(START_MS)}
    assert told["data"] == {
        "appId": "app_1",
        "appUid": None,
        "endpointId": "ep_1",
        "msgId": tried.message_id,
        "msgEventId": "ev-1",
    }


def test_what_is_told_has_the_form_that_the_document_of_the_api_shows() -> None:
    tried = attempt(delivery(message()), status_code=503, delivered=False)
    wholly = {"failing_since_ms": START_MS, "disabled_from_ms": START_MS + 1, "reason": "it answered 410"}
    for name in OPERATIONAL_EVENT_TYPES:
        of_message: list[dict[str, Any]] = [{"attempt": tried, "message_event_id": "ev"}, {"attempt": tried}]
        for given in of_message if name.startswith("message.") else [{}, wholly]:
            told = body(occurrence(name, **given))
            validator = jsonschema_rs.validator_for(json.dumps(schema_of(name)))
            assert [it.message for it in validator.iter_errors(told)] == [], name
            assert not validator.is_valid({**told, "type": "endpoint.unknown"})
