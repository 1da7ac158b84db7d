import json

import pytest

from paybell.errors import MalformedPayload
from paybell.gateways import gateway
from paybell.model.fact import Kind
from paybell.model.notification import Hint, RefusalReason, Refused, Request, Verified
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.recurly import recurly_invoice, recurly_subscription, recurly_transaction
from tests.unit.gateways.asking import answered, asked, key, money, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, request, source

KEY = {"apiKey": "key"}
ASKED = asked(payment_id="txn1", refund_id="txn2")
# The figures are those of recurly-client-ruby's own test.
SECRET = "354fab5bd35f5a0d50845ee7e30165244468b13c2c343f104e4e730a59326d9d"
TIME = 1_663_103_925_004
KNOWN = b"ad24699f3beaa24c9af2cc7ada3ce4c835da0090194241b9d3add83d27f14bc3"
BODY = (
    b'{"id":"rjxwmwedwqug","object_type":"account","site_id":"qc326l1hl8k9","event_type":"created",'
    b'"event_time":"2022-09-13T21:18:40Z","account_code":"adfas23zzz14123"}'
)


def verdict(header: bytes, now_ms: int = TIME, body: bytes = BODY) -> object:
    made = Request(body, ((b"recurly-signature", header),))
    return gateway("recurly").verify(made, source("recurly", secrets=(SECRET,)), now_ms)


@pytest.mark.parametrize("before", [b"", b"de1ec7ab1e,", b"0" * 64 + b","])
def test_a_known_answer_among_others(before: bytes) -> None:
    assert isinstance(verdict(b"1663103925004," + before + KNOWN), Hint)


@pytest.mark.parametrize(
    ("header", "now_ms", "reason"),
    [
        (b"", TIME, RefusalReason.HEADER_MISSING),
        (b"1663103925004,", TIME, RefusalReason.MALFORMED_SIGNATURE),
        (b"1663103925004", TIME, RefusalReason.MALFORMED_SIGNATURE),
        (b"1663103926004," + KNOWN, TIME, RefusalReason.SIGNATURE_MISMATCH),
        (b"1663103925004," + KNOWN, TIME + 301_000, RefusalReason.TIMESTAMP_TOO_OLD),
        (b"1663103925004," + KNOWN, TIME - 301_000, RefusalReason.TIMESTAMP_IN_FUTURE),
    ],
)
def test_why_a_request_is_refused(header: bytes, now_ms: int, reason: RefusalReason) -> None:
    refused = verdict(header, now_ms)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@pytest.mark.parametrize("event", pretender("recurly").events)
def test_what_can_be_asked_for_is_a_hint(event: str) -> None:
    signed = pretender("recurly").signed(event, at_s=NOW_S)
    found = gateway("recurly").verify(request(signed), source("recurly"), NOW_MS)
    assert isinstance(found, Verified if event == "gift_card.purchased" else Hint)
    parsed = parse("recurly", signed.body)
    assert (parsed.event, parsed.facts) == (event, ())
    assert parsed.reason


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"object_type": "payment", "id": "txn1"}, "/transactions/txn1"),
        ({"object_type": "payment", "id": "x", "uuid": "63b0"}, "/transactions/uuid-63b0"),
        ({"object_type": "charge_invoice", "id": "inv1", "uuid": "63b0"}, "/invoices/inv1"),
        ({"object_type": "credit_invoice", "id": "inv2"}, "/invoices/inv2"),
        ({"object_type": "subscription", "id": "sub1", "uuid": "63b0"}, "/subscriptions/sub1"),
        ({"object_type": "account", "id": "acc1"}, "/accounts/acc1"),
    ],
)
def test_what_is_asked(body: object, path: str) -> None:
    found = plan("recurly", body, KEY)
    assert found.url == f"https://v3.recurly.com{path}"
    assert dict(found.headers) == {
        "authorization": "Basic a2V5Og==",  # key and an empty password
        "accept": "application/vnd.recurly.v2021-02-25",
    }
    assert planned("recurly", body, {}) is None


