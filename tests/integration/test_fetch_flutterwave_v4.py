"""Flutterwave's hints (API v4) over real HTTP, with an API and a login that are pretended."""

import json
from urllib.parse import parse_qs

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.flutterwave_v4 import PRETENDER, flutterwave_charge
from tests.integration.fetch_world import Scene, asking

KEYS = {"clientId": "client_example", "clientSecret": "secret_example", "loginUrl": "{api}/token"}
ASKED = {
    "client_id": ["client_example"],
    "client_secret": ["secret_example"],
    "grant_type": ["client_credentials"],
}
KNOWN = {
    "/charges/chg_1": flutterwave_charge("chg_1", status="succeeded", amount="450.50"),
    "/charges/chg_2": flutterwave_charge("chg_2", status="failed", amount="450.50"),
    "/refunds/rfd_1": {"id": "rfd_1", "charge_id": "chg_1", "amount_refunded": "50.50", "status": "succeeded"},
}


def api(received: Received) -> Reply:
    if received.path == "/token":
        if received.method != "POST" or parse_qs(received.body.decode()) != ASKED:
            return Reply(status_code=401, body=b'{"error":"unauthorized_client"}')
        return Reply(body=b'{"access_token":"token_example","expires_in":600,"token_type":"Bearer"}')
    if received.header("authorization") != "Bearer token_example":
        return Reply(status_code=401)
    data = KNOWN.get(received.path)
    if data is None:
        return Reply(status_code=404, body=b'{"status":"failed","error":{"message":"Charge not found"}}')
    return Reply(body=json.dumps({"status": "success", "message": "fetched", "data": data}).encode())


def webhook(event: str = "charge.completed", payment_id: str = "chg_1", refund_id: str = "") -> bytes:
    return PRETENDER.signed(event, payment_id=payment_id, refund_id=refund_id, amount="9999").body


def test_one_login_serves_and_the_answers_are_recorded() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.FETCHED
        (paid,) = await at.payments()
        assert (paid.gateway_payment_id, paid.state.status) == ("chg_1", PaymentStatus.COMPLETED)
        assert (paid.state.captured_minor, paid.state.order_id) == (45_050, "order_1001")
        await at.ask(webhook("refund.completed", refund_id="rfd_1"))
        (refunded,) = await at.payments()
        assert refunded.state.refunded_minor == 5_050
        asked = [(it.method, it.path) for it in at.asked]
        assert asked == [("POST", "/token"), ("GET", "/charges/chg_1"), ("GET", "/refunds/rfd_1")]

    asking("flutterwave_v4", api, {**KEYS, "refundCurrency": "NGN"}, scenario)


def test_a_webhook_that_claims_success_for_a_failure_changes_nothing() -> None:
    async def scenario(at: Scene) -> None:
        await at.ask(webhook(payment_id="chg_2"))
        (payment,) = await at.payments()
        assert payment.state.status is PaymentStatus.FAILED

    asking("flutterwave_v4", api, KEYS, scenario)


def test_what_the_api_does_not_know_is_asked_again_and_says_nothing() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook(payment_id="chg_3"))
        assert (hint.status.state, await at.payments()) == (NotificationState.NEEDS_FETCH, [])
        assert "answered 404" in hint.status.reason

    asking("flutterwave_v4", api, KEYS, scenario)


def test_wrong_credentials_leave_the_hint_waiting_with_a_reason() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert hint.status.reason.startswith("login: ")
        assert "refused the credentials (401)" in hint.status.reason
        assert [it.path for it in at.asked] == ["/token"]

    asking("flutterwave_v4", api, {**KEYS, "clientSecret": "another"}, scenario)
