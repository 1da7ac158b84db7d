import pytest
import razorpay
from hypothesis import given
from hypothesis import strategies as st

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, request, source

AT_S = 1_700_000_100
UTILITY = razorpay.Client(auth=("key", "not-a-secret")).utility


def event(name: str, **entities: object) -> dict[str, object]:
    payload = {key: {"entity": entity} for key, entity in entities.items()}
    return {"entity": "event", "event": name, "payload": payload, "created_at": AT_S}


def payment(status: str, **more: object) -> dict[str, object]:
    own = {"id": "pay_1", "amount": 5000, "currency": "INR", "created_at": AT_S - 60, "order_id": "order_1"}
    return {**own, "status": status, **more}


def refund(status: str) -> dict[str, object]:
    return {"id": "rfnd_1", "payment_id": "pay_1", "amount": 700, "currency": "INR", "status": status}


def dispute(status: str, **more: object) -> dict[str, object]:
    own = {"id": "disp_1", "payment_id": "pay_1", "amount": 5000, "currency": "INR", "phase": "chargeback"}
    return {**own, "status": status, **more}


def believed(body: bytes, signature: str, secret: str = SECRET) -> bool:
    made = Request(body, ((b"x-razorpay-signature", signature.encode("latin-1", "replace")),))
    return isinstance(gateway("razorpay").verify(made, source("razorpay", secrets=(secret,)), NOW_MS), Verified)


def theirs(body: str, signature: str, secret: str) -> bool:
    try:
        return bool(UTILITY.verify_webhook_signature(body, signature, secret))
    except razorpay.errors.SignatureVerificationError:
        return False


def test_known_answers() -> None:
    # The first figure is that of razorpay-node's own test, the second of the `openssl` command.
    assert believed(
        b'{"a":1,"b":2,"c":{"d":3}}', "2fe04e22977002e6c7cb553adab8b460cb9e2a4970d5953cb27a8472752e3bbc", "123456"
    )
    assert believed(b'{"event":"x"}', "d205b2a2c8bc21e5077a190f297eb49a3b2ae1d2d41861bd6c52abafe1ecc643")


@given(st.text(), st.text(min_size=1, max_size=20), st.booleans())
def test_razorpays_sdk_agrees_on_any_body(body: str, secret: str, altered: bool) -> None:  # noqa: FBT001 - drawn
    signature = hex_hmac(secret, body.encode())
    sent = body + "x" if altered else body
    assert believed(sent.encode(), signature, secret) is theirs(sent, signature, secret) is not altered


@given(st.text(alphabet="0123456789abcdef", max_size=70))
def test_razorpays_sdk_agrees_on_any_signature(signature: str) -> None:
    assert believed(b"{}", signature) is theirs("{}", signature, SECRET) is False


def test_the_dedupe_key_is_the_bodys_hash_whatever_the_unsigned_id_says() -> None:
    made = request(pretender("razorpay").signed("payment.captured", secret=SECRET, at_s=NOW_S, event_id="one"))
    other = request(pretender("razorpay").signed("payment.captured", secret=SECRET, at_s=NOW_S, event_id="two"))
    first, second = (gateway("razorpay").verify(each, source("razorpay"), NOW_MS) for each in (made, other))
    assert first == second
    assert isinstance(first, Verified)
    assert first.dedupe_key.startswith("sha256:")


def test_it_knows_one_option() -> None:
    with pytest.raises(ConfigurationError, match="it knows: trustMetadata"):
        gateway("razorpay").check(source("razorpay", options={"toleranceSeconds": 300}))


@pytest.mark.parametrize(
    ("status", "kind", "amount"),
    [("authorized", Kind.AUTHORIZED, 5000), ("captured", Kind.CAPTURED, 5000), ("refunded", Kind.CAPTURED, 5000)],
)
def test_a_payments_status_is_one_fact_under_its_id(status: str, kind: Kind, amount: int) -> None:
    parsed = parse("razorpay", event("any.name", payment=payment(status)))
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("pay_1", "pay_1", AT_S * 1000, amount)
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.at_ms, created.detail) == ((AT_S - 60) * 1000, {"order_id": "order_1"})
    assert parsed.livemode is None