@pytest.mark.parametrize(
    "body",
    [
        {"object_type": "gift_card", "id": "a"},
        {"object_type": "payment"},
        {"object_type": "payment", "id": "../sites"},
        {},
    ],
)
def test_what_cannot_be_asked_about_is_malformed(body: object) -> None:
    with pytest.raises(MalformedPayload):
        planned("recurly", body, KEY)


@pytest.mark.parametrize(
    ("kind", "status", "expected", "final"),
    [
        ("purchase", "success", [Kind.CAPTURED], True),
        ("capture", "success", [Kind.CAPTURED], True),
        ("authorization", "success", [Kind.AUTHORIZED], True),
        ("purchase", "pending", [Kind.PROCESSING], False),
        ("purchase", "declined", [Kind.FAILED], True),
        ("purchase", "void", [Kind.CAPTURE_REVERSED, Kind.CANCELED], True),
        ("purchase", "chargeback", [Kind.CAPTURED, Kind.DISPUTE_STATUS], True),
    ],
)
def test_a_transactions_status(kind: str, status: str, expected: list[Kind], final: bool) -> None:  # noqa: FBT001
    parsed = answered("recurly", "txn1", recurly_transaction(ASKED, kind, status))
    assert kinds(parsed) == [Kind.PAYMENT_CREATED, *expected]
    assert money(only(parsed, expected[0])) == ("txn1", "txn1", 5000, "USD")
    assert only(parsed, expected[0]).at_ms == NOW_MS
    assert parsed.final is final


def test_a_payment_says_whose_it_is_and_a_failure_why() -> None:
    parsed = answered("recurly", "txn1", recurly_transaction(ASKED, "purchase", "declined"))
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {
        "order_id": "order_1",
        "customer_id": "account-example-1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }
    assert only(parsed, Kind.FAILED).detail == {"failure_code": "declined", "failure_message": "Declined"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("success", Kind.REFUND_SUCCEEDED),
        ("pending", Kind.REFUND_PENDING),
        ("declined", Kind.REFUND_FAILED),
        ("void", Kind.REFUND_FAILED),
    ],
)
def test_a_refund_reaches_its_payment(status: str, kind: Kind) -> None:
    parsed = answered("recurly", "txn2", recurly_transaction(ASKED, "refund", status))
    assert money(only(parsed, kind)) == ("txn1", "txn2", 700, "USD")


def test_an_invoice_tells_of_the_same_facts_as_its_transactions() -> None:
    paid, refund = recurly_transaction(ASKED, "purchase", "success"), recurly_transaction(ASKED, "refund", "success")
    invoice = recurly_invoice(asked(payment_id="inv1"), paid, refund)
    told = answered("recurly", "inv1", invoice)
    alone = (*answered("recurly", "txn1", paid).facts, *answered("recurly", "txn2", refund).facts)
    assert told.facts == alone


def test_what_moves_no_money_is_unmapped() -> None:
    assert answered("recurly", "txn1", recurly_transaction(ASKED, "verify", "success")).reason
    assert answered("recurly", "inv1", recurly_invoice(asked(payment_id="inv1"))).reason


def test_an_answer_about_something_else_says_nothing() -> None:
    body = recurly_transaction(ASKED, "purchase", "success")
    parsed = answered("recurly", "txn9", body)
    assert (parsed.facts, parsed.final) == ((), False)
    assert answered("recurly", f"uuid-{body['uuid']}", body).facts


def test_the_key_of_an_answer_changes_with_what_decides() -> None:
    body = json.loads(json.dumps(recurly_transaction(ASKED, "purchase", "success"), default=str))
    same = key("recurly", "txn1", body)
    assert key("recurly", "txn1", {**body, "collected_at": "2025-01-01T00:00:00Z"}) == same
    for name, value in (("status", "void"), ("amount", 1), ("type", "refund"), ("id", "txn9")):
        assert key("recurly", "txn1", {**body, name: value}) != same


