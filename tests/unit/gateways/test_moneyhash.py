from base64 import b64encode
from collections.abc import Mapping

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.payment import PaymentStatus
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, request, source

# The example of lago-api's own tests.
KNOWN = "ca13480c8142f2f2b44822c764909027974e84b3e8c94457a314f129d8d60148"
KNOWN_S = 1_743_090_080
STARTED_MS = 1_741_628_675_192
DONE_MS = 1_741_628_684_778


def made(header: str, body: bytes = b"{}") -> Request:
    return Request(body, ((b"moneyhash-signature", header.encode()),) if header else ())


def digest(time: object = NOW_S, body: bytes = b"{}") -> str:
    return hex_hmac(SECRET, b64encode(body) + str(time).encode())


def judged(one: Request, secret: str = SECRET, now_ms: int = NOW_MS, **options: object) -> Verdict:
    return gateway("moneyhash").verify(one, source("moneyhash", secrets=(secret,), options=options), now_ms)


def reason(answer: Verdict) -> RefusalReason:
    assert isinstance(answer, Refused)
    return answer.reason


def operation(kind: str, status: str, value: object = 7.1, **more: object) -> dict[str, object]:
    steps = [
        {"value": "pending", "code": "8000", "created": "2025-03-10 17:44:44.642478+00:00"},
        {"value": status, "code": "7000", "message": "No.", "created": "2025-03-10 17:44:44.778054+00:00"},
    ]
    amount = {"value": value, "currency": "USD"}
    own = {"id": f"op_{kind}", "type": kind, "status": status, "amount": amount, "statuses": steps}
    return {**own, "latest_status": {"code": "7000", "message": "No."}, **more}


def attempt(*operations: object, **more: object) -> dict[str, object]:
    own = {"id": "tx_1", "created": "2025-03-10 17:44:44.588034+00:00", "operations": list(operations)}
    return {**own, "type": "payment", "merchant_reference": "order_1", **more}


def event(*operations: object, **more: object) -> dict[str, object]:
    asked = {
        "id": "intent_1",
        "created": "2025-03-10 17:44:35.192694+00:00",
        "amount": {"value": 7.1, "currency": "USD"},
    }
    return {"type": "some.event", "intent": asked, "transaction": attempt(*operations, **more), "api_version": "1.1"}


def intent(status: str, *attempts: object, **more: object) -> dict[str, object]:
    own = {
        "id": "intent_1",
        "status": status,
        "amount": 7.1,
        "amount_currency": "USD",
        "type": "Payin",
        "is_live": True,
    }
    listed = {"active_transaction": attempts[-1] if attempts else None, "transactions_history": list(attempts)}
    told = {**own, **listed, "created": "2025-03-10T17:44:35.192694Z", **more}
    return {"type": "intent.x", "intent_type": "PAYMENT", "data": {"intent_id": "intent_1", "intent": told}}


def test_a_known_answer_and_only_the_third_generation_counts() -> None:
    body = b'"webhook_payload"'
    for header, believed in (
        (f"t={KNOWN_S},v1=placeholder,v2=placeholder,v3={KNOWN}", True),
        (f"v3={KNOWN.upper()}, t={KNOWN_S}", True),
        (f"t={KNOWN_S},v3={'0' * 64},v3={KNOWN}", True),
        (f"t={KNOWN_S},v2={KNOWN}", False),
        (f"t={KNOWN_S},v3={KNOWN[:-2]}", False),
        (f"t={KNOWN_S},t={KNOWN_S},v3={KNOWN}", False),
        (f"v3={KNOWN}", False),
        (f"t={KNOWN_S},v3=invalid_signature", False),
    ):
        answer = judged(made(header, body), "test_signature_key", KNOWN_S * 1000)
        assert isinstance(answer, Verified) is believed, header


def test_the_time_is_signed_and_judged_both_ways() -> None:
    good = made(f"t={NOW_S},v3={digest()}")
    assert isinstance(judged(good), Verified)
    assert reason(judged(made(f"t={NOW_S + 1},v3={digest()}"))) is RefusalReason.SIGNATURE_MISMATCH
    assert reason(judged(good, now_ms=NOW_MS + 301_000)) is RefusalReason.TIMESTAMP_TOO_OLD
    assert reason(judged(good, now_ms=NOW_MS - 301_000)) is RefusalReason.TIMESTAMP_IN_FUTURE
    assert reason(judged(good, now_ms=NOW_MS + 11_000, toleranceSeconds=10)) is RefusalReason.TIMESTAMP_TOO_OLD
    assert reason(judged(made(f"t=soon,v3={digest('soon')}"))) is RefusalReason.TIMESTAMP_MALFORMED
    assert reason(judged(made(""))) is RefusalReason.HEADER_MISSING


def test_the_same_body_signed_again_is_a_duplicate() -> None:
    first, second = (judged(made(f"t={time},v3={digest(time)}")) for time in (NOW_S, NOW_S + 60))
    assert first == second
    assert isinstance(first, Verified)
    assert first.dedupe_key.startswith("sha256:")


