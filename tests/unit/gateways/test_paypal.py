import json
from base64 import b64decode

import pytest

from paybell.errors import AmountError, ConfigurationError, MalformedPayload
from paybell.gateways.paypal import PayPal
from paybell.model.alias import ids_of
from paybell.model.fact import Fact, Kind, Parsed, Subject, subject_of
from paybell.model.notification import Hint, Origin, RefusalReason, Refused, Request, Verdict
from paybell.model.payment import PaymentStatus
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.private_keys import private_pem, public_pem
from paybell.testing.samples.paypal import WEBHOOK_ID
from tests.unit.gateways.sources import NOW_MS, NOW_S, TOKEN, kinds, notification, only, request, source, with_header

PAYPAL = PayPal()
KEYS = {"clientId": "client", "clientSecret": "not-a-secret"}
CERTIFIED = {"webhookId": WEBHOOK_ID}
USD = {"currency_code": "USD", "value": "10.00"}
AT = "2025-06-15T15:06:40Z"


def signed(secret: str = "", token: str = TOKEN) -> Request:
    made = pretender("paypal").signed(
        "PAYMENT.CAPTURE.COMPLETED", secret=secret or private_pem(), token=token, at_s=NOW_S
    )
    return request(made)


def judged(made: Request, *secrets: str) -> Verdict:
    held = secrets or (public_pem(private_pem()),)
    return PAYPAL.verify(made, source("paypal", secrets=held, options=CERTIFIED), NOW_MS)


def event(resource_type: str, resource: object, name: str = "PAYMENT.X", **more: object) -> dict[str, object]:
    own = {"id": "WH-1", "event_type": name, "create_time": AT}
    return {**own, "resource_type": resource_type, "resource": resource, **more}


def operation(status: str, **more: object) -> dict[str, object]:
    return {"id": "CAP1", "status": status, "amount": USD, "create_time": AT, "update_time": AT, **more}


def dispute(status: str, code: str = "", stage: str = "CHARGEBACK") -> dict[str, object]:
    return {
        "dispute_id": "PP-1",
        "status": status,
        "reason": "UNAUTHORISED",
        "update_time": AT,
        "dispute_amount": USD,
        "dispute_life_cycle_stage": stage,
        "dispute_outcome": {"outcome_code": code} if code else None,
        "disputed_transactions": [{"seller_transaction_id": "CAP1"}],
    }


