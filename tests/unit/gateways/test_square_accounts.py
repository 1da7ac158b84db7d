"""Square's payouts, subscriptions, invoices and customers."""

import pytest

from paybell.errors import MalformedPayload
from paybell.model.fact import Kind, Parsed
from tests.unit.gateways.sources import only, parse

AT, UPDATED = "2025-06-15T15:06:40.500Z", "2025-06-15T15:06:40Z"
AT_MS, UPDATED_MS = 1_750_000_000_500, 1_750_000_000_000
DAY_MS = 86_400_000


def told(kind: str, thing: dict[str, object], name: str = "any.name") -> Parsed:
    return parse("square", {"type": name, "created_at": AT, "data": {"type": kind, "object": {kind: thing}}})


@pytest.mark.parametrize(
    ("status", "kind"),
    [("SENT", Kind.PAYOUT_CREATED), ("PAID", Kind.PAYOUT_PAID), ("FAILED", Kind.PAYOUT_FAILED)],
)
@pytest.mark.parametrize("currency", ["currency", "currency_code"])
def test_a_payouts_status(status: str, kind: Kind, currency: str) -> None:
    payout = {"id": "po_1", "status": status, "amount_money": {"amount": 457, currency: "EUR"}}
    fact = only(told("payout", payout), kind)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("po_1", AT_MS, 457, "EUR")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("PENDING", "incomplete"),
        ("ACTIVE", "active"),
        ("PAUSED", "paused"),
        ("DEACTIVATED", "paused"),
        ("CANCELED", "canceled"),
        ("COMPLETED", "canceled"),
    ],
)
def test_a_subscriptions_status(theirs: str, ours: str) -> None:
    thing = {"id": "sub_1", "status": theirs, "customer_id": "cus_1", "plan_variation_id": "plan_1"}
    fact = only(told("subscription", thing), Kind.SUBSCRIPTION_STATE)
    assert (fact.aggregate, fact.at_ms) == ("sub_1", AT_MS)
    assert fact.detail == {"status": ours, "plan": "plan_1", "customer_id": "cus_1"}


def test_a_subscription_is_paid_through_a_day_and_may_end_on_one() -> None:
    thing = {"id": "sub_1", "status": "ACTIVE", "plan_id": "plan_0", "charged_through_date": "2025-06-14"}
    detail = only(told("subscription", {**thing, "canceled_date": "2025-06-15"}), Kind.SUBSCRIPTION_STATE).detail
    assert detail["period_end_ms"] == detail["ends_at_ms"] == str(UPDATED_MS // DAY_MS * DAY_MS)
    assert (detail["plan"], detail["cancel_at_period_end"]) == ("plan_0", "true")
    ended = {**thing, "status": "CANCELED", "canceled_date": "2025-06-15"}
    assert "cancel_at_period_end" not in only(told("subscription", ended), Kind.SUBSCRIPTION_STATE).detail


def invoice(status: str, **more: object) -> dict[str, object]:
    due = [{"computed_amount_money": {"amount": it, "currency": "USD"}} for it in (7000, 3000)]
    own = {"id": "inv:0-1", "updated_at": UPDATED, "subscription_id": "sub_1", "payment_requests": due}
    who = {"customer_id": "cus_1", "email_address": "pat@example.com", "given_name": "Pat", "family_name": "Example"}
    return {**own, "status": status, "primary_recipient": who, **more}


@pytest.mark.parametrize(
    ("theirs", "name", "ours"),
    [
        ("UNPAID", "invoice.updated", "open"),
        ("SCHEDULED", "invoice.published", "open"),
        ("PARTIALLY_PAID", "invoice.payment_made", "open"),
        ("PAYMENT_PENDING", "invoice.updated", "open"),
        ("UNPAID", "invoice.scheduled_charge_failed", "failed"),
        ("FAILED", "invoice.updated", "failed"),
        ("PAID", "invoice.payment_made", "paid"),
        ("REFUNDED", "invoice.refunded", "paid"),
        ("PARTIALLY_REFUNDED", "invoice.refunded", "paid"),
        ("CANCELED", "invoice.canceled", "void"),
    ],
)
def test_an_invoices_status(theirs: str, name: str, ours: str) -> None:
    fact = only(told("invoice", invoice(theirs), name), Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("inv:0-1", UPDATED_MS, 10_000, "USD")
    assert fact.detail == {
        "status": ours,
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }


def test_a_customer() -> None:
    thing = {"id": "cus_1", "company_name": "Example Ltd", "phone_number": "+15550100"}
    fact = only(told("customer", thing, "customer.updated"), Kind.CUSTOMER_STATE)
    who = {"customer_id": "cus_1", "customer_name": "Example Ltd", "customer_phone": "+15550100"}
    assert (fact.aggregate, fact.at_ms, fact.detail) == ("cus_1", AT_MS, {**who, "status": "active"})
    assert only(told("customer", thing, "customer.deleted"), Kind.CUSTOMER_STATE).detail["status"] == "deleted"


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("payout", {"id": "po_1", "status": "BRAND_NEW", "amount_money": {"amount": 1, "currency": "EUR"}}),
        ("payout", {"id": "po_1", "status": "PAID", "amount_money": {"amount": -1, "currency": "EUR"}}),
        ("subscription", {"id": "sub_1", "status": "BRAND_NEW"}),
        ("invoice", invoice("DRAFT")),
        ("invoice", invoice("PAID", payment_requests=None)),
    ],
)
def test_what_says_nothing_has_a_reason(kind: str, thing: dict[str, object]) -> None:
    parsed = told(kind, thing)
    assert parsed.facts == ()
    assert parsed.reason


def test_what_is_not_in_squares_shape_is_malformed() -> None:
    with pytest.raises(MalformedPayload):
        told("payout", {"id": "po_1"})
    with pytest.raises(MalformedPayload):
        told("customer", {"id": None})
    with pytest.raises(MalformedPayload):
        told("subscription", {"id": "sub_1", "status": "ACTIVE", "charged_through_date": "soon"})
