from typing import Any

import pytest

from paybell.errors import AmountError
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.payment import PaymentStatus
from paybell.record.projection import project
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

SECRET = "cfsk_example"
BODY = b'{"a":1.00}'
# Two by `openssl dgst -sha256 -hmac … -binary | base64`, over 1750000000{"a":1.00} and 1750000000000{"a":1.00}.
IN_SECONDS = (b"1750000000", b"w8oQc/r6WaqOQS6Jnuz9S+6kIl1QbUEDn2Sigc+hfyU=")
IN_MILLISECONDS = (b"1750000000000", b"dWr7uNG0SPpvlKHNKTImRAtw7fGRrEwFqi3Ywtyadh0=")
EVENT_MS = 1_750_000_060_000


def verdict(
    time: bytes | None, signature: bytes | None, *, body: bytes = BODY, off_s: int = 0, tolerance_s: int = 300
) -> Verdict:
    named = ((b"x-webhook-timestamp", time), (b"x-webhook-signature", signature))
    made = Request(body, tuple((name, value) for name, value in named if value is not None))
    kept = source("cashfree", secrets=(SECRET,), options={"toleranceSeconds": tolerance_s})
    return gateway("cashfree").verify(made, kept, NOW_MS + off_s * 1000)


def event(kind: str, data: object) -> dict[str, object]:
    return {"type": kind, "event_time": "2025-06-15T20:37:40+05:30", "data": data}


def payment(status: str = "SUCCESS", number: object = 77, **more: object) -> dict[str, object]:
    attempt = {
        "cf_payment_id": number,
        "payment_status": status,
        "payment_amount": 1.5,
        "payment_currency": "INR",
        "payment_time": "2025-06-15T20:36:40+05:30",
        "payment_message": "said so",
        "payment_group": "upi",
        **more,
    }
    order = {"order_id": "order_1", "order_amount": 2, "order_currency": "INR", "order_tags": None}
    who = {"customer_id": "cust_1", "customer_email": "pat@example.com", "customer_name": None}
    return event("PAYMENT_ANY_WEBHOOK", {"order": order, "payment": attempt, "customer_details": who})


def refund(status: str) -> dict[str, object]:
    own = {"cf_refund_id": 5, "cf_payment_id": 77, "order_id": "order_1", "refund_amount": 0.5}
    return event("REFUND_STATUS_WEBHOOK", {"refund": {**own, "refund_currency": "INR", "refund_status": status}})


def dispute(status: str) -> dict[str, object]:
    own = {"dispute_id": "9", "dispute_status": status, "dispute_amount": 1.5, "reason_description": "Not received"}
    order = {"order_id": "order_1", "order_currency": "INR", "cf_payment_id": 77}
    return event("DISPUTE_UPDATED", {"dispute": own, "order_details": order})


@pytest.mark.parametrize(("time", "signature"), [IN_SECONDS, IN_MILLISECONDS])
def test_known_answers_in_seconds_and_milliseconds(time: bytes, signature: bytes) -> None:
    assert isinstance(verdict(time, signature), Verified)
    for off_s, reason in ((301, RefusalReason.TIMESTAMP_TOO_OLD), (-301, RefusalReason.TIMESTAMP_IN_FUTURE)):
        refused = verdict(time, signature, off_s=off_s)
        assert isinstance(refused, Refused)
        assert refused.reason is reason
    assert isinstance(verdict(time, signature, off_s=301, tolerance_s=302), Verified)


@pytest.mark.parametrize(
    ("time", "signature", "body", "reason"),
    [
        (None, IN_SECONDS[1], BODY, RefusalReason.HEADER_MISSING),
        (IN_SECONDS[0], None, BODY, RefusalReason.HEADER_MISSING),
        (IN_SECONDS[0], b"c2hvcnQ=", BODY, RefusalReason.MALFORMED_SIGNATURE),
        (IN_SECONDS[0], IN_SECONDS[1], b'{"a":1}', RefusalReason.SIGNATURE_MISMATCH),
        (IN_MILLISECONDS[0], IN_SECONDS[1], BODY, RefusalReason.SIGNATURE_MISMATCH),
        (b"175000000", IN_SECONDS[1], b"0" + BODY, RefusalReason.MALFORMED_SIGNATURE),
    ],
    ids=["no time", "no signature", "short", "reformatted", "other time", "a digit moved from the time to the body"],
)
def test_why_it_is_refused(time: bytes | None, signature: bytes | None, body: bytes, reason: RefusalReason) -> None:
    refused = verdict(time, signature, body=body)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_order_is_the_payment_and_what_was_paid_may_be_less() -> None:
    parsed = parse("cashfree", payment())
    captured, created = only(parsed, Kind.CAPTURED), only(parsed, Kind.PAYMENT_CREATED)
    assert (captured.aggregate, captured.ref, captured.amount_minor) == ("order_1", "77", 150)
    assert captured.at_ms == EVENT_MS - 60_000
    assert created.amount_minor == 200
    assert created.detail == {
        "order_id": "order_1",
        "customer_id": "cust_1",
        "customer_email": "pat@example.com",
        "method": "upi",
    }


