import json

import pytest

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.gateways.flutterwave import GATEWAY
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict
from paybell.ports import FetchPlan
from tests.unit.gateways.sources import NOW_MS, kinds, notification, only, source

AT_MS = 1_600_000_000_000


def verdict(*values: bytes) -> Verdict:
    made = Request(b"{}", tuple((b"verif-hash", value) for value in values))
    return gateway("flutterwave").verify(made, source("flutterwave", secrets=("new hash", "old hash")), NOW_MS)


def plan(body: object, **options: str) -> FetchPlan | None:
    raw = json.dumps(body).encode()
    return GATEWAY.plan_fetch(notification(raw), source("flutterwave", options=options))


def hint(event: str = "charge.completed", number: object = 4001) -> dict[str, object]:
    return {"event": event, "data": {"id": number, "status": "successful", "amount": 1}}


def transaction(status: str = "successful", **more: object) -> dict[str, object]:
    own = {
        "id": 4001,
        "tx_ref": "order_1",
        "amount": 100.5,
        "charged_amount": 102,
        "currency": "NGN",
        "status": status,
        "processor_response": "Said so",
        "created_at": "2020-09-13T12:26:40.000Z",
        "payment_type": "card",
        "customer": {"id": 7, "name": "Pat Example", "email": "pat@example.com", "phone_number": None},
    }
    return {"status": "success", "message": "fetched", "data": {**own, **more}}


def refund(status: str = "completed", **more: object) -> dict[str, object]:
    own = {"id": 75, "tx_id": 4001, "amount_refunded": 20.25, "status": status, "created_at": "2020-09-13T12:26:40Z"}
    return {"status": "success", "data": {**own, **more}}


