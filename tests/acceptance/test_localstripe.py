"""localstripe, a Stripe nobody here wrote, driven by Stripe's own SDK, sends its webhooks to a real server."""

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import stripe

from paybell.testing.pretender import hex_hmac
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


def _pay(client: stripe.StripeClient, customer: str, method: str, amount: int, **more: object) -> str:
    """Pay, or be declined ('' then); either way there is an intent of that amount afterwards."""
    wanted = {"amount": amount, "currency": "usd", "customer": customer, "payment_method": method, "confirm": True}
    with contextlib.suppress(stripe.CardError):
        return client.v1.payment_intents.create({**wanted, **more}).id
    return ""


def _connected(server: Server, fake_stripe: str) -> stripe.StripeClient:
    """Stripe's SDK, and a source that gets the fake Stripe's webhooks."""
    server.source("stripe", "stripe", SECRET)
    hook = {"url": f"{server.url}/in/stripe", "secret": SECRET}
    httpx.post(f"{fake_stripe}/_config/webhooks/paybell", json=hook).raise_for_status()
    return stripe.StripeClient("sk_test_12345", base_addresses={"api": fake_stripe}, max_network_retries=0)


def test_every_payment_ends_as_stripe_says(fake_stripe: str, database: Database) -> None:
    with Server(database) as server:
        client = _connected(server, fake_stripe)
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

        def states() -> list[str]:
            return [it["state"] for it in server.get("/notification", limit="250")["data"]]

        asyncio.run(eventually(lambda: "pending" not in states()))  # what came last tells of no payment
        assert set(states()) == {"recorded", "unmapped"}, "nothing is parked, lost or left over"
        assert server.get("/refusal")["data"] == []


def _expected(intent: stripe.PaymentIntent) -> str:
    return {"succeeded": "completed", "requires_payment_method": "failed"}[intent.status]


Sums = Mapping[tuple[str, str], int]
"""(currency, account) -> what stands there."""


def _by_stripe(client: stripe.StripeClient) -> Sums:
    """What the API's balance transactions come to."""
    sums: Counter[tuple[str, str]] = Counter()
    for it in client.v1.balance_transactions.list({"limit": 100}).data:
        currency = it.currency.upper()
        sums[currency, "clearing"] += it.net
        sums[currency, "sales" if it.type == "charge" else "refunds"] -= it.amount
    return {key: amount for key, amount in sums.items() if amount}


def _by_paybell(server: Server) -> Sums:
    found = server.get("/ledger/balance")
    assert all(total["debitMinor"] == total["creditMinor"] for total in found["totals"])
    return {(it["currency"], it["account"]): it["balanceMinor"] for it in found["data"] if it["balanceMinor"]}


def _tell(server: Server, refund: stripe.Refund) -> None:
    """The webhook of a refund, signed as Stripe signs, out of what its API says."""
    at_s = int(time.time())
    thing = {**json.loads(str(refund)), "created": at_s}
    event = {"id": f"evt_{refund.id}", "object": "event", "created": at_s, "type": "refund.created", "livemode": False}
    body = json.dumps({**event, "data": {"object": thing}}).encode()
    signed = f"t={at_s},v1={hex_hmac(SECRET, str(at_s).encode() + b'.' + body)}"
    httpx.post(f"{server.url}/in/stripe", content=body, headers={"stripe-signature": signed}).raise_for_status()


def test_the_ledger_holds_what_stripes_balance_does(fake_stripe: str, database: Database) -> None:
    """Localstripe sends no webhooks of refunds: those are sent here, of what its API says of them."""
    with Server(database) as server:
        client = _connected(server, fake_stripe)
        customer = client.v1.customers.create({"name": "Pat Example", "email": "pat@example.com"}).id
        good, bad = _card(client, customer, "4242424242424242"), _card(client, customer, "4000000000000341")
        usd = [_pay(client, customer, good, 1000 + number) for number in range(4)]
        eur = [_pay(client, customer, good, 2000 + number, currency="eur") for number in range(3)]
        yen = [_pay(client, customer, good, 3000, currency="jpy")]
        assert _pay(client, customer, bad, 999) == ""
        part = _pay(client, customer, good, 5000, capture_method="manual")
        client.v1.payment_intents.capture(part, {"amount_to_capture": 3500})
        assert len({*usd, *eur, *yen, part}) == 9

        def is_equal() -> bool:
            return _by_paybell(server) == _by_stripe(client)

        asyncio.run(eventually(is_equal, 30))
        clearing = {
            currency: amount for (currency, account), amount in _by_paybell(server).items() if account == "clearing"
        }
        assert clearing == {"USD": 1000 + 1001 + 1002 + 1003 + 3500, "EUR": 2000 + 2001 + 2002, "JPY": 3000}

        client.v1.refunds.create({"payment_intent": usd[0]})
        client.v1.refunds.create({"payment_intent": eur[0], "amount": 500})
        client.v1.refunds.create({"payment_intent": eur[0], "amount": 700})
        assert not is_equal()
        made = [it for it in client.v1.refunds.list({"limit": 100}).data if it.payment_intent]
        for refund in [*made, *made[:1]]:
            _tell(server, refund)
        asyncio.run(eventually(is_equal, 30))
        payments = {it["gatewayPaymentId"]: it for it in server.payments()}
        assert (payments[usd[0]]["status"], payments[usd[0]]["refundedMinor"]) == ("refunded", 1000)
        assert (payments[eur[0]]["status"], payments[eur[0]]["refundedMinor"]) == ("partially_refunded", 1200)
        assert (payments[part]["capturedMinor"] - payments[part]["refundedMinor"]) == 3500
        assert {payments[name]["status"] for name in [*usd[1:], *eur[1:], *yen]} == {"completed"}


def test_a_customer_may_use_what_stripe_says_is_subscribed(fake_stripe: str, database: Database) -> None:
    with Server(database) as server:
        client = _connected(server, fake_stripe)
        customer = client.v1.customers.create({"name": "Pat Example", "email": "pat@example.com"}).id
        good = _card(client, customer, "4242424242424242")
        client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": good}})
        product = client.v1.products.create({"name": "Club", "type": "service"}).id
        plan = client.v1.plans.create({"product": product, "amount": 900, "currency": "usd", "interval": "month"}).id
        made = client.v1.subscriptions.create({"customer": customer, "items": [{"plan": plan}]}).id

        def access() -> dict[str, object]:
            found: dict[str, object] = server.get(f"/customer/{customer}/entitlement")
            return found

        asyncio.run(eventually(lambda: access()["allowed"], 30))
        theirs = client.v1.subscriptions.retrieve(made)
        (runs,) = server.get("/subscription")["data"]
        assert (runs["gatewayId"], runs["status"], runs["plan"]) == (made, theirs.status, plan)
        (held,) = server.get("/entitlement")["data"]
        assert (held["product"], held["state"], held["customer"]) == (plan, "granted", customer)
        bills = {it.id: it for it in client.v1.invoices.list({"limit": 100}).data}
        asyncio.run(eventually(lambda: any(it["status"] == "paid" for it in server.get("/invoice")["data"]), 30))
        for it in server.get("/invoice")["data"]:
            assert (it["status"], it["amountMinor"]) == (
                bills[it["gatewayId"]].status,
                bills[it["gatewayId"]].amount_due,
            )
        assert [it["gatewayId"] for it in server.get("/customer")["data"]] == [customer]
        client.v1.subscriptions.cancel(made)
        asyncio.run(eventually(lambda: not access()["allowed"], 30))
        assert server.get("/subscription")["data"][0]["status"] == "canceled"
