import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from tests.unit.gateways.sources import kinds, only, parse, source

AT, AT_MS = "2025-06-15T15:06:40.500000Z", 1_750_000_000_500
# The figures are those of paddle-node-sdk's own test.
KEY, BODY, SIGNED_S = "VALID_SECRET", b'{"data": ["1", "2"]}', 1_698_796_800
DIGEST = b"a300428748dce5c70e4da19bffd60769591ea969c99dea3105d0ec9612cf43f9"


def judged(header: bytes, *, late_s: int = 0, **options: object) -> Verdict:
    made = Request(BODY, ((b"paddle-signature", header),))
    at = source("paddle", secrets=("older", KEY), options=options)
    return gateway("paddle").verify(made, at, (SIGNED_S + late_s) * 1000)


def event(kind: str, data: dict[str, object]) -> dict[str, object]:
    return {"event_id": "evt_1", "event_type": kind, "occurred_at": AT, "data": data}


def transaction(status: str, *payments: dict[str, object], **more: object) -> dict[str, object]:
    own = {"id": "txn_1", "status": status, "currency_code": "USD", "created_at": "2025-06-15T15:00:00Z"}
    own["details"] = {"totals": {"grand_total": "65215"}}
    return event(f"transaction.{status}", {**own, "payments": list(payments), **more})


def attempt(status: str, number: int = 1, **more: object) -> dict[str, object]:
    return {"payment_attempt_id": f"attempt_{number}", "status": status, "amount": "65215", "created_at": AT, **more}


def adjustment(action: str, status: str, **more: object) -> Parsed:
    own = {"id": f"adj_{action}", "action": action, "status": status, "transaction_id": "txn_1"}
    data = {**own, "currency_code": "USD", "totals": {"total": "100"}, "created_at": AT, **more}
    return parse("paddle", event("adjustment.updated", data))


def test_any_of_several_signatures_will_do_and_unknown_schemes_are_passed_over() -> None:
    time = b"ts=%d;" % SIGNED_S
    for rest in (b"h1=" + DIGEST, b"h1=dummy;h1=" + DIGEST, b"h2=x;h1=" + DIGEST.upper()):
        assert isinstance(judged(time + rest), Verified), rest
    for rest in (b"", b"h1=", b"h2=" + DIGEST, b"ts=1;h1=" + DIGEST):
        answer = judged(time + rest)
        assert isinstance(answer, Refused)
        assert answer.reason is RefusalReason.MALFORMED_SIGNATURE, rest


def test_the_default_lets_a_clock_be_minutes_off_and_the_option_does_not() -> None:
    header = b"ts=%d;h1=%s" % (SIGNED_S, DIGEST)
    assert isinstance(judged(header, late_s=300), Verified)
    for late_s, options in ((301, {}), (6, {"toleranceSeconds": 5})):
        answer = judged(header, late_s=late_s, **options)
        assert isinstance(answer, Refused)
        assert answer.reason is RefusalReason.TIMESTAMP_TOO_OLD
    assert isinstance(judged(header, late_s=5, toleranceSeconds=5), Verified)


def test_paid_and_completed_tell_of_one_capture() -> None:
    captured = attempt("captured", captured_at="2025-06-15T15:06:00Z", method_details={"type": "card"})
    paid, completed = (parse("paddle", transaction(status, captured)) for status in ("paid", "completed"))
    fact = only(paid, Kind.CAPTURED)
    assert fact == only(completed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("txn_1", "attempt_1", 65215, AT_MS - 40_500)
    assert fact.detail == {"method": "card"}


def test_a_declined_attempt_stays_beside_the_one_that_went_through() -> None:
    parsed = parse("paddle", transaction("completed", attempt("captured", 2), attempt("error", error_code="declined")))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.CAPTURED, Kind.FAILED]
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "declined"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("authorized", Kind.AUTHORIZED),
        ("action_required", Kind.REQUIRES_ACTION),
        ("pending_no_action_required", Kind.PROCESSING),
        ("dropped", Kind.FAILED),
    ],
)
def test_an_attempts_status(status: str, kind: Kind) -> None:
    assert kinds(parse("paddle", transaction("ready", attempt(status)))) == [Kind.PAYMENT_CREATED, kind]