def answered(body: object, subject: str = "4001", **options: object) -> Parsed:
    made = notification(json.dumps(body).encode(), origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return GATEWAY.parse(made, source("flutterwave", options=options))


def test_the_word_is_compared_whole_and_proves_no_more_than_a_hint() -> None:
    assert isinstance(verdict(b"new hash"), Hint)
    assert isinstance(verdict(b"old hash"), Hint)
    for values, reason in (
        ((), RefusalReason.HEADER_MISSING),
        ((b"new hash ",), RefusalReason.SIGNATURE_MISMATCH),
        ((b"NEW HASH",), RefusalReason.SIGNATURE_MISMATCH),
    ):
        refused = verdict(*values)
        assert isinstance(refused, Refused)
        assert refused.reason is reason
    assert gateway("flutterwave").about.secret_headers == {b"verif-hash"}


def test_what_is_asked() -> None:
    assert plan(hint()) is None
    asked = plan(hint(), secretKey="FLWSECK-1")
    assert asked is not None
    assert (asked.method, asked.url) == ("GET", "https://api.flutterwave.com/v3/transactions/4001/verify")
    assert (asked.subject, asked.headers[0]) == ("4001", ("authorization", "Bearer FLWSECK-1"))
    again = plan(hint("refund.completed", "75"), secretKey="k", baseUrl="https://api.example.com/")
    assert again is not None
    assert (again.url, again.subject) == ("https://api.example.com/v3/refunds/75", "refund:75")
    moved = plan(hint("transfer.completed", 9), secretKey="k")
    assert moved is not None
    assert (moved.url, moved.subject) == ("https://api.flutterwave.com/v3/transfers/9", "transfer:9")


@pytest.mark.parametrize(
    "body",
    [
        hint("subscription.cancelled"),
        hint(number=None),
        hint(number="4001/../x"),
        hint(number="x"),
        {"event": "charge.x"},
    ],
    ids=["a subscription", "no id", "a path", "no digits", "no data"],
)
def test_what_cannot_be_asked_about(body: object) -> None:
    with pytest.raises(MalformedPayload):
        plan(body, secretKey="k")


@pytest.mark.parametrize(
    ("name", "value"), [("secretKey", "a b"), ("baseUrl", "http://example.com"), ("refundCurrency", "naira")]
)
def test_unfit_options(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        GATEWAY.check(source("flutterwave", options={name: value}))


def test_a_hint_itself_says_nothing() -> None:
    parsed = GATEWAY.parse(notification(json.dumps(hint()).encode()), source("flutterwave"))
    assert (parsed.facts, "hint" in parsed.reason) == ((), True)


def test_a_successful_transaction_is_paid() -> None:
    parsed = answered(transaction())
    captured, created = only(parsed, Kind.CAPTURED), only(parsed, Kind.PAYMENT_CREATED)
    assert (captured.aggregate, captured.ref, captured.amount_minor, captured.at_ms) == ("4001", "4001", 10_050, AT_MS)
    assert created.detail == {
        "order_id": "order_1",
        "customer_id": "7",
        "customer_name": "Pat Example",
        "customer_email": "pat@example.com",
        "method": "card",
    }
    assert parsed.final


@pytest.mark.parametrize(
    ("status", "found", "final"),
    [
        ("failed", [Kind.PAYMENT_CREATED, Kind.FAILED], True),
        ("pending", [Kind.PAYMENT_CREATED, Kind.PROCESSING], False),
        ("odd", [], False),
    ],
)
def test_other_statuses(status: str, found: list[Kind], final: bool) -> None:  # noqa: FBT001 - a row of the table
    parsed = answered(transaction(status))
    assert (kinds(parsed), parsed.final) == (found, final)


def test_an_answer_about_nothing_or_something_else_says_nothing() -> None:
    for body in ({"status": "error", "message": "No transaction", "data": None}, transaction(id=4002)):
        parsed = answered(body)
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [
        ("completed", Kind.REFUND_SUCCEEDED, True),
        ("completed-momo", Kind.REFUND_SUCCEEDED, True),
        ("pending", Kind.REFUND_PENDING, False),
        ("failed", Kind.REFUND_FAILED, True),
    ],
)
def test_a_refund_reaches_its_transaction(status: str, kind: Kind, final: bool) -> None:  # noqa: FBT001 - as above
    parsed = answered(refund(status), "refund:75", refundCurrency="NGN")
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("4001", "75", 2025, "NGN")
    assert parsed.final is final


def test_a_refund_without_a_currency_is_not_guessed() -> None:
    parsed = answered(refund(), "refund:75")
    assert parsed.facts == ()
    assert "refundCurrency" in parsed.reason
    named = only(answered(refund(currency="GHS"), "refund:75", refundCurrency="NGN"), Kind.REFUND_SUCCEEDED)
    assert named.currency == "GHS"
    assert "unknown" in answered(refund("odd"), "refund:75").reason


def test_answers_that_say_the_same_have_the_same_key() -> None:
    def key(body: object, subject: str = "4001") -> str:
        return GATEWAY.fetched_key(subject, json.dumps(body).encode())

    one = key(transaction())
    assert one == key(transaction(processor_response="Other words"))
    others = [
        key(transaction("failed")),
        key(transaction(amount=1)),
        key(transaction(), "4002"),
        key({"status": "error"}),
    ]
    assert len({one, *others}) == 5
    assert key(refund(), "refund:75") != key(refund(amount_refunded=1), "refund:75")


def transfer(status: str, **more: object) -> dict[str, object]:
    own = {"id": 9, "amount": 55.5, "currency": "NGN", "status": status, "created_at": "2020-09-13T12:26:40.000Z"}
    return {"status": "success", "data": {**own, "complete_message": "Closed", **more}}


@pytest.mark.parametrize(
    ("status", "kind", "at_ms", "final"),
    [
        ("NEW", Kind.PAYOUT_CREATED, AT_MS, False),
        ("PENDING", Kind.PAYOUT_CREATED, AT_MS, False),
        ("SUCCESSFUL", Kind.PAYOUT_PAID, NOW_MS + 5, True),
        ("FAILED", Kind.PAYOUT_FAILED, NOW_MS + 5, True),
    ],
)
def test_a_transfer_is_a_payout(status: str, kind: Kind, at_ms: int, final: bool) -> None:  # noqa: FBT001 - a row
    parsed = answered(transfer(status), "transfer:9")
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("9", 5550, "NGN", at_ms)
    assert fact.detail == ({"failure_message": "Closed"} if status == "FAILED" else {})
    assert parsed.final is final


def test_a_transfer_that_is_unknown_says_nothing_and_its_key_changes_with_its_status() -> None:
    for body in (transfer("ODD"), transfer("NEW", id=8), {"status": "error", "message": "No."}):
        parsed = answered(body, "transfer:9")
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason
    keys = {GATEWAY.fetched_key("transfer:9", json.dumps(transfer(status)).encode()) for status in ("NEW", "FAILED")}
    assert len(keys) == 2


def test_meta_of_a_browser_says_who_pays_and_that_of_the_server_says_more() -> None:
    said = {"paybell_product": "pro", "user_id": 7, "paybell_expected_minor": "10050"}
    body = transaction(meta={**said, "paybell_expected_currency": "NGN"})
    doubted = answered(body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail.get("user_id") == "7"
    assert "product" not in only(doubted, Kind.PAYMENT_CREATED).detail
    assert Kind.EXPECTED not in kinds(doubted)
    believed = answered(body, trustMetadata=True)
    assert only(believed, Kind.PAYMENT_CREATED).detail["product"] == "pro"
    assert only(believed, Kind.EXPECTED).amount_minor == 10_050
