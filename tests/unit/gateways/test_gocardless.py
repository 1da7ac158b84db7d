import json

import pytest

from paybell.errors import AmountError, MalformedPayload
from paybell.gateways.gocardless import GoCardless
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Batch, Hint, Item, Origin, RefusalReason, Refused, Request, Verdict, Verified
from paybell.model.payment import PaymentStatus
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import hex_hmac
from paybell.testing.samples.gocardless import (
    gocardless_answer,
    gocardless_event,
    gocardless_payment,
    gocardless_refund,
)
from tests.unit.gateways.sources import NOW_MS, NOW_S, SECRET, kinds, notification, only, parse, request, source

GOCARDLESS = GoCardless()
KEY = {"accessToken": "sandbox_not_a_real_token"}
AT = "2025-06-15T15:06:40.000Z"
ANSWERED_MS = NOW_MS + 5


def event(number: int, resource_type: str, action: str, link: str = "PM1") -> dict[str, object]:
    return dict(gocardless_event(f"EV{number}", resource_type, action, link, AT))


def accepted(body: bytes) -> Verdict:
    made = Request(body, ((b"webhook-signature", hex_hmac(SECRET, body).encode()),))
    return GOCARDLESS.verify(made, source("gocardless", secrets=(SECRET,)), 0)


def sent(*events: object) -> bytes:
    return json.dumps({"events": events, "meta": {"webhook_id": "WB1"}}).encode()


def answered(body: bytes, subject: str = "PM1") -> Parsed:
    made = notification(body, origin=Origin.POLL, headers=(("paybell-subject", subject),))
    return GOCARDLESS.parse(made, source("gocardless"))


def test_a_known_answer() -> None:
    # The figure is that of the `openssl` command.
    made = Request(
        b'{"events":[]}',
        ((b"webhook-signature", b"ab0136acd569c1de00b1f59b6c038104b2a76a0972baa90daab113db34657e7c"),),
    )
    verdict = GOCARDLESS.verify(made, source("gocardless", secrets=("a-secret",)), 0)
    assert isinstance(verdict, Verified)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"dummy", RefusalReason.MALFORMED_SIGNATURE),
        (b"00", RefusalReason.MALFORMED_SIGNATURE),
        (b"0" * 64, RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_what_is_refused(value: bytes, reason: RefusalReason) -> None:
    refused = GOCARDLESS.verify(Request(b"{}", ((b"webhook-signature", value),)), source("gocardless"), 0)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def test_each_event_of_a_batch_is_an_item_with_its_own_bytes() -> None:
    parts = [
        b'{"id": "EV1","resource_type":"payments", "action":"confirmed","created_at":"x","links":{"payment":"PM1"}}',
        b'{"id":"EV2" ,"resource_type":"mandates","action":"active","created_at":"x"}',
        b'{"id":"EV3","resource_type":"payments","action":"chargeback_cancelled","created_at":"x"}',
        b'{"not": "an event"}',
    ]
    verdict = accepted(b'{"events": [' + b" , ".join(parts) + b"]}")
    assert isinstance(verdict, Batch)
    assert verdict.items[:3] == (
        Item("EV1", parts[0], hint=True),
        Item("EV2", parts[1]),
        Item("EV3", parts[2]),
    )
    assert verdict.items[3].dedupe_key.startswith("sha256:")
    assert (verdict.items[3].body, verdict.items[3].hint) == (parts[3], False)


def test_one_event_is_the_whole_request() -> None:
    assert accepted(sent(event(1, "payments", "paid_out"))) == Hint("EV1")
    assert accepted(sent(event(1, "refunds", "paid", "RF1"))) == Hint("EV1")
    assert accepted(sent(event(1, "mandates", "created", "MD1"))) == Verified("EV1")
    assert accepted(sent(event(1, "payments", "chargeback_cancelled"))) == Verified("EV1")


@pytest.mark.parametrize("body", [b'{"events":[]}', b"{}", b"nonsense", b'{"events":1}'])
def test_a_request_without_events_is_kept_by_its_hash(body: bytes) -> None:
    verdict = accepted(body)
    assert isinstance(verdict, Verified)
    assert verdict.dedupe_key.startswith("sha256:")


def test_a_whole_request_and_a_bare_event_read_alike() -> None:
    won = event(1, "payments", "chargeback_cancelled")
    for body in (won, json.loads(sent(won))):
        fact = only(parse("gocardless", body), Kind.DISPUTE_STATUS)
        assert (fact.aggregate, fact.ref, fact.at_ms, fact.amount_minor) == ("PM1", "PM1", NOW_S * 1000, None)
        assert fact.detail["status"] == "won"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (event(1, "payments", "confirmed"), "a hint"),
        (event(1, "mandates", "created", "MD1"), "no event of it is about a payment"),
        ({"events": []}, "no event of it is about a payment"),
        ({"list": {"body": {}}}, "no event of it is about a payment"),
        (event(1, "subscriptions", "chargeback_cancelled", "SB1"), "a hint"),
    ],
)
def test_what_says_nothing_itself_has_a_reason(body: object, words: str) -> None:
    parsed = parse("gocardless", body)
    assert parsed.facts == ()
    assert words in parsed.reason


