"""Mercado Pago's hints over real HTTP, with an API that is pretended."""

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.mercadopago import PRETENDER, mercadopago_payment
from tests.integration.fetch_world import Scene, asking

KEYS = {"accessToken": "APP_USR-example"}
AT = "2025-06-15T12:06:40.000-03:00"
ORDER = (
    b'{"id":"ORD1","status":"processed","total_amount":"50.00","currency":"BRL","transactions":{"payments":['
    b'{"id":"PAY1","status":"processed","amount":"50.00"}],"refunds":[]}}'
)


class Api:
    """Answers as told; its second answer about a payment tells of a refund."""

    def __init__(self) -> None:
        self.payment = mercadopago_payment(payment_id="101", status="approved", amount="450.00", time=AT)

    def __call__(self, received: Received) -> Reply:
        if received.header("authorization") != "Bearer APP_USR-example":
            return Reply(status_code=401, body=b'{"message":"invalid access token"}')
        known = {"/v1/payments/101": self.payment, "/v1/orders/ORD1": ORDER}
        body = known.get(received.path) if received.method == "GET" else None
        return Reply(status_code=404, body=b'{"message":"not found"}') if body is None else Reply(body=body)


def webhook(event: str = "payment.updated", payment_id: str = "101", event_id: str = "") -> bytes:
    return PRETENDER.signed(event, payment_id=payment_id, event_id=event_id).body


def test_what_is_named_is_asked_for_and_recorded() -> None:
    api = Api()

    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.FETCHED
        (paid,) = await at.payments()
        assert (paid.gateway_payment_id, paid.state.status) == ("101", PaymentStatus.COMPLETED)
        assert (paid.state.captured_minor, paid.state.order_id) == (45_000, "order_1001")
        refund = {"id": 9, "amount": 50, "status": "approved", "date_created": AT}
        api.payment = mercadopago_payment(
            payment_id="101", status="approved", amount="450.00", refunded="50", refunds=(refund,), time=AT
        )
        await at.ask(webhook(event_id="second"))
        (refunded,) = await at.payments()
        assert (refunded.state.status, refunded.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 5_000)
        assert refunded.state.flags == ()
        await at.ask(webhook("order.processed", "ORD1"))
        assert {it.gateway_payment_id for it in await at.payments()} == {"101", "ORD1"}
        assert [it.path for it in at.asked] == ["/v1/payments/101", "/v1/payments/101", "/v1/orders/ORD1"]

    asking("mercadopago", api, KEYS, scenario)


def test_wrong_credentials_and_an_unknown_payment_leave_it_open_with_a_reason() -> None:
    def left(words: str, payment_id: str) -> object:
        async def scenario(at: Scene) -> None:
            hint = await at.ask(webhook(payment_id=payment_id))
            assert hint.status.state is NotificationState.NEEDS_FETCH
            assert words in hint.status.reason
            assert await at.payments() == []

        return scenario

    asking("mercadopago", Api(), KEYS, left("404", "999"))
    asking("mercadopago", Api(), {"accessToken": "APP_USR-wrong"}, left("401", "101"))
    asking("mercadopago", Api(), {}, left("no API credentials", "101"))


def test_other_topics_are_put_aside_with_their_name() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(b'{"type": "mp-connect", "data": {"id": "1"}}')
        assert hint.status.state is NotificationState.PARKED
        assert "'mp-connect'" in hint.status.reason
        assert at.asked == []

    asking("mercadopago", Api(), KEYS, scenario)
