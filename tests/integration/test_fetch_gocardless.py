"""GoCardless' hints, over real HTTP against a pretend API."""

import json

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.gocardless import gocardless_event, gocardless_payment, gocardless_refund
from tests.integration.fetch_world import Scene, asking

KEY = {"accessToken": "live_not_a_real_token"}
JSON = (("content-type", "application/json"),)
KNOWN = {
    "/payments/PM1": gocardless_payment("PM1", "confirmed", 1000),
    "/refunds/RF1": gocardless_refund("RF1", "PM1", "paid", 400),
}


def event(number: int, resource_type: str, action: str, link: str) -> bytes:
    return json.dumps(gocardless_event(f"EV{number}", resource_type, action, link, "2025-06-15T15:06:40.000Z")).encode()


def answer(received: Received) -> Reply:
    if received.header("authorization") != "Bearer live_not_a_real_token":
        return Reply(status_code=401, body=b'{"error": {"code": 401}}', headers=JSON)
    if received.header("gocardless-version") != "2015-07-06":
        return Reply(status_code=400, headers=JSON)
    known = KNOWN.get(received.path)
    return Reply(body=known, headers=JSON) if known else Reply(status_code=404, body=b"{}", headers=JSON)


def test_the_payment_and_its_refund_are_asked_for() -> None:
    async def scenario(scene: Scene) -> None:
        hint = await scene.ask(event(1, "payments", "failed", "PM1"))  # an old event: the API says how it stands now
        assert (hint.status.state, hint.status.reason) == (NotificationState.FETCHED, "")
        await scene.ask(b'{"events": [' + event(2, "refunds", "paid", "RF1") + b"]}")
        assert [(it.method, it.path) for it in scene.asked] == [("GET", "/payments/PM1"), ("GET", "/refunds/RF1")]
        (payment,) = await scene.payments()
        assert (payment.gateway_payment_id, payment.state.status) == ("PM1", PaymentStatus.PARTIALLY_REFUNDED)
        assert (payment.state.captured_minor, payment.state.refunded_minor) == (1000, 400)

    asking("gocardless", answer, KEY, scenario)


def test_the_same_answer_again_is_one_answer() -> None:
    async def scenario(scene: Scene) -> None:
        await scene.ask(event(1, "payments", "confirmed", "PM1"))
        await scene.ask(event(2, "payments", "submitted", "PM1"))
        assert len(scene.asked) == 2
        assert len(await scene.answers()) == 1

    asking("gocardless", answer, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "body", "words"),
    [
        (KEY, event(1, "payments", "confirmed", "PM_OF_NOBODY"), "answered 404"),
        ({"accessToken": "live_another"}, event(1, "payments", "confirmed", "PM1"), "refused the credentials (401)"),
        ({}, event(1, "payments", "confirmed", "PM1"), "no API credentials"),
    ],
)
def test_what_the_api_does_not_confirm_says_nothing(options: dict[str, str], body: bytes, words: str) -> None:
    async def scenario(scene: Scene) -> None:
        hint = await scene.ask(body)
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert words in hint.status.reason
        assert await scene.payments() == []

    asking("gocardless", answer, options, scenario)
