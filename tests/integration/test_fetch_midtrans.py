"""What Midtrans' notifications make Paybell ask, and what it records of the answers."""

import pytest

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.gateways import gateway as pretender
from paybell.testing.pretender import encode
from paybell.testing.received import Received, Reply
from paybell.testing.samples.midtrans import midtrans_status
from tests.integration.fetch_world import Scene, asking
from tests.unit.gateways.asking import asked

KEY = {"serverKey": "key"}
ORDER = asked(payment_id="order-7", currency="IDR")
UNKNOWN = {"status_code": "404", "status_message": "Transaction doesn't exist."}


class Api:
    """Answers about one order as it stands."""

    def __init__(self) -> None:
        self.status = "settlement"

    def __call__(self, received: Received) -> Reply:
        if received.header("authorization") != "Basic a2V5Og==":
            return Reply(status_code=401)
        known = received.path == "/v2/order-7/status"
        return Reply(body=encode(midtrans_status(ORDER, self.status) if known else UNKNOWN))


def hint(event: str, order_id: str = "order-7") -> bytes:
    return pretender("midtrans").signed(event, payment_id=order_id).body


def test_the_orders_status_is_recorded_as_the_api_says() -> None:
    api = Api()

    async def scenario(at: Scene) -> None:
        told = await at.ask(hint("cancel"))
        assert told.status.state is NotificationState.FETCHED
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.captured_minor) == (PaymentStatus.COMPLETED, 5000)
        api.status = "partial_refund"
        await at.ask(hint("partial_refund"))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 700)
        assert {(it.method, it.path) for it in at.asked} == {("GET", "/v2/order-7/status")}

    asking("midtrans", api, KEY, scenario)


@pytest.mark.parametrize(
    ("options", "order_id", "words"),
    [
        ({"serverKey": "wrong"}, "order-7", "credentials"),
        ({}, "order-7", "no API credentials"),
        (KEY, "order-9", "Transaction doesn't exist."),
    ],
)
def test_what_cannot_be_confirmed_grants_nothing(options: dict[str, object], order_id: str, words: str) -> None:
    async def scenario(at: Scene) -> None:
        told = await at.ask(hint("settlement", order_id))
        assert told.status.state is NotificationState.NEEDS_FETCH
        assert words in told.status.reason
        assert await at.payments() == []

    asking("midtrans", Api(), options, scenario)


def test_a_pending_order_is_asked_about_again() -> None:
    api = Api()
    api.status = "pending"

    async def scenario(at: Scene) -> None:
        told = await at.ask(hint("pending"))
        assert told.status.state is NotificationState.NEEDS_FETCH
        (payment,) = await at.payments()
        assert payment.state.status is PaymentStatus.PROCESSING

    asking("midtrans", api, KEY, scenario)
