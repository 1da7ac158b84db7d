import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from tests.unit.gateways.sources import NOW_MS, kinds, only, parse, source

CREATED, CHANGED = "2025-06-15T15:00:00.000000Z", "2025-06-15T15:06:40.000000Z"
CHANGED_MS = 1_750_000_000_000


def thing(name: str, kind: str = "orders", **attributes: object) -> dict[str, object]:
    own = {"status": "paid", "currency": "USD", "total": 1999, "created_at": CREATED, "updated_at": CHANGED}
    meta = {"event_name": name, "test_mode": False, "custom_data": {"order_id": "order_1001"}}
    return {"meta": meta, "data": {"type": kind, "id": "7", "attributes": {**own, **attributes}}}


def test_a_known_answer_of_openssl() -> None:
    # printf '{"meta":{}}' | openssl dgst -sha256 -hmac example-secret
    made = Request(b'{"meta":{}}', ((b"x-signature", SIGNATURE),))
    assert isinstance(gateway("lemonsqueezy").verify(made, source("lemonsqueezy", secrets=(KEY,)), NOW_MS), Verified)
    other = gateway("lemonsqueezy").verify(Request(b"{}", made.headers), source("lemonsqueezy", secrets=(KEY,)), NOW_MS)
    assert isinstance(other, Refused)
    assert other.reason is RefusalReason.SIGNATURE_MISMATCH


KEY, SIGNATURE = "example-secret", b"c0ff7493198f3dd2c9ca26111a20d252f50e6cf6331597561e8c2bbaf949ce0b"


def test_an_order_is_a_payment_and_its_custom_data_name_the_shops_order() -> None:
    parsed = parse("lemonsqueezy", thing("order_created", user_email="pat@example.com", customer_id=3))
    created, captured = only(parsed, Kind.PAYMENT_CREATED), only(parsed, Kind.CAPTURED)
    assert (captured.aggregate, captured.ref, captured.amount_minor, captured.at_ms) == ("7", "7", 1999, CHANGED_MS)
    assert created.at_ms == CHANGED_MS - 400_000
    assert created.detail == {"order_id": "order_1001", "customer_id": "3", "customer_email": "pat@example.com"}
    assert parsed.livemode is True


@pytest.mark.parametrize(
    ("more", "refunded"),
    [
        ({"status": "partial_refund", "refunded_amount": 500}, 500),
        ({"status": "paid", "refunded_amount": 500}, 500),
        ({"status": "refunded", "refunded_amount": 1999, "refunded": True}, 1999),
        ({"status": "refunded", "refunded": True}, 1999),
    ],
)
def test_all_refunds_of_an_order_are_one_that_grows(more: dict[str, object], refunded: int) -> None:
    parsed = parse("lemonsqueezy", thing("order_refunded", **more))
    fact = only(parsed, Kind.REFUND_SUCCEEDED)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("7", "7:refund", refunded)
    assert only(parsed, Kind.CAPTURED).amount_minor == 1999


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("order_created", "pending", Kind.PROCESSING),
        ("order_created", "failed", Kind.FAILED),
        ("subscription_payment_failed", "void", Kind.CANCELED),
    ],
)
def test_what_is_not_paid_has_no_capture(name: str, status: str, kind: Kind) -> None:
    type_ = "orders" if name == "order_created" else "subscription-invoices"
    told = kinds(parse("lemonsqueezy", thing(name, type_, status=status)))
    assert [it for it in told if it not in {Kind.LINK, Kind.INVOICE_STATE}] == [Kind.PAYMENT_CREATED, kind]


def test_a_renewal_is_a_payment_of_its_own_and_a_first_invoice_is_none() -> None:
    renewal = parse(
        "lemonsqueezy", thing("subscription_payment_success", "subscription-invoices", billing_reason="renewal")
    )
    assert {fact.aggregate for fact in renewal.facts if fact.kind is not Kind.INVOICE_STATE} == {
        "subscription-invoice:7"
    }
    first = parse(
        "lemonsqueezy", thing("subscription_payment_success", "subscription-invoices", billing_reason="initial")
    )
    assert kinds(first) == [Kind.INVOICE_STATE]