def test_paid_without_a_captured_attempt_is_a_total() -> None:
    parsed = parse("paddle", transaction("completed"))
    assert only(parsed, Kind.CAPTURED_TOTAL).amount_minor == 65215
    free = parse("paddle", transaction("completed", details={"totals": {"grand_total": "0"}}))
    assert kinds(free) == [Kind.PAYMENT_CREATED]


def test_the_amount_asked_is_told_once_somebody_is_to_pay_it() -> None:
    for status in ("draft", "ready", "canceled"):
        assert only(parse("paddle", transaction(status)), Kind.PAYMENT_CREATED).amount_minor is None
    for body in (transaction("billed"), transaction("past_due"), transaction("ready", attempt("error"))):
        assert only(parse("paddle", body), Kind.PAYMENT_CREATED).amount_minor == 65215
    own = transaction("ready", custom_data={"order_id": "order_1001"}, customer_id="ctm_1")
    assert only(parse("paddle", own), Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1001",
        "customer_id": "ctm_1",
    }


def test_a_canceled_transaction() -> None:
    assert kinds(parse("paddle", transaction("canceled"))) == [Kind.PAYMENT_CREATED, Kind.CANCELED]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending_approval", Kind.REFUND_PENDING),
        ("approved", Kind.REFUND_SUCCEEDED),
        ("rejected", Kind.REFUND_FAILED),
        ("reversed", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_transaction(status: str, kind: Kind) -> None:
    fact = only(adjustment("refund", status), kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("txn_1", "adj_refund", 100, AT_MS)


def test_a_chargeback_with_its_warning_and_its_reversal_is_one_dispute() -> None:
    told = [
        only(adjustment(action, "approved"), Kind.DISPUTE_STATUS)
        for action in ("chargeback_warning", "chargeback", "chargeback_reverse")
    ]
    assert {(fact.aggregate, fact.ref) for fact in told} == {("txn_1", "txn_1:chargeback")}
    assert [fact.detail["status"] for fact in told] == ["warning", "lost", "won"]
    reversed_by_status = only(adjustment("chargeback", "reversed"), Kind.DISPUTE_STATUS)
    assert reversed_by_status.detail["status"] == "won"


@pytest.mark.parametrize(
    "parsed",
    [
        adjustment("credit", "approved"),
        adjustment("brand_new", "approved"),
        adjustment("refund", "brand_new"),
        parse("paddle", event("subscription.created", {"id": "sub_1", "status": "brand_new"})),
        parse("paddle", event("customer.created", {"id": "ctm_1", "status": "brand_new"})),
        parse("paddle", event("payout.paid", {"id": "p", "status": "odd", "amount": "1", "currency_code": "USD"})),
        parse("paddle", event("price.created", {"id": "pri_1"})),
        parse("paddle", transaction("brand_new")),
        parse("paddle", {"id": "adj_1"}),
    ],
)
def test_what_is_no_payment_or_unknown_has_a_reason(parsed: Parsed) -> None:
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize("amount", [100, "1.00", "-1", "", "\uff11", "9" * 17, None])
def test_amounts_are_digits_in_a_text(amount: object) -> None:
    with pytest.raises(AmountError):
        adjustment("refund", "approved", totals={"total": amount})
    assert only(adjustment("refund", "approved", currency_code="JPY"), Kind.REFUND_SUCCEEDED).amount_minor == 100


def test_a_transaction_without_its_id_is_malformed() -> None:
    with pytest.raises(MalformedPayload):
        parse("paddle", event("transaction.paid", {"status": "paid", "currency_code": "USD"}))


def subscription(status: str, **more: object) -> Parsed:
    own: dict[str, object] = {"id": "sub_1", "status": status, "customer_id": "ctm_1", "canceled_at": None}
    period = {"starts_at": "2025-06-01T00:00:00Z", "ends_at": "2025-06-15T15:06:41Z"}
    own |= {"items": [{"price": {"id": "pri_1"}}, {"price": {"id": "pri_2"}}], "current_billing_period": period}
    return parse("paddle", event(f"subscription.{status}", {**own, "scheduled_change": None, **more}))


@pytest.mark.parametrize("status", ["trialing", "active", "past_due"])
def test_a_subscriptions_status_and_the_end_of_what_is_paid(status: str) -> None:
    fact = only(subscription(status), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", AT_MS)
    period = {} if status == "past_due" else {"period_end_ms": str(AT_MS + 500)}
    assert fact.detail == {"status": status, "plan": "pri_1", "customer_id": "ctm_1", **period}


def test_a_subscription_that_will_end_and_one_that_has() -> None:
    change = {"action": "cancel", "effective_at": "2025-06-15T15:06:41Z", "resume_at": None}
    ending = only(subscription("active", scheduled_change=change), Kind.SUBSCRIPTION_STATE).detail
    assert (ending["cancel_at_period_end"], ending["ends_at_ms"]) == ("true", str(AT_MS + 500))
    pausing = only(subscription("active", scheduled_change={**change, "action": "pause"}), Kind.SUBSCRIPTION_STATE)
    assert not {"cancel_at_period_end", "ends_at_ms"} & set(pausing.detail)
    ended = only(subscription("canceled", current_billing_period=None, canceled_at=AT), Kind.SUBSCRIPTION_STATE)
    assert ended.detail["ends_at_ms"] == str(AT_MS)
    assert "period_end_ms" not in ended.detail
    paused = subscription("paused", current_billing_period=None, items=None)
    assert only(paused, Kind.SUBSCRIPTION_STATE).detail == {"status": "paused", "customer_id": "ctm_1"}


def test_custom_data_of_a_buyer_says_who_pays_and_that_of_the_server_says_more() -> None:
    money = {"paybell_expected_minor": "65215", "paybell_expected_currency": "USD"}
    body = transaction("billed", custom_data={"paybell_product": "pro", "paybell_user": "user_1", **money})
    doubted = parse("paddle", body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail == {"user_id": "user_1"}
    assert Kind.EXPECTED not in kinds(doubted)
    believed = parse("paddle", body, {"trustMetadata": True})
    assert only(believed, Kind.PAYMENT_CREATED).detail == {"user_id": "user_1", "product": "pro"}
    told = only(believed, Kind.EXPECTED)
    assert (told.aggregate, told.amount_minor, told.currency) == ("txn_1", 65215, "USD")
    own = subscription("active", custom_data={"paybell_product": "pro", "user_id": "user_1"})
    detail = only(own, Kind.SUBSCRIPTION_STATE).detail
    assert (detail.get("user_id"), detail.get("product")) == ("user_1", None)


def test_a_transaction_names_its_subscription_and_its_invoice() -> None:
    parsed = parse("paddle", transaction("billed", subscription_id="sub_1", invoice_id="inv_1"))
    told = [(fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("inv_1", "invoice"), ("sub_1", "subscription")]


@pytest.mark.parametrize(("status", "kind"), [("unpaid", Kind.PAYOUT_CREATED), ("paid", Kind.PAYOUT_PAID)])
def test_a_payout(status: str, kind: Kind) -> None:
    data = {"id": "pay_1", "status": status, "amount": "10000", "currency_code": "USD"}
    fact = only(parse("paddle", event("payout.x", data)), kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("pay_1", 10000, "USD", AT_MS)


@pytest.mark.parametrize(("status", "told"), [("active", "active"), ("archived", "deleted")])
def test_a_customer(status: str, told: str) -> None:
    data = {"id": "ctm_1", "status": status, "name": "Pat Example", "email": "pat@example.com", "custom_data": None}
    fact = only(parse("paddle", event("customer.updated", data)), Kind.CUSTOMER_STATE)
    who = {"customer_id": "ctm_1", "customer_name": "Pat Example", "customer_email": "pat@example.com"}
    assert (fact.aggregate, fact.detail) == ("ctm_1", {"status": told, **who})
