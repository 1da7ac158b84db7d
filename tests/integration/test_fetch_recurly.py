"""What Recurly's events make Paybell ask, and what it records of the answers."""

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.pretender import encode
from paybell.testing.received import Received, Reply
from paybell.testing.samples.recurly import recurly_invoice, recurly_transaction
from tests.integration.fetch_world import Scene, asking
from tests.unit.gateways.asking import asked

KEY = {"apiKey": "key"}
ASKED = asked(payment_id="txn1", refund_id="txn2")
PURCHASE, REFUND = recurly_transaction(ASKED, "purchase", "success"), recurly_transaction(ASKED, "refund", "success")
OBJECTS = {
    "/transactions/txn1": PURCHASE,
    "/invoices/inv1": recurly_invoice(asked(payment_id="inv1"), PURCHASE),
    "/invoices/inv2": recurly_invoice(asked(payment_id="inv2"), REFUND),
}


def answer(received: Received) -> Reply:
    if received.header("authorization") != "Basic a2V5Og==":
        return Reply(status_code=401)
    found = OBJECTS.get(received.path)
    return Reply(status_code=404) if found is None else Reply(body=encode(found))


def event(kind: str, object_id: str) -> bytes:
    return encode({"id": object_id, "object_type": kind, "event_type": "x"})


def test_a_payment_told_of_twice_is_one_and_its_refund_reaches_it() -> None:
    async def scenario(at: Scene) -> None:
        for kind, object_id in (("payment", "txn1"), ("charge_invoice", "inv1")):
            told = await at.ask(event(kind, object_id))
            assert told.status.state is NotificationState.FETCHED
            (payment,) = await at.payments()
            assert (payment.state.status, payment.state.captured_minor) == (PaymentStatus.COMPLETED, 5000)
        await at.ask(event("credit_invoice", "inv2"))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 700)
        assert [(it.method, it.path) for it in at.asked] == [("GET", path) for path in OBJECTS]
        assert {it.header("accept") for it in at.asked} == {"application/vnd.recurly.v2021-02-25"}

    asking("recurly", answer, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "object_id", "words"),
    [({"apiKey": "wrong"}, "txn1", "credentials"), ({}, "txn1", "no API credentials"), (KEY, "txn9", "answered 404")],
)
def test_what_cannot_be_confirmed_grants_nothing(options: dict[str, object], object_id: str, words: str) -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(event("payment", object_id))
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert words in hint.status.reason
        assert await at.payments() == []

    asking("recurly", answer, options, scenario)
