"""localstripe, a Stripe nobody here wrote, driven by Stripe's own SDK, sends its webhooks to a real server."""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from tests.acceptance.world import Server, eventually, free_port
from tests.databases import Database

SECRET = "whsec_of_localstripe"
LAUNCH = """
import sys
from aiohttp import web
from localstripe.server import app
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""


@pytest.fixture
def fake_stripe(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", LAUNCH, str(port)], cwd=tmp_path)
    ends = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert time.monotonic() < ends, "localstripe did not start"
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def _card(client: stripe.StripeClient, customer: str, number: str) -> str:
    card = {"number": number, "exp_month": 12, "exp_year": 2035, "cvc": "123"}
    method = client.v1.payment_methods.create({"type": "card", "card": card})
    client.v1.payment_methods.attach(method.id, {"customer": customer})
    return method.id


def _pay(client: stripe.StripeClient, customer: str, method: str, amount: int) -> None:
    """Pay, or be declined; either way there is an intent of that amount afterwards."""
    wanted = {"amount": amount, "currency": "usd", "customer": customer, "payment_method": method, "confirm": True}
    with contextlib.suppress(stripe.CardError):
        client.v1.payment_intents.create(wanted)


def test_every_payment_ends_as_stripe_says(fake_stripe: str, database: Database) -> None:
    with Server(database) as server:
        server.source("stripe", "stripe", SECRET)
        hook = {"url": f"{server.url}/in/stripe", "secret": SECRET}
        httpx.post(f"{fake_stripe}/_config/webhooks/paybell", json=hook).raise_for_status()
        client = stripe.StripeClient("sk_test_12345", base_addresses={"api": fake_stripe}, max_network_retries=0)
        customer = client.v1.customers.create({"name": "Pat Example", "email": "pat@example.com"}).id
        good, bad = _card(client, customer, "4242424242424242"), _card(client, customer, "4000000000000341")
        for number in range(5):
            _pay(client, customer, good, 1000 + number)
        for number in range(2):
            _pay(client, customer, bad, 500 + number)
        made = {it.amount: it.id for it in client.v1.payment_intents.list({"limit": 100}).data}
        paid = [made[1000 + number] for number in range(5)]
        declined = [made[500 + number] for number in range(2)]
        client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": good}})
        product = client.v1.products.create({"name": "Club", "type": "service"}).id
        plan = client.v1.plans.create({"product": product, "amount": 900, "currency": "usd", "interval": "month"}).id
        client.v1.subscriptions.create({"customer": customer, "items": [{"plan": plan}]})
        intents = {it.id: it for it in client.v1.payment_intents.list({"limit": 100}).data}
        assert {*paid, *declined} < set(intents), "the subscription was paid by an intent of its own"

        def as_stripe_says() -> bool:
            found = {it["gatewayPaymentId"]: it for it in server.payments()}
            return found.keys() == intents.keys() and all(
                found[name]["status"] == _expected(intents[name]) for name in intents
            )

        asyncio.run(eventually(as_stripe_says, 30))
        payments = {it["gatewayPaymentId"]: it for it in server.payments()}
        for name, intent in intents.items():
            captured = 0 if name in declined else intent.amount
            assert payments[name]["capturedMinor"] == captured
            assert payments[name]["amountMinor"] == intent.amount
        states = [it["state"] for it in server.get("/notification", limit="250")["data"]]
        assert set(states) == {"recorded", "unmapped"}, "nothing is parked, lost or left over"
        assert server.get("/refusal")["data"] == []


def _expected(intent: stripe.PaymentIntent) -> str:
    return {"succeeded": "completed", "requires_payment_method": "failed"}[intent.status]
