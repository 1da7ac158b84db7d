"""Payouts, subscriptions, invoices and customers: one state, one set of books and a true last word in every order."""

from collections.abc import Sequence
from itertools import permutations
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from paybell.gateways.kit import accounts
from paybell.model.account import (
    AccountState,
    CustomerState,
    InvoiceState,
    InvoiceStatus,
    PayoutState,
    PayoutStatus,
    SubscriptionState,
    SubscriptionStatus,
    of_subject,
)
from paybell.model.fact import Fact, Kind, Subject, subject_of
from paybell.model.message import EVENT_TYPES
from paybell.model.moment import rfc3339
from paybell.model.notification import NotificationState
from paybell.ports import KnownItem
from paybell.record.accounts import project_item
from paybell.record.payments import FACTS_MAX
from paybell.testing.builders import endpoint, fact
from paybell.testing.fake_clock import START_MS
from tests.unit.books import Standing, balances, standing, wanted
from tests.unit.desk import Ledger

DAY_MS = 86_400_000
MONTH_MS = 30 * DAY_MS
WHO = {"customer_id": "cus_1", "customer_email": "pat@example.com"}


ENDPOINT = endpoint(event_types=frozenset(it for it in EVENT_TYPES if not it.startswith("membership.")))


def at(day: float) -> int:
    return START_MS + int(day * DAY_MS)


def payout(status: PayoutStatus, day: int = 0, amount: int = 5_000, **why: str) -> Fact:
    return accounts.payout("po_1", status, at_ms=at(day), money=(amount, "EUR"), why=why)


def subscription(status: SubscriptionStatus, day: float, *, until: int = 0, **more: object) -> Fact:
    plain = accounts.subscription("sub_1", status, at_ms=at(day), plan="price_1", period_end_ms=until, who=WHO)
    return replace(plain, detail={**plain.detail, **{name: str(value) for name, value in more.items()}})


def invoice(status: InvoiceStatus, day: int, **more: str) -> Fact:
    bill = accounts.invoice("in_1", status, at_ms=at(day), money=(900, "EUR"), subscription_id="sub_1", who=WHO)
    return replace(bill, detail={**bill.detail, **more})


CREATED, PAID = payout(PayoutStatus.CREATED), payout(PayoutStatus.PAID, 2)
FAILED, CANCELED = payout(PayoutStatus.FAILED, 3, failure_code="account_closed"), payout(PayoutStatus.CANCELED, 1)
SENT = (("payout_in_transit", "clearing", 5_000),)
ARRIVED = (("bank", "payout_in_transit", 5_000),)
NEVER_ARRIVED = (("clearing", "payout_in_transit", 5_000),)
CAME_BACK = (("clearing", "bank", 5_000),)

PAYOUTS: dict[str, tuple[Sequence[Fact], PayoutStatus, Standing]] = {
    "on its way": ((CREATED,), PayoutStatus.CREATED, {("payout", "po_1"): SENT}),
    "arrived": ((CREATED, PAID), PayoutStatus.PAID, {("payout", "po_1"): SENT, ("payout_paid", "po_1"): ARRIVED}),
    "only its arrival is known": (
        (PAID,),
        PayoutStatus.PAID,
        {("payout", "po_1"): SENT, ("payout_paid", "po_1"): ARRIVED},
    ),
    "failed on its way": (
        (CREATED, FAILED),
        PayoutStatus.FAILED,
        {("payout", "po_1"): SENT, ("payout_failed", "po_1"): NEVER_ARRIVED},
    ),
    "canceled": (
        (CREATED, CANCELED),
        PayoutStatus.CANCELED,
        {("payout", "po_1"): SENT, ("payout_failed", "po_1"): NEVER_ARRIVED},
    ),
    "failed after it was paid": (
        (CREATED, PAID, FAILED),
        PayoutStatus.FAILED,
        {("payout", "po_1"): SENT, ("payout_paid", "po_1"): ARRIVED, ("payout_failed", "po_1"): CAME_BACK},
    ),
    "the larger of two amounts": (
        (payout(PayoutStatus.CREATED, amount=4_000), PAID),
        PayoutStatus.PAID,
        {("payout", "po_1"): SENT, ("payout_paid", "po_1"): ARRIVED},
    ),
}


