import json
from typing import Any

import pytest

from paybell.errors import ConfigurationError, MalformedPayload
from paybell.gateways import gateway
from paybell.model.alias import ids_of
from paybell.model.fact import Kind, Parsed
from paybell.model.notification import Hint, RefusalReason, Refused, Request
from paybell.record.projection import project
from paybell.testing.gateways import gateway as pretender
from paybell.testing.samples.chargebee import chargebee_answer
from tests.unit.gateways.asking import answered, key, money, plan, planned
from tests.unit.gateways.sources import NOW_MS, NOW_S, kinds, only, parse, source

KEY = {"site": "example-test", "apiKey": "test_key"}


def verdict(value: bytes, secret: str = "testuser:testpass") -> object:
    made = Request(b'{"id":"ev_1"}', ((b"authorization", value),))
    return gateway("chargebee").verify(made, source("chargebee", secrets=(secret,)), NOW_MS)


def test_the_user_and_the_password_make_a_hint() -> None:
    # The figure is that of chargebee-node's own tests.
    assert isinstance(verdict(b"Basic dGVzdHVzZXI6dGVzdHBhc3M="), Hint)
    assert isinstance(verdict(b"basic dGVzdHVzZXI6dGVzdHBhc3M="), Hint)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", RefusalReason.HEADER_MISSING),
        (b"Basic invalid!!!", RefusalReason.MALFORMED_SIGNATURE),
        (b"Bearer dGVzdHVzZXI6dGVzdHBhc3M=", RefusalReason.MALFORMED_SIGNATURE),
        (b"Basic", RefusalReason.SIGNATURE_MISMATCH),
        (b"Basic d3Jvbmc6d3Jvbmc=", RefusalReason.SIGNATURE_MISMATCH),
        (b"Basic dGVzdHVzZXI6dGVzdHBhc3M6", RefusalReason.SIGNATURE_MISMATCH),
    ],
)
def test_why_a_request_is_refused(value: bytes, reason: RefusalReason) -> None:
    refused = verdict(value)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


def event(name: str, **more: Any) -> dict[str, Any]:
    signed = pretender("chargebee").signed(
        name, payment_id="txn_1", event_id="ev_1", at_s=NOW_S, refund_minor=700, **more
    )
    found: dict[str, Any] = json.loads(signed.body)
    return found


def transaction(**changes: object) -> Parsed:
    given = event("payment_succeeded")
    given["content"]["transaction"] |= changes
    return answered("chargebee", "ev_1", chargebee_answer(given))


def test_what_is_asked() -> None:
    found = plan("chargebee", event("payment_succeeded"), KEY)
    assert found.url == "https://example-test.chargebee.com/api/v2/events/ev_1"
    assert dict(found.headers)["authorization"] == "Basic dGVzdF9rZXk6"  # test_key and an empty password
    own = plan("chargebee", event("payment_succeeded"), {"apiKey": "k", "baseUrl": "https://api.example.com"})
    assert own.url == "https://api.example.com/api/v2/events/ev_1"
    assert planned("chargebee", event("payment_succeeded"), {}) is None


@pytest.mark.parametrize("event_id", ["../customers", "", None, 1.5, "a b"])
def test_an_event_that_cannot_be_asked_about_is_malformed(event_id: object) -> None:
    with pytest.raises(MalformedPayload):
        planned("chargebee", {"id": event_id}, KEY)


def test_a_hint_gives_no_facts() -> None:
    assert parse("chargebee", event("payment_succeeded")).facts == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("payment_succeeded", Kind.CAPTURED),
        ("payment_failed", Kind.FAILED),
        ("payment_initiated", Kind.PROCESSING),
    ],
)
def test_a_payments_status_is_one_fact(name: str, kind: Kind) -> None:
    parsed = answered("chargebee", "ev_1", chargebee_answer(event(name, amount_minor=5000, started_at_s=NOW_S - 60)))
    assert (parsed.event, kinds(parsed)) == (name, [Kind.PAYMENT_CREATED, kind, Kind.LINK])
    assert money(only(parsed, kind)) == ("txn_1", "txn_1", 5000, "USD")
    assert only(parsed, kind).at_ms == NOW_MS
    created = only(parsed, Kind.PAYMENT_CREATED)
    assert (created.at_ms, created.detail["order_id"]) == (NOW_MS - 60_000, "order_1001")
    assert created.detail["customer_email"] == "pat@example.com"


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("payment", "voided", [Kind.CAPTURE_REVERSED, Kind.CANCELED]),
        ("payment", "late_failure", [Kind.CAPTURE_REVERSED, Kind.FAILED]),
        ("payment", "timeout", [Kind.FAILED]),
        ("authorization", "success", [Kind.AUTHORIZED]),
        ("authorization", "voided", [Kind.CANCELED]),
    ],
)
def test_what_else_a_transaction_may_be(kind: str, status: str, expected: list[Kind]) -> None:
    assert kinds(transaction(type=kind, status=status)) == [Kind.PAYMENT_CREATED, *expected, Kind.LINK]