@pytest.mark.parametrize("options", [{"toleranceSeconds": 0}, {"header": "X"}])
def test_an_unfit_option_is_refused_by_name(options: Mapping[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        gateway("moneyhash").check(source("moneyhash", options=options))


@pytest.mark.parametrize(
    ("kind", "status", "fact_kind", "amount"),
    [
        ("purchase", "successful", Kind.CAPTURED, 710),
        ("purchase", "pending", Kind.PROCESSING, None),
        ("purchase", "pending_authentication", Kind.REQUIRES_ACTION, None),
        ("purchase", "pending_external_action", Kind.REQUIRES_ACTION, None),
        ("purchase", "failed", Kind.FAILED, None),
        ("authorize", "successful", Kind.AUTHORIZED, 710),
        ("authorize", "failed", Kind.FAILED, None),
        ("capture", "successful", Kind.CAPTURED, 710),
        ("refund", "pending", Kind.REFUND_PENDING, 710),
        ("refund", "successful", Kind.REFUND_SUCCEEDED, 710),
        ("refund", "failed", Kind.REFUND_FAILED, 710),
    ],
)
def test_an_operation_is_one_fact_of_the_intent(kind: str, status: str, fact_kind: Kind, amount: int | None) -> None:
    created, fact = parse("moneyhash", event(operation(kind, status))).facts
    assert (created.kind, created.amount_minor, created.at_ms) == (Kind.PAYMENT_CREATED, 710, STARTED_MS)
    assert (fact.kind, fact.aggregate, fact.ref, fact.amount_minor) == (fact_kind, "intent_1", f"op_{kind}", amount)
    assert fact.at_ms == DONE_MS


def test_a_failure_says_why_and_the_attempt_who_pays() -> None:
    billing = {"first_name": "Pat", "last_name": None, "email": "pat@example.com", "phone_number": "+1"}
    more = {"billing_data": billing, "payment_method_details": {"type": "CARD"}}
    parsed = parse("moneyhash", event(operation("purchase", "failed"), **more))
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "7000", "failure_message": "No."}
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1",
        "customer_name": "Pat",
        "customer_email": "pat@example.com",
        "customer_phone": "+1",
        "method": "CARD",
    }


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_capture_that_did_not_happen_says_nothing(status: str) -> None:
    told = kinds(parse("moneyhash", event(operation("authorize", "successful"), operation("capture", status))))
    assert told == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]


@pytest.mark.parametrize(
    "before",
    [
        [operation("authorize", "successful")],
        [operation("authorize", "successful", 10), operation("capture", "successful", 2.9)],
    ],
)
def test_a_void_releases_what_is_held(before: list[object]) -> None:
    parsed = parse("moneyhash", event(*before, operation("void", "successful")))
    assert only(parsed, Kind.VOIDED).amount_minor == 710
    assert Kind.CAPTURE_REVERSED not in kinds(parsed)


@pytest.mark.parametrize(
    ("before", "ref"),
    [
        ([operation("purchase", "successful")], "op_purchase"),
        ([operation("authorize", "successful"), operation("capture", "successful")], "op_capture"),
    ],
)
def test_a_void_of_all_that_was_captured_takes_it_back(before: list[object], ref: str) -> None:
    parsed = parse("moneyhash", event(*before, operation("void", "successful")))
    assert (only(parsed, Kind.CAPTURE_REVERSED).ref, only(parsed, Kind.CAPTURE_REVERSED).amount_minor) == (ref, 710)
    state = project(parsed.facts)
    assert (state.status, state.captured_minor, state.refunded_minor) == (PaymentStatus.CANCELED, 0, 0)


def test_a_void_of_a_part_of_what_was_captured_is_a_refund() -> None:
    parsed = parse("moneyhash", event(operation("purchase", "successful"), operation("void", "successful", 2.1)))
    assert (only(parsed, Kind.REFUND_SUCCEEDED).ref, only(parsed, Kind.REFUND_SUCCEEDED).amount_minor) == (
        "op_void",
        210,
    )
    assert project(parsed.facts).status is PaymentStatus.PARTIALLY_REFUNDED


@pytest.mark.parametrize("status", ["failed", "pending"])
@pytest.mark.parametrize("first", ["authorize", "purchase"])
def test_a_void_that_did_not_happen_says_nothing(first: str, status: str) -> None:
    told = kinds(parse("moneyhash", event(operation(first, "successful"), operation("void", status))))
    assert told == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED if first == "authorize" else Kind.CAPTURED]


def test_intent_and_transaction_report_one_capture_as_one_fact() -> None:
    paid = attempt(operation("purchase", "successful"))
    of_intent = parse("moneyhash", intent("PROCESSED", paid))
    of_transaction = parse("moneyhash", event(operation("purchase", "successful")))
    assert only(of_intent, Kind.CAPTURED) == only(of_transaction, Kind.CAPTURED)
    assert of_intent.livemode is True
    assert of_transaction.livemode is None
    assert project([*of_intent.facts, *of_transaction.facts]).captured_minor == 710


