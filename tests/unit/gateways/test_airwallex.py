import json

import pytest

from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from tests.unit.gateways.asking import money
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source, with_header

# Made by the `openssl` command over the time and the body.
BODY = (
    b'{"id":"evt_sgpd7d7z8hbb8vwy6yv","name":"payment_intent.succeeded","account_id":"acct_1","data":{"object":'
    b'{"id":"int_sgpdl8d7dhbb8vwxyzq","amount":100.5,"currency":"SGD","status":"SUCCEEDED","merchant_order_id":"o-1"}},'
    b'"created_at":"2024-05-30T10:01:02+0000","version":"2024-01-31"}'
)
TIME = 1_717_063_262_123
KNOWN = b"2e423e5d336df32ff7d8d21917c5e6d6c8845356d03b0b431bbeba27994a6e26"


def verdict(time: bytes = b"1717063262123", signature: bytes = KNOWN, body: bytes = BODY) -> object:
    made = Request(body, ((b"x-timestamp", time), (b"x-signature", signature)))
    return gateway("airwallex").verify(made, source("airwallex", secrets=("airwallex_secret",)), TIME)


def test_a_known_answer_is_known_by_its_event() -> None:
    assert verdict() == Verified("evt_sgpd7d7z8hbb8vwy6yv")
    assert parse("airwallex", BODY).facts


@pytest.mark.parametrize(
    ("time", "signature", "reason"),
    [
        (b"1717063262124", KNOWN, RefusalReason.SIGNATURE_MISMATCH),
        (b"", KNOWN, RefusalReason.HEADER_MISSING),
        (b"1717063262123", b"", RefusalReason.HEADER_MISSING),
        (b"1717063262123", KNOWN[:-2], RefusalReason.MALFORMED_SIGNATURE),
    ],
)
def test_why_a_request_is_refused(time: bytes, signature: bytes, reason: RefusalReason) -> None:
    refused = verdict(time, signature)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_the_time_is_judged_by_the_option() -> None:
    made = request(pretender("airwallex").signed("payment_intent.created", at_s=NOW_S))
    narrow = source("airwallex", options={"toleranceSeconds": 10})
    assert isinstance(gateway("airwallex").verify(made, narrow, NOW_MS + 10_000), Verified)
    refused = gateway("airwallex").verify(made, narrow, NOW_MS + 11_000)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TIMESTAMP_TOO_OLD


def test_a_signed_body_that_is_no_json_is_known_by_its_hash() -> None:
    signed = pretender("airwallex").signed("payment_intent.created", at_s=NOW_S)
    assert with_header(request(signed), "x-signature", None).header(b"x-signature") is None
    assert gateway("airwallex").accept(Request(b"no json"), source("airwallex")).dedupe_key.startswith("sha256:")


def event(name: str, thing: dict[str, object]) -> Parsed:
    body = {"id": "evt_1", "name": name, "data": {"object": thing}, "created_at": "2025-06-15T15:06:40+0000"}
    return parse("airwallex", json.dumps(body).encode())


def intent(status: str, **more: object) -> dict[str, object]:
    own = {"id": "int_1", "amount": 50.5, "currency": "USD", "merchant_order_id": "order_1", "status": status}
    return {**own, "created_at": "2025-06-15T15:05:40+0000", **more}


def attempt(status: str, **more: object) -> dict[str, object]:
    return {"id": "att_1", "payment_intent_id": "int_1", "amount": 50.5, "currency": "USD", "status": status, **more}


def part(status: str, **more: object) -> dict[str, object]:
    return {"id": "x_1", "payment_intent_id": "int_1", "amount": 7, "currency": "USD", "status": status, **more}


@pytest.mark.parametrize(
    ("status", "kind", "ref"),
    [
        ("REQUIRES_CUSTOMER_ACTION", Kind.REQUIRES_ACTION, "att_1"),
        ("PENDING", Kind.PROCESSING, "att_1"),
        ("REQUIRES_CAPTURE", Kind.AUTHORIZED, "int_1"),
        ("SUCCEEDED", Kind.CAPTURED, "int_1"),
        ("CANCELLED", Kind.CANCELED, ""),
    ],
)
def test_an_intents_status_is_one_fact(status: str, kind: Kind, ref: str) -> None:
    parsed = event("payment_intent.x", intent(status, latest_payment_attempt={"id": "att_1", "status": "RECEIVED"}))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind]
    assert money(only(parsed, kind)) == ("int_1", ref, 5050, "USD")
    assert only(parsed, kind).at_ms == NOW_MS
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.at_ms, created.detail) == (NOW_MS - 60_000, {"order_id": "order_1"})


def test_an_intent_whose_try_failed_waits_for_another_one() -> None:
    failed = {"id": "att_1", "status": "FAILED", "failure_code": "issuer_declined"}
    parsed = event("payment_intent.x", intent("REQUIRES_PAYMENT_METHOD", latest_payment_attempt=failed))
    fact = only(parsed, Kind.FAILED)
    assert (fact.ref, fact.detail) == ("att_1", {"failure_code": "issuer_declined"})
    told = only(event("payment_attempt.x", attempt("FAILED", failure_code="issuer_declined")), Kind.FAILED)
    assert (told.aggregate, told.ref, told.detail) == (fact.aggregate, fact.ref, fact.detail)


@pytest.mark.parametrize("status", ["CAPTURED", "SETTLED", "PAID"])
def test_an_attempt_and_its_intent_tell_of_one_capture(status: str) -> None:
    by_attempt = only(event("payment_attempt.x", attempt(status, captured_amount=0)), Kind.CAPTURED)
    by_intent = only(event("payment_intent.succeeded", intent("SUCCEEDED", captured_amount=50.5)), Kind.CAPTURED)
    assert by_attempt == by_intent


