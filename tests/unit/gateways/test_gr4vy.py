from collections.abc import Mapping

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import RefusalReason, Refused, Request, Verdict, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, only, parse, request, source

# The example of the SDK's own tests.
KNOWN = "78aca0c78005107a654a957b8566fa6e0e5e06aea92d7da72a6da9e5a690d013"
KNOWN_SECRET = "Ik4L-8FH0ihWczctcIPXZRR_8F0fPNgmhEfVBbZ3zNwqQVa1Or4tBz4Pgw2eNaVDod7H56Y268h_wohEUaWbUg"
KNOWN_S = 1_744_018_920
UPDATED_MS = 1_726_592_106_560


def made(signatures: str, time: object = NOW_S, body: bytes = b'{"id":"event_1"}') -> Request:
    named = {"x-gr4vy-webhook-signatures": signatures, "x-gr4vy-webhook-timestamp": str(time)}
    return Request(body, tuple((name.encode(), value.encode()) for name, value in named.items() if value))


def digest(time: object = NOW_S, body: bytes = b'{"id":"event_1"}') -> str:
    return hex_hmac(SECRET, f"{time}.".encode() + body)


def judged(one: Request, secret: str = SECRET, now_ms: int = NOW_MS, **options: object) -> Verdict:
    return gateway("gr4vy").verify(one, source("gr4vy", secrets=(secret,), options=options), now_ms)


def reason(answer: Verdict) -> RefusalReason:
    assert isinstance(answer, Refused)
    return answer.reason


def event(target: Mapping[str, object], **more: object) -> dict[str, object]:
    own = {"type": "event", "id": "event_1", "name": "some.event", "created_at": "2024-09-17T16:55:07+00:00"}
    return {**own, "environment": "sandbox", "target": target, **more}


def transaction(status: str, **more: object) -> dict[str, object]:
    totals = {"authorized_amount": 1299, "captured_amount": 0, "refunded_amount": 0}
    times = {"created_at": "2024-09-17T16:54:57.333316+00:00", "updated_at": "2024-09-17T16:55:06.560721+00:00"}
    own = {"type": "transaction", "id": "tx_1", "amount": 1299, "currency": "MXN", "external_identifier": "order_1"}
    return {**own, **totals, **times, "status": status, **more}


def refund(status: str, **more: object) -> dict[str, object]:
    own = {"type": "refund", "id": "refund_1", "transaction_id": "tx_1", "amount": 700, "currency": "MXN"}
    return {**own, "status": status, "reason": "Returned", "updated_at": "2024-09-17T16:55:06.560721+00:00", **more}


def test_a_known_answer_among_several_signatures() -> None:
    for listed in (f"{KNOWN},other", f"other, {KNOWN.upper()}"):
        answer = judged(made(listed, KNOWN_S, b"payload"), KNOWN_SECRET, KNOWN_S * 1000)
        assert isinstance(answer, Verified)
        assert answer.dedupe_key.startswith("sha256:")
    assert reason(judged(made("other", KNOWN_S, b"payload"), KNOWN_SECRET, KNOWN_S * 1000)) is (
        RefusalReason.MALFORMED_SIGNATURE
    )


def test_the_time_is_signed_and_judged_both_ways() -> None:
    good = digest()
    assert judged(made(good)) == Verified("event_1")
    assert reason(judged(made(good, NOW_S + 1))) is RefusalReason.SIGNATURE_MISMATCH
    assert isinstance(judged(made(good), now_ms=NOW_MS + 300_000), Verified)
    assert reason(judged(made(good), now_ms=NOW_MS + 301_000)) is RefusalReason.TIMESTAMP_TOO_OLD
    assert reason(judged(made(good), now_ms=NOW_MS - 301_000)) is RefusalReason.TIMESTAMP_IN_FUTURE
    assert reason(judged(made(good), now_ms=NOW_MS + 11_000, toleranceSeconds=10)) is RefusalReason.TIMESTAMP_TOO_OLD
    assert reason(judged(made(digest("soon"), "soon"))) is RefusalReason.TIMESTAMP_MALFORMED
    for one in (made(good, ""), made("")):
        assert reason(judged(one)) is RefusalReason.HEADER_MISSING


def test_the_unsigned_id_changes_nothing() -> None:
    one = request(pretender("gr4vy").signed("transaction.captured", event_id="event_9", secret=SECRET, at_s=NOW_S))
    assert judged(one) == Verified("event_9")
    without = Request(one.body, tuple(pair for pair in one.headers if pair[0] != b"x-gr4vy-webhook-id"))
    assert judged(without) == Verified("event_9")


