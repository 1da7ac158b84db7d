"""What Chargebee's events make Paybell ask, and what it records of the answers."""

import json

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import encode
from paybell.testing.received import Received, Reply
from paybell.testing.samples.chargebee import chargebee_answer
from tests.integration.fetch_world import Scene, asking

KEY = {"apiKey": "key"}


def sent(name: str, event_id: str) -> bytes:
    return pretender("chargebee").signed(name, payment_id="txn_1", event_id=event_id, refund_minor=700).body


EVENTS = {
    "/api/v2/events/ev_1": sent("payment_succeeded", "ev_1"),
    "/api/v2/events/ev_2": sent("payment_refunded", "ev_2"),
}


def answer(received: Received) -> Reply:
    if received.header("authorization") != "Basic a2V5Og==":
        return Reply(status_code=401)
    found = EVENTS.get(received.path)
    return Reply(status_code=404) if found is None else Reply(body=encode(chargebee_answer(json.loads(found))))


def test_a_payment_and_its_refund_are_recorded_as_the_api_says() -> None:
    async def scenario(at: Scene) -> None:
        told = await at.ask(encode({"id": "ev_1", "event_type": "payment_failed", "content": {}}))
        assert told.status.state is NotificationState.FETCHED
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.captured_minor) == (PaymentStatus.COMPLETED, 10_000)
        await at.ask(sent("payment_refunded", "ev_2"))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 700)
        assert [(it.method, it.path) for it in at.asked] == [("GET", path) for path in EVENTS]

    asking("chargebee", answer, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "event_id", "words"),
    [({"apiKey": "wrong"}, "ev_1", "credentials"), ({}, "ev_1", "no API credentials"), (KEY, "ev_9", "answered 404")],
)
def test_what_cannot_be_confirmed_grants_nothing(options: dict[str, object], event_id: str, words: str) -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(sent("payment_succeeded", event_id))
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert words in hint.status.reason
        assert await at.payments() == []

    asking("chargebee", answer, options, scenario)
