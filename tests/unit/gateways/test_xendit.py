import json

import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.alias import ids_of
from paybell.model.fact import Kind
from paybell.model.notification import Hint, RefusalReason, Refused, Request
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.xendit import xendit_invoice, xendit_payment, xendit_payout, xendit_refund
from tests.unit.gateways.asking import answered, asked, key, money, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, source

KEY = {"secretKey": "xnd_key"}
ASKED = asked(payment_id="pr-1", currency="PHP", refund_id="rfd-1")
PAYMENT = xendit_payment(ASKED, "SUCCEEDED")
REQUEST = {"id": "pr-1", "reference_id": "order_1", "status": "SUCCEEDED", "amount": 50, "currency": "PHP"}


def verdict(*headers: tuple[bytes, bytes]) -> object:
    return gateway("xendit").verify(Request(b'{"a":1}', headers), source("xendit", secrets=("word",)), NOW_MS)


def test_the_token_is_the_secret_and_makes_a_hint() -> None:
    found = verdict((b"x-callback-token", b"word"), (b"webhook-id", b"1"))
    assert isinstance(found, Hint)
    assert found == verdict((b"x-callback-token", b"word"), (b"webhook-id", b"2"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"", RefusalReason.HEADER_MISSING), (b"Word", RefusalReason.SIGNATURE_MISMATCH)],
)
def test_why_a_request_is_refused(value: bytes, reason: RefusalReason) -> None:
    refused = verdict((b"x-callback-token", value))
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_a_hint_gives_no_facts() -> None:
    parsed = parse("xendit", pretender("xendit").signed("payment.capture", at_s=NOW_S).body)
    assert parsed.facts == ()
    assert parsed.reason


@pytest.mark.parametrize(
    ("body", "path", "subject"),
    [
        ({"event": "payment.capture", "data": PAYMENT}, f"/v3/payments/{PAYMENT['payment_id']}", None),
        (
            {"event": "payment.succeeded", "data": {"id": "py-1", "payment_request_id": "pr-1"}},
            "/payment_requests/pr-1",
            None,
        ),
        ({"event": "payment.succeeded", "data": {"paymentRequestId": "pr-1"}}, "/payment_requests/pr-1", None),
        (
            {"event": "payment_request.expiry", "data": {"payment_request_id": "pr-1"}},
            "/v3/payment_requests/pr-1",
            None,
        ),
        (
            {"event": "capture.succeeded", "data": {"id": "capt-1", "payment_request_id": "pr-1"}},
            "/payment_requests/pr-1/captures",
            "captures pr-1",
        ),
        ({"event": "refund.succeeded", "data": {"id": "rfd-1", "paymentId": "py-1"}}, "/refunds/rfd-1", "refund rfd-1"),
        ({"id": "inv-1", "externalId": "order_1", "merchantName": "Example"}, "/v2/invoices/inv-1", "invoice inv-1"),
        ({"event": "payout.succeeded", "data": {"id": "disb-1"}}, "/v2/payouts/disb-1", "payout disb-1"),
        ({"event": "v3_payout.failed", "data": {"payout_id": "po-1"}}, "/v3/payouts/po-1", "v3_payout po-1"),
        (xendit_invoice(asked(payment_id="inv-1")), "/v2/invoices/inv-1", "invoice inv-1"),
    ],
)
def test_what_is_asked_is_what_the_callback_names(body: object, path: str, subject: str | None) -> None:
    found = plan("xendit", body, {**KEY, "baseUrl": "https://api.example.com/"})
    assert found.url == f"https://api.example.com{path}"
    assert dict(found.headers)["authorization"] == "Basic eG5kX2tleTo="  # xnd_key and an empty password
    assert ("api-version" in dict(found.headers)) is path.startswith("/v3/")
    assert subject in {None, found.subject}


def test_without_a_key_nothing_is_asked() -> None:
    assert planned("xendit", {"event": "payment.capture", "data": PAYMENT}, {}) is None
    assert plan("xendit", {"event": "payment.capture", "data": PAYMENT}, KEY).url.startswith("https://api.xendit.co/v3")


