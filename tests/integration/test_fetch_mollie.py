"""Mollie's hints, over real HTTP against a pretend API."""

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.mollie import mollie_answer, mollie_payment, mollie_refund
from tests.integration.fetch_world import Scene, asking

KEY = {"apiKey": "live_not_a_real_key"}
JSON = (("content-type", "application/hal+json"),)
REFUNDS = [mollie_refund("re_1", "tr_paid", "refunded", "4.00"), mollie_refund("re_2", "tr_paid", "queued", "1.00")]
KNOWN = {
    "tr_paid": mollie_payment("tr_paid", "paid", "10.00", refunds=REFUNDS, mode="live"),
    "tr_failed": mollie_payment("tr_failed", "failed", "10.00", mode="live"),
}


def answer(received: Received) -> Reply:
    if received.header("authorization") != "Bearer live_not_a_real_key":
        return Reply(status_code=401, body=b'{"status": 401, "title": "Unauthorized Request"}', headers=JSON)
    path, _, query = received.path.partition("?")
    if query == "embed=captures,refunds,chargebacks" and (found := KNOWN.get(path.removeprefix("/v2/payments/"))):
        return Reply(body=mollie_answer(found), headers=JSON)
    if path == "/v2/payment-links/pl_1/payments":
        listed = {"count": 1, "_embedded": {"payments": [KNOWN["tr_failed"]]}}
        return Reply(body=mollie_answer(listed), headers=JSON)
    return Reply(status_code=404, body=b'{"status": 404, "title": "Not Found"}', headers=JSON)


def test_the_payment_is_asked_for_and_recorded_as_the_api_says() -> None:
    async def scenario(scene: Scene) -> None:
        hint = await scene.ask(b"id=tr_paid")
        assert (hint.status.state, hint.status.reason) == (NotificationState.FETCHED, "")
        (asked,) = scene.asked
        assert (asked.method, asked.path) == ("GET", "/v2/payments/tr_paid?embed=captures,refunds,chargebacks")
        (payment,) = await scene.payments()
        assert (payment.gateway_payment_id, payment.state.status) == ("tr_paid", PaymentStatus.PARTIALLY_REFUNDED)
        assert (payment.state.captured_minor, payment.state.refunded_minor) == (1000, 400)
        await scene.ask(b"id=tr_failed")
        assert {it.state.status for it in await scene.payments()} == {
            PaymentStatus.PARTIALLY_REFUNDED,
            PaymentStatus.FAILED,
        }

    asking("mollie", answer, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "body", "words"),
    [
        (KEY, b"id=tr_nobodys", "answered 404"),
        ({"apiKey": "live_another"}, b"id=tr_paid", "refused the credentials (401)"),
        ({}, b"id=tr_paid", "no API credentials"),
    ],
)
def test_what_the_api_does_not_confirm_says_nothing(options: dict[str, str], body: bytes, words: str) -> None:
    async def scenario(scene: Scene) -> None:
        hint = await scene.ask(body)
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert words in hint.status.reason
        assert await scene.payments() == []

    asking("mollie", answer, options, scenario)


def test_the_payments_of_a_link_are_asked_for() -> None:
    async def scenario(scene: Scene) -> None:
        event = b'{"resource": "event", "id": "whev_1", "type": "payment-link.paid", "entityId": "pl_1"}'
        hint = await scene.ask(event)
        assert hint.status.state is NotificationState.FETCHED
        (payment,) = await scene.payments()
        assert (payment.gateway_payment_id, payment.state.status) == ("tr_failed", PaymentStatus.FAILED)

    asking("mollie_next_gen", answer, KEY, scenario)