def test_captured_and_order_paid_report_one_capture() -> None:
    captured = parse("razorpay", event("payment.captured", payment=payment("captured")))
    paid = parse(
        "razorpay", event("order.paid", payment=payment("captured"), order={"id": "order_1", "status": "paid"})
    )
    assert captured.facts == paid.facts


@pytest.mark.parametrize(
    ("more", "amount", "tax"),
    [
        ({"fee": 118, "tax": 18}, 118, "18"),
        ({"fee": 118, "tax": None}, 118, None),
        ({"fee": 118, "tax": 18, "base_currency": "INR"}, 118, "18"),
        ({"currency": "MYR", "fee": 118, "base_currency": "MYR"}, 118, None),
    ],
)
def test_a_captured_payments_fee_holds_its_tax(more: dict[str, object], amount: int, tax: str | None) -> None:
    fee = only(parse("razorpay", event("payment.captured", payment=payment("captured", **more))), Kind.FEE)
    assert (fee.aggregate, fee.ref, fee.amount_minor, fee.detail.get("tax_minor")) == ("pay_1", "pay_1", amount, tax)


@pytest.mark.parametrize(
    "entity",
    [
        payment("captured"),
        payment("captured", fee=0, tax=0),
        payment("authorized", fee=118),
        payment("captured", currency="USD", fee=118, base_currency="INR"),
        payment("captured", currency="USD", fee=118),
    ],
)
def test_no_fee_is_told_that_is_none_or_of_another_currency(entity: dict[str, object]) -> None:
    assert Kind.FEE not in kinds(parse("razorpay", event("payment.captured", payment=entity)))


def test_a_failure_says_why_even_when_captured_is_true() -> None:
    entity = payment("failed", captured=True, error_code="BAD", error_description="No.", error_reason="declined")
    parsed = parse("razorpay", event("payment.failed", payment=entity))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.FAILED]
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "declined", "failure_message": "No."}


@pytest.mark.parametrize(
    ("status", "kind", "total"),
    [
        ("pending", Kind.REFUND_PENDING, False),
        ("processed", Kind.REFUND_SUCCEEDED, True),
        ("failed", Kind.REFUND_FAILED, False),
    ],
)
def test_a_refund_and_when_the_total_may_be_believed(status: str, kind: Kind, total: bool) -> None:  # noqa: FBT001
    parsed = parse(
        "razorpay", event("refund.x", payment=payment("captured", amount_refunded=700), refund=refund(status))
    )
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("pay_1", "rfnd_1", 700)
    assert (Kind.REFUNDED_TOTAL in kinds(parsed)) is total


@pytest.mark.parametrize(
    ("entity", "status"),
    [
        (dispute("open"), "open"),
        (dispute("under_review"), "open"),
        (dispute("open", phase="retrieval"), "warning"),
        (dispute("won"), "won"),
        (dispute("lost", phase="fraud"), "lost"),
        (dispute("closed"), "closed"),
    ],
)
def test_a_disputes_status(entity: dict[str, object], status: str) -> None:
    fact = only(parse("razorpay", event("payment.dispute.x", dispute=entity)), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail["status"]) == ("pay_1", "disp_1", status)


def test_a_lost_dispute_says_how_much_was_deducted() -> None:
    lost = parse("razorpay", event("payment.dispute.lost", dispute=dispute("lost", amount_deducted=4000)))
    taken = only(lost, Kind.DISPUTE_WITHDRAWN)
    assert (taken.aggregate, taken.ref, taken.amount_minor) == ("pay_1", "disp_1", 4000)
    for status, deducted in (("open", 0), ("lost", 0), ("won", 4000)):
        told = parse("razorpay", event("payment.dispute.x", dispute=dispute(status, amount_deducted=deducted)))
        assert kinds(told) == [Kind.DISPUTE_STATUS]


