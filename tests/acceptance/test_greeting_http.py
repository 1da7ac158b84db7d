"""A gateway tries an address out by a GET before it sends anything there, over real sockets."""

from collections.abc import Iterator

import httpx
import pytest

from paybell.testing.gateways import gateway
from tests.acceptance.world import Server
from tests.databases import Database

PRIVATE_KEY = "integration_private_key"
CHALLENGE = "20f9f8ed05f77439fe955c977e4c8a53"
RESPONSE = "integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4"
"""Of Braintree's Python SDK's own test."""


@pytest.fixture(scope="module")
def server(module_database: Database) -> Iterator[Server]:
    with Server(module_database) as it:
        it.source("braintree", "braintree", PRIVATE_KEY, publicKey="integration_public_key")
        it.source("razorpay", "razorpay", PRIVATE_KEY)
        yield it


def test_a_challenge_is_answered_and_nothing_is_stored(server: Server) -> None:
    answer = httpx.get(f"{server.url}/in/braintree", params={"bt_challenge": CHALLENGE})
    assert (answer.status_code, answer.text) == (200, RESPONSE)
    assert answer.headers["content-type"].startswith("text/plain")
    assert server.get("/notification", source="braintree")["data"] == []
    assert server.get("/refusal", source="braintree")["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "braintree",
        "braintree?bt_challenge=",
        "braintree?bt_challenge=no-hex-digits-in-here-at-all",
        f"braintree?bt_challenge={CHALLENGE}&bt_challenge={CHALLENGE}",
        "braintree?bt_challenge=" + "a" * 5000,
        f"razorpay?bt_challenge={CHALLENGE}",
        f"nobody?bt_challenge={CHALLENGE}",
    ],
)
def test_any_other_get_is_not(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.url}/in/{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_what_comes_afterwards_is_believed(server: Server) -> None:
    options = {"publicKey": "integration_public_key"}
    request = gateway("braintree").signed("transaction_settled", secret=PRIVATE_KEY, options=options)
    answer = httpx.post(f"{server.url}/in/braintree", content=request.body, headers=dict(request.headers))
    assert (answer.status_code, answer.content) == (200, b"")
