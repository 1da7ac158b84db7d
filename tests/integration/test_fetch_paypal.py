"""PayPal's hints, over real HTTP against a pretend API with a login."""

import json

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.gateways import gateway
from paybell.testing.received import Received, Reply
from tests.integration.fetch_world import Scene, asking

KEYS = {"clientId": "client", "clientSecret": "not-a-secret"}
BASIC = "Basic Y2xpZW50Om5vdC1hLXNlY3JldA=="
EVENTS = "/v1/notifications/webhooks-events/"
JSON = (("content-type", "application/json"),)


def event(name: str, event_id: str, amount_minor: int = 10_000, refund_minor: int = 0) -> bytes:
    signed = gateway("paypal").signed(
        name,
        payment_id="CAP1",
        event_id=event_id,
        amount_minor=amount_minor,
        refund_minor=refund_minor,
        at_s=1_750_000_000,
    )
    return json.dumps({**json.loads(signed.body), "links": []}).encode()


KNOWN = {
    "WH-1": event("PAYMENT.CAPTURE.COMPLETED", "WH-1"),
    "WH-2": event("PAYMENT.CAPTURE.REFUNDED", "WH-2", refund_minor=400),
}


def answer(received: Received) -> Reply:
    if received.path == "/v1/oauth2/token":
        right = (received.method, received.body) == ("POST", b"grant_type=client_credentials")
        if not right or received.header("authorization") != BASIC:
            return Reply(status_code=401, body=b'{"error": "invalid_client"}', headers=JSON)
        return Reply(body=b'{"access_token": "A21.token", "token_type": "Bearer", "expires_in": 32400}', headers=JSON)
    known = KNOWN.get(received.path.removeprefix(EVENTS))
    if received.header("authorization") != "Bearer A21.token":
        return Reply(status_code=401, headers=JSON)
    return Reply(body=known, headers=JSON) if known else Reply(status_code=404, body=b"{}", headers=JSON)


def test_the_event_is_asked_for_and_only_the_apis_words_count() -> None:
    async def scenario(scene: Scene) -> None:
        lie = event("PAYMENT.CAPTURE.COMPLETED", "WH-1", amount_minor=999_999)
        hint = await scene.ask(lie)
        assert (hint.status.state, hint.status.reason) == (NotificationState.FETCHED, "")
        (payment,) = await scene.payments()
        assert (payment.gateway_payment_id, payment.state.captured_minor) == ("CAP1", 10_000)
        await scene.ask(KNOWN["WH-2"])
        (payment,) = await scene.payments()
        assert (payment.state.status, payment.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 400)
        paths = [(it.method, it.path) for it in scene.asked]
        assert paths == [("POST", "/v1/oauth2/token"), ("GET", EVENTS + "WH-1"), ("GET", EVENTS + "WH-2")]

    asking("paypal", answer, KEYS, scenario)


@pytest.mark.parametrize(
    ("options", "body", "words"),
    [
        (KEYS, event("PAYMENT.CAPTURE.COMPLETED", "WH-FORGED"), "answered 404"),
        ({**KEYS, "clientSecret": "wrong"}, KNOWN["WH-1"], "login: the gateway's API refused the credentials (401)"),
        ({}, KNOWN["WH-1"], "no API credentials"),
    ],
)
def test_what_the_api_does_not_confirm_says_nothing(options: dict[str, str], body: bytes, words: str) -> None:
    async def scenario(scene: Scene) -> None:
        hint = await scene.ask(body)
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert words in hint.status.reason
        assert await scene.payments() == []

    asking("paypal", answer, options, scenario)