@pytest.mark.parametrize(
    "body",
    [
        event("settlement.processed", settlement={"id": "setl_1"}),
        event("payment.downtime.started"),
        event("payment.captured", payment=payment("brand_new")),
        event("refund.x", refund=refund("brand_new")),
        event("payment.dispute.x", dispute=dispute("brand_new")),
    ],
)
def test_what_is_unknown_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("razorpay", body)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"payload": 1},
        event("x", payment=payment("captured", id=None)),
        event("x", refund={**refund("failed"), "id": 1.5}),
    ],
)
def test_a_body_without_what_every_event_has_is_malformed(body: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        parse("razorpay", body)


def payout(status: str, **more: object) -> dict[str, object]:
    own = {"id": "pout_1", "amount": 212, "currency": "INR", "created_at": AT_S - 60, "fees": 9, "tax": 2}
    return {**own, "status": status, **more}


def subscription(status: str, **more: object) -> dict[str, object]:
    own = {"id": "sub_1", "plan_id": "plan_1", "customer_id": "cust_1", "current_end": AT_S + 100, "ended_at": None}
    return {**own, "status": status, "created_at": AT_S - 60, "notes": [], **more}


def invoice(status: str, **more: object) -> dict[str, object]:
    own = {"id": "inv_1", "amount": 5000, "currency": "INR", "order_id": "order_1", "customer_id": "cust_1"}
    buyer = {"name": "Pat Example", "email": "pat@example.com", "contact": "+910000000001"}
    return {**own, "status": status, "customer_details": buyer, "billing_end": None, "notes": [], **more}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, Kind.PAYOUT_CREATED) for status in ("pending", "queued", "scheduled", "processing")),
        ("processed", Kind.PAYOUT_PAID),
        ("rejected", Kind.PAYOUT_CANCELED),
        ("cancelled", Kind.PAYOUT_CANCELED),
        ("failed", Kind.PAYOUT_FAILED),
        ("reversed", Kind.PAYOUT_FAILED),
    ],
)
def test_a_payouts_status(status: str, kind: Kind) -> None:
    fact = only(parse("razorpay", event("payout.x", payout=payout(status))), kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("pout_1", 212, "INR", AT_S * 1000)


def test_a_payout_that_came_back_says_why_and_one_that_is_paid_does_not() -> None:
    reason = {"status_details": {"reason": "bank_offline", "description": "Try again."}, "failure_reason": None}
    back = only(parse("razorpay", event("payout.reversed", payout=payout("reversed", **reason))), Kind.PAYOUT_FAILED)
    assert back.detail == {"failure_code": "bank_offline", "failure_message": "Try again."}
    paid = only(parse("razorpay", event("payout.processed", payout=payout("processed", **reason))), Kind.PAYOUT_PAID)
    assert paid.detail == {}


def test_a_settlement_is_a_payout_that_is_paid_in_rupees() -> None:
    entity = {"id": "setl_1", "amount": 1524, "status": "processed", "fees": 0, "tax": 0, "created_at": AT_S - 60}
    fact = only(parse("razorpay", event("settlement.processed", settlement=entity)), Kind.PAYOUT_PAID)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == ("setl_1", 1524, "INR")


@pytest.mark.parametrize(
    ("status", "told", "paid_for"),
    [
        ("created", "incomplete", False),
        ("authenticated", "incomplete", False),
        ("active", "active", True),
        ("paused", "paused", True),
        ("pending", "past_due", False),
        ("halted", "past_due", False),
        ("cancelled", "canceled", False),
        ("completed", "canceled", True),
        ("expired", "canceled", False),
    ],
)
def test_a_subscriptions_status_and_until_when_it_is_paid(status: str, told: str, paid_for: bool) -> None:  # noqa: FBT001
    fact = only(parse("razorpay", event("subscription.x", subscription=subscription(status))), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", AT_S * 1000)
    period = {"period_end_ms": str((AT_S + 100) * 1000)} if paid_for else {}
    assert fact.detail == {"status": told, "plan": "plan_1", "customer_id": "cust_1", **period}


def test_a_subscription_says_for_whom_it_is_and_when_it_ended() -> None:
    entity = subscription("cancelled", ended_at=AT_S - 1, notes={"paybell_product": "pro", "user_id": 7})
    fact = only(parse("razorpay", event("subscription.cancelled", subscription=entity)), Kind.SUBSCRIPTION_STATE)
    assert (fact.detail["product"], fact.detail["user_id"]) == ("pro", "7")
    assert fact.detail["ends_at_ms"] == str((AT_S - 1) * 1000)


def test_a_charge_names_its_subscription_and_its_invoice() -> None:
    entities = {"subscription": subscription("active"), "payment": payment("captured", invoice_id="inv_1")}
    parsed = parse("razorpay", event("subscription.charged", **entities))
    told = [(fact.aggregate, fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("pay_1", "inv_1", "invoice"), ("pay_1", "sub_1", "subscription")]
    assert only(parsed, Kind.SUBSCRIPTION_STATE).detail["status"] == "active"
    alone = parse("razorpay", event("payment.captured", payment=payment("captured", invoice_id="inv_1")))
    assert all(fact in parsed.facts for fact in alone.facts)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("draft", "open"),
        ("issued", "open"),
        ("partially_paid", "open"),
        ("paid", "paid"),
        ("cancelled", "void"),
        ("expired", "void"),
        ("deleted", "void"),
    ],
)
def test_an_invoices_status(status: str, told: str) -> None:
    entity = invoice(status, subscription_id="sub_1", billing_end=AT_S + 9)
    fact = only(parse("razorpay", event("invoice.x", invoice=entity)), Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("inv_1", 5000, "INR", AT_S * 1000)
    assert fact.detail == {
        "status": told,
        "subscription_id": "sub_1",
        "period_end_ms": str((AT_S + 9) * 1000),
        "order_id": "order_1",
        "customer_id": "cust_1",
        "customer_name": "Pat Example",
        "customer_email": "pat@example.com",
        "customer_phone": "+910000000001",
    }


def test_what_a_buyer_may_have_noted_is_not_believed_and_what_the_server_noted_is() -> None:
    notes = {
        "paybell_product": "pro",
        "user_id": "user_1",
        "paybell_expected_minor": "5000",
        "paybell_expected_currency": "INR",
    }
    body = event("payment.captured", payment=payment("captured", notes=notes))
    doubted = parse("razorpay", body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1", "user_id": "user_1"}
    assert Kind.EXPECTED not in kinds(doubted)
    by_order = event("order.paid", payment=payment("captured"), order={"id": "order_1", "notes": notes})
    for parsed in (parse("razorpay", body, {"trustMetadata": True}), parse("razorpay", by_order)):
        assert only(parsed, Kind.PAYMENT_CREATED).detail["product"] == "pro"
        told = only(parsed, Kind.EXPECTED)
        assert (told.amount_minor, told.currency, told.at_ms) == (5000, "INR", (AT_S - 60) * 1000)
    with pytest.raises(ConfigurationError, match="true or false"):
        gateway("razorpay").check(source("razorpay", options={"trustMetadata": "yes"}))


@pytest.mark.parametrize(
    "entities",
    [{"payout": payout("odd")}, {"subscription": subscription("odd")}, {"invoice": invoice("odd")}],
)
def test_an_unknown_status_of_the_account_is_unmapped(entities: dict[str, object]) -> None:
    parsed = parse("razorpay", event("x", **entities))
    assert parsed.facts == ()
    assert "'odd'" in parsed.reason
