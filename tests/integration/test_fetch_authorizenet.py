"""What a refund at Authorize.Net makes Paybell ask, and what it records of the answers."""

import json

import pytest

from paybell.model.notification import NotificationState
from paybell.testing.gateways import gateway as pretender
from paybell.testing.received import Received, Reply
from paybell.testing.samples.authorizenet import authorizenet_details
from tests.integration.fetch_world import Scene, asking
from tests.unit.gateways.asking import asked

KEYS = {"apiLoginId": "login", "transactionKey": "key"}
ASKED = asked(payment_id="601", refund_id="701")
REFUSED = b'{"messages":{"resultCode":"Error","message":[{"code":"E00007","text":"User authentication failed."}]}}'
UNKNOWN = b'{"messages":{"resultCode":"Error","message":[{"code":"E00040","text":"The record cannot be found."}]}}'


class Api:
    """Answers about one refund as it stands."""

    def __init__(self) -> None:
        self.status = "refundPendingSettlement"

    def __call__(self, received: Received) -> Reply:
        question = json.loads(received.body)["getTransactionDetailsRequest"]
        if question["merchantAuthentication"] != {"name": "login", "transactionKey": "key"}:
            return Reply(body=b"\xef\xbb\xbf" + REFUSED)
        if question["transId"] != "701":
            return Reply(body=b"\xef\xbb\xbf" + UNKNOWN)
        return Reply(body=authorizenet_details(ASKED, "refundTransaction", self.status))


def hint(refund_id: str = "701") -> bytes:
    return pretender("authorizenet").signed("refund.created", payment_id="601", refund_id=refund_id).body


def test_a_refund_is_pending_until_it_is_settled() -> None:
    api = Api()

    async def scenario(at: Scene) -> None:
        told = await at.ask(hint())
        assert told.status.state is NotificationState.NEEDS_FETCH
        (payment,) = await at.payments()
        assert (payment.gateway_payment_id, payment.state.refunded_minor) == ("601", 0)
        api.status = "refundSettledSuccessfully"
        told = await at.ask(hint())
        assert told.status.state is NotificationState.FETCHED
        (payment,) = await at.payments()
        assert payment.state.refunded_minor == 700
        assert {(it.method, it.path) for it in at.asked} == {("POST", "/xml/v1/request.api")}

    asking("authorizenet", api, KEYS, scenario)


@pytest.mark.parametrize(
    ("options", "refund_id", "words"),
    [
        ({**KEYS, "transactionKey": "wrong"}, "701", "User authentication failed."),
        ({}, "701", "no API credentials"),
        (KEYS, "709", "The record cannot be found."),
    ],
)
def test_what_cannot_be_confirmed_grants_nothing(options: dict[str, object], refund_id: str, words: str) -> None:
    async def scenario(at: Scene) -> None:
        told = await at.ask(hint(refund_id))
        assert told.status.state is NotificationState.NEEDS_FETCH
        assert words in told.status.reason
        assert await at.payments() == []

    asking("authorizenet", Api(), options, scenario)