@pytest.mark.parametrize(
    "body",
    [
        {"event": "payment_method.activated", "data": {"id": "pm-1"}},
        {"event": "recurring.plan.activated", "data": {"id": "repl-1"}},
        {"event": "payment.succeeded", "data": {"id": "py-1"}},
        {"event": "refund.succeeded", "data": {"id": "../invoices"}},
        {"event": "refund.succeeded", "data": {"id": "a b"}},
        {"id": "1", "external_id": "order_1", "disbursement_description": "x"},
        {},
    ],
)
def test_what_names_nothing_to_ask_about_says_so(body: object) -> None:
    with pytest.raises(MalformedPayload):
        planned("xendit", body, KEY)


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [
        ("SUCCEEDED", Kind.CAPTURED, True),
        ("AUTHORIZED", Kind.AUTHORIZED, True),
        ("FAILED", Kind.FAILED, True),
        ("PENDING", Kind.PROCESSING, False),
        ("CANCELED", Kind.CANCELED, True),
        ("EXPIRED", Kind.EXPIRED, True),
    ],
)
def test_a_payments_status_is_one_fact_of_its_request(status: str, kind: Kind, final: bool) -> None:  # noqa: FBT001
    payment = xendit_payment(ASKED, status)
    parsed = answered("xendit", f"payment {payment['payment_id']}", payment)
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, kind, Kind.LINK]
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("pr-1", 5000, "PHP", NOW_MS)
    assert only(parsed, Kind.PAYMENT_CREATED).detail["order_id"] == "order_1"
    assert parsed.final is final


def test_several_captures_are_one_fact_with_their_sum() -> None:
    parts = [{"capture_id": "c-1", "capture_amount": 10}, {"capture_id": "c-2", "capture_amount": 5.5}]
    parsed = answered("xendit", f"payment {PAYMENT['payment_id']}", {**PAYMENT, "captures": parts})
    assert only(parsed, Kind.CAPTURED).amount_minor == 1550
    assert only(parsed, Kind.PAYMENT_CREATED).amount_minor == 5000


def test_captures_by_hand_are_known_by_their_ids() -> None:
    parts = [{"capture_id": "c-1", "capture_amount": 10}, {"capture_id": "c-2", "capture_amount": 5.5}]
    by_hand = {**PAYMENT, "capture_method": "MANUAL"}
    parsed = answered("xendit", f"payment {PAYMENT['payment_id']}", {**by_hand, "captures": parts})
    assert [(it.kind, it.ref, it.amount_minor) for it in parsed.facts[2:4]] == [
        (Kind.CAPTURED, "c-1", 1000),
        (Kind.CAPTURED, "c-2", 550),
    ]
    assert only(parsed, Kind.AUTHORIZED).amount_minor == 5000


def test_the_request_of_a_payment_does_not_count_its_money_again() -> None:
    newer = {"payment_request_id": "pr-1", "request_amount": 50, "currency": "PHP", "status": "SUCCEEDED"}
    assert kinds(answered("xendit", "request pr-1", newer)) == [Kind.PAYMENT_CREATED]
    expired = answered("xendit", "request pr-1", {**newer, "status": "EXPIRED"})
    assert only(expired, Kind.EXPIRED).aggregate == "pr-1"


def test_an_older_request_is_captured_unless_that_is_done_by_hand() -> None:
    captured = only(answered("xendit", "payment_request pr-1", REQUEST), Kind.CAPTURED)
    assert money(captured) == ("pr-1", "pr-1", 5000, "PHP")
    by_hand = answered("xendit", "payment_request pr-1", {**REQUEST, "capture_method": "MANUAL"})
    assert kinds(by_hand) == [Kind.PAYMENT_CREATED, Kind.AUTHORIZED]
    own = {"payment_request_id": "pr-1", "currency": "PHP", "status": "SUCCEEDED"}
    captures = [{**own, "id": "c-1", "captured_amount": 20}, {**own, "id": "c-2", "captured_amount": 10}]
    failed = {**own, "id": "c-3", "captured_amount": 99, "status": "FAILED"}
    foreign = {**own, "id": "c-4", "captured_amount": 99, "payment_request_id": "pr-2"}
    told = answered("xendit", "captures pr-1", {"data": [*captures, failed, foreign]})
    assert money(only(told, Kind.CAPTURED)) == ("pr-1", "pr-1", 3000, "PHP")
    assert answered("xendit", "captures pr-1", {"data": [failed]}).reason


def test_an_invoice_and_a_payment_of_the_same_id_are_one_payment_that_was_captured_once() -> None:
    invoice = {**xendit_invoice(asked(payment_id="inv-1", currency="PHP")), "payment_id": PAYMENT["payment_id"]}
    paid = answered("xendit", "invoice inv-1", invoice).facts
    together = (*paid, *answered("xendit", f"payment {PAYMENT['payment_id']}", PAYMENT).facts)
    assert ids_of(together) == ("inv-1", "pr-1", PAYMENT["payment_id"])
    state = project(together)
    assert (state.status, state.captured_minor, state.flags) == ("completed", 5000, ())


