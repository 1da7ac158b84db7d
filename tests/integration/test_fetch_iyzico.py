"""iyzico's hints over real HTTP, with an API that is pretended and checks the request's signature itself."""

import base64
import hmac
import json

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.iyzico import PRETENDER, iyzico_payment
from tests.integration.fetch_world import Scene, asking

KEYS, SECRET = {"apiKey": "api-key"}, "example-secret-key"
AT_MS = 1_750_000_000_000
KNOWN = {
    "22": iyzico_payment(payment_id="22", status="SUCCESS", amount="450.00", at_ms=AT_MS),
    "33": iyzico_payment(payment_id="33", status="FAILURE", amount="450.00", at_ms=AT_MS),
}
UNKNOWN = b'{"status":"failure","errorCode":"5086","errorMessage":"Payment not found"}'


def api(received: Received) -> Reply:
    nonce = received.header("x-iyzi-rnd")
    signed = f"{nonce}/payment/detail".encode() + received.body
    signature = hmac.digest(SECRET.encode(), signed, "sha256").hex()
    wanted = base64.b64encode(f"apiKey:api-key&randomKey:{nonce}&signature:{signature}".encode()).decode()
    if (received.method, received.path) != ("POST", "/payment/detail"):
        return Reply(status_code=404)
    if not nonce or received.header("authorization") != f"IYZWSv2 {wanted}":
        return Reply(status_code=401)
    return Reply(body=KNOWN.get(json.loads(received.body)["paymentId"], UNKNOWN))


def webhook(payment_id: str = "22", event: str = "CHECKOUT_FORM_AUTH") -> bytes:
    return PRETENDER.signed(event, payment_id=payment_id).body


def test_the_amount_is_asked_for_and_recorded() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.FETCHED
        (paid,) = await at.payments()
        assert (paid.gateway_payment_id, paid.state.status) == ("22", PaymentStatus.COMPLETED)
        assert (paid.state.captured_minor, paid.state.currency) == (45_000, "TRY")
        await at.ask(webhook("33", "API_AUTH"))
        (failed,) = [it for it in await at.payments() if it.gateway_payment_id == "33"]
        assert (failed.state.status, failed.state.captured_minor) == (PaymentStatus.FAILED, 0)

    asking("iyzico", api, KEYS, scenario, secrets=(SECRET,))


def test_wrong_credentials_and_an_unknown_payment_leave_it_open_with_a_reason() -> None:
    def left(words: str, payment_id: str) -> object:
        async def scenario(at: Scene) -> None:
            hint = await at.ask(webhook(payment_id))
            assert hint.status.state is NotificationState.NEEDS_FETCH
            assert words in hint.status.reason
            assert await at.payments() == []

        return scenario

    asking("iyzico", api, KEYS, left("Payment not found", "99"), secrets=(SECRET,))
    asking("iyzico", api, KEYS, left("401", "22"), secrets=("another",))
    asking("iyzico", api, {}, left("no API credentials", "22"), secrets=(SECRET,))