def answered(body: object, subject: str = "WH-1") -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    made = notification(raw, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return PAYPAL.parse(made, source("paypal"))


def of(resource_type: str, resource: object, name: str = "PAYMENT.X") -> Parsed:
    return answered(event(resource_type, resource, name))


def test_the_bytes_under_the_signature() -> None:
    # The id, the time and the webhook's id of the Python SDK's test; the CRC-32 is that of the command `gzip`.
    headers = (
        (b"paypal-transmission-id", b"dfb3be50-fd74-11e4-8bf3-77339302725b"),
        (b"paypal-transmission-time", b"2015-05-18T15:45:13Z"),
        (b"paypal-transmission-sig", b"AAAA"),
    )
    held = source("paypal", secrets=("any",), options={"webhookId": "4JH86294D6297924G"})
    claims = PAYPAL.claims(Request(b'{"event":"x"}', headers, TOKEN), held)
    assert not isinstance(claims, Refused)
    assert claims[0].signed == b"dfb3be50-fd74-11e4-8bf3-77339302725b|2015-05-18T15:45:13Z|4JH86294D6297924G|3473906907"
    assert claims[0].given == (b64decode("AAAA"),)


def test_without_certificates_the_token_alone_lets_a_hint_in() -> None:
    made = signed(secret="none")
    assert isinstance(PAYPAL.verify(made, source("paypal"), NOW_MS), Hint)
    refused = PAYPAL.verify(signed(token="other"), source("paypal"), NOW_MS)
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TOKEN_MISMATCH


def test_with_certificates_the_signature_must_be_right_too_and_it_is_still_a_hint() -> None:
    assert isinstance(judged(signed()), Hint)
    assert isinstance(judged(signed(), "no key", public_pem(private_pem())), Hint)
    refused = judged(signed(token="other"))
    assert isinstance(refused, Refused)
    assert refused.reason is RefusalReason.TOKEN_MISMATCH


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("paypal-transmission-id", None, RefusalReason.HEADER_MISSING),
        ("paypal-transmission-time", None, RefusalReason.HEADER_MISSING),
        ("paypal-transmission-sig", None, RefusalReason.HEADER_MISSING),
        ("paypal-transmission-sig", b"%%%", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-transmission-sig", b"AAAA", RefusalReason.SIGNATURE_MISMATCH),
        ("paypal-transmission-time", b"2015-05-18T15:45:13Z", RefusalReason.SIGNATURE_MISMATCH),
        ("paypal-auth-algo", b"none", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-auth-algo", b"SHA1withRSA", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-cert-url", b"https://evil.example.com/cert.pem", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-cert-url", b"https://paypal.com.evil.example.com/c", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-cert-url", b"https://api.paypal.com@evil.example.com/", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-cert-url", b"http://api.paypal.com/v1/notifications/certs/c", RefusalReason.MALFORMED_SIGNATURE),
        ("paypal-cert-url", b"https://[", RefusalReason.MALFORMED_SIGNATURE),
        ("content-encoding", b"gzip", RefusalReason.CONTENT_ENCODING),
    ],
)
def test_what_is_refused(name: str, value: bytes | None, reason: RefusalReason) -> None:
    refused = judged(with_header(signed(), name, value))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_another_body_webhook_or_key_is_a_mismatch() -> None:
    made = signed()
    others = [
        judged(Request(made.body + b" ", made.headers, made.token)),
        PAYPAL.verify(
            made,
            source("paypal", secrets=(public_pem(private_pem()),), options={"webhookId": "ANOTHER"}),
            NOW_MS,
        ),
        judged(made, "another"),
    ]
    for refused in others:
        assert isinstance(refused, Refused)
        assert refused.reason is RefusalReason.SIGNATURE_MISMATCH


@pytest.mark.parametrize(
    ("secrets", "options", "words"),
    [
        ((), {"clientId": "c"}, "go together"),
        ((), {"clientSecret": "s"}, "go together"),
        (("no key",), CERTIFIED, "no certificate in PEM"),
        ((public_pem(private_pem()),), {}, "'webhookId' of gateway 'paypal' is required"),
        ((), {"baseUrl": "http://api.example.com"}, "'baseUrl'"),
    ],
)
def test_what_cannot_work_is_refused(secrets: tuple[str, ...], options: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        PAYPAL.check(source("paypal", secrets=secrets, options=options))


def test_what_works_is_not() -> None:
    PAYPAL.check(source("paypal", secrets=(public_pem(private_pem()),), options={**CERTIFIED, **KEYS}))
    PAYPAL.check(source("paypal", options=KEYS))


def test_what_is_asked() -> None:
    made = notification(json.dumps(event("capture", operation("COMPLETED"))).encode())
    plan = PAYPAL.plan_fetch(made, source("paypal", options=KEYS))
    assert plan is not None
    assert plan.login is not None
    assert plan.url == "https://api-m.paypal.com/v1/notifications/webhooks-events/WH-1"
    assert plan.login.url == "https://api-m.paypal.com/v1/oauth2/token"
    assert plan.login.body == b"grant_type=client_credentials"
    assert dict(plan.login.headers)["authorization"] == "Basic Y2xpZW50Om5vdC1hLXNlY3JldA=="
    assert PAYPAL.plan_fetch(made, source("paypal")) is None


@pytest.mark.parametrize("body", [b"", b"{}", b'{"id": "../x"}', b'{"id": "a b"}', b'{"id": 1}', b"[]"])
def test_what_has_no_id_cannot_be_asked_about(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        PAYPAL.plan_fetch(notification(body), source("paypal", options=KEYS))


def test_a_hint_says_nothing_and_neither_does_another_events_answer() -> None:
    body = event("capture", operation("COMPLETED"))
    hint = PAYPAL.parse(notification(json.dumps(body).encode()), source("paypal"))
    assert (hint.facts, hint.reason) == ((), "a hint: believed only as the API confirms it")
    other = answered(body, "WH-2")
    assert (other.facts, other.final, other.reason) == ((), False, "the answer is about another event")


@pytest.mark.parametrize(
    ("status", "kind", "amount"),
    [
        ("COMPLETED", Kind.CAPTURED, 1000),
        ("PARTIALLY_REFUNDED", Kind.CAPTURED, 1000),
        ("REFUNDED", Kind.CAPTURED, 1000),
        ("PENDING", Kind.PROCESSING, None),
        ("DECLINED", Kind.FAILED, None),
        ("FAILED", Kind.FAILED, None),
    ],
)
def test_a_captures_status(status: str, kind: Kind, amount: int | None) -> None:
    parsed = of("capture", operation(status))
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("CAP1", "CAP1", NOW_MS, amount)
    assert only(parsed, Kind.PAYMENT_CREATED).amount_minor == 1000


@pytest.mark.parametrize(
    "where",
    [
        {"supplementary_data": {"related_ids": {"authorization_id": "AUTH1"}}},
        {"links": [{"rel": "up", "href": "https://x/v2/payments/authorizations/AUTH1"}]},
    ],
)
def test_a_capture_is_joined_to_the_authorization_that_it_names(where: dict[str, object]) -> None:
    part = {**operation("COMPLETED"), "amount": {"value": "4.00", "currency_code": "USD"}, **where}
    captured = of("capture", part)
    assert only(captured, Kind.LINK).detail == {"type": "capture"}
    together = (*of("authorization", {**operation("CREATED"), "id": "AUTH1"}).facts, *captured.facts)
    assert ids_of(together) == ("AUTH1", "CAP1")
    state = project(together)
    assert (state.status, state.amount_minor, state.captured_minor) == ("partially_captured", 1000, 400)


def test_order_and_failure_stand_in_the_details() -> None:
    related = {"related_ids": {"order_id": "ORDER1"}}
    declined = of("capture", operation("DECLINED", supplementary_data=related, status_details={"reason": "REFUSED"}))
    assert only(declined, Kind.PAYMENT_CREATED).detail == {"order_id": "ORDER1"}
    assert only(declined, Kind.FAILED).detail == {"failure_code": "REFUSED"}
    assert (
        only(of("capture", operation("PENDING", invoice_id="INV1")), Kind.PAYMENT_CREATED).detail["order_id"] == "INV1"
    )


def test_capture_and_order_report_one_capture() -> None:
    captured = of("capture", operation("COMPLETED"))
    order = of(
        "checkout-order",
        {
            "id": "ORDER1",
            "status": "COMPLETED",
            "payer": {"payer_id": "P1", "email_address": "pat@example.com", "name": {"given_name": "Pat"}},
            "purchase_units": [{"payments": {"captures": [operation("COMPLETED")]}}],
        },
    )
    assert only(captured, Kind.CAPTURED) == only(order, Kind.CAPTURED)
    assert only(order, Kind.PAYMENT_CREATED).detail == {
        "order_id": "ORDER1",
        "customer_id": "P1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat",
    }


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("CREATED", [Kind.AUTHORIZED]),
        ("PARTIALLY_CAPTURED", [Kind.AUTHORIZED]),
        ("VOIDED", [Kind.AUTHORIZED, Kind.VOIDED]),
        ("EXPIRED", [Kind.AUTHORIZED, Kind.EXPIRED]),
        ("PENDING", [Kind.PROCESSING]),
        ("DENIED", [Kind.FAILED]),
    ],
)
def test_an_authorizations_status(status: str, expected: list[Kind]) -> None:
    assert kinds(of("authorization", operation(status))) == [Kind.PAYMENT_CREATED, *expected]


UP = [
    {"rel": "self", "href": "https://x/v2/payments/refunds/R1"},
    {"rel": "up", "href": "https://x/v2/payments/captures/CAP1"},
]


@pytest.mark.parametrize(
    "where",
    [
        {"links": UP},
        {"supplementary_data": {"related_ids": {"capture_id": "CAP1"}}},
        {"sale_id": "CAP1"},
        {"capture_id": "CAP1"},
    ],
)
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("COMPLETED", Kind.REFUND_SUCCEEDED),
        ("PENDING", Kind.REFUND_PENDING),
        ("FAILED", Kind.REFUND_FAILED),
        ("CANCELLED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_capture(where: dict[str, object], status: str, kind: Kind) -> None:
    for name in ("PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"):
        fact = only(of("refund", {**operation(status), "id": "R1", **where}, name), kind)
        assert (fact.aggregate, fact.ref, fact.amount_minor) == ("CAP1", "R1", 1000)


def test_the_first_version_of_the_api() -> None:
    amount = {"total": "20.00", "currency": "USD"}
    sale = {"id": "SALE1", "state": "completed", "amount": amount, "create_time": AT, "parent_payment": "PAY-1"}
    fact = only(of("sale", sale), Kind.CAPTURED)
    assert (fact.aggregate, fact.amount_minor) == ("SALE1", 2000)
    back = {"id": "R1", "state": "completed", "amount": amount, "sale_id": "SALE1", "create_time": AT}
    assert only(of("refund", back), Kind.REFUND_SUCCEEDED).aggregate == "SALE1"
    reversed_sale = of("sale", {**sale, "amount": {"total": "-20.00", "currency": "USD"}}, "PAYMENT.SALE.REVERSED")
    assert (reversed_sale.facts, bool(reversed_sale.reason)) == ((), True)


@pytest.mark.parametrize(
    ("thing", "status"),
    [
        (dispute("OPEN", stage="INQUIRY"), "warning"),
        (dispute("WAITING_FOR_SELLER_RESPONSE"), "open"),
        (dispute("RESOLVED", "RESOLVED_BUYER_FAVOUR"), "lost"),
        (dispute("RESOLVED", "ACCEPTED"), "lost"),
        (dispute("RESOLVED", "RESOLVED_SELLER_FAVOUR"), "won"),
        (dispute("RESOLVED", "CANCELED_BY_BUYER"), "closed"),
        (dispute("RESOLVED"), "closed"),
    ],
)
def test_a_disputes_status(thing: dict[str, object], status: str) -> None:
    fact = only(of("dispute", thing), Kind.DISPUTE_STATUS)
    assert (fact.aggregate, fact.ref) == ("CAP1", "PP-1")
    assert fact.detail == {"status": status, "reason": "UNAUTHORISED", "disputed": "10.00 USD"}


def test_a_dispute_may_be_about_several_transactions() -> None:
    several = [{"seller_transaction_id": "CAP1"}, {"seller_transaction_id": "CAP2"}, {}]
    facts = of("dispute", {**dispute("OPEN"), "disputed_transactions": several}).facts
    assert [it.aggregate for it in facts] == ["CAP1", "CAP2"]


def test_the_money_of_a_lost_dispute_counts_once() -> None:
    lost = of("dispute", dispute("RESOLVED", "RESOLVED_BUYER_FAVOUR"))
    back = of("refund", {**operation("COMPLETED"), "id": "R1", "links": UP}, "PAYMENT.CAPTURE.REVERSED")
    state = project([*of("capture", operation("COMPLETED")).facts, *lost.facts, *back.facts])
    assert (state.status, state.captured_minor) == (PaymentStatus.CHARGED_BACK, 1000)
    assert (state.refunded_minor, state.disputed_minor) == (1000, 0)


@pytest.mark.parametrize(
    ("resource_type", "resource"),
    [
        ("plan", {"id": "P-1"}),
        ("subscription", {"id": "I-1"}),
        ("checkout-order", {"id": "O1", "status": "APPROVED", "purchase_units": [{}]}),
        ("capture", operation("BRAND_NEW")),
        ("authorization", operation("BRAND_NEW")),
        ("refund", operation("BRAND_NEW", capture_id="CAP1")),
        ("refund", operation("COMPLETED")),
    ],
)
def test_what_is_no_payment_or_unknown_is_unmapped_with_a_reason(resource_type: str, resource: object) -> None:
    parsed = of(resource_type, resource)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ({"currency_code": "JPY", "value": "1000"}, 1000),
        ({"currency_code": "HUF", "value": "1000"}, 100_000),
        ({"currency_code": "KWD", "value": "1.005"}, 1005),
    ],
)
def test_amounts_are_major_units(amount: dict[str, str], minor: int) -> None:
    assert only(of("capture", operation("COMPLETED", amount=amount)), Kind.CAPTURED).amount_minor == minor