def test_an_intent_tells_of_every_attempt() -> None:
    declined = attempt(operation("purchase", "failed", id="op_0"))
    parsed = parse("moneyhash", intent("PROCESSED", declined, attempt(operation("purchase", "successful"))))
    assert (only(parsed, Kind.FAILED).ref, only(parsed, Kind.CAPTURED).ref) == ("op_0", "op_purchase")
    assert project(parsed.facts).status is PaymentStatus.COMPLETED


@pytest.mark.parametrize(
    ("status", "kind"), [("TIME_EXPIRED", Kind.EXPIRED), ("EXPIRED", Kind.EXPIRED), ("CLOSED", Kind.CANCELED)]
)
def test_an_intents_end_has_the_time_of_its_arrival(status: str, kind: Kind) -> None:
    created, ended = parse("moneyhash", intent(status, merchant_reference="order_2")).facts
    assert created.detail == {"order_id": "order_2"}
    assert (ended.kind, ended.aggregate, ended.at_ms) == (kind, "intent_1", NOW_MS + 5)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "card_token.created", "data": {"intent_id": "intent_1", "card_token": {"id": "card_1"}}},
        {"type": "customer.created"},
        intent("PROCESSED", type="Payout"),
        event(operation("disburse", "odd"), type="payout"),
    ],
)
def test_what_is_no_payment_is_unmapped_with_a_reason(body: dict[str, object]) -> None:
    parsed = parse("moneyhash", body)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(("kind", "status"), [("purchase", "brand_new"), ("brand_new", "successful")])
def test_an_unknown_operation_is_named(kind: str, status: str) -> None:
    parsed = parse("moneyhash", event(operation(kind, status)))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED]
    assert "brand_new" in parsed.reason


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], MalformedPayload),
        (event(operation("purchase", "successful", id=None)), MalformedPayload),
        (event(operation("purchase", "successful", id="two words")), MalformedPayload),
        (event(operation("purchase", "successful"), created=7), MalformedPayload),
        (intent("PROCESSED", created="soon"), MalformedPayload),
        (event(operation("purchase", "successful", 7.105)), AmountError),
        (event(operation("purchase", "successful", -1)), AmountError),
        (intent("PROCESSED", amount_currency="XXX"), AmountError),
    ],
)
def test_what_is_not_as_documented_is_refused(body: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse("moneyhash", body)


def test_pretended_events_honour_what_is_asked() -> None:
    signed = pretender("moneyhash").signed
    part = signed(
        "transaction.refund.successful", payment_id="i_9", refund_id="r_9", refund_minor=5, secret=SECRET, at_s=NOW_S
    )
    assert isinstance(judged(request(part)), Verified)
    parsed = parse("moneyhash", part.body)
    fact = only(parsed, Kind.REFUND_SUCCEEDED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("i_9", "r_9", 5, NOW_MS)
    assert only(parsed, Kind.CAPTURED).amount_minor == 10_000
    paid = parse(
        "moneyhash", signed("intent.processed", currency="JPY", amount_minor=700, secret=SECRET, at_s=NOW_S).body
    )
    assert only(paid, Kind.CAPTURED).amount_minor == 700


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        ("disburse", "pending_approval", Kind.PAYOUT_CREATED),
        ("disburse", "successful", Kind.PAYOUT_PAID),
        ("disburse", "failed", Kind.PAYOUT_FAILED),
        ("void", "successful", Kind.PAYOUT_CANCELED),
    ],
)
def test_a_payout_is_its_transaction(kind: str, status: str, told: Kind) -> None:
    done = operation(kind, status)
    parsed = parse("moneyhash", event(done, type="payout"))
    fact = only(parsed, told)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == ("tx_1", 710, "USD")
    assert fact.detail == ({"failure_code": "7000", "failure_message": "No."} if status == "failed" else {})
    listed = parse("moneyhash", intent("PROCESSED", attempt(done), type="Payout"))
    assert (listed.facts, listed.livemode) == ((fact,), True)


def test_what_the_server_said_of_an_intent() -> None:
    said = {"paybell_product": "pro", "user_id": "user_1", "paybell_expected_minor": "710"}
    fields = {**said, "paybell_expected_currency": "USD"}
    of_intent = parse("moneyhash", intent("PROCESSED", custom_fields=fields))
    body = event(operation("purchase", "successful"))
    asked = body["intent"]
    assert isinstance(asked, dict)
    of_transaction = parse("moneyhash", {**body, "intent": {**asked, "custom_fields": fields}})
    assert only(of_intent, Kind.EXPECTED) == only(of_transaction, Kind.EXPECTED)
    for parsed in (of_intent, of_transaction):
        detail = only(parsed, Kind.PAYMENT_CREATED).detail
        assert (detail["product"], detail["user_id"]) == ("pro", "user_1")