def test_a_renewal_that_was_tried_in_vain_waits_and_failed() -> None:
    body = thing("subscription_payment_failed", "subscription-invoices", billing_reason="renewal", status="pending")
    tried = parse("lemonsqueezy", body)
    assert kinds(tried) == [Kind.PAYMENT_CREATED, Kind.FAILED, Kind.LINK, Kind.INVOICE_STATE]
    assert only(tried, Kind.INVOICE_STATE).detail["status"] == "failed"
    body["meta"] = {"event_name": "subscription_payment_success"}
    waits = parse("lemonsqueezy", body)
    assert kinds(waits) == [Kind.PAYMENT_CREATED, Kind.PROCESSING, Kind.LINK, Kind.INVOICE_STATE]
    assert only(waits, Kind.INVOICE_STATE).detail["status"] == "open"


@pytest.mark.parametrize(
    "body",
    [
        thing("subscription_created", "subscriptions", status="brand_new"),
        thing("order_created", status="fraudulent"),
        thing("subscription_payment_success", "subscription-invoices", status="brand_new"),
        thing("license_key_created", "license-keys"),
    ],
)
def test_what_is_no_payment_or_unknown_has_a_reason(body: dict[str, object]) -> None:
    parsed = parse("lemonsqueezy", body)
    assert parsed.facts == ()
    assert parsed.reason


def test_amounts_are_whole_and_in_a_known_currency() -> None:
    assert only(parse("lemonsqueezy", thing("x", currency="JPY")), Kind.CAPTURED).amount_minor == 1999
    for more in ({"total": 19.99}, {"total": "1999"}, {"currency": "XXX"}, {"total": None}):
        with pytest.raises(AmountError):
            parse("lemonsqueezy", thing("x", **more))
    with pytest.raises(MalformedPayload):
        parse("lemonsqueezy", {"meta": {}})


LATER, LATER_MS = "2025-07-15T15:06:40.000000Z", 1_752_592_000_000


@pytest.mark.parametrize(
    ("status", "told", "period", "more"),
    [
        ("on_trial", "trialing", "trial_ends_at", {}),
        ("active", "active", "renews_at", {}),
        ("cancelled", "active", "ends_at", {"cancel_at_period_end": "true", "ends_at_ms": str(LATER_MS)}),
        ("paused", "paused", "", {}),
        ("past_due", "past_due", "", {}),
        ("unpaid", "past_due", "", {}),
        ("expired", "canceled", "", {"ends_at_ms": str(LATER_MS)}),
    ],
)
def test_a_subscriptions_status(status: str, told: str, period: str, more: dict[str, str]) -> None:
    times = {"renews_at": CHANGED, "trial_ends_at": None, "ends_at": LATER if more else None}
    times |= {period: LATER} if period else {}
    own = {"status": status, "variant_id": 5, "customer_id": 3, "user_email": "pat@example.com", **times}
    fact = only(parse("lemonsqueezy", thing("subscription_updated", "subscriptions", **own)), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("7", CHANGED_MS)
    end = {"period_end_ms": str(LATER_MS)} if period else {}
    who = {"customer_id": "3", "customer_email": "pat@example.com"}
    assert fact.detail == {"status": told, "plan": "5", **who, **end, **more}


def test_a_renewal_names_its_invoice_and_its_subscription() -> None:
    body = thing("subscription_payment_success", "subscription-invoices", billing_reason="renewal", subscription_id=4)
    parsed = parse("lemonsqueezy", body)
    told = [(fact.aggregate, fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("subscription-invoice:7", "7", "invoice"), ("subscription-invoice:7", "4", "subscription")]
    invoice = only(parsed, Kind.INVOICE_STATE)
    assert (invoice.aggregate, invoice.amount_minor, invoice.currency) == ("7", 1999, "USD")
    assert invoice.detail == {"status": "paid", "subscription_id": "4"}


def test_what_a_buyer_may_have_put_into_a_checkouts_url_is_not_believed() -> None:
    body = thing("order_created")
    money = {"paybell_expected_minor": "1999", "paybell_expected_currency": "USD"}
    body["meta"] = {"custom_data": {"paybell_product": "pro", "user_id": "user_1", **money}}
    doubted = parse("lemonsqueezy", body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail == {"user_id": "user_1"}
    assert Kind.EXPECTED not in kinds(doubted)
    believed = parse("lemonsqueezy", body, {"trustMetadata": True})
    assert only(believed, Kind.PAYMENT_CREATED).detail == {"user_id": "user_1", "product": "pro"}
    assert only(believed, Kind.EXPECTED).amount_minor == 1999
