"""PhonePe's hints over real HTTP, with an API and a login that are pretended."""

import time
from urllib.parse import parse_qs

from paybell.model.notification import NotificationState
from paybell.model.payment import PaymentStatus
from paybell.testing.received import Received, Reply
from paybell.testing.samples.phonepe import PRETENDER, phonepe_order, phonepe_refund
from tests.integration.fetch_world import Scene, asking

KEYS = {"clientId": "client", "clientSecret": "s&cret", "clientVersion": "1", "loginUrl": "{api}/login"}
ASKED = {
    "client_id": ["client"],
    "client_secret": ["s&cret"],
    "client_version": ["1"],
    "grant_type": ["client_credentials"],
}
AT_MS = 1_750_000_000_000
KNOWN = {
    "/checkout/v2/order/MO_1/status?details=true": phonepe_order(
        order_id="MO_1", state="COMPLETED", amount_minor=45_000, attempt="OM1", at_ms=AT_MS
    ),
    "/checkout/v2/order/MO_2/status?details=true": phonepe_order(
        order_id="MO_2", state="FAILED", amount_minor=45_000, attempt="OM2", at_ms=AT_MS
    ),
    "/payments/v2/refund/MR_1/status": phonepe_refund(
        order_id="MO_1", refund_id="OMR1", state="COMPLETED", amount_minor=5_000, at_ms=AT_MS
    ),
}


def api(received: Received) -> Reply:
    if received.path == "/login/v1/oauth/token":
        if received.method != "POST" or parse_qs(received.body.decode()) != ASKED:
            return Reply(status_code=401, body=b'{"code":"401"}')
        ends_at = int(time.time()) + 86_400_000
        return Reply(body=b'{"access_token":"token_example","expires_at":%d,"token_type":"O-Bearer"}' % ends_at)
    if received.header("authorization") != "O-Bearer token_example":
        return Reply(status_code=401)
    body = KNOWN.get(received.path)
    return Reply(status_code=404, body=b'{"code":"ORDER_NOT_FOUND"}') if body is None else Reply(body=body)


def webhook(event: str = "checkout.order.completed", payment_id: str = "MO_1", refund_id: str = "") -> bytes:
    return PRETENDER.signed(event, payment_id=payment_id, refund_id=refund_id, amount="9999").body


def test_one_login_serves_and_a_refund_reaches_its_order() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.FETCHED
        (paid,) = await at.payments()
        assert (paid.gateway_payment_id, paid.state.status) == ("MO_1", PaymentStatus.COMPLETED)
        assert paid.state.captured_minor == 45_000
        await at.ask(webhook("pg.refund.completed", refund_id="MR_1"))
        (refunded,) = await at.payments()
        assert (refunded.state.status, refunded.state.refunded_minor) == (PaymentStatus.PARTIALLY_REFUNDED, 5_000)
        assert [it.path for it in at.asked] == ["/login/v1/oauth/token", *(path for path in KNOWN if "_1" in path)]

    asking("phonepe", api, KEYS, scenario)


def test_a_webhook_that_claims_success_for_a_failure_changes_nothing() -> None:
    async def scenario(at: Scene) -> None:
        await at.ask(webhook(payment_id="MO_2"))
        (payment,) = await at.payments()
        assert (payment.state.status, payment.state.captured_minor) == (PaymentStatus.FAILED, 0)

    asking("phonepe", api, KEYS, scenario)


def test_wrong_credentials_and_an_unknown_order_leave_it_open_with_a_reason() -> None:
    async def scenario(at: Scene) -> None:
        hint = await at.ask(webhook(payment_id="MO_3"))
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert "404" in hint.status.reason
        assert await at.payments() == []

    async def refused(at: Scene) -> None:
        hint = await at.ask(webhook())
        assert hint.status.state is NotificationState.NEEDS_FETCH
        assert "401" in hint.status.reason
        assert await at.payments() == []

    asking("phonepe", api, KEYS, scenario)
    asking("phonepe", api, {**KEYS, "clientSecret": "wrong"}, refused)
