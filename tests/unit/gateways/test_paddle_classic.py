from urllib.parse import urlencode

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.gateways.paddle_classic import serialized
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source


def alert(name: str, **fields: str) -> Parsed:
    own = {"alert_name": name, "alert_id": "77", "order_id": "9-1", "currency": "USD"}
    return parse("paddle_classic", urlencode({**own, "event_time": "2025-06-15 15:06:40", **fields}).encode())


def test_the_fields_are_serialized_as_php_does() -> None:
    # What `php -r 'echo serialize(["a" => "é", "b" => ""]);'` prints: lengths are those of bytes.
    fields = {"b": "", "p_signature": "not in it", "a": "é"}
    assert serialized(fields) == 'a:2:{s:1:"a";s:2:"é";s:1:"b";s:0:"";}'.encode()


def test_a_field_more_or_less_or_a_key_of_another_breaks_the_signature() -> None:
    made = request(pretender("paddle_classic").signed("payment_succeeded", at_s=NOW_S))
    known = source("paddle_classic")
    verdict = gateway("paddle_classic").verify(made, known, NOW_MS)
    assert isinstance(verdict, Verified)
    assert verdict.dedupe_key.isdigit()
    for body in (made.body + b"&x=1", made.body.replace(b"sale_gross=100.00", b"sale_gross=1.00")):
        changed = Request(body, made.headers)
        refused = gateway("paddle_classic").verify(changed, known, NOW_MS)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"a=1", RefusalReason.HEADER_MISSING),
        (b"p_signature=&a=1", RefusalReason.HEADER_MISSING),
        (b"p_signature=%25%25&a=1", RefusalReason.MALFORMED_SIGNATURE),
        (b"p_signature=AA%3D%3D&a=1&a=2", RefusalReason.MALFORMED_SIGNATURE),
        (b'{"json": 1}', RefusalReason.MALFORMED_SIGNATURE),
    ],
)
def test_what_has_no_signature_is_refused(body: bytes, reason: RefusalReason) -> None:
    refused = gateway("paddle_classic").verify(Request(body), source("paddle_classic"), NOW_MS)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_secret_must_be_a_public_key() -> None:
    gateway("paddle_classic").check(source("paddle_classic"))
    with pytest.raises(ConfigurationError, match="BEGIN PUBLIC KEY"):
        gateway("paddle_classic").check(source("paddle_classic", secrets=("pdl_ntfset_1",)))


@pytest.mark.parametrize("name", ["payment_succeeded", "subscription_payment_succeeded"])
def test_a_payment(name: str) -> None:
    parsed = alert(name, sale_gross="215.16", passthrough="order_1001", email="pat@example.com", user_id="5")
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("9-1", "9-1", 21516, NOW_MS)
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1001",
        "customer_id": "5",
        "customer_email": "pat@example.com",
    }


def test_json_that_was_passed_through_is_no_order_id() -> None:
    parsed = alert("payment_succeeded", sale_gross="1.00", passthrough='{"a": 1}', checkout_id="1-abc")
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "1-abc"}


@pytest.mark.parametrize("name", ["payment_refunded", "subscription_payment_refunded"])
def test_each_refunds_alert_is_a_refund_of_its_order(name: str) -> None:
    parsed = alert(name, gross_refund="0.17", amount="671.87")
    fact = only(parsed, Kind.REFUND_SUCCEEDED)
    assert (fact.aggregate, fact.ref, fact.amount_minor) == ("9-1", "77", 17)
    assert kinds(parsed) == [Kind.REFUND_SUCCEEDED]


def test_a_dispute_is_open_and_closed_when_it_is_won() -> None:
    told = [only(alert(f"payment_dispute_{end}", amount="10.00"), Kind.DISPUTE_STATUS) for end in ("created", "closed")]
    assert {fact.ref for fact in told} == {"9-1"}
    assert [fact.detail["status"] for fact in told] == ["open", "won"]


def test_a_renewal_that_failed_has_no_amount() -> None:
    parsed = alert("subscription_payment_failed", amount="653.02")
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.FAILED]
    assert only(parsed, Kind.FAILED).amount_minor is None


def test_amounts() -> None:
    assert only(alert("payment_succeeded", sale_gross="500", currency="JPY"), Kind.CAPTURED).amount_minor == 500
    for fields in ({"sale_gross": "1.005"}, {"sale_gross": "x"}, {}, {"sale_gross": "1.00", "currency": "nope"}):
        with pytest.raises(AmountError):
            alert("payment_succeeded", **fields)


def test_what_is_no_payment_has_a_reason_and_a_payment_needs_its_order() -> None:
    for name in ("subscription_created", "new_audience_member", ""):
        parsed = alert(name)
        assert parsed.facts == ()
        assert parsed.reason
    with pytest.raises(MalformedPayload):
        alert("payment_succeeded", sale_gross="1.00", order_id="")


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("subscription_created", "trialing", "trialing"),
        ("subscription_created", "active", "active"),
        ("subscription_updated", "past_due", "past_due"),
        ("subscription_updated", "paused", "paused"),
    ],
)
def test_a_subscription(name: str, status: str, told: str) -> None:
    fields = {"subscription_id": "8", "subscription_plan_id": "6", "user_id": "5", "email": "pat@example.com"}
    fact = only(alert(name, status=status, next_bill_date="2025-07-15", **fields), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("8", NOW_MS)
    period = {"period_end_ms": "1752537600000"} if told in {"trialing", "active"} else {}
    assert fact.detail == {
        "status": told,
        "plan": "6",
        "customer_id": "5",
        "customer_email": "pat@example.com",
        **period,
    }


def test_a_cancelled_subscription_names_its_end() -> None:
    fields = {"subscription_id": "8", "status": "deleted", "cancellation_effective_date": "2025-07-15 00:00:00"}
    fact = only(alert("subscription_cancelled", **fields), Kind.SUBSCRIPTION_STATE)
    assert fact.detail == {"status": "canceled", "period_end_ms": "1752537600000", "ends_at_ms": "1752537600000"}


def test_a_renewal_names_its_subscription_and_how_that_stands() -> None:
    fields = {"subscription_id": "8", "status": "active", "next_bill_date": "2025-07-15", "sale_gross": "1.00"}
    parsed = alert("subscription_payment_succeeded", **fields)
    linked = only(parsed, Kind.LINK)
    assert (linked.aggregate, linked.ref, linked.detail["type"]) == ("9-1", "8", "subscription")
    assert only(parsed, Kind.SUBSCRIPTION_STATE).detail["period_end_ms"] == "1752537600000"
    odd = alert("subscription_payment_succeeded", **{**fields, "status": "brand_new"})
    assert Kind.SUBSCRIPTION_STATE not in kinds(odd)


@pytest.mark.parametrize(
    ("name", "kind"), [("transfer_created", Kind.PAYOUT_CREATED), ("transfer_paid", Kind.PAYOUT_PAID)]
)
def test_a_transfer_is_a_payout(name: str, kind: Kind) -> None:
    fact = only(alert(name, amount="12.30", payout_id="901"), kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("901", 1230, "USD", NOW_MS)