@pytest.mark.parametrize(
    ("told", "path", "subject"),
    [
        (event(1, "payments", "failed", "PM1"), "/payments/PM1", "PM1"),
        (event(1, "refunds", "paid", "RF1"), "/refunds/RF1", "RF1"),
        (event(1, "payouts", "paid", "PO1"), "/payouts/PO1", "PO1"),
        (event(1, "subscriptions", "created", "SB1"), "/subscriptions/SB1", "SB1"),
        (event(1, "customers", "updated", "CU1"), "/customers/CU1", "CU1"),
    ],
)
def test_what_is_asked(told: dict[str, object], path: str, subject: str) -> None:
    for body in (sent(told), json.dumps(told).encode()):
        plan = GOCARDLESS.plan_fetch(notification(body), source("gocardless", options=KEY))
        assert plan is not None
        assert (plan.url, plan.subject) == ("https://api.gocardless.com" + path, subject)
        headers = dict(plan.headers)
        assert headers["authorization"] == "Bearer sandbox_not_a_real_token"
        assert headers["gocardless-version"] == "2015-07-06"
        assert GOCARDLESS.plan_fetch(notification(body), source("gocardless")) is None


@pytest.mark.parametrize(
    "body",
    [
        sent(event(1, "mandates", "created", "MD1")),
        sent(event(1, "payments", "failed", "../PM1")),
        sent(event(1, "payments", "failed"), event(2, "payments", "failed")),
        b'{"id":"EV1","resource_type":"payments","action":"failed","created_at":"x"}',
        b"{}",
    ],
)
def test_what_names_nothing_cannot_be_asked_about(body: bytes) -> None:
    with pytest.raises(MalformedPayload):
        GOCARDLESS.plan_fetch(notification(body), source("gocardless", options=KEY))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending_submission", []),
        ("pending_customer_approval", [Kind.REQUIRES_ACTION]),
        ("submitted", [Kind.PROCESSING]),
        ("confirmed", [Kind.CAPTURED]),
        ("paid_out", [Kind.CAPTURED]),
        ("cancelled", [Kind.CANCELED]),
        ("customer_approval_denied", [Kind.FAILED]),
        ("failed", [Kind.FAILED, Kind.CAPTURE_REVERSED]),
        ("charged_back", [Kind.CAPTURED, Kind.DISPUTE_STATUS]),
    ],
)
def test_a_payments_status(status: str, expected: list[Kind]) -> None:
    parsed = answered(gocardless_payment("PM1", status, 1234))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, *expected]
    assert {fact.aggregate for fact in parsed.facts} == {"PM1"}
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.at_ms, created.amount_minor, created.currency) == (NOW_MS, 1234, "GBP")
    assert created.detail == {"order_id": "order_1001", "method": "direct_debit"}
    assert {fact.at_ms for fact in parsed.facts[1:]} <= {ANSWERED_MS}
    assert parsed.final


