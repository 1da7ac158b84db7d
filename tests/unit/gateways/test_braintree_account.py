"""Braintree's subscriptions and disbursements, and what merchants say in custom fields."""

import pytest

from paybell.model.fact import Kind
from tests.unit.gateways.sources import kinds, only
from tests.unit.gateways.test_braintree import AT, elements, told, transaction

AT_MS = 1_750_000_000_000
DAY_MS = 86_400_000


def subscription(status: str, transactions: str = "", **more: str) -> str:
    own = elements(**{"id": "sub1", "status": status, "plan_id": "gold", **more})
    return f'<subscription>{own}<transactions type="array">{transactions}</transactions></subscription>'


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Pending", "incomplete"),
        ("Active", "active"),
        ("Past Due", "past_due"),
        ("Canceled", "canceled"),
        ("Expired", "canceled"),
    ],
)
def test_a_subscriptions_status(theirs: str, ours: str) -> None:
    fact = only(told(subscription(theirs)), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms, fact.detail) == ("sub1", AT_MS, {"status": ours, "plan": "gold"})


def test_a_trial_is_the_cycle_before_the_first() -> None:
    def status(cycle: str, trial: str = "true") -> str:
        body = subscription("Active", trial_period=trial, current_billing_cycle=cycle)
        return only(told(body), Kind.SUBSCRIPTION_STATE).detail["status"]

    assert [status("0"), status("1"), status("0", "false")] == ["trialing", "active", "active"]


def test_it_is_paid_through_a_day_by_its_newest_customer() -> None:
    customer = f"<customer>{elements(id='c1', email='pat@example.com', first_name='Pat', last_name='E')}</customer>"
    paid = transaction("settled").replace("</transaction>", f"{customer}</transaction>")
    parsed = told(subscription("Active", paid + transaction("settled", id="tx2"), paid_through_date="2025-06-14"))
    assert only(parsed, Kind.SUBSCRIPTION_STATE).detail == {
        "status": "active",
        "plan": "gold",
        "period_end_ms": str(AT_MS // DAY_MS * DAY_MS),
        "customer_id": "c1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat E",
    }


def test_its_sales_name_it_once_wherever_it_is_said() -> None:
    sale = transaction("settled", created_at=AT)
    refund = transaction("settled", id="rf1", type="credit", refunded_transaction_id="tx1")
    nested = only(told(subscription("Active", sale + refund)), Kind.LINK)
    named = transaction("settled", created_at=AT, subscription_id="sub1")
    assert (nested.aggregate, nested.ref, nested.detail) == ("tx1", "sub1", {"type": "subscription"})
    assert nested == only(told(named), Kind.LINK) == only(told(subscription("Active", named)), Kind.LINK)


@pytest.mark.parametrize(("success", "kind"), [("true", Kind.PAYOUT_PAID), ("false", Kind.PAYOUT_FAILED)])
def test_a_disbursement_is_a_payout(success: str, kind: Kind) -> None:
    account = f"<merchant-account>{elements(currency_iso_code='USD')}</merchant-account>"
    own = elements(id="d1", success=success, amount="100.00", exception_message="bank_rejected")
    fact = only(told(f"<disbursement>{own}{account}</disbursement>"), kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("d1", AT_MS, 10_000, "USD")
    assert fact.detail == {"failure_message": "bank_rejected"}


def test_custom_fields_say_who_buys_what_for_how_much() -> None:
    fields = elements(
        paybell_product="gold", user_id="u1", paybell_expected_minor="1000", paybell_expected_currency="usd"
    )
    sale = transaction("settled").replace("</transaction>", f"<custom-fields>{fields}</custom-fields></transaction>")
    parsed = told(sale)
    assert only(parsed, Kind.PAYMENT_CREATED).detail == {"product": "gold", "user_id": "u1"}
    wish = only(parsed, Kind.EXPECTED)
    assert (wish.aggregate, wish.amount_minor, wish.currency) == ("tx1", 1000, "USD")


@pytest.mark.parametrize("status", ["brand_new", ""])
def test_what_is_unknown_has_no_fact(status: str) -> None:
    parsed = told(subscription(status))
    assert parsed.facts == ()
    assert parsed.reason
    assert kinds(told(subscription("Active").replace("<id>sub1</id>", ""))) == []
