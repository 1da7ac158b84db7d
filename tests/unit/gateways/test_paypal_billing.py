"""PayPal's subscriptions and invoices. The shapes are those of recorded webhooks."""

import pytest

from paybell.errors import MalformedPayload
from paybell.model.fact import Fact, Kind, Parsed
from tests.unit.gateways.asking import answered
from tests.unit.gateways.sources import kinds, only

AT = "2025-06-15T15:06:40Z"
AT_MS = 1_750_000_000_000
USD = {"currency_code": "USD", "value": "10.00"}


def of(resource_type: str, resource: object) -> Parsed:
    own = {"id": "WH-1", "event_type": "X.Y", "create_time": AT}
    return answered("paypal", "WH-1", {**own, "resource_type": resource_type, "resource": resource})


def subscription(status: str, failed: int = 0, **more: object) -> dict[str, object]:
    return {
        "id": "I-1",
        "status": status,
        "status_update_time": "2025-06-15T15:06:39Z",
        "plan_id": "P-1",
        "subscriber": {"payer_id": "P1", "email_address": "pat@example.com", "name": {"given_name": "Pat"}},
        "billing_info": {"next_billing_time": "2025-07-15T15:06:40Z", "failed_payments_count": failed},
        **more,
    }


def told(resource_type: str, resource: object) -> Fact:
    return only(of(resource_type, resource), Kind.SUBSCRIPTION_STATE)


@pytest.mark.parametrize(
    ("theirs", "failed", "ours"),
    [
        ("APPROVAL_PENDING", 0, "incomplete"),
        ("APPROVED", 0, "incomplete"),
        ("ACTIVE", 0, "active"),
        ("ACTIVE", 2, "past_due"),
        ("SUSPENDED", 2, "paused"),
        ("CANCELLED", 0, "canceled"),
        ("EXPIRED", 0, "canceled"),
    ],
)
def test_a_subscriptions_status(theirs: str, failed: int, ours: str) -> None:
    fact = told("subscription", subscription(theirs, failed))
    assert (fact.aggregate, fact.at_ms, fact.detail["status"]) == ("I-1", AT_MS, ours)
    assert ("period_end_ms" in fact.detail) is (ours == "active")
    assert ("ends_at_ms" in fact.detail) is (ours == "canceled")


def test_who_subscribes_to_what() -> None:
    assert told("subscription", subscription("ACTIVE")).detail == {
        "status": "active",
        "plan": "P-1",
        "period_end_ms": "1752592000000",
        "customer_id": "P1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat",
    }


def test_an_agreement_of_the_older_api() -> None:
    payer = {"email": "pat@example.com", "first_name": "Pat", "last_name": "Example", "payer_id": "P1"}
    old = {"id": "I-1", "state": "Active", "payer": {"payer_info": payer}}
    fact = told("Agreement", {**old, "agreement_details": {"next_billing_date": AT, "failed_payment_count": "3"}})
    assert fact.detail == {
        "status": "active",
        "period_end_ms": str(AT_MS),
        "customer_id": "P1",
        "customer_email": "pat@example.com",
        "customer_name": "Pat Example",
    }
    assert told("Agreement", {**old, "state": "Cancelled"}).detail["status"] == "canceled"


@pytest.mark.parametrize(("agreement", "linked"), [("I-1", True), ("B-1", False), (None, False)])
def test_a_sale_names_its_subscription(agreement: str | None, linked: bool) -> None:  # noqa: FBT001 - a table
    sale = {"id": "SALE1", "state": "completed", "amount": {"total": "10.00", "currency": "USD"}, "create_time": AT}
    parsed = of("sale", {**sale, "billing_agreement_id": agreement})
    assert (Kind.LINK in kinds(parsed)) is linked
    if linked:
        fact = only(parsed, Kind.LINK)
        assert (fact.aggregate, fact.ref, fact.detail) == ("SALE1", "I-1", {"type": "subscription"})


def invoice(status: str) -> dict[str, object]:
    transactions = [{"type": "PAYPAL", "payment_id": "PAY1"}, {"type": "EXTERNAL", "payment_id": "EXTR-1"}]
    return {
        "invoice": {
            "id": "INV2-1",
            "status": status,
            "detail": {"metadata": {"create_time": "2025-06-15T15:00:00Z", "last_update_time": AT}},
            "primary_recipients": [{"billing_info": {"email_address": "pat@example.com"}}],
            "amount": USD,
            "payments": {"transactions": transactions},
        }
    }


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("SENT", "open"),
        ("UNPAID", "open"),
        ("PARTIALLY_PAID", "open"),
        ("PAYMENT_PENDING", "open"),
        ("PAID", "paid"),
        ("MARKED_AS_PAID", "paid"),
        ("REFUNDED", "paid"),
        ("CANCELLED", "void"),
    ],
)
def test_an_invoice_and_its_payment(theirs: str, ours: str) -> None:
    parsed = of("invoices", invoice(theirs))
    fact = only(parsed, Kind.INVOICE_STATE)
    assert (fact.aggregate, fact.at_ms, fact.amount_minor, fact.currency) == ("INV2-1", AT_MS, 1000, "USD")
    assert fact.detail == {"status": ours, "customer_email": "pat@example.com"}
    link = only(parsed, Kind.LINK)
    assert (link.aggregate, link.ref, link.at_ms) == ("PAY1", "INV2-1", AT_MS - 400_000)


@pytest.mark.parametrize(
    ("resource_type", "resource"),
    [
        ("subscription", subscription("BRAND_NEW")),
        ("invoices", invoice("DRAFT")),
        ("invoices", {"id": "INV-1", "status": "PAID"}),
        ("plan", {"id": "P-1"}),
    ],
)
def test_what_is_unknown_has_a_reason(resource_type: str, resource: object) -> None:
    parsed = of(resource_type, resource)
    assert parsed.facts == ()
    assert parsed.reason


def test_what_is_not_in_paypals_shape_is_malformed() -> None:
    for unfit in (subscription("ACTIVE", plan_id=7), subscription("CANCELLED", status_update_time="soon")):
        with pytest.raises(MalformedPayload):
            of("subscription", unfit)
