from hypothesis import given
from hypothesis import strategies as st

from paybell.gateways.kit import accounts, metadata
from paybell.model.account import InvoiceStatus, PayoutStatus, SubscriptionStatus
from paybell.model.fact import Kind, Subject, subject_of

AT_MS = 1_700_000_000_000
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda it: st.lists(it, max_size=2))


def test_every_payout_status_has_a_kind_of_its_own() -> None:
    told = [accounts.payout("po_1", it, at_ms=AT_MS, money=(500, "EUR")) for it in PayoutStatus]
    assert [it.kind for it in told] == [
        Kind.PAYOUT_CREATED,
        Kind.PAYOUT_PAID,
        Kind.PAYOUT_CANCELED,
        Kind.PAYOUT_FAILED,
    ]
    assert {subject_of(it.kind) for it in told} == {Subject.PAYOUT}


def test_what_is_not_said_has_no_detail() -> None:
    plain = accounts.subscription("sub_1", SubscriptionStatus.ACTIVE, at_ms=AT_MS, plan="price_1")
    assert plain.detail == {"status": "active", "plan": "price_1"}
    ending = accounts.subscription(
        "sub_1",
        SubscriptionStatus.ACTIVE,
        at_ms=AT_MS,
        plan="price_1",
        period_end_ms=AT_MS + 1,
        ends_at_ms=AT_MS + 2,
        cancel_at_period_end=True,
        who={"customer_id": "cus_1"},
    )
    assert ending.detail == {
        "customer_id": "cus_1",
        "status": "active",
        "plan": "price_1",
        "period_end_ms": str(AT_MS + 1),
        "ends_at_ms": str(AT_MS + 2),
        "cancel_at_period_end": "true",
    }
    bill = accounts.invoice("in_1", InvoiceStatus.PAID, at_ms=AT_MS, money=(1, "EUR"), subscription_id="sub_1")
    assert bill.detail == {"status": "paid", "subscription_id": "sub_1"}
    assert accounts.customer("cus_1", at_ms=AT_MS, who={}, deleted=True).detail == {"status": "deleted"}


def test_a_merchant_says_who_buys_what_for_how_much() -> None:
    notes = {
        "paybell_product": "gold",
        "user_id": 7,
        "paybell_expected_minor": "500",
        "paybell_expected_currency": "eur",
    }
    assert metadata.said(notes) == {"product": "gold", "user_id": "7"}
    (wish,) = metadata.expected("pay_1", notes, AT_MS)
    assert (wish.kind, wish.ref, wish.amount_minor, wish.currency) == (Kind.EXPECTED, "", 500, "EUR")
    assert metadata.said({"paybell_user": "me", "user_id": "other"}) == {"user_id": "me"}
    assert metadata.expected("pay_1", {}, AT_MS) == []


def test_what_cannot_be_read_is_met_by_no_payment() -> None:
    for amount, currency in (("5.00", "EUR"), ("", "EUR"), ("500", "euro"), ("500", None), (None, "EUR"), ("0", "EUR")):
        notes = {"paybell_expected_minor": amount, "paybell_expected_currency": currency}
        (wish,) = metadata.expected("pay_1", notes, AT_MS)
        assert (wish.amount_minor, wish.currency) == metadata.UNREADABLE, notes


@given(JSON, JSON, JSON)
def test_no_metadata_is_too_strange(product: object, amount: object, currency: object) -> None:
    notes = {
        "paybell_product": product,
        "paybell_user": amount,
        "paybell_expected_minor": amount,
        "paybell_expected_currency": currency,
    }
    assert all(metadata.said(notes).values())
    for fact in metadata.expected("pay_1", notes, AT_MS):
        fact.digest()
