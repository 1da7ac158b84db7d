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
    assert (parsed.event, kinds(parsed)) == (name, [Kind.PAYMENT_CREATED, kind])
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
    assert kinds(transaction(type=kind, status=status)) == [Kind.PAYMENT_CREATED, *expected]


def test_a_payment_is_joined_to_the_authorisation_that_it_captures() -> None:
    captured = transaction(id="txn_2", amount=2000, reference_authorization_id="txn_1")
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


def test_an_event_without_a_transaction_is_unmapped() -> None:
    parsed = answered("chargebee", "ev_1", chargebee_answer(event("subscription_renewed")))
    assert (parsed.facts, parsed.final) == ((), True)
    assert parsed.reason == "it carries no transaction"


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