def test_a_payment_is_joined_to_the_authorisation_that_it_captures() -> None:
    captured = transaction(id="txn_2", amount=2000, reference_authorization_id="txn_1", linked_invoices=[])
    assert kinds(captured) == [Kind.PAYMENT_CREATED, Kind.CAPTURED, Kind.LINK]
    together = (*transaction(type="authorization").facts, *captured.facts)
    assert ids_of(together) == ("txn_1", "txn_2")
    state = project(together)
    assert (state.status, state.amount_minor, state.captured_minor) == ("partially_captured", 10_000, 2000)


def test_a_late_failure_takes_back_the_capture_it_is_of() -> None:
    assert only(transaction(status="late_failure"), Kind.CAPTURE_REVERSED).ref == only(transaction(), Kind.CAPTURED).ref


@pytest.mark.parametrize(
    ("name", "kind"), [("payment_refunded", Kind.REFUND_SUCCEEDED), ("refund_initiated", Kind.REFUND_PENDING)]
)
def test_a_refund_reaches_its_payment(name: str, kind: Kind) -> None:
    parsed = answered("chargebee", "ev_1", chargebee_answer(event(name, refund_id="txn_2")))
    assert kinds(parsed) == [kind]
    assert money(only(parsed, kind)) == ("txn_1", "txn_2", 700, "USD")


@pytest.mark.parametrize(
    ("linked", "aggregate"), [(["txn_9"], "txn_9"), (["txn_9", "txn_9"], "txn_9"), (["txn_8", "txn_9"], ""), ([], "")]
)
def test_a_refund_of_several_payments_is_not_guessed(linked: list[str], aggregate: str) -> None:
    parsed = transaction(type="refund", linked_payments=[{"id": each} for each in linked])
    assert {fact.aggregate for fact in parsed.facts} == ({aggregate} if aggregate else set())
    assert bool(parsed.reason) is not bool(aggregate)


def test_a_reversal_takes_the_payment_back() -> None:
    fact = only(
        transaction(id="txn_3", type="payment_reversal", reference_transaction_id="txn_1"), Kind.CAPTURE_REVERSED
    )
    assert (fact.aggregate, fact.ref) == ("txn_1", "txn_1")


def test_amounts_are_in_the_smallest_unit() -> None:
    assert money(only(transaction(amount=500, currency_code="JPY"), Kind.CAPTURED))[2:] == (500, "JPY")


def test_an_event_that_carries_nothing_to_read_is_unmapped() -> None:
    given = event("payment_succeeded")
    given["content"] = {"customer": {"id": "cus_1"}}
    parsed = answered("chargebee", "ev_1", chargebee_answer(given))
    assert (parsed.facts, parsed.final) == ((), True)
    assert parsed.reason == "it carries nothing that is read, or in a status that is unknown"


def test_an_answer_about_another_event_says_nothing() -> None:
    parsed = answered("chargebee", "ev_2", chargebee_answer(event("payment_succeeded")))
    assert (parsed.facts, parsed.final) == ((), False)
    assert transaction(status="brand_new").reason


def test_the_key_of_an_answer_changes_with_what_decides() -> None:
    def of(**changes: object) -> str:
        given = event("payment_succeeded")
        given["content"]["transaction"] |= changes
        return key("chargebee", "ev_1", chargebee_answer(given))

    assert of() == of(customer_id="another")
    assert len({of(), of(status="failure"), of(amount=1), of(type="refund"), of(currency_code="EUR")}) == 5


def test_a_secret_has_two_parts_and_a_key_needs_a_site() -> None:
    with pytest.raises(ConfigurationError, match="user:password"):
        gateway("chargebee").check(source("chargebee", secrets=("word",)))
    with pytest.raises(ConfigurationError, match="'site'"):
        gateway("chargebee").check(source("chargebee", options={"apiKey": "k"}))
    for site in ("https://example.chargebee.com", "a.b", "", "A", "-a"):
        with pytest.raises(ConfigurationError, match="'site'"):
            gateway("chargebee").check(source("chargebee", options={"site": site}))


def content(name: str = "subscription_changed", **carried: object) -> Parsed:
    given = event("payment_succeeded")
    given |= {"event_type": name, "content": carried}
    return answered("chargebee", "ev_1", chargebee_answer(given))


def subscription(status: str, **more: object) -> dict[str, object]:
    items = [{"item_price_id": "setup", "item_type": "charge"}, {"item_price_id": "pro-monthly", "item_type": "plan"}]
    times = {"trial_end": NOW_S + 1, "current_term_end": NOW_S + 2, "cancelled_at": NOW_S + 3}
    return {"id": "sub_1", "status": status, "customer_id": "cus_1", "subscription_items": items, **times, **more}