@pytest.mark.parametrize("options", [{"toleranceSeconds": 0}, {"header": "X"}])
def test_an_unfit_option_is_refused_by_name(options: Mapping[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        gateway("gr4vy").check(source("gr4vy", options=options))


@pytest.mark.parametrize(
    ("status", "kind", "ref", "amount"),
    [
        ("processing", Kind.PROCESSING, "", None),
        ("buyer_approval_pending", Kind.REQUIRES_ACTION, "", None),
        ("authorization_succeeded", Kind.AUTHORIZED, "tx_1", 1299),
        ("authorization_void_pending", Kind.AUTHORIZED, "tx_1", 1299),
        ("capture_pending", Kind.AUTHORIZED, "tx_1", 1299),
        ("authorization_voided", Kind.VOIDED, "", None),
        ("authorization_declined", Kind.FAILED, "", None),
        ("authorization_failed", Kind.FAILED, "", None),
    ],
)
def test_a_transactions_status(status: str, kind: Kind, ref: str, amount: int | None) -> None:
    parsed = parse("gr4vy", event(transaction(status)))
    created, fact = parsed.facts
    assert (created.kind, created.amount_minor, created.at_ms) == (Kind.PAYMENT_CREATED, 1299, 1_726_592_097_333)
    assert created.detail == {"order_id": "order_1"}
    assert (fact.kind, fact.aggregate, fact.ref, fact.amount_minor) == (kind, "tx_1", ref, amount)
    assert fact.at_ms == UPDATED_MS
    assert parsed.livemode is False


@pytest.mark.parametrize("amount", [0, None])
def test_a_capture_that_waits_without_an_authorisation_is_processing(amount: int | None) -> None:
    parsed = parse("gr4vy", event(transaction("capture_pending", authorized_amount=amount)))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, Kind.PROCESSING]


def test_a_capture_and_what_was_refunded_of_it() -> None:
    plain = parse("gr4vy", event(transaction("capture_succeeded", captured_amount=1000), environment="production"))
    assert kinds(plain) == [Kind.PAYMENT_CREATED, Kind.CAPTURED]
    assert (only(plain, Kind.CAPTURED).ref, only(plain, Kind.CAPTURED).amount_minor) == ("tx_1", 1000)
    assert plain.livemode is True
    more = {"captured_amount": 1299, "refunded_amount": 700}
    assert (
        only(parse("gr4vy", event(transaction("capture_succeeded", **more))), Kind.REFUNDED_TOTAL).amount_minor == 700
    )


def test_a_decline_says_why_and_a_buyer_who_pays() -> None:
    billing = {"first_name": "Pat", "last_name": "Example", "email_address": "pat@example.com", "phone_number": "+1"}
    more = {
        "error_code": "insufficient_funds",
        "raw_response_description": "No.",
        "buyer": {"id": None, "external_identifier": "user_1", "billing_details": billing},
        "payment_method": {"method": "card"},
    }
    parsed = parse("gr4vy", event(transaction("authorization_declined", **more)))
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "insufficient_funds", "failure_message": "No."}
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1",
        "customer_id": "user_1",
        "customer_name": "Pat Example",
        "customer_email": "pat@example.com",
        "customer_phone": "+1",
        "method": "card",
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("processing", Kind.REFUND_PENDING),
        ("succeeded", Kind.REFUND_SUCCEEDED),
        ("declined", Kind.REFUND_FAILED),
        ("failed", Kind.REFUND_FAILED),
        ("voided", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    (fact,) = parse("gr4vy", event(refund(status))).facts
    assert (fact.kind, fact.aggregate, fact.ref, fact.amount_minor) == (kind, "tx_1", "refund_1", 700)
    assert (fact.at_ms, fact.detail) == (UPDATED_MS, {"reason": "Returned"})


def test_amounts_are_minor_units_of_iso() -> None:
    for currency in ("JPY", "KWD"):
        made_of = transaction("capture_succeeded", captured_amount=1299, currency=currency)
        fact = only(parse("gr4vy", event(made_of)), Kind.CAPTURED)
        assert (fact.amount_minor, fact.currency) == (1299, currency)


@pytest.mark.parametrize(
    "target",
    [transaction("brand_new"), refund("brand_new"), {"type": "buyer", "id": "buyer_1"}, {"type": "report-execution"}],
)
def test_what_is_unknown_is_unmapped_with_a_reason(target: dict[str, object]) -> None:
    parsed = parse("gr4vy", event(target))
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, MalformedPayload),
        (event({}), MalformedPayload),
        (event(transaction("processing"), created_at=7), MalformedPayload),
        (event(transaction("processing", id="two words")), MalformedPayload),
        (event(transaction("processing", updated_at="soon")), MalformedPayload),
        (event(refund("succeeded", transaction_id=None)), MalformedPayload),
        (event(transaction("processing", amount=12.99)), AmountError),
        (event(transaction("capture_succeeded", captured_amount=None)), AmountError),
        (event(transaction("processing", currency="XXX")), AmountError),
    ],
)
def test_what_is_not_as_documented_is_refused(body: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        parse("gr4vy", body)


def test_pretended_events_honour_what_is_asked() -> None:
    signed = pretender("gr4vy").signed
    part = signed(
        "refund.succeeded", payment_id="tx_9", refund_id="refund_9", refund_minor=5, secret=SECRET, at_s=NOW_S
    )
    fact = only(parse("gr4vy", part.body), Kind.REFUND_SUCCEEDED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.at_ms) == ("tx_9", "refund_9", 5, NOW_MS)
    paid = parse("gr4vy", signed("transaction.captured", secret=SECRET, at_s=NOW_S, started_at_s=NOW_S - 60).body)
    assert only(paid, Kind.PAYMENT_CREATED).at_ms == NOW_MS - 60_000


def test_metadata_of_a_browser_says_who_pays_and_that_of_the_server_says_more() -> None:
    said = {"paybell_product": "pro", "user_id": "user_1", "paybell_expected_minor": "1299"}
    body = event(transaction("capture_succeeded", metadata={**said, "paybell_expected_currency": "MXN"}))
    doubted = parse("gr4vy", body)
    assert only(doubted, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1", "user_id": "user_1"}
    assert Kind.EXPECTED not in kinds(doubted)
    believed = parse("gr4vy", body, {"trustMetadata": True})
    assert only(believed, Kind.PAYMENT_CREATED).detail["product"] == "pro"
    assert only(believed, Kind.EXPECTED).amount_minor == 1299