@pytest.mark.parametrize("name", PAYOUTS)
def test_a_payout_books_the_same_in_every_order(name: str) -> None:
    facts, status, booked = PAYOUTS[name]
    for order in permutations(facts):
        ledger = Ledger(ENDPOINT)
        for told in order:
            ledger.take(told)
            assert not sum(balances(ledger.postings).values())
            again = ledger.take(told)
            assert (again.facts, again.items, again.postings, again.messages) == ((), (), (), ())
        known = only(ledger)
        state = of_subject(known.item, PayoutState)
        assert (state.status, state.amount_minor, state.version) == (status, 5_000, len(facts))
        assert standing(known.postings) == booked == wanted(order)
        told_last = ledger.messages[-1].event_type
        assert {message.event_type for message in ledger.messages} <= {"payout.created", "payout.paid", "payout.failed"}
        if order[-1] is facts[-1]:
            assert told_last == {"canceled": "payout.failed"}.get(status, f"payout.{status}")


def only(ledger: Ledger) -> KnownItem:
    (known,) = ledger.items.values()
    assert known.item.id.startswith({"payout": "po_", "subscription": "sub_", "invoice": "inv_"}[known.item.subject])
    return known


ACTIVE = SubscriptionStatus.ACTIVE
RUN = (
    subscription(SubscriptionStatus.INCOMPLETE, 0),
    subscription(ACTIVE, 0, until=at(30)),
    subscription(ACTIVE, 30, until=at(60)),
    subscription(SubscriptionStatus.PAST_DUE, 60, until=at(90)),
    subscription(SubscriptionStatus.PAST_DUE, 63, until=at(90)),
    subscription(SubscriptionStatus.CANCELED, 70, ends_at_ms=at(70)),
)


def folded(*facts: Fact) -> AccountState:
    return project_item(subject_of(facts[0].kind), facts)


def test_a_subscription_is_what_was_said_of_it_last_in_every_order() -> None:
    ends = {msgspec.json.encode(folded(*order)) for order in permutations(RUN)}
    assert len(ends) == 1
    state = folded(*RUN)
    assert isinstance(state, SubscriptionState)
    assert (state.status, state.plan, state.period_end_ms) == (SubscriptionStatus.CANCELED, "price_1", at(90))
    assert (state.ends_at_ms, state.unpaid_since_ms, state.changed_at_ms) == (at(70), 0, at(70))
    assert state.customer == {"id": "cus_1", "email": "pat@example.com"}
    due = folded(*RUN[:5])
    assert isinstance(due, SubscriptionState)
    assert due.unpaid_since_ms == at(60)


def test_within_a_second_the_higher_rank_is_the_later_one() -> None:
    first, second = subscription(SubscriptionStatus.INCOMPLETE, 0), subscription(ACTIVE, 0, until=at(30))
    assert folded(first, second) == folded(second, first)
    assert folded(first, second).status is ACTIVE


def test_that_it_will_end_is_taken_back_by_a_word_that_does_not_say_it() -> None:
    ending = subscription(ACTIVE, 1, until=at(30), cancel_at_period_end="true", ends_at_ms=at(30))
    going_on = subscription(ACTIVE, 2)
    for order in permutations((ending, going_on)):
        state = folded(*order)
        assert isinstance(state, SubscriptionState)
        assert (state.cancel_at_period_end, state.ends_at_ms, state.period_end_ms) == (False, 0, at(30))


def test_what_is_told_of_a_subscription() -> None:
    ledger = Ledger(ENDPOINT)
    for told in RUN:
        ledger.take(told)
    assert [message.event_type for message in ledger.messages] == [
        "subscription.created",
        "subscription.renewed",
        "subscription.past_due",
        "subscription.canceled",
    ]
    data = msgspec.json.decode(ledger.messages[1].payload)["data"]
    assert data == {
        "subscriptionId": only(ledger).item.id,
        "status": "active",
        "plan": "price_1",
        "product": None,
        "periodEnd": rfc3339(at(60)),
        "endsAt": None,
        "cancelAtPeriodEnd": False,
        "customer": {"id": "cus_1", "email": "pat@example.com"},
        "version": 3,
        "gateway": "generic",
        "gatewaySubscriptionId": "sub_1",
        "livemode": True,
    }
    assert ledger.messages[1].payment_id == data["subscriptionId"]