@pytest.mark.parametrize(
    "amount", [{"currency_code": "USD", "value": "1.005"}, {"value": "1.00"}, {}, {**USD, "value": "-1"}]
)
def test_an_amount_that_is_none_is_refused(amount: dict[str, str]) -> None:
    with pytest.raises(AmountError):
        of("capture", operation("COMPLETED", amount=amount))


@pytest.mark.parametrize(
    ("host", "livemode"),
    [("api.sandbox.paypal.com", False), ("api.paypal.com", True), ("api-m.paypal.com", True), ("x.example.com", None)],
)
def test_live_or_test_stands_in_the_links(host: str, livemode: bool | None) -> None:  # noqa: FBT001 - a case
    links = [{"rel": "self", "href": f"https://{host}/v1/notifications/webhooks-events/WH-1"}]
    assert answered(event("capture", operation("COMPLETED"), links=links)).livemode is livemode


def test_equal_answers_have_equal_keys() -> None:
    def key(body: dict[str, object], subject: str = "WH-1") -> str:
        return PAYPAL.fetched_key(subject, json.dumps(body).encode())

    plain = key(event("capture", operation("COMPLETED")))
    sent_again = {"transmissions": [{"status": "FAILURE"}], "status": "FAILURE"}
    assert key({**event("capture", operation("COMPLETED")), **sent_again}) == plain
    others = [
        key(event("capture", operation("PENDING"))),
        key(event("capture", operation("COMPLETED", amount={**USD, "value": "9.00"}))),
        key(event("capture", operation("COMPLETED")), "WH-2"),
    ]
    assert len({plain, *others}) == 4


def test_every_pretended_event_gives_facts_once_the_api_confirms_it() -> None:
    found: dict[str, tuple[Fact, ...]] = {}
    for name in pretender("paypal").events:
        body = pretender("paypal").signed(name, payment_id="CAP9", at_s=NOW_S, event_id="WH-9").body
        parsed = answered(body, "WH-9")
        found[name] = parsed.facts
        assert parsed.livemode is False
    told = [fact for facts in found.values() for fact in facts]
    assert {fact.aggregate for fact in told if subject_of(fact.kind) is Subject.PAYMENT} == {"CAP9"}
    assert all(found.values())