UPDATED = "2025-06-15T15:06:40Z"
LATER, LATER_MS = "2025-07-15T15:06:40Z", 1_752_592_000_000
WHO = {
    "customer_id": "account-example-1",
    "customer_email": "pat@example.com",
    "customer_name": "Pat Example",
}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("future", {"status": "incomplete"}),
        ("active", {"status": "active", "period_end_ms": str(LATER_MS)}),
        (
            "canceled",
            {
                "status": "active",
                "period_end_ms": str(LATER_MS),
                "ends_at_ms": str(LATER_MS),
                "cancel_at_period_end": "true",
            },
        ),
        ("paused", {"status": "paused"}),
        ("expired", {"status": "canceled", "ends_at_ms": str(LATER_MS)}),
    ],
)
def test_a_subscriptions_state(state: str, told: dict[str, str]) -> None:
    parsed = answered("recurly", "sub1", recurly_subscription(asked(payment_id="sub1"), state))
    fact = only(parsed, Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms, parsed.final) == ("sub1", NOW_MS, True)
    assert fact.detail == {"plan": "pro-monthly", "user_id": "user_1001", **WHO, **told}


def invoice(state: str, **more: object) -> dict[str, object]:
    lines = [
        {"subscription_id": "sub1", "plan_code": "old", "end_date": UPDATED},
        {"subscription_id": "sub1", "plan_code": "pro", "end_date": LATER},
        {"subscription_id": None, "plan_code": None, "end_date": None},
    ]
    own = {"id": "inv1", "object": "invoice", "type": "charge", "total": 50, "currency": "USD", "updated_at": UPDATED}
    return {**own, "state": state, "line_items": {"data": lines}, "collection_method": "automatic", **more}


@pytest.mark.parametrize(
    ("state", "method", "told"),
    [
        ("pending", "automatic", "open"),
        ("processing", "automatic", "open"),
        ("past_due", "automatic", "failed"),
        ("past_due", "manual", "open"),
        ("failed", "automatic", "failed"),
        ("voided", "manual", "void"),
        ("paid", "automatic", "paid"),
    ],
)
def test_an_invoices_state(state: str, method: str, told: str) -> None:
    parsed = answered("recurly", "inv1", invoice(state, collection_method=method))
    fact = only(parsed, Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("inv1", 5000, "USD", NOW_MS)
    belongs = {"subscription_id": "sub1", "plan": "pro", "period_end_ms": str(LATER_MS)}
    assert fact.detail == {"status": told, **belongs}


def test_a_credit_invoice_is_none_that_a_customer_owes() -> None:
    assert answered("recurly", "inv1", invoice("paid", type="credit")).facts == ()


@pytest.mark.parametrize(("state", "told"), [("active", "active"), ("inactive", "deleted")])
def test_an_account_is_a_customer(state: str, told: str) -> None:
    body = {"id": "acc1", "object": "account", "code": "c1", "email": "pat@example.com", "state": state}
    fact = only(answered("recurly", "acc1", {**body, "updated_at": UPDATED}), Kind.CUSTOMER_STATE)
    assert (fact.aggregate, fact.at_ms) == ("c1", NOW_MS)
    assert fact.detail == {"status": told, "customer_id": "c1", "customer_email": "pat@example.com"}


def test_an_unknown_state_says_nothing_and_the_key_changes_with_it() -> None:
    one = asked(payment_id="sub1")
    assert answered("recurly", "sub1", recurly_subscription(one, "odd")).reason == "its state is unknown"
    keys = {key("recurly", "sub1", recurly_subscription(one, state)) for state in ("active", "canceled", "paused")}
    assert len(keys) == 3


def test_a_payment_names_its_invoice_and_its_subscriptions() -> None:
    body = {**recurly_transaction(ASKED, "purchase", "success"), "invoice": {"id": "inv1", "number": "1"}}
    parsed = answered("recurly", "txn1", {**body, "subscription_ids": ["sub1", "sub2"]})
    told = [(fact.aggregate, fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("txn1", "inv1", "invoice"), ("txn1", "sub1", "subscription"), ("txn1", "sub2", "subscription")]
