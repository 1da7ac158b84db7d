"""Stripe's payouts, customers, subscriptions and invoices, in the shapes of old and new versions of its API."""

from collections.abc import Mapping

import pytest

from paybell.errors import MalformedPayload
from paybell.model.fact import Fact, Kind, Parsed
from tests.unit.gateways.sources import kinds, only, parse

AT_S = 1_700_000_100
END_S = AT_S + 2_592_000
NOTES = {
    "paybell_product": "gold",
    "paybell_user": "user_1",
    "paybell_expected_minor": "5000",
    "paybell_expected_currency": "usd",
}


def told(thing: Mapping[str, object], name: str = "some.event") -> Parsed:
    return parse("stripe", {"id": "evt_1", "object": "event", "created": AT_S, "type": name, "data": {"object": thing}})


def links(parsed: Parsed) -> dict[str, Fact]:
    return {fact.detail["type"]: fact for fact in parsed.facts if fact.kind is Kind.LINK}


def subscription(**more: object) -> dict[str, object]:
    return {"id": "sub_1", "object": "subscription", "status": "active", "customer": "cus_1", **more}


def invoice(**more: object) -> dict[str, object]:
    own = {"id": "in_1", "object": "invoice", "amount_due": 5000, "currency": "usd", "created": AT_S - 9}
    return {**own, "status": "paid", "attempted": True, **more}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("pending", Kind.PAYOUT_CREATED),
        ("in_transit", Kind.PAYOUT_CREATED),
        ("paid", Kind.PAYOUT_PAID),
        ("canceled", Kind.PAYOUT_CANCELED),
        ("failed", Kind.PAYOUT_FAILED),
    ],
)
def test_a_payouts_status(status: str, kind: Kind) -> None:
    payout = {"object": "payout", "id": "po_1", "amount": 900, "currency": "isk", "status": status}
    fact = only(told({**payout, "failure_code": "no_account", "failure_message": "No."}), kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("po_1", AT_S * 1000, 9, "ISK")
    assert fact.detail == {"failure_code": "no_account", "failure_message": "No."}


@pytest.mark.parametrize(
    "thing",
    [
        {"object": "payout", "id": "po_1", "amount": 900, "currency": "usd", "status": "brand_new"},
        {"object": "payout", "id": "po_1", "amount": -900, "currency": "usd", "status": "paid"},
        subscription(status="brand_new"),
        invoice(status="brand_new"),
        invoice(status="draft"),
        invoice(id=None),
        invoice(status="open"),
        {"object": "invoice_payment", "id": "inpay_1", "invoice": "in_1", "payment": {"type": "payment_record"}},
    ],
)
def test_what_says_nothing_is_unmapped_with_a_reason(thing: dict[str, object]) -> None:
    parsed = told(thing)
    assert parsed.facts == ()
    assert parsed.reason


def test_a_customer() -> None:
    thing = {"object": "customer", "id": "cus_1", "email": "pat@example.com", "name": "Pat", "phone": None}
    fact = only(told({**thing, "metadata": NOTES}, "customer.updated"), Kind.CUSTOMER_STATE)
    who = {"customer_id": "cus_1", "customer_email": "pat@example.com", "customer_name": "Pat"}
    assert fact.detail == {**who, "status": "active", "product": "gold", "user_id": "user_1"}
    assert only(told(thing, "customer.deleted"), Kind.CUSTOMER_STATE).detail["status"] == "deleted"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("incomplete", "incomplete"),
        ("incomplete_expired", "canceled"),
        ("trialing", "trialing"),
        ("active", "active"),
        ("past_due", "past_due"),
        ("unpaid", "past_due"),
        ("paused", "paused"),
        ("canceled", "canceled"),
    ],
)
def test_a_subscriptions_status(theirs: str, ours: str) -> None:
    assert only(told(subscription(status=theirs)), Kind.SUBSCRIPTION_STATE).detail["status"] == ours