def test_an_id_is_the_same_as_number_and_as_text() -> None:
    assert parse("cashfree", payment(number="77")).facts == parse("cashfree", payment()).facts


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("FAILED", [Kind.PAYMENT_CREATED, Kind.FAILED]),
        ("USER_DROPPED", [Kind.PAYMENT_CREATED, Kind.FAILED]),
        ("PENDING", [Kind.PAYMENT_CREATED, Kind.PROCESSING]),
        ("NOT_ATTEMPTED", [Kind.PAYMENT_CREATED]),
        ("STRANGE", []),
    ],
)
def test_other_statuses(status: str, found: list[Kind]) -> None:
    parsed = parse("cashfree", payment(status))
    assert kinds(parsed) == found
    assert bool(parsed.reason) is (not found)


def test_what_is_authorised_and_not_captured_yet_is_not_paid() -> None:
    assert kinds(parse("cashfree", payment(is_captured=False))) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]


def test_a_dropped_attempt_says_so_under_its_own_id() -> None:
    fact = only(parse("cashfree", payment("USER_DROPPED")), Kind.FAILED)
    assert (fact.ref, fact.detail) == ("77", {"failure_code": "user_dropped", "failure_message": "said so"})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("SUCCESS", Kind.REFUND_SUCCEEDED),
        ("PENDING", Kind.REFUND_PENDING),
        ("ONHOLD", Kind.REFUND_PENDING),
        ("CANCELLED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_order(status: str, kind: Kind) -> None:
    fact = only(parse("cashfree", refund(status)), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("order_1", "5", 50, EVENT_MS)


def test_an_automatic_refund_returns_what_was_never_counted() -> None:
    own = {"order_id": "order_1", "refund_status": "SUCCESS", "refund_amount": 1.5, "cf_refund_id": 6}
    parsed = parse("cashfree", event("AUTO_REFUND_STATUS_WEBHOOK", {"auto_refund": own}))
    assert parsed.facts == ()
    assert "never counted" in parsed.reason


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CHARGEBACK_CREATED", "open"),
        ("PRE_ARBITRATION_UNDER_REVIEW", "open"),
        ("CHARGEBACK_MERCHANT_WON", "won"),
        ("ARBITRATION_MERCHANT_LOST", "lost"),
        ("CHARGEBACK_INSUFFICIENT_EVIDENCE", "lost"),
        ("RETRIEVAL_CREATED", "warning"),
        ("RETRIEVAL_MERCHANT_LOST", "closed"),
    ],
)
def test_a_disputes_stage_and_status(status: str, expected: str) -> None:
    fact = only(parse("cashfree", dispute(status)), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("order_1", "9", 150)
    assert fact.detail == {"status": expected, "reason": "Not received"}


def test_an_unknown_dispute_status_says_nothing() -> None:
    assert "unknown" in parse("cashfree", dispute("SOMETHING")).reason


def test_a_link_is_a_total_that_adds_nothing_to_the_payment() -> None:
    order = {"order_id": "order_1", "order_amount": "1.50", "transaction_status": "SUCCESS", "transaction_id": 77}
    link = {"link_currency": "INR", "link_status": "PARTIALLY_PAID", "order": order}
    parsed = parse("cashfree", event("PAYMENT_LINK_EVENT", link))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED_TOTAL]
    assert only(parsed, Kind.CAPTURED_TOTAL).amount_minor == 150
    both = project([*parsed.facts, *parse("cashfree", payment()).facts])
    assert (both.captured_minor, both.status, both.flags) == (150, PaymentStatus.COMPLETED, ())
    failed = {**link, "order": {**order, "transaction_status": "FAILED"}}
    assert parse("cashfree", event("PAYMENT_LINK_EVENT", failed)).facts == ()
    assert parse("cashfree", event("PAYMENT_LINK_EVENT", {"link_currency": "INR"})).facts == ()


