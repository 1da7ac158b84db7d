import json

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict
from paybell.ports import FetchPlan
from paybell.testing.pretender import hex_hmac
from paybell.testing.samples.mercadopago import mercadopago_payment
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, notification, only, source

AT = "2025-06-15T12:06:40.000-03:00"
ID = "ORD01EXAMPLE"


def judged(manifest: str, *, query: str = f"data.id={ID}", ts: int = NOW_S, body: bytes = b"{}") -> Verdict:
    signature = f"ts={ts},v1={hex_hmac(SECRET, manifest.encode())}".encode()
    made = Request(body, ((b"x-signature", signature), (b"x-request-id", b"req-1")), "", query)
    return gateway("mercadopago").verify(made, source("mercadopago"), NOW_MS)


def plan(**said: object) -> FetchPlan | None:
    at = source("mercadopago", options={"accessToken": "APP_USR-1"})
    return gateway("mercadopago").plan_fetch(notification(json.dumps(said).encode()), at)


def answered(body: bytes | dict[str, object], subject: str = "101") -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return gateway("mercadopago").parse(made, source("mercadopago"))


def payment(status: str, detail: str = "accredited", **more: object) -> Parsed:
    own = json.loads(mercadopago_payment(payment_id="101", status=status, detail=detail, amount="450.00", time=AT))
    return answered({**own, **more})


def order(status: str, *payments: dict[str, object], **more: object) -> Parsed:
    own = {"id": ID, "status": status, "total_amount": "50.00", "country_code": "BR", "last_updated_date": AT}
    refunds = more.pop("refunds", [])
    return answered({**own, "transactions": {"payments": list(payments), "refunds": refunds}, **more}, ID)


def test_the_id_is_signed_in_lower_case_or_as_it_came() -> None:
    rest = f"request-id:req-1;ts:{NOW_S};"
    assert isinstance(judged(f"id:{ID.lower()};{rest}"), Hint)
    assert judged(f"id:{ID.lower()};{rest}") == judged(f"id:{ID};{rest}")
    assert isinstance(judged(rest, query="type=order"), Hint)
    for manifest in (rest, f"id:other;{rest}", f"id:{ID.lower()};ts:{NOW_S};", ""):
        refused = judged(manifest)
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


def test_the_id_of_the_query_is_decoded() -> None:
    assert isinstance(judged(f"id:a b;request-id:req-1;ts:{NOW_S};", query="x=1&data.id=a%20b"), Hint)


def test_a_body_that_names_another_id_than_the_signed_one_is_refused() -> None:
    manifest = f"id:{ID.lower()};request-id:req-1;ts:{NOW_S};"
    named = json.dumps({"data": {"id": ID}}).encode()
    assert isinstance(judged(manifest, body=named), Hint)
    refused = judged(manifest, body=b'{"data": {"id": "ORD02OTHER"}}')
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


def test_a_time_in_seconds_or_milliseconds_may_be_a_day_old() -> None:
    for ts in (NOW_S - 86_400, (NOW_S - 86_400) * 1000):
        assert isinstance(judged(f"id:{ID.lower()};request-id:req-1;ts:{ts};", ts=ts), Hint)
    late = NOW_S - 86_402
    refused = judged(f"id:{ID.lower()};request-id:req-1;ts:{late};", ts=late)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TIMESTAMP_TOO_OLD
    with pytest.raises(ConfigurationError, match="toleranceSeconds"):
        gateway("mercadopago").check(source("mercadopago", options={"toleranceSeconds": 0}))


@pytest.mark.parametrize(
    ("topic", "path"),
    [
        ("payment", "/v1/payments/101"),
        ("order", "/v1/orders/101"),
        ("topic_chargebacks_wh", "/v1/chargebacks/101"),
        ("subscription_preapproval", "/preapproval/101"),
        ("subscription_authorized_payment", "/authorized_payments/101"),
    ],
)
def test_what_is_named_is_asked_for(topic: str, path: str) -> None:
    made = plan(type=topic, data={"id": "101"})
    assert made is not None
    assert (made.method, made.url, made.subject) == ("GET", f"https://api.mercadopago.com{path}", "101")
    assert ("authorization", "Bearer APP_USR-1") in made.headers
    assert plan(topic=topic, data={"id": 101}) == made


def test_what_cannot_be_asked() -> None:
    body = b'{"type": "payment", "data": {"id": "101"}}'
    assert gateway("mercadopago").plan_fetch(notification(body), source("mercadopago")) is None
    for said in ({"type": "payment"}, {"type": "payment", "data": {"id": "../users"}}, {"type": "mp-connect"}):
        with pytest.raises(MalformedPayload):
            plan(**said)


def test_an_approved_payment() -> None:
    parsed = payment("approved")
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("101", "101", 45000, "BRL")
    assert fact.at_ms == NOW_MS
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1001",
        "customer_id": "100001",
        "customer_email": "pat@example.com",
        "method": "visa",
    }
    assert (parsed.livemode, parsed.final) == (True, True)