def test_a_capture_that_is_only_asked_for_is_no_money() -> None:
    asked = event("payment_attempt.x", attempt("CAPTURE_REQUESTED", captured_amount=0))
    assert kinds(asked) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]
    part = event("payment_attempt.x", attempt("CAPTURE_REQUESTED", captured_amount=20))
    assert only(part, Kind.CAPTURED).amount_minor == 2000


def test_what_was_captured_counts_not_what_was_asked() -> None:
    parsed = event("payment_intent.x", intent("SUCCEEDED", captured_amount=20))
    assert (only(parsed, Kind.CAPTURED).amount_minor, only(parsed, Kind.PAYMENT_CREATED).amount_minor) == (2000, 5050)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("RECEIVED", Kind.REFUND_PENDING),
        ("ACCEPTED", Kind.REFUND_PENDING),
        ("SUCCEEDED", Kind.REFUND_SUCCEEDED),
        ("SETTLED", Kind.REFUND_SUCCEEDED),
        ("FAILED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_intent(status: str, kind: Kind) -> None:
    assert money(only(event("refund.x", part(status)), kind)) == ("int_1", "x_1", 700, "USD")


@pytest.mark.parametrize(
    ("status", "stage", "expected"),
    [
        ("REQUIRES_RESPONSE", "CHARGEBACK", "open"),
        ("REQUIRES_RESPONSE", "RFI", "warning"),
        ("CHALLENGED", "CHARGEBACK", "open"),
        ("ACCEPTED", "PRE_CHARGEBACK", "lost"),
        ("LOST", "CHARGEBACK", "lost"),
        ("WON", "CHARGEBACK", "won"),
        ("REVERSED", "CHARGEBACK", "won"),
    ],
)
def test_a_disputes_status(status: str, stage: str, expected: str) -> None:
    fact = only(event("payment_dispute.x", part(status, stage=stage)), Kind.DISPUTE_STATUS)
    assert (money(fact), fact.detail) == (("int_1", "x_1", 700, "USD"), {"status": expected})


@pytest.mark.parametrize(("amount", "currency", "minor"), [(62723, "KRW", 62723), (1.25, "KWD", 1250)])
def test_amounts_are_major_units_of_their_currency(amount: object, currency: str, minor: int) -> None:
    parsed = event("payment_intent.x", intent("SUCCEEDED", amount=amount, currency=currency))
    assert only(parsed, Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("payment_attempt.authorized", {}),
        ("payment_intent.x", intent("BRAND_NEW")),
        ("payment_attempt.x", attempt("BRAND_NEW")),
        ("refund.x", part("BRAND_NEW")),
        ("payment_dispute.x", part("BRAND_NEW")),
        ("payout.transfer.paid", part("PAID")),
    ],
)
def test_what_is_unknown_is_unmapped_with_a_reason(name: str, thing: dict[str, object]) -> None:
    parsed = event(name, thing)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("SCHEDULED", Kind.PAYOUT_CREATED),
        ("SENT", Kind.PAYOUT_CREATED),
        ("PAID", Kind.PAYOUT_PAID),
        ("CANCELLED", Kind.PAYOUT_CANCELED),
        ("FAILED", Kind.PAYOUT_FAILED),
    ],
)
def test_a_transfers_status(status: str, kind: Kind) -> None:
    thing = {
        "id": "t1",
        "status": status,
        "amount_payer_pays": 68.14,
        "source_currency": "SGD",
        "failure_reason": "No.",
    }
    parsed = parse("airwallex", {"name": "payout.transfer.x", "data": thing, "created_at": "2024-05-30T10:01:02+0000"})
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("t1", 1_717_063_262_000, 6814, "SGD")
    assert fact.detail == {"failure_message": "No."}


def test_a_customer() -> None:
    thing = {"id": "cus_1", "first_name": "Pat", "email": "pat@example.com", "metadata": {"paybell_user": "u1"}}
    fact = only(event("customer.updated", thing), Kind.CUSTOMER_STATE)
    who = {"customer_id": "cus_1", "customer_name": "Pat", "customer_email": "pat@example.com", "user_id": "u1"}
    assert fact.detail == {**who, "status": "active"}
    deleted = only(event("customer.deleted", {"id": "cus_1", "business_name": "Example Ltd"}), Kind.CUSTOMER_STATE)
    assert deleted.detail == {"status": "deleted", "customer_id": "cus_1", "customer_name": "Example Ltd"}


def test_an_intents_metadata() -> None:
    notes = {"paybell_user": "u1", "paybell_expected_minor": "10000", "paybell_expected_currency": "USD"}
    parsed = event("payment_intent.created", intent("PENDING", metadata=notes))
    assert only(parsed, Kind.PAYMENT_CREATED).detail["user_id"] == "u1"
    wish = only(parsed, Kind.EXPECTED)
    assert (wish.amount_minor, wish.currency) == (10_000, "USD")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "payout.transfer.paid", "data": {"id": "t1", "status": "BRAND_NEW"}},
        {"name": "payout.transfer.paid"},
        {"name": "customer.created", "data": {}},
        {"name": "subscription.active", "data": {"object": {"id": "sub_1", "status": "ACTIVE"}}},
    ],
)
def test_what_says_nothing_of_the_account_has_a_reason(body: dict[str, object]) -> None:
    parsed = parse("airwallex", body)
    assert parsed.facts == ()
    assert parsed.reason