def test_an_invoice_is_paid_with_what_was_paid() -> None:
    invoice = {**xendit_invoice(asked(payment_id="inv-1", currency="IDR")), "paid_amount": 49.99}
    parsed = answered("xendit", "invoice inv-1", invoice)
    assert money(only(parsed, Kind.CAPTURED)) == ("inv-1", "inv-1", 4999, "IDR")
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.amount_minor, created.detail["customer_email"]) == (5000, "pat@example.com")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("SUCCEEDED", Kind.REFUND_SUCCEEDED),
        ("PENDING", Kind.REFUND_PENDING),
        ("FAILED", Kind.REFUND_FAILED),
        ("CANCELLED", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    refund = xendit_refund(ASKED, status)
    assert money(only(answered("xendit", "refund rfd-1", refund), kind)) == ("pr-1", "rfd-1", 700, "PHP")
    of_invoice = {**refund, "payment_request_id": None, "invoice_id": "inv-1"}
    assert only(answered("xendit", "refund rfd-1", of_invoice), kind).aggregate == "inv-1"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("refund rfd-2", xendit_refund(ASKED, "SUCCEEDED")),
        ("payment py-2", PAYMENT),
        ("payment_request pr-2", REQUEST),
        ("invoice inv-2", xendit_invoice(ASKED)),
        ("payment_request pr-1", {**REQUEST, "status": "BRAND_NEW"}),
    ],
)
def test_an_answer_about_another_object_or_status_says_nothing(subject: str, body: object) -> None:
    parsed = answered("xendit", subject, body)
    assert parsed.facts == ()
    assert parsed.reason


def test_amounts_are_exact_in_their_currency() -> None:
    dong = {**REQUEST, "currency": "VND", "amount": 150000}
    assert only(answered("xendit", "payment_request pr-1", dong), Kind.CAPTURED).amount_minor == 150000
    with pytest.raises(AmountError):
        answered("xendit", "payment_request pr-1", {**dong, "amount": 1.5})


def test_the_key_of_an_answer_changes_with_what_decides() -> None:
    same = key("xendit", "payment py-1", PAYMENT)
    assert key("xendit", "payment py-1", {**PAYMENT, "updated": "2025-01-01T00:00:00Z"}) == same
    for name, value in (("status", "FAILED"), ("request_amount", 1), ("captures", []), ("payment_id", "py-2")):
        assert key("xendit", "payment py-1", json.loads(json.dumps({**PAYMENT, name: value}, default=str))) != same


@pytest.mark.parametrize(
    ("status", "kind", "final"),
    [
        ("ACCEPTED", Kind.PAYOUT_CREATED, False),
        ("REQUESTED", Kind.PAYOUT_CREATED, False),
        ("SUCCEEDED", Kind.PAYOUT_PAID, True),
        ("CANCELLED", Kind.PAYOUT_CANCELED, True),
        ("FAILED", Kind.PAYOUT_FAILED, True),
        ("REVERSED", Kind.PAYOUT_FAILED, True),
    ],
)
def test_a_payout(status: str, kind: Kind, final: bool) -> None:  # noqa: FBT001 - a row of the table
    body = {**xendit_payout(ASKED, status), "id": "disb-1"}
    parsed = answered("xendit", "payout disb-1", body)
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("disb-1", 5000, "PHP", NOW_MS)
    assert fact.detail == ({"failure_code": "INVALID_DESTINATION"} if status == "FAILED" else {})
    assert parsed.final is final


def test_a_payout_of_the_third_version_leaves_in_the_currency_of_the_balance() -> None:
    money = {"source_currency": "IDR", "source_amount": 1000, "destination_currency": "USD", "destination_amount": 1}
    fact = only(
        answered("xendit", "v3_payout po-1", {"payout_id": "po-1", "status": "SUCCEEDED", **money}), Kind.PAYOUT_PAID
    )
    assert (fact.aggregate, fact.amount_minor, fact.currency) == ("po-1", 100_000, "IDR")


def test_another_payout_or_an_unknown_status_says_nothing_and_the_key_changes_with_the_status() -> None:
    body = {**xendit_payout(ASKED, "SUCCEEDED"), "id": "disb-1"}
    assert answered("xendit", "payout disb-2", body).final is False
    assert answered("xendit", "payout disb-1", {**body, "status": "ODD"}).reason
    assert key("xendit", "payout disb-1", body) != key("xendit", "payout disb-1", {**body, "status": "FAILED"})


def test_what_the_server_said_of_a_payment() -> None:
    said = {"paybell_product": "pro", "paybell_user": "user_1", "paybell_expected_minor": 5000}
    body = {**PAYMENT, "metadata": {**said, "paybell_expected_currency": "PHP"}}
    parsed = answered("xendit", f"payment {PAYMENT['payment_id']}", body)
    detail = only(parsed, Kind.PAYMENT_CREATED).detail
    assert (detail["product"], detail["user_id"]) == ("pro", "user_1")
    told = only(parsed, Kind.EXPECTED)
    assert (told.aggregate, told.amount_minor, told.currency) == ("pr-1", 5000, "PHP")
