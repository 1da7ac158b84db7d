import json
from hashlib import sha512

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import Hint, RefusalReason, Refused, Request
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.midtrans import midtrans_status
from tests.unit.gateways.asking import answered, asked, key, money, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source

ORDER = asked(currency="IDR", payment_id="order-7", event_id="tx-1", amount_minor=10_000_00, refund_minor=2_500_00)


def body(**changes: object) -> bytes:
    return json.dumps({"order_id": "1111", "status_code": "200", "gross_amount": "100000.00", **changes}).encode()


def verdict(raw: bytes, secret: str = "askvnoibnosifnboseofinbofinfgbiufglnbfg") -> object:
    return gateway("midtrans").verify(Request(raw), source("midtrans", secrets=(secret,)), NOW_MS)


# The figure is that of Midtrans' own documents for order 1111, code 200, amount 100000.00.
DOCUMENTED = (
    "edc076b21793ebe3e17926350f5b8ae67d902fe657b3d0aa31b932d5c127e237"
    "5d308a2bc94f3265ac2d80a1f181a79b997ac178a236fcff35af263fc4d4c231"
)


def test_the_documented_signature_is_right_in_either_case() -> None:
    assert isinstance(verdict(body(signature_key=DOCUMENTED)), Hint)
    assert isinstance(verdict(body(signature_key=DOCUMENTED.upper())), Hint)


@pytest.mark.parametrize(
    "changes", [{"gross_amount": "100000"}, {"status_code": "201"}, {"order_id": "1112"}, {"gross_amount": "100000.0"}]
)
def test_each_signed_field_counts_as_it_is_written(changes: dict[str, str]) -> None:
    refused = verdict(body(signature_key=DOCUMENTED, **changes))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (body(), RefusalReason.HEADER_MISSING),
        (body(signature_key=""), RefusalReason.HEADER_MISSING),
        (body(signature_key="123"), RefusalReason.MALFORMED_SIGNATURE),
        (body(signature_key=DOCUMENTED, gross_amount=100000.00), RefusalReason.MALFORMED_SIGNATURE),
        (b"<html>", RefusalReason.MALFORMED_SIGNATURE),
    ],
)
def test_why_a_body_is_refused(raw: bytes, reason: RefusalReason) -> None:
    refused = verdict(raw)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_same_signed_fields_are_the_same_hint_whatever_the_status_says() -> None:
    one, other = (verdict(body(signature_key=DOCUMENTED, transaction_status=word)) for word in ("capture", "refund"))
    assert one == other
    assert isinstance(one, Hint)


def test_a_hint_gives_no_facts() -> None:
    parsed = parse("midtrans", pretender("midtrans").signed("settlement", at_s=NOW_S).body)
    assert parsed.facts == ()
    assert "API is asked" in parsed.reason


def test_what_is_asked_and_with_which_key() -> None:
    found = plan("midtrans", body(order_id="a/b 1".replace(" ", "")), {}, ("key-1", "key-0"))
    assert found.url == "https://api.midtrans.com/v2/a%2Fb1/status"
    assert dict(found.headers)["authorization"] == "Basic a2V5LTE6"  # key-1 and an empty password
    own = plan("midtrans", body(), {"serverKey": "key-2", "baseUrl": "https://api.example.com/"})
    assert own.url == "https://api.example.com/v2/1111/status"
    assert dict(own.headers)["authorization"] == "Basic a2V5LTI6"
    assert planned("midtrans", body(), {}, ()) is None


@pytest.mark.parametrize("order_id", ["..", "a b", "", "\u00e9", "x" * 200])
def test_an_order_that_cannot_be_asked_about_is_malformed(order_id: str) -> None:
    with pytest.raises(MalformedPayload):
        planned("midtrans", body(order_id=order_id), {})


@pytest.mark.parametrize(
    ("status", "kind", "ref", "final"),
    [
        ("settlement", Kind.CAPTURED, "tx-1", True),
        ("capture", Kind.CAPTURED, "tx-1", True),
        ("authorize", Kind.AUTHORIZED, "tx-1", False),
        ("pending", Kind.PROCESSING, "tx-1", False),
        ("deny", Kind.FAILED, "tx-1", True),
        ("failure", Kind.FAILED, "tx-1", True),
        ("expire", Kind.EXPIRED, "", True),
        ("cancel", Kind.CANCELED, "", True),
    ],
)
def test_an_answers_status_is_one_fact_of_the_order(status: str, kind: Kind, ref: str, final: bool) -> None:  # noqa: FBT001
    parsed = answered("midtrans", "order-7", midtrans_status(ORDER, status))
    assert money(only(parsed, kind)) == ("order-7", ref, 10_000_00, "IDR")
    assert only(parsed, kind).at_ms == NOW_MS
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.at_ms, created.amount_minor, created.detail["order_id"]) == (NOW_MS - 60_000, 10_000_00, "order-7")
    assert parsed.final is final