def test_a_failure_after_the_confirmation_takes_that_collection_back_and_a_second_try_counts() -> None:
    def facts(status: str, charge_date: str) -> tuple[Fact, ...]:
        return answered(gocardless_payment("PM1", status, 1000, charge_date=charge_date)).facts

    confirmed, failed = facts("confirmed", "2025-06-20"), facts("failed", "2025-06-20")
    again = facts("confirmed", "2025-06-27")
    late = project([*confirmed, *failed])
    assert (late.status, late.captured_minor) == (PaymentStatus.FAILED, 0)
    recovered = project([*failed, *again, *confirmed])
    assert (recovered.status, recovered.captured_minor) == (PaymentStatus.COMPLETED, 1000)
    assert project([*confirmed, *facts("paid_out", "2025-06-20")]).captured_minor == 1000


def test_a_chargeback_that_is_cancelled_is_won() -> None:
    lost = answered(gocardless_payment("PM1", "charged_back", 1000)).facts
    won = parse(
        "gocardless", {**event(1, "payments", "chargeback_cancelled"), "created_at": "2025-07-01T00:00:00Z"}
    ).facts
    assert project(lost).status is PaymentStatus.CHARGED_BACK
    state = project([*won, *lost])
    assert (state.status, state.disputed_minor) == (PaymentStatus.COMPLETED, 0)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("created", Kind.REFUND_PENDING),
        ("pending_submission", Kind.REFUND_PENDING),
        ("submitted", Kind.REFUND_PENDING),
        ("paid", Kind.REFUND_SUCCEEDED),
        ("cancelled", Kind.REFUND_FAILED),
        ("bounced", Kind.REFUND_FAILED),
        ("funds_returned", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    parsed = answered(gocardless_refund("RF1", "PM1", status, 400), "RF1")
    assert kinds(parsed) == [kind]
    fact = only(parsed, kind)
    assert (fact.aggregate, fact.ref, fact.amount_minor, fact.currency) == ("PM1", "RF1", 400, "GBP")


@pytest.mark.parametrize(
    ("body", "subject", "final"),
    [
        (gocardless_payment("PM1", "brand_new", 1), "PM1", True),
        (gocardless_refund("RF1", "PM1", "brand_new", 1), "RF1", True),
        (gocardless_refund("RF1", "", "paid", 1), "RF1", True),
        (gocardless_payment("PM1", "confirmed", 1), "PM2", False),
        (b"{}", "PM1", False),
        (gocardless_answer("payouts", id="PO1", amount=1, currency="GBP", status="brand_new"), "PO1", True),
        (gocardless_answer("subscriptions", id="SB1", status="brand_new"), "SB1", True),
        (gocardless_answer("customers", id="CU2"), "CU1", False),
    ],
)
def test_an_answer_that_says_nothing_has_a_reason(body: bytes, subject: str, final: bool) -> None:  # noqa: FBT001
    parsed = answered(body, subject)
    assert (parsed.facts, parsed.final) == ((), final)
    assert parsed.reason


def test_amounts_are_minor_units_and_may_be_texts() -> None:
    written = gocardless_payment("PM1", "confirmed", 1000).replace(b'"amount":1000', b'"amount":"1000"')
    assert only(answered(written), Kind.CAPTURED).amount_minor == 1000
    for wrong in (b'"10.00"', b'"-1"', b'""', b'"' + b"9" * 19 + b'"', b"-1"):
        with pytest.raises(AmountError):
            answered(gocardless_payment("PM1", "confirmed", 1000).replace(b'"amount":1000', b'"amount":' + wrong))


def test_equal_answers_have_equal_keys() -> None:
    def key(body: bytes, subject: str = "PM1") -> str:
        return GOCARDLESS.fetched_key(subject, body)

    plain = gocardless_payment("PM1", "confirmed", 1000)
    assert key(plain) == key(plain.replace(b'"amount_refunded":0', b'"amount_refunded":5'))
    keys = {
        key(plain),
        key(gocardless_payment("PM1", "paid_out", 1000)),
        key(gocardless_payment("PM1", "confirmed", 1001)),
        key(gocardless_payment("PM1", "confirmed", 1000, charge_date="2025-06-21")),
        key(plain, "PM2"),
        key(gocardless_refund("RF1", "PM1", "paid", 400), "RF1"),
        key(gocardless_refund("RF1", "PM1", "bounced", 400), "RF1"),
    }
    assert len(keys) == 7


def test_the_pretended_batch_has_hints_and_events_that_are_none() -> None:
    made = request(pretender("gocardless").signed("batch", secret=SECRET, at_s=NOW_S))
    verdict = GOCARDLESS.verify(made, source("gocardless", secrets=(SECRET,)), NOW_MS)
    assert isinstance(verdict, Batch)
    assert [item.hint for item in verdict.items] == [False, True, False, True]
    assert all(item.body in made.body for item in verdict.items)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("pending", Kind.PAYOUT_CREATED), ("paid", Kind.PAYOUT_PAID), ("bounced", Kind.PAYOUT_FAILED)],
)
def test_a_payouts_status(status: str, kind: Kind) -> None:
    body = gocardless_answer("payouts", id="PO1", amount=9800, deducted_fees=200, currency="GBP", status=status)
    fact = only(answered(body, "PO1"), kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("PO1", ANSWERED_MS, 9800, "GBP")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("pending_customer_approval", "incomplete"),
        ("customer_approval_denied", "canceled"),
        ("active", "active"),
        ("paused", "paused"),
        ("finished", "canceled"),
        ("cancelled", "canceled"),
    ],
)
def test_a_subscriptions_status(theirs: str, ours: str) -> None:
    notes = {"paybell_product": "gold", "paybell_user": "user_1"}
    body = gocardless_answer("subscriptions", id="SB1", status=theirs, end_date="2025-06-15", metadata=notes)
    fact = only(answered(body, "SB1"), Kind.SUBSCRIPTION_STATE)
    ends = {} if ours == "canceled" else {"ends_at_ms": "1749945600000"}
    assert (fact.aggregate, fact.at_ms) == ("SB1", ANSWERED_MS)
    assert fact.detail == {"status": ours, "product": "gold", "user_id": "user_1", **ends}


