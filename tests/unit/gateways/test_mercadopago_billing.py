"""Mercado Pago's subscriptions and their charges, as its API answers about them."""

import json

import pytest

from paybell.model.fact import Kind, Parsed
from paybell.testing.samples.mercadopago import mercadopago_payment
from tests.unit.gateways.asking import answered, key, money
from tests.unit.gateways.sources import kinds, only

AT, AT_MS = "2025-06-15T15:06:40.000Z", 1_750_000_000_000
LATER, LATER_MS = "2025-07-15T15:06:40.000Z", 1_752_592_000_000


def preapproval(status: str, **more: object) -> dict[str, object]:
    own = {"id": "2c93", "status": status, "last_modified": AT, "preapproval_plan_id": "plan_1", "payer_id": 100001}
    ends = {"auto_recurring": {"transaction_amount": 10, "currency_id": "BRL", "end_date": LATER}}
    return {**own, **ends, "payer_email": "pat@example.com", "next_payment_date": LATER, **more}


def charge(status: str, paid: str | None = None, **more: object) -> dict[str, object]:
    own = {"id": 7, "status": status, "preapproval_id": "2c93", "transaction_amount": 10.5, "currency_id": "BRL"}
    payment = {"id": 101, "status": paid} if paid else None
    return {**own, "date_created": AT, "last_modified": LATER, "payment": payment, **more}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("pending", "incomplete"), ("authorized", "active"), ("paused", "paused"), ("cancelled", "canceled")],
)
def test_a_subscriptions_status(theirs: str, ours: str) -> None:
    fact = only(answered("mercadopago", "2c93", preapproval(theirs)), Kind.SUBSCRIPTION_STATE)
    who = {"plan": "plan_1", "customer_id": "100001", "customer_email": "pat@example.com"}
    period = {"period_end_ms": str(LATER_MS), "ends_at_ms": str(LATER_MS)} if ours == "active" else {}
    assert (fact.aggregate, fact.at_ms, fact.detail) == ("2c93", AT_MS, {"status": ours, **who, **period})


@pytest.mark.parametrize(
    ("theirs", "paid", "ours"),
    [
        ("scheduled", None, "open"),
        ("recycling", "rejected", "failed"),
        ("processed", "approved", "paid"),
        ("processed", "rejected", "failed"),
        ("cancelled", None, "void"),
    ],
)
def test_a_charge_is_an_invoice(theirs: str, paid: str | None, ours: str) -> None:
    parsed = answered("mercadopago", "7", charge(theirs, paid))
    fact = only(parsed, Kind.INVOICE_STATE)
    assert money(fact) == ("7", "", 1050, "BRL")
    assert (fact.at_ms, fact.detail) == (LATER_MS, {"status": ours, "subscription_id": "2c93"})
    links = [(it.aggregate, it.ref, it.at_ms) for it in parsed.facts if it.kind is Kind.LINK]
    assert links == ([("101", "7", AT_MS), ("101", "2c93", AT_MS)] if paid else [])


@pytest.mark.parametrize("body", [preapproval("brand_new"), charge("brand_new"), charge("processed", "in_process")])
def test_what_is_unknown_has_a_reason(body: dict[str, object]) -> None:
    parsed = answered("mercadopago", str(body["id"]), body)
    assert parsed.facts == ()
    assert parsed.reason
    assert not answered("mercadopago", "another", body).final


def test_what_changes_an_answer_changes_its_key() -> None:
    keys = {
        key("mercadopago", "2c93", preapproval("authorized")),
        key("mercadopago", "2c93", preapproval("paused")),
        key("mercadopago", "2c93", preapproval("authorized", next_payment_date=AT)),
        key("mercadopago", "7", charge("processed", "approved")),
        key("mercadopago", "7", charge("processed", "rejected")),
    }
    assert len(keys) == 5
    assert key("mercadopago", "7", charge("scheduled")) == key(
        "mercadopago", "7", charge("scheduled", last_modified=AT)
    )


def payment(**more: object) -> Parsed:
    own = json.loads(mercadopago_payment(payment_id="101", status="approved", amount="450.00", time=AT))
    return answered("mercadopago", "101", {**own, **more})


def test_a_payment_names_its_subscription_and_what_it_should_come_to() -> None:
    notes = {"paybell_user": "user_1", "paybell_expected_minor": 45000, "paybell_expected_currency": "BRL"}
    point = {"type": "SUBSCRIPTIONS", "transaction_data": {"subscription_id": "2c93"}}
    parsed = payment(metadata=notes, point_of_interaction=point)
    created, linked, wish = (only(parsed, it) for it in (Kind.PAYMENT_CREATED, Kind.LINK, Kind.EXPECTED))
    assert created.detail["user_id"] == "user_1"
    assert (linked.ref, linked.detail, linked.at_ms) == ("2c93", {"type": "subscription"}, created.at_ms)
    assert money(wish) == ("101", "", 45000, "BRL")
    other = payment(point_of_interaction={**point, "type": "CHECKOUT"}, metadata=[])
    assert not {Kind.LINK, Kind.EXPECTED} & set(kinds(other))