def test_an_attempt_that_failed_and_one_that_paid_are_one_payment_that_is_paid_and_then_refunded() -> None:
    tried, paid = parse("cashfree", payment("FAILED", 76)).facts, parse("cashfree", payment()).facts
    returned = parse("cashfree", refund("SUCCESS")).facts
    for facts in ([*tried, *paid], [*paid, *tried, *paid]):
        assert project(facts).status is PaymentStatus.COMPLETED
    state = project([*returned, *tried, *paid])
    assert (state.status, state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 50)


def test_a_form_and_a_subscription_say_nothing() -> None:
    for kind in ("PAYMENT_FORM_ORDER_WEBHOOK", "SUBSCRIPTION_PAYMENT_SUCCESS", "WEBHOOK"):
        parsed = parse("cashfree", event(kind, {"test_object": {}}))
        assert (parsed.facts, bool(parsed.reason)) == ((), True)


def test_more_digits_than_the_currency_has_are_refused() -> None:
    with pytest.raises(AmountError):
        parse("cashfree", payment(payment_amount=1.505))


@pytest.mark.parametrize(
    ("ending", "kind"),
    [
        ("INITIATED", Kind.PAYOUT_CREATED),
        ("SUCCESS", Kind.PAYOUT_PAID),
        ("FAILED", Kind.PAYOUT_FAILED),
        ("REVERSED", Kind.PAYOUT_FAILED),
    ],
)
def test_a_settlement_is_a_payout_in_rupees(ending: str, kind: Kind) -> None:
    own = {"settlement_id": 738, "amount_settled": 97.94, "payment_amount": 100, "reason": "closed"}
    fact = only(parse("cashfree", event(f"SETTLEMENT_{ending}", {"settlement": own})), kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("738", 9794, "INR", EVENT_MS)
    assert fact.detail == ({"failure_message": "closed"} if kind is Kind.PAYOUT_FAILED else {})


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("BANK_APPROVAL_PENDING", "incomplete"),
        ("ACTIVE", "active"),
        ("ON HOLD", "past_due"),
        ("ON_HOLD", "past_due"),
        ("CUSTOMER_PAUSED", "paused"),
        ("CUSTOMER CANCELLED", "canceled"),
        ("CANCELLED", "canceled"),
        ("COMPLETED", "canceled"),
        ("EXPIRED", "canceled"),
        ("LINK_EXPIRED", "canceled"),
    ],
)
def test_a_subscriptions_status(status: str, told: str) -> None:
    own = {"subscription_id": "sub_1", "subscription_status": status, "subscription_tags": {"user_id": "user_1"}}
    who = {"customer_name": "Pat Example", "customer_email": "pat@example.com", "customer_phone": "+910000000001"}
    data = {"subscription_details": own, "customer_details": who, "plan_details": {"plan_id": "plan_1"}}
    fact = only(parse("cashfree", event("SUBSCRIPTION_STATUS_CHANGED", data)), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", EVENT_MS)
    assert fact.detail == {"status": told, "plan": "plan_1", "user_id": "user_1", **who}


def test_what_is_unknown_of_the_account_has_a_reason() -> None:
    odd = {"subscription_details": {"subscription_id": "sub_1", "subscription_status": "CARD_EXPIRED"}}
    for name, data in (("SUBSCRIPTION_STATUS_CHANGED", odd), ("SETTLEMENT_PAUSED", {"settlement": {}})):
        parsed = parse("cashfree", event(name, data))
        assert parsed.facts == ()
        assert parsed.reason


def test_an_orders_tags_are_the_merchants() -> None:
    body: Any = payment()
    said = {"paybell_product": "pro", "paybell_user": "user_1", "paybell_expected_minor": "200"}
    body["data"]["order"]["order_tags"] = {**said, "paybell_expected_currency": "INR"}
    parsed = parse("cashfree", body)
    detail = only(parsed, Kind.PAYMENT_CREATED).detail
    assert (detail["product"], detail["user_id"]) == ("pro", "user_1")
    told = only(parsed, Kind.EXPECTED)
    assert (told.aggregate, told.amount_minor, told.at_ms) == ("order_1", 200, EVENT_MS - 60_000)