def test_a_customer() -> None:
    who = {"id": "CU1", "email": "pat@example.com", "given_name": "Pat", "family_name": "Example"}
    fact = only(answered(gocardless_answer("customers", **who), "CU1"), Kind.CUSTOMER_STATE)
    detail = {"customer_id": "CU1", "customer_email": "pat@example.com", "customer_name": "Pat Example"}
    assert fact.detail == {"status": "active", **detail}
    company = gocardless_answer("customers", id="CU1", company_name="Example Ltd")
    assert only(answered(company, "CU1"), Kind.CUSTOMER_STATE).detail["customer_name"] == "Example Ltd"
    keys = {GOCARDLESS.fetched_key("CU1", it) for it in (company, gocardless_answer("customers", **who))}
    assert len(keys) == 2


def test_a_payment_names_its_subscription_and_what_it_should_come_to() -> None:
    notes = {"paybell_user": "user_1", "paybell_expected_minor": "1000", "paybell_expected_currency": "GBP"}
    value = json.loads(gocardless_payment("PM1", "confirmed", 1000))["payments"]
    value |= {"metadata": notes, "links": {"subscription": "SB1"}}
    parsed = answered(gocardless_answer("payments", **value))
    created, linked, wish = (only(parsed, it) for it in (Kind.PAYMENT_CREATED, Kind.LINK, Kind.EXPECTED))
    assert created.detail == {"user_id": "user_1"}
    assert (linked.ref, linked.detail, linked.at_ms) == ("SB1", {"type": "subscription"}, created.at_ms)
    assert (wish.amount_minor, wish.currency, wish.at_ms) == (1000, "GBP", created.at_ms)