def test_a_subscription_in_its_old_and_its_new_shape_is_one_fact() -> None:
    priced = {"price": {"id": "price_1"}, "plan": {"id": "price_1"}}
    old = subscription(current_period_end=END_S, plan={"id": "price_1"}, metadata=NOTES)
    listed = [{**priced, "current_period_end": END_S - 5}, {"current_period_end": END_S}]
    new = subscription(items={"data": listed}, metadata=NOTES)
    fact = only(told(old), Kind.SUBSCRIPTION_STATE)
    assert fact == only(told(new), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", AT_S * 1000)
    assert fact.detail == {
        "status": "active",
        "plan": "price_1",
        "period_end_ms": str(END_S * 1000),
        "customer_id": "cus_1",
        "product": "gold",
        "user_id": "user_1",
    }


def test_a_subscription_that_will_end_is_on_trial_or_has_ended() -> None:
    ending = told(subscription(cancel_at=END_S, cancel_at_period_end=True))
    detail = only(ending, Kind.SUBSCRIPTION_STATE).detail
    assert (detail["ends_at_ms"], detail["cancel_at_period_end"]) == (str(END_S * 1000), "true")
    trial = told(subscription(status="trialing", trial_end=END_S, current_period_end=AT_S))
    assert only(trial, Kind.SUBSCRIPTION_STATE).detail["period_end_ms"] == str(END_S * 1000)
    ended = told(subscription(status="canceled", cancel_at=END_S, ended_at=AT_S))
    assert only(ended, Kind.SUBSCRIPTION_STATE).detail["ends_at_ms"] == str(AT_S * 1000)


def test_an_invoice_in_its_old_and_its_new_shape() -> None:
    period = {"start": AT_S, "end": END_S}
    unused = {"amount": -100, "period": period, "subscription": "sub_1", "price": {"id": "price_0"}}
    line = {"amount": 5000, "period": period, "subscription": "sub_1", "plan": {"id": "price_1"}}
    old = invoice(
        subscription="sub_1",
        payment_intent="pi_1",
        customer="cus_1",
        customer_email="pat@example.com",
        subscription_details={"metadata": NOTES},
        lines={"data": [unused, line]},
    )
    named = {"parent": {"subscription_item_details": {"subscription": "sub_1"}, "type": "subscription_item_details"}}
    priced = {"pricing": {"price_details": {"price": "price_1"}, "type": "price_details"}}
    new = invoice(
        parent={"subscription_details": {"subscription": "sub_1", "metadata": NOTES}},
        customer="cus_1",
        customer_email="pat@example.com",
        lines={"data": [{"amount": 5000, "period": period, **named, **priced}]},
    )
    fact = only(told(old), Kind.INVOICE_STATE)
    assert fact == only(told(new), Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.amount_minor, fact.currency) == ("in_1", 5000, "USD")
    assert fact.detail == {
        "status": "paid",
        "subscription_id": "sub_1",
        "plan": "price_1",
        "period_end_ms": str(END_S * 1000),
        "customer_id": "cus_1",
        "customer_email": "pat@example.com",
        "product": "gold",
        "user_id": "user_1",
    }
    assert kinds(told(new)) == [Kind.INVOICE_STATE]
    found = links(told(old))
    assert {name: (it.aggregate, it.ref) for name, it in found.items()} == {
        "invoice": ("pi_1", "in_1"),
        "subscription": ("pi_1", "sub_1"),
    }
    assert {it.at_ms for it in found.values()} == {(AT_S - 9) * 1000}


@pytest.mark.parametrize(
    ("theirs", "name", "attempted", "ours"),
    [
        ("open", "invoice.finalized", False, "open"),
        ("open", "invoice.payment_failed", True, "failed"),
        ("paid", "invoice.payment_succeeded", True, "paid"),
        ("void", "invoice.voided", True, "void"),
        ("uncollectible", "invoice.marked_uncollectible", True, "failed"),
    ],
)
def test_an_invoices_status(theirs: str, name: str, attempted: bool, ours: str) -> None:  # noqa: FBT001 - a table
    parsed = told(invoice(status=theirs, attempted=attempted), name)
    assert only(parsed, Kind.INVOICE_STATE).detail["status"] == ours


def test_a_payment_names_its_invoice_in_old_versions_and_its_subscription_in_a_session() -> None:
    payment = {"amount": 5000, "currency": "usd", "created": AT_S, "customer": "cus_1", "invoice": "in_1"}
    intent = told({**payment, "id": "pi_1", "object": "payment_intent", "status": "processing"})
    charge = {**payment, "id": "ch_1", "object": "charge", "status": "succeeded", "captured": True}
    for parsed in (intent, told({**charge, "payment_intent": "pi_1"}), told(charge)):
        assert links(parsed)["invoice"].ref == "in_1"
    session = {"object": "checkout.session", "id": "cs_1", "payment_intent": "pi_1", "subscription": "sub_1"}
    found = links(told({**session, "invoice": "in_1", "metadata": NOTES}))
    assert {name: it.ref for name, it in found.items()} == {
        "session": "cs_1",
        "invoice": "in_1",
        "subscription": "sub_1",
    }
    assert found["session"].detail["user_id"] == "user_1"


def test_newer_versions_say_in_an_object_of_its_own_which_payment_is_for_an_invoice() -> None:
    thing = {"object": "invoice_payment", "id": "inpay_1", "invoice": "in_1", "created": AT_S - 5}
    parsed = told({**thing, "payment": {"type": "payment_intent", "payment_intent": "pi_1"}})
    fact = only(parsed, Kind.LINK)
    assert (fact.aggregate, fact.ref, fact.at_ms) == ("pi_1", "in_1", (AT_S - 5) * 1000)
    assert fact.detail == {"type": "invoice"}


def test_what_a_payment_should_come_to_is_one_fact_in_all_its_events() -> None:
    own = {"id": "pi_1", "object": "payment_intent", "amount": 4000, "currency": "usd", "created": AT_S - 60}
    both = [told({**own, "status": it, "metadata": NOTES}) for it in ("processing", "canceled")]
    wishes = {only(it, Kind.EXPECTED).digest() for it in both}
    assert len(wishes) == 1
    wish = only(both[0], Kind.EXPECTED)
    assert (wish.at_ms, wish.amount_minor, wish.currency) == ((AT_S - 60) * 1000, 5000, "USD")
    assert only(both[0], Kind.PAYMENT_CREATED).detail == {"product": "gold", "user_id": "user_1"}


def test_a_charge_says_what_is_expected_where_it_is_the_payment() -> None:
    own = {"id": "ch_1", "object": "charge", "amount": 4000, "currency": "usd", "created": AT_S, "metadata": NOTES}
    alone = {**own, "status": "succeeded", "captured": True}
    assert only(told(alone), Kind.EXPECTED).aggregate == "ch_1"
    assert Kind.EXPECTED not in kinds(told({**alone, "payment_intent": "pi_1"}))


@pytest.mark.parametrize(
    "thing",
    [
        subscription(id=None),
        subscription(current_period_end="soon"),
        subscription(items=[]),
        invoice(lines={"data": "none"}),
        invoice(metadata=[]),
        {"object": "customer", "id": "a b"},
    ],
)
def test_what_is_not_in_stripes_shape_is_malformed(thing: dict[str, object]) -> None:
    with pytest.raises(MalformedPayload):
        told(thing)