@pytest.mark.parametrize(
    ("status", "detail", "kind", "final"),
    [
        ("authorized", "pending_capture", Kind.AUTHORIZED, True),
        ("in_process", "pending_contingency", Kind.PROCESSING, False),
        ("pending", "pending_waiting_payment", Kind.PROCESSING, False),
        ("pending", "pending_challenge", Kind.REQUIRES_ACTION, False),
        ("rejected", "cc_rejected_other_reason", Kind.FAILED, True),
        ("cancelled", "by_collector", Kind.CANCELED, True),
        ("cancelled", "expired", Kind.EXPIRED, True),
    ],
)
def test_a_payments_status(status: str, detail: str, kind: Kind, final: bool) -> None:  # noqa: FBT001
    parsed = payment(status, detail)
    assert (kinds(parsed), parsed.final) == ([Kind.PAYMENT_CREATED, kind], final)
    if kind is Kind.FAILED:
        assert only(parsed, kind).detail == {"failure_code": detail}


def test_refunds_with_ids_and_the_total_that_checks_them() -> None:
    refunds = [
        {"id": 9, "amount": 10.5, "status": "approved", "date_created": AT},
        {"id": 10, "amount": 1, "status": "in_process", "date_created": AT},
    ]
    parsed = payment("approved", "partially_refunded", refunds=refunds, transaction_amount_refunded=10.5)
    done, waiting = only(parsed, Kind.REFUND_SUCCEEDED), only(parsed, Kind.REFUND_PENDING)
    assert (done.aggregate, done.ref, done.amount_minor) == ("101", "9", 1050)
    assert (waiting.ref, waiting.amount_minor) == ("10", 100)
    assert only(parsed, Kind.REFUNDED_TOTAL).amount_minor == 1050


@pytest.mark.parametrize(
    ("status", "detail", "said"),
    [
        ("charged_back", "in_process", "open"),
        ("charged_back", "settled", "lost"),
        ("charged_back", "reimbursed", "won"),
        ("in_mediation", "pending", "warning"),
    ],
)
def test_a_dispute_of_a_payment(status: str, detail: str, said: str) -> None:
    parsed = payment(status, detail)
    fact = only(parsed, Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.detail["status"], fact.amount_minor) == ("101", "101", said, 45000)
    assert only(parsed, Kind.CAPTURED).amount_minor == 45000


def test_a_chargeback_is_the_same_dispute_as_its_payments() -> None:
    own = {"id": "cb_1", "payments": [101], "currency": "BRL", "amount": 450.0, "date_last_updated": AT}
    fact = only(answered({**own, "coverage_applied": None}, "cb_1"), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.detail) == ("101", "101", 45000, {"status": "open"})
    won = only(answered({**own, "coverage_applied": True}, "cb_1"), Kind.DISPUTE_STATUS)
    assert won.detail == {"status": "won"}
    with pytest.raises(MalformedPayload):
        answered({**own, "amount": None}, "cb_1")


def test_an_order_is_the_payment_and_its_payments_are_attempts() -> None:
    paid = {"id": "PAY1", "status": "processed", "amount": "50.00", "payment_method": {"id": "pix"}}
    failed = {"id": "PAY0", "status": "failed", "status_detail": "rejected", "amount": "50.00"}
    refund = {"id": "REF1", "status": "processed", "amount": "5.00"}
    parsed = order("processed", failed, paid, refunds=[refund], external_reference="order_1001")
    fact = only(parsed, Kind.CAPTURED)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == (ID, "PAY1", 5000, "BRL")
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "rejected"}
    assert only(parsed, Kind.REFUND_SUCCEEDED).ref == "REF1"
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"order_id": "order_1001"}


def test_an_orders_other_states() -> None:
    held = {"id": "PAY1", "status": "action_required", "status_detail": "waiting_capture", "amount": "50.00"}
    assert only(order("action_required", held), Kind.AUTHORIZED).amount_minor == 5000
    waiting = order("action_required", {**held, "status_detail": "waiting_payment"})
    assert (kinds(waiting), waiting.final) == ([Kind.PAYMENT_CREATED, Kind.REQUIRES_ACTION], False)
    assert kinds(order("expired")) == [Kind.PAYMENT_CREATED, Kind.EXPIRED]
    assert kinds(order("canceled")) == [Kind.PAYMENT_CREATED, Kind.CANCELED]
    back = {"id": "PAY1", "status": "charged_back", "status_detail": "settled", "amount": "50.00"}
    assert only(order("charged_back", back), Kind.DISPUTE_STATUS).detail["status"] == "lost"
    assert order("processed", currency="CLP", total_amount="500").facts[0].amount_minor == 500
    unknown = order("processed", country_code="XX")
    assert unknown.facts == ()
    assert unknown.reason


def test_answers_that_settle_nothing() -> None:
    for parsed in (payment("brand_new"), answered({"id": 102, "transaction_amount": 1}), answered({"id": "101"})):
        assert (parsed.facts, parsed.final) == ((), False)
        assert parsed.reason
    with pytest.raises(AmountError):
        payment("approved", transaction_amount=1.005)
    hint = gateway("mercadopago").parse(notification(b"{}"), source("mercadopago"))
    assert hint.facts == ()


def test_equal_answers_have_equal_keys() -> None:
    def key(**more: object) -> str:
        own = {"id": 101, "status": "approved", "transaction_amount": 1.5, "date_last_updated": AT, **more}
        return gateway("mercadopago").fetched_key("101", json.dumps(own).encode())

    assert key() == key(date_last_updated="2026-01-01T00:00:00Z")
    refund = {"id": 9, "amount": 1, "status": "approved"}
    assert len({key(), key(status="refunded"), key(transaction_amount_refunded=1), key(refunds=[refund])}) == 4
    orders = [{"id": "PAY1", "status": status} for status in ("processed", "failed")]
    assert len({key(transactions={"payments": [each]}, id="O", status="x") for each in orders}) == 2