def test_a_cancel_takes_back_what_may_have_been_captured() -> None:
    parsed = answered("midtrans", "order-7", midtrans_status(ORDER, "cancel"))
    captured = answered("midtrans", "order-7", midtrans_status(ORDER, "capture"))
    assert only(parsed, Kind.CAPTURE_REVERSED).ref == only(captured, Kind.CAPTURED).ref


def test_a_capture_that_is_challenged_is_not_money_yet() -> None:
    parsed = answered("midtrans", "order-7", {**midtrans_status(ORDER, "capture"), "fraud_status": "challenge"})
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.PROCESSING]
    assert not parsed.final


def test_refunds_are_told_one_by_one_or_as_their_sum() -> None:
    listed = midtrans_status(ORDER, "partial_refund")
    refund = only(answered("midtrans", "order-7", listed), Kind.REFUND_SUCCEEDED)
    assert money(refund) == ("order-7", "refund_1", 2_500_00, "IDR")
    assert refund.at_ms == NOW_MS
    bare = {name: value for name, value in listed.items() if name != "refunds"}
    assert money(only(answered("midtrans", "order-7", bare), Kind.REFUNDED_TOTAL))[2] == 2_500_00
    whole = {**bare, "transaction_status": "refund", "refund_amount": None}
    assert money(only(answered("midtrans", "order-7", whole), Kind.REFUNDED_TOTAL))[2] == 10_000_00


def test_a_chargeback_is_lost_and_a_partial_one_says_no_amount() -> None:
    whole = only(answered("midtrans", "order-7", midtrans_status(ORDER, "chargeback")), Kind.DISPUTE_STATUS)
    part = only(answered("midtrans", "order-7", midtrans_status(ORDER, "partial_chargeback")), Kind.DISPUTE_STATUS)
    assert (whole.amount_minor, whole.detail["status"]) == (10_000_00, "lost")
    assert (part.amount_minor, part.currency) == (None, "")


@pytest.mark.parametrize(
    "changes", [{"status_code": "404", "order_id": None}, {"order_id": "order-8"}, {"transaction_status": "brand_new"}]
)
def test_an_answer_about_nothing_or_another_order_says_nothing(changes: dict[str, object]) -> None:
    parsed = answered("midtrans", "order-7", {**midtrans_status(ORDER, "settlement"), **changes})
    assert parsed.facts == ()
    assert parsed.reason


def test_an_amount_that_would_need_rounding_is_refused() -> None:
    with pytest.raises(AmountError):
        answered("midtrans", "order-7", {**midtrans_status(ORDER, "settlement"), "gross_amount": "1.005"})


def test_the_key_of_an_answer_changes_with_what_decides() -> None:
    answer = midtrans_status(ORDER, "refund")
    same = key("midtrans", "order-7", {**answer, "status_message": "other words"})
    assert key("midtrans", "order-7", answer) == same
    for name in ("transaction_status", "fraud_status", "gross_amount", "refund_amount", "transaction_id"):
        assert key("midtrans", "order-7", {**answer, name: "9"}) != same


def test_the_pretender_signs_as_documented() -> None:
    made = json.loads(pretender("midtrans").signed("settlement", secret="k", at_s=NOW_S, amount_minor=123).body)
    signed = "order-example-1" + "200" + "1.23" + "k"
    assert made["signature_key"] == sha512(signed.encode()).hexdigest()
    assert isinstance(
        gateway("midtrans").verify(
            request(pretender("midtrans").signed("deny", secret="k")), source("midtrans", secrets=("k",)), 0
        ),
        Hint,
    )


def test_a_server_key_has_no_colon() -> None:
    with pytest.raises(ConfigurationError, match="serverKey"):
        gateway("midtrans").check(source("midtrans", options={"serverKey": "a:b"}))
