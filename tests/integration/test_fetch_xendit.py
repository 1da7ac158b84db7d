"""What Xendit's callbacks make Paybell ask, and what it records of the answers."""

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.pretender import encode
from paybell.testing.received import Received, Reply
from paybell.testing.samples.xendit import xendit_invoice, xendit_payment, xendit_refund
from tests.integration.fetch_world import Scene, asking
from tests.unit.gateways.asking import asked

KEY = {"secretKey": "xnd_key"}
ASKED = asked(payment_id="pr-1", currency="PHP", refund_id="rfd-1")
PAYMENT = xendit_payment(ASKED, "SUCCEEDED")
OBJECTS = {
    f"/v3/payments/{PAYMENT['payment_id']}": PAYMENT,
    "/refunds/rfd-1": xendit_refund(ASKED, "SUCCEEDED"),
    "/v2/invoices/inv-1": xendit_invoice(asked(payment_id="inv-1", currency="PHP")),
}


def answer(received: Received) -> Reply:
    if received.header("authorization") != "Basic eG5kX2tleTo=":
        return Reply(status_code=401)
    found = OBJECTS.get(received.path)
    return Reply(status_code=404) if found is None else Reply(body=encode(found))


def callback(event: str, **data: object) -> bytes:
    return encode({"event": event, "data": data})


def test_a_payment_and_its_refund_are_recorded_as_the_api_says() -> None:
    async def scenario(at: Scene) -> None:
        # What the callback claims is not believed: it says failed, the API says captured.
        told = await at.ask(callback("payment.failure", payment_id=PAYMENT["payment_id"], status="FAILED"))
        assert told.status.state is NotificationState.FETCHED
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.captured_minor) == (PaymentStatus.COMPLETED, 5000)
        await at.ask(callback("refund.succeeded", id="rfd-1"))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 700)
        first, second = at.asked
        assert (first.method, first.path) == ("GET", f"/v3/payments/{PAYMENT['payment_id']}")
        assert first.header("api-version") == "2024-11-11"
        assert (second.path, second.header("api-version")) == ("/refunds/rfd-1", "")

    asking("xendit", answer, KEY, scenario)


def test_an_invoice_is_asked_about_by_its_own_id() -> None:
    async def scenario(at: Scene) -> None:
        await at.ask(encode({"id": "inv-1", "external_id": "order_9", "merchant_name": "Example", "status": "EXPIRED"}))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.order_id) == (PaymentStatus.COMPLETED, "order_1")

    asking("xendit", answer, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "body", "state", "words"),
    [
        (
            {"secretKey": "wrong"},
            callback("refund.succeeded", id="rfd-1"),
            NotificationState.NEEDS_FETCH,
            "credentials",
        ),
        ({}, callback("refund.succeeded", id="rfd-1"), NotificationState.NEEDS_FETCH, "no API credentials"),
        (KEY, callback("refund.succeeded", id="rfd-9"), NotificationState.NEEDS_FETCH, "answered 404"),
        (KEY, callback("payout.succeeded", id="po-1"), NotificationState.NEEDS_FETCH, "answered 404"),
    ],
)
def test_what_cannot_be_confirmed_grants_nothing(
    options: dict[str, object], body: bytes, state: NotificationState, words: str
) -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(body)
        assert hint.status.state is state
        assert words in hint.status.reason
        assert await at.payments() == []

    asking("xendit", answer, options, scenario)
