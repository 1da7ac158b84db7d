"""`decide`: the same outcome however the notifications were batched; what may not be recorded is set aside."""

import json
import random
from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paybell.model.fact import Fact, Kind
from paybell.model.money import EXPONENTS
from paybell.model.notification import NotificationState
from paybell.ports import Reading
from paybell.record.ids import subject_id
from paybell.record.rules import judge
from paybell.testing.builders import endpoint, fact, notification, reading
from paybell.testing.fake_clock import START_MS
from tests.unit.desk import Ledger
from tests.unit.scenarios import AUTHORIZED, CAPTURED, CREATED, SCENARIOS

ENDPOINTS = (
    endpoint(id="ep_1", application_id="app_1"),
    endpoint(id="ep_2", application_id="app_2", event_types=frozenset({"payment.updated"})),
    endpoint(id="ep_3", application_id="app_2", event_types=frozenset({"payment.completed", "refund.completed"})),
    endpoint(id="ep_4", application_id="app_3", disabled=True),
)


def shuffled_log(seed: int) -> list[Reading]:
    """Facts of some scenarios, each as a payment of its own, mixed and with duplicates."""
    chance = random.Random(seed)
    them = [
        (f"pi_{number}", each) for number, scenario in enumerate(chance.sample(SCENARIOS, 6)) for each in scenario.facts
    ]
    them += chance.sample(them, len(them) // 3)
    chance.shuffle(them)
    return [reading(moved(each, payment), number=number) for number, (payment, each) in enumerate(them, start=1)]


def moved(each: Fact, payment: str) -> Fact:
    return fact(
        each.kind,
        each.ref,
        each.amount_minor,
        (each.at_ms - START_MS) // 1000,
        aggregate=payment,
        detail=each.detail,
        currency=each.currency,
    )


def told(ledger: Ledger) -> object:
    """All that was decided, without the ids and times that chance gives."""
    payments = {key: known.payment for key, known in ledger.known.items()}
    messages = {(it.application_id, it.event_type, it.event_id, it.payload.split(b",", 1)[1]) for it in ledger.messages}
    facts = {(it.subject_id, it.digest, it.notification_id) for it in ledger.new_facts}
    return payments, facts, messages, {(it.notification_id, it.state) for it in ledger.outcomes}


def in_batches(log: list[Reading], size: int) -> Iterable[list[Reading]]:
    return (log[start : start + size] for start in range(0, len(log), size))


@given(st.integers(0, 10_000), st.integers(2, 60))
def test_batches_change_nothing(seed: int, size: int) -> None:
    log = shuffled_log(seed)
    one_by_one, batched = Ledger(*ENDPOINTS), Ledger(*ENDPOINTS)
    for each in log:
        one_by_one.take_all([each])
    for batch in in_batches(log, size):
        batched.take_all(batch)
    assert told(one_by_one) == told(batched)
    assert one_by_one.messages


@given(st.integers(0, 10_000))
def test_the_same_log_again_changes_nothing(seed: int) -> None:
    log, ledger = shuffled_log(seed), Ledger(*ENDPOINTS)
    ledger.take_all(log)
    changes = ledger.take_all(log)
    assert (changes.facts, changes.payments, changes.messages, changes.deliveries) == ((), (), (), ())
    assert len(changes.outcomes) == len(log)


@given(st.integers(0, 10_000))
def test_an_event_id_names_one_message_of_an_application(seed: int) -> None:
    ledger = Ledger(*ENDPOINTS)
    for each in shuffled_log(seed):
        ledger.take_all([each])
    events = [(it.application_id, it.event_id) for it in ledger.messages]
    assert len(events) == len(set(events))
    assert len({it.id for it in ledger.messages}) == len(events)


def test_a_completed_payment_is_told_once_whatever_came_after() -> None:
    ledger = Ledger(endpoint())
    refund = fact(Kind.REFUND_SUCCEEDED, "re_1", 10_000, 3)
    undone = fact(Kind.REFUND_FAILED, "re_1", 10_000, 4)
    for each in (
        CREATED,
        AUTHORIZED,
        CAPTURED,
        fact(Kind.FAILED, "ch_0", 1, 1, detail={"failure_code": "declined"}),
        refund,
        undone,
        CAPTURED,
    ):
        ledger.take(each)
    types = [it.event_type for it in ledger.messages]
    assert types == [
        "payment.created",
        "payment.authorized",
        "payment.completed",
        "payment.updated",  # the failed attempt's reason became known
        "refund.completed",
        "refund.failed",
    ]
    assert ledger.payment.state.status == "completed"


def test_the_fallback_is_for_those_who_get_nothing_more_special() -> None:
    both = frozenset({"payment.completed", "payment.updated"})
    ledger = Ledger(
        endpoint(id="ep_all"),
        endpoint(id="ep_both", event_types=both),
        endpoint(id="ep_updated", event_types=frozenset({"payment.updated"})),
        endpoint(id="ep_refunds", event_types=frozenset({"refund.completed"})),
    )
    changes = ledger.take(CAPTURED)
    by_type = {it.id: it.event_type for it in changes.messages}
    got = sorted((it.endpoint_id, by_type[it.message_id]) for it in changes.deliveries)
    assert got == [
        ("ep_all", "payment.completed"),
        ("ep_both", "payment.completed"),
        ("ep_updated", "payment.updated"),
    ]


def test_what_nobody_can_see_is_told_to_nobody() -> None:
    ledger = Ledger(endpoint())
    ledger.take(CAPTURED)
    before = len(ledger.messages)
    ledger.take(fact(Kind.LINK, "order_1", None, 9))
    assert (len(ledger.messages), ledger.payment.state.version) == (before, 2)


@pytest.mark.parametrize(
    ("given_reading", "state", "reason"),
    [
        (reading(CAPTURED), NotificationState.RECORDED, ""),
        (reading(CAPTURED, livemode=True), NotificationState.RECORDED, ""),
        (reading(CAPTURED, livemode=False), NotificationState.PARKED, "a test event at the live source shop"),
        (reading(reason="says nothing of money"), NotificationState.UNMAPPED, "says nothing of money"),
        (reading(), NotificationState.UNMAPPED, "says nothing about a payment"),
        (reading(CAPTURED, error="not JSON"), NotificationState.PARKED, "not JSON"),
    ],
)
def test_what_becomes_of_a_reading(given_reading: Reading, state: NotificationState, reason: str) -> None:
    outcome = judge(given_reading)
    assert outcome.state is state
    assert reason in outcome.reason
    ledger = Ledger(endpoint())
    changes = ledger.take_all([given_reading, reading(CREATED, number=2)])
    assert [it.state for it in changes.outcomes] == [state, NotificationState.RECORDED]
    assert bool(len(changes.facts) - 1) == (state is NotificationState.RECORDED)


def test_one_notification_about_two_payments_moves_both() -> None:
    ledger = Ledger(endpoint())
    changes = ledger.take(CAPTURED, fact(Kind.CAPTURED, "ch_2", 500, 2, aggregate="pi_2"))
    assert {it.gateway_payment_id: it.state.captured_minor for it in changes.payments} == {"pi_1": 10_000, "pi_2": 500}


def test_a_payment_with_far_too_many_facts_is_parked() -> None:
    ledger = Ledger()
    ledger.take(*(fact(Kind.LINK, str(number), None, 1) for number in range(10_000)))
    changes = ledger.take(fact(Kind.LINK, "one-more", None, 1))
    assert [it.state for it in changes.outcomes] == [NotificationState.PARKED]
    assert "10000 facts" in changes.outcomes[0].reason


def test_payment_ids_sort_by_time_and_are_the_same_again() -> None:
    first, later = notification(1).id, notification(2).id
    assert subject_id("pay", "src_1 pi_b", first) < subject_id("pay", "src_1 pi_a", later)
    assert subject_id("pay", "src_1 pi_1", first) == subject_id("pay", "src_1 pi_1", first)
    others = {
        subject_id("pay", "src_1 pi_1", first),
        subject_id("pay", "src_2 pi_1", first),
        subject_id("cus", "src_1 pi_1", first),
    }
    assert len(others) == 3


@pytest.mark.parametrize(
    ("currency", "amount_minor", "written"),
    [
        ("USD", 10_000, "100.00"),
        ("JPY", 10_000, "10000"),
        ("KWD", 10_001, "10.001"),
        ("USD", 5, "0.05"),
        ("USD", 0, "0.00"),
    ],
)
def test_the_bytes_of_a_message(currency: str, amount_minor: int, written: str) -> None:
    ledger = Ledger(endpoint())
    detail = {"order_id": "ord_1", "customer_email": "a@shop.example"}
    ledger.take(
        fact(Kind.PAYMENT_CREATED, "", amount_minor, currency=currency, detail=detail),
        fact(Kind.CAPTURED, "c", amount_minor, currency=currency),
    )
    # nothing captured where the amount is 0, so the payment is only created
    status = "completed" if amount_minor else "created"
    (message,) = ledger.messages
    payment = ledger.payment
    assert message.payload.decode() == (
        f'{{"id":"{message.id}","event":"payment.{status}","timestamp":"2025-06-15T15:06:40.000Z","data":{{'
        f'"paymentId":"{payment.id}","orderId":"ord_1","status":"{status}","amount":{written},'
        f'"currency":"{currency}","amountMinor":{amount_minor},"authorizedMinor":{amount_minor},'
        f'"capturedMinor":{amount_minor},"refundedMinor":0,"version":2,"gateway":"generic",'
        '"gatewayPaymentId":"pi_1","customer":{"email":"a@shop.example"},"failure":null,"livemode":true}}'
    )


@given(st.integers(0, 10**15), st.sampled_from(sorted(EXPONENTS)))
def test_an_amount_is_exact_in_every_currency(amount_minor: int, currency: str) -> None:
    ledger = Ledger(endpoint())
    ledger.take(fact(Kind.CAPTURED, "c", amount_minor, currency=currency))
    data = json.loads(ledger.messages[0].payload, parse_float=Decimal)["data"]
    assert Decimal(data["amount"]).scaleb(EXPONENTS[currency]) == amount_minor
    assert data["amountMinor"] == amount_minor
