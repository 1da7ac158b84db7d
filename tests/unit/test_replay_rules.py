"""Which messages a replay is about."""

import pytest

from paybell.clock import time_of
from paybell.errors import ConfigurationError
from paybell.model.delivery import DeliveryState, Standing
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.model.task import Asked, TaskKind
from paybell.ports import Candidate
from paybell.replay.rules import RANGE_MAX_MS, Wishes, check_range, job_of, pick
from paybell.testing.builders import endpoint, message

NOW_MS = 10 * RANGE_MAX_MS
ASKED = Asked(since_ms=0, until_ms=NOW_MS)
RECOVER, MISSING, BULK = TaskKind.RECOVER, TaskKind.REPLAY_MISSING, TaskKind.BULK_REPLAY
STATES = (None, *DeliveryState)


def wants_all(_endpoint: Endpoint, _it: Message | str) -> bool:
    return True


def wants_none(_endpoint: Endpoint, _it: Message | str) -> bool:
    return False


def candidate(state: DeliveryState | None, **changes: object) -> Candidate:
    told = message(1, **changes)
    return Candidate(
        message=told,
        delivery_id="dlv_1" if state else "",
        state=state,
        attempt_count=1,
        status_code=503,
        beside=frozenset(),
    )


@pytest.mark.parametrize(
    ("kind", "again", "first", "skipped"),
    [
        (RECOVER, {DeliveryState.DEAD}, set(), set()),
        (MISSING, set(), {None}, set()),
        (BULK, {DeliveryState.DUE, DeliveryState.DELIVERED, DeliveryState.DEAD}, set(), {DeliveryState.LEASED}),
    ],
)
def test_each_kind_is_about_its_own_states(
    kind: TaskKind, again: set[DeliveryState], first: set[None], skipped: set[DeliveryState]
) -> None:
    wishes = Wishes(wants_all, wants_all)
    for state in STATES:
        picked = pick(kind, ASKED, endpoint(), [candidate(state)], wishes)
        assert (bool(picked.again), bool(picked.first), picked.skipped) == (
            state in again,
            state in first,
            int(state in skipped),
        )


@pytest.mark.parametrize(
    ("kind", "state"), [(RECOVER, DeliveryState.DEAD), (MISSING, None), (BULK, DeliveryState.DEAD)]
)
def test_a_message_whose_payload_is_gone_is_skipped(kind: TaskKind, state: DeliveryState | None) -> None:
    picked = pick(kind, ASKED, endpoint(), [candidate(state, payload=b"")], Wishes(wants_all, wants_all))
    assert (picked.again, picked.first, picked.skipped) == ((), (), 1)


def test_what_an_endpoint_does_not_want_is_not_missing() -> None:
    assert pick(MISSING, ASKED, endpoint(), [candidate(None)], Wishes(wants_none, wants_none)).first == ()


@pytest.mark.parametrize(
    ("asked", "is_meant"),
    [
        (Asked(since_ms=0, until_ms=1, event_types=frozenset({"payment.completed"})), True),
        (Asked(since_ms=0, until_ms=1, event_types=frozenset({"other"})), False),
        (Asked(since_ms=0, until_ms=1, channel="a"), True),
        (Asked(since_ms=0, until_ms=1, channel="b"), False),
        (Asked(since_ms=0, until_ms=1, tag="t"), True),
        (Asked(since_ms=0, until_ms=1, tag="u"), False),
        (Asked(since_ms=0, until_ms=1, standing=Standing.FAIL), True),
        (Asked(since_ms=0, until_ms=1, standing=Standing.SUCCESS), False),
        (Asked(since_ms=0, until_ms=1, status_class=500), True),
        (Asked(since_ms=0, until_ms=1, status_class=0), False),
    ],
)
def test_a_bulk_replay_is_narrowed(asked: Asked, is_meant: bool) -> None:  # noqa: FBT001
    found = [candidate(DeliveryState.DEAD, channels=frozenset({"a"}), tags=("t",))]
    assert bool(pick(BULK, asked, endpoint(), found, Wishes(wants_none, wants_none)).again) is is_meant


@pytest.mark.parametrize(
    ("since_ms", "until_ms", "told"),
    [
        (NOW_MS - 1, NOW_MS + 1, "future"),
        (NOW_MS, NOW_MS, "before until"),
        (NOW_MS - 1, NOW_MS - 2, "before until"),
        (NOW_MS - RANGE_MAX_MS - 1, NOW_MS, "90 days"),
    ],
)
def test_a_range_that_nobody_can_mean_is_refused(since_ms: int, until_ms: int, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_range(Asked(since_ms=since_ms, until_ms=until_ms), now_ms=NOW_MS)


def test_the_longest_range_is_taken() -> None:
    check_range(Asked(since_ms=NOW_MS - RANGE_MAX_MS, until_ms=NOW_MS), now_ms=NOW_MS)


def test_a_delivery_that_is_added_later_has_its_messages_time_and_an_id_of_its_own() -> None:
    told, made = message(7), "dlv_" + "f" * 12 + "0123456789abcdef0123"
    job = job_of(told, endpoint(), new_id=made, now_ms=NOW_MS)
    assert time_of(job.id) == time_of(told.id)
    assert job.id.endswith("0123456789abcdef0123")
    assert len(job.id) == len(made)
    assert (job.due_at_ms, job.resent_at_count, job.scheduled_count) == (NOW_MS, 0, 0)