@pytest.mark.parametrize("seed", range(200))
def test_the_last_word_told_is_never_older_than_the_state(seed: int) -> None:
    order = [*RUN, *Random(seed).choices(RUN, k=3)]
    Random(seed).shuffle(order)
    ledger = Ledger(ENDPOINT)
    for told in order:
        ledger.take(told)
    assert only(ledger).item.state == folded(*RUN)
    events = [it.event_id for it in ledger.messages]
    assert len(events) == len(set(events))
    assert "subscription.canceled" in {it.event_type for it in ledger.messages}


def test_an_invoice_is_paid_or_not() -> None:
    opened, failed, paid = (
        invoice(it, day) for day, it in enumerate((InvoiceStatus.OPEN, InvoiceStatus.FAILED, InvoiceStatus.PAID))
    )
    for order in permutations((opened, failed, paid)):
        ledger = Ledger(ENDPOINT)
        for told in order:
            ledger.take(told)
        state = of_subject(only(ledger).item, InvoiceState)
        assert (state.status, state.amount_minor, state.subscription_id) == (InvoiceStatus.PAID, 900, "sub_1")
        assert ledger.postings == []
        assert {it.event_type for it in ledger.messages} <= {"invoice.paid", "invoice.payment_failed"}
        assert ledger.messages[-1].event_type == "invoice.paid"


def test_a_customer_is_known_and_nobody_is_told() -> None:
    ledger = Ledger(ENDPOINT)
    ledger.take(accounts.customer("cus_1", at_ms=at(1), who={"customer_email": "new@example.com"}))
    ledger.take(accounts.customer("cus_1", at_ms=at(0), who={"customer_email": "old@example.com", "user_id": "u_7"}))
    ((key, known),) = ledger.items.items()
    assert key.subject is Subject.CUSTOMER
    assert of_subject(known.item, CustomerState).customer == {"email": "new@example.com", "userId": "u_7"}
    assert ledger.messages == []
    with pytest.raises(TypeError, match="is a customer"):
        of_subject(known.item, PayoutState)


def test_one_notification_may_tell_of_a_payment_and_of_what_it_pays() -> None:
    ledger = Ledger(ENDPOINT)
    ledger.take(
        fact(Kind.CAPTURED, "ch_1", 900, 1),
        fact(Kind.LINK, "sub_1", None, 1, detail={"type": "subscription"}),
        fact(Kind.LINK, "in_1", None, 1, detail={"type": "invoice"}),
        subscription(ACTIVE, 0, until=at(30)),
        invoice(InvoiceStatus.PAID, 0),
    )
    state = ledger.payment.state
    assert (state.invoice_id, state.subscription_id) == ("in_1", "sub_1")
    assert {key.subject for key in ledger.items} == {Subject.SUBSCRIPTION, Subject.INVOICE}
    told = {it.event_type: msgspec.json.decode(it.payload)["data"] for it in ledger.messages}
    assert told.keys() == {"payment.completed", "subscription.created", "invoice.paid"}
    assert told["payment.completed"]["gatewaySubscriptionId"] == told["invoice.paid"]["gatewaySubscriptionId"]


def test_two_sources_may_call_two_things_alike() -> None:
    ledger = Ledger()
    ledger.take(accounts.customer("same", at_ms=at(0), who=WHO))
    ledger.take(accounts.payout("same", PayoutStatus.PAID, at_ms=at(0), money=(1, "EUR")))
    assert len({known.item.id for known in ledger.items.values()}) == 2


def test_an_item_with_too_many_facts_is_set_aside() -> None:
    ledger = Ledger()
    ledger.take_all([])
    many = [accounts.customer("cus_1", at_ms=at(0) + number, who={}) for number in range(FACTS_MAX)]
    ledger.take(*many)
    changes = ledger.take(accounts.customer("cus_1", at_ms=at(-1), who={}))
    assert [it.state for it in changes.outcomes] == [NotificationState.PARKED]
    assert f"{FACTS_MAX} facts" in changes.outcomes[0].reason
