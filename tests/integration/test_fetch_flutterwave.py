"""Flutterwave's hints (API v3) over real HTTP, with an API that is pretended."""

import json

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.flutterwave import PRETENDER, flutterwave_transaction
from tests.integration.fetch_world import Scene, asking

KEY = "FLWSECK-example"
KNOWN = {
    "/v3/transactions/4000001/verify": flutterwave_transaction(4000001, status="successful", amount="450.50"),
    "/v3/transactions/4000002/verify": flutterwave_transaction(4000002, status="failed", amount="450.50"),
    "/v3/refunds/75": {"id": 75, "tx_id": 4000001, "amount_refunded": "50.50", "status": "completed"},
}


def api(received: Received) -> Reply:
    if received.header("authorization") != f"Bearer {KEY}":
        return Reply(status_code=401, body=b'{"status":"error","message":"Invalid authorization key"}')
    data = KNOWN.get(received.path)
    if data is None:
        return Reply(body=b'{"status":"error","message":"No transaction was found for this id","data":null}')
    return Reply(body=json.dumps({"status": "success", "message": "fetched", "data": data}).encode())


def webhook(event: str = "charge.completed", payment_id: str = "4000001", refund_id: str = "") -> bytes:
    return PRETENDER.signed(event, payment_id=payment_id, refund_id=refund_id, amount="9999").body


def test_the_answer_is_recorded_and_the_webhook_is_not() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.FETCHED
        (asked,) = at.asked
        assert (asked.method, asked.path) == ("GET", "/v3/transactions/4000001/verify")
        (paid,) = await at.payments()
        assert (paid.gateway_payment_id, paid.state.status) == ("4000001", PaymentStatus.COMPLETED)
        assert (paid.state.captured_minor, paid.state.order_id) == (45_050, "order_1001")
        await at.ask(webhook("refund.completed", refund_id="75"))
        (refunded,) = await at.payments()
        assert refunded.state.status is PaymentStatus.PARTIALLY_REFUNDED
        assert refunded.state.refunded_minor == 5_050

    asking("flutterwave", api, {"secretKey": KEY, "refundCurrency": "NGN"}, scenario)


def test_a_webhook_that_claims_success_for_a_failure_changes_nothing() -> None:
    async def scenario(at: Scene) -> None:
        await at.ask(webhook(payment_id="4000002"))
        (payment,) = await at.payments()
        assert payment.state.status is PaymentStatus.FAILED

    asking("flutterwave", api, {"secretKey": KEY}, scenario)


def test_what_the_api_does_not_know_is_asked_again_and_says_nothing() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook(payment_id="4000003"))
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert "No transaction was found" in hint.status.reason
        assert await at.payments() == []

    asking("flutterwave", api, {"secretKey": KEY}, scenario)


def test_wrong_credentials_and_none_leave_the_hint_waiting_with_a_reason() -> None:
    async def wrong(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert "refused the credentials (401)" in hint.status.reason

    async def none(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert (hint.status.state, at.asked) == (NotificationState.NEEDS_FETCH, [])
        assert "no API credentials" in hint.status.reason

    asking("flutterwave", api, {"secretKey": "FLWSECK-another"}, wrong)
    asking("flutterwave", api, {}, none)