def invoice(status: str, **more: object) -> dict[str, object]:
    lines = [
        {"entity_type": "plan_item_price", "entity_id": "pro-monthly", "date_to": NOW_S + 5},
        {"entity_type": "plan_item_price", "entity_id": "old-monthly", "date_to": NOW_S + 4},
        {"entity_type": "addon_item_price", "entity_id": "more", "date_to": NOW_S + 9},
    ]
    own = {"id": "inv_1", "customer_id": "cus_1", "subscription_id": "sub_1", "total": 5000, "currency_code": "USD"}
    return {**own, "status": status, "line_items": lines, **more}


BUYER = {"id": "cus_1", "email": "pat@example.com", "first_name": "Pat", "last_name": "Example"}
WHO = {"customer_id": "cus_1", "customer_email": "pat@example.com", "customer_name": "Pat Example"}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("future", {"status": "incomplete"}),
        ("in_trial", {"status": "trialing", "period_end_ms": str(NOW_MS + 1000)}),
        ("active", {"status": "active", "period_end_ms": str(NOW_MS + 2000)}),
        (
            "non_renewing",
            {
                "status": "active",
                "period_end_ms": str(NOW_MS + 2000),
                "ends_at_ms": str(NOW_MS + 3000),
                "cancel_at_period_end": "true",
            },
        ),
        ("paused", {"status": "paused"}),
        ("cancelled", {"status": "canceled", "ends_at_ms": str(NOW_MS + 3000)}),
    ],
)
def test_a_subscriptions_status(status: str, told: dict[str, str]) -> None:
    fact = only(content(subscription=subscription(status), customer=BUYER), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", NOW_MS)
    assert fact.detail == {"plan": "pro-monthly", **WHO, **told}


def test_a_subscription_of_the_older_catalog_and_what_the_merchant_said() -> None:
    own = subscription("active", subscription_items=None, plan_id="gold", meta_data={"paybell_product": "pro"})
    detail = only(content(subscription=own, customer={"id": "cus_2", "email": "x"}), Kind.SUBSCRIPTION_STATE).detail
    assert (detail["plan"], detail["product"], detail["customer_id"]) == ("gold", "pro", "cus_1")
    assert "customer_email" not in detail
    assert content(subscription=subscription("transferred")).reason


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("invoice_generated", "posted", "open"),
        ("invoice_generated", "pending", "open"),
        ("invoice_updated", "payment_due", "open"),
        ("payment_failed", "payment_due", "failed"),
        ("invoice_updated", "not_paid", "failed"),
        ("invoice_updated", "voided", "void"),
        ("payment_succeeded", "paid", "paid"),
    ],
)
def test_an_invoices_status(name: str, status: str, told: str) -> None:
    fact = only(content(name, invoice=invoice(status), customer=BUYER), Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.currency, fact.at_ms) == ("inv_1", 5000, "USD", NOW_MS)
    belongs = {"subscription_id": "sub_1", "plan": "pro-monthly", "period_end_ms": str(NOW_MS + 5000)}
    assert fact.detail == {"status": told, **belongs, **WHO}


def test_a_deleted_invoice_is_void_and_one_of_unknown_status_says_nothing() -> None:
    deleted = content("invoice_deleted", invoice=invoice("paid", deleted=True))
    assert only(deleted, Kind.INVOICE_STATE).detail["status"] == "void"
    assert (
        content("invoice_updated", invoice=invoice("brand_new")).reason
        == "it carries nothing that is read, or in a status that is unknown"
    )


@pytest.mark.parametrize(("deleted", "told"), [(False, "active"), (True, "deleted")])
def test_a_customers_own_events_tell_of_it(deleted: bool, told: str) -> None:  # noqa: FBT001 - drawn
    fact = only(content("customer_changed", customer={**BUYER, "deleted": deleted}), Kind.CUSTOMER_STATE)
    assert (fact.aggregate, fact.detail) == ("cus_1", {"status": told, **WHO})


def test_a_payment_names_its_invoices_and_its_subscription() -> None:
    parsed = transaction(subscription_id="sub_1", linked_invoices=[{"invoice_id": "1"}, {"invoice_id": "2"}])
    told = [(fact.aggregate, fact.ref, fact.detail["type"]) for fact in parsed.facts if fact.kind is Kind.LINK]
    assert told == [("txn_1", "1", "invoice"), ("txn_1", "2", "invoice"), ("txn_1", "sub_1", "subscription")]


def test_the_key_changes_with_the_subscription_and_the_invoice() -> None:
    def of(**carried: object) -> str:
        return key("chargebee", "ev_1", chargebee_answer({**event("payment_succeeded"), "content": carried}))

    assert len({of(), of(subscription=subscription("active")), of(invoice=invoice("paid"))}) == 3
