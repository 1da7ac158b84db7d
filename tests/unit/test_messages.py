"""Which event types a change calls for."""

import json

import pytest

from paybell.model.fact import Fact, Kind
from paybell.model.message import EVENT_TYPES
from paybell.model.moment import rfc3339
from paybell.model.payment import DisputeStatus, PaymentStatus, RefundStatus
from paybell.record.messages import _OF_DISPUTE, _OF_REFUND, _OF_STATUS, FALLBACK, MISMATCH, transitions
from paybell.record.projection import project
from paybell.testing.builders import endpoint, fact
from tests.unit.desk import Ledger
from tests.unit.scenarios import AUTHORIZED, CAPTURED, CREATED, dispute

PENDING = fact(Kind.REFUND_PENDING, "re_1", 4_000, 5)
REFUNDED = fact(Kind.REFUND_SUCCEEDED, "re_1", 4_000, 6)
UNDONE = fact(Kind.REFUND_FAILED, "re_1", 4_000, 7)
FIRST_OF_TWO = fact(Kind.CAPTURED, "cap_1", 6_000, 2)

CHANGES: list[tuple[tuple[Fact, ...], tuple[Fact, ...], tuple[str, ...]]] = [
    ((), (CREATED,), ("payment.created",)),
    ((), (CREATED, CAPTURED), ("payment.completed",)),
    ((CREATED,), (AUTHORIZED,), ("payment.authorized",)),
    ((CREATED,), (fact(Kind.PROCESSING, "", None, 1),), ("payment.processing",)),
    ((CREATED,), (fact(Kind.REQUIRES_ACTION, "", None, 1),), ("payment.requires_action",)),
    ((CREATED,), (fact(Kind.FAILED, "ch_1", None, 1),), ("payment.failed",)),
    ((CREATED,), (fact(Kind.CANCELED, "", None, 1),), ("payment.canceled",)),
    ((CREATED,), (fact(Kind.EXPIRED, "", None, 1),), ("payment.expired",)),
    ((AUTHORIZED,), (FIRST_OF_TWO,), ()),
    ((AUTHORIZED, FIRST_OF_TWO), (fact(Kind.CAPTURED, "cap_2", 4_000, 3),), ("payment.completed",)),
    ((CAPTURED,), (PENDING,), ("refund.created",)),
    ((CAPTURED, PENDING), (REFUNDED,), ("refund.completed",)),
    ((CAPTURED,), (REFUNDED,), ("refund.completed",)),
    ((CAPTURED, PENDING), (UNDONE,), ("refund.failed",)),
    ((CAPTURED, REFUNDED), (UNDONE,), ("refund.failed",)),
    ((CAPTURED,), (dispute("dp_1", "open", 9),), ("dispute.opened",)),
    ((CAPTURED,), (dispute("dp_1", "warning", 9),), ()),
    ((CAPTURED, dispute("dp_1", "open", 9)), (dispute("dp_1", "won", 10),), ("dispute.won",)),
    ((CAPTURED, dispute("dp_1", "open", 9)), (dispute("dp_1", "lost", 10),), ("dispute.lost",)),
    ((CAPTURED, dispute("dp_1", "open", 9)), (dispute("dp_1", "closed", 10),), ("dispute.closed",)),
    ((CAPTURED,), (fact(Kind.CAPTURE_REVERSED, "ch_1", None, 9),), ("payment.failed",)),
    ((CREATED,), (CAPTURED, REFUNDED), ("payment.completed", "refund.completed")),
]


@pytest.mark.parametrize(("before", "new", "expected"), CHANGES)
def test_a_change_calls_for(before: tuple[Fact, ...], new: tuple[Fact, ...], expected: tuple[str, ...]) -> None:
    told = transitions(project(before) if before else None, project([*before, *new]))
    assert tuple(it.event_type for it in told) == (*expected, FALLBACK)


def test_a_change_nobody_sees_calls_for_nothing() -> None:
    assert transitions(project([CAPTURED]), project([CAPTURED, fact(Kind.LINK, "order_1", None, 99)])) == ()


def test_two_refunds_of_one_change_are_two_things_to_tell() -> None:
    more = (REFUNDED, fact(Kind.REFUND_SUCCEEDED, "re_2", 1_000, 6))
    told = transitions(project([CAPTURED]), project([CAPTURED, *more]))
    assert [(it.event_type, it.ref) for it in told[:-1]] == [("refund.completed", "re_1"), ("refund.completed", "re_2")]


def test_every_event_type_is_known_and_every_status_is_told() -> None:
    tables = (*_OF_STATUS.values(), *_OF_REFUND.values(), *_OF_DISPUTE.values(), MISMATCH, FALLBACK)
    of_payments = {it for it in EVENT_TYPES if it.startswith(("payment.", "refund.", "dispute."))}
    assert set(tables) == of_payments
    told_by_their_own = {"partially_captured", "partially_refunded", "refunded", "disputed", "charged_back"}
    assert {str(it) for it in set(PaymentStatus) - _OF_STATUS.keys()} == told_by_their_own
    assert set(_OF_REFUND) == set(RefundStatus)
    assert set(DisputeStatus) - _OF_DISPUTE.keys() == {DisputeStatus.WARNING}


def test_a_refund_and_a_dispute_are_described_in_their_message() -> None:
    ledger = Ledger(endpoint())
    ledger.take(CAPTURED)
    ledger.take(REFUNDED)
    ledger.take(dispute("dp_1", "open", 9))
    payment, refund, opened = (json.loads(it.payload)["data"] for it in ledger.messages)
    assert "refund" not in payment
    assert "dispute" not in payment
    assert refund["refund"] == {
        "gatewayRefundId": "re_1",
        "status": "completed",
        "amount": 40.0,
        "amountMinor": 4_000,
    }
    assert opened["dispute"]["gatewayDisputeId"] == "dp_1"
    assert (refund["status"], refund["refundedMinor"], refund["version"]) == ("partially_refunded", 4_000, 2)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_719_400_087_999, "2024-06-26T11:08:07.999Z"),
        (1_719_400_087_001, "2024-06-26T11:08:07.001Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(at_ms: int, text: str) -> None:
    assert rfc3339(at_ms) == text
