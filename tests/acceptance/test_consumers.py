"""Consumers nobody here wrote: Node.js with Express, and the official verifiers of Standard Webhooks."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import standardwebhooks
import svix.webhooks

from paybell.testing.gateways import gateway
from paybell.testing.received import Reply
from paybell.testing.receiver import Receiver
from tests.acceptance.world import Server, eventually, free_port
from tests.databases import Database

SECRET = "whsec_of_the_consumers"
EXPRESS = """
const express = require("express");
const app = express();
const orders = {};
app.use(express.json());
app.post("/webhooks", (req, res) => {
  orders[req.body.data.orderId] = [req.body.event, req.body.data.paymentId, req.body.data.status];
  res.sendStatus(200);
});
app.get("/orders", (req, res) => res.json(orders));
app.listen(Number(process.argv[2]), "127.0.0.1");
"""


@pytest.fixture
def server(database: Database) -> Iterator[Server]:
    with Server(database) as it:
        it.source("stripe", "stripe", SECRET)
        it.source("shop", "generic", SECRET, header="x-signature")
        yield it


def _send(server: Server, event: str, payment_id: str, order_id: str) -> None:
    request = gateway("stripe").signed(
        event,
        payment_id=payment_id,
        order_id=order_id,
        secret=SECRET,
        at_s=int(time.time()),
        event_id=f"evt_{payment_id}",
    )
    answer = httpx.post(f"{server.url}/in/stripe", content=request.body, headers=dict(request.headers))
    assert answer.status_code == 200


def test_an_express_program_is_kept_up_to_date(server: Server, tmp_path: Path) -> None:
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        assert os.environ.get("CI") != "true", f"{' and '.join(missing)} must be there in CI"
        pytest.skip(f"{' and '.join(missing)} not found: the Express consumer was not tried")
    (tmp_path / "consumer.js").write_text(EXPRESS)
    install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "express@4"]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    port = free_port()
    process = subprocess.Popen(["node", "consumer.js", str(port)], cwd=tmp_path)
    try:
        server.subscribe(f"http://127.0.0.1:{port}/webhooks", "payment.completed", "payment.failed")

        def orders() -> dict[str, list[str]]:
            try:
                found: dict[str, list[str]] = httpx.get(f"http://127.0.0.1:{port}/orders").json()
            except httpx.HTTPError:
                return {}
            return found

        def is_up() -> bool:
            try:
                return httpx.get(f"http://127.0.0.1:{port}/orders").status_code == 200
            except httpx.HTTPError:
                return False

        asyncio.run(eventually(is_up))
        _send(server, "payment_intent.succeeded", "pi_good", "order_1")
        _send(server, "payment_intent.payment_failed", "pi_bad", "order_2")
        asyncio.run(eventually(lambda: len(orders()) == 2))
        ids = {it["orderId"]: it["id"] for it in server.payments()}
        assert orders() == {
            "order_1": ["payment.completed", ids["order_1"], "completed"],
            "order_2": ["payment.failed", ids["order_2"], "failed"],
        }
    finally:
        process.terminate()
        process.wait(10)


def test_the_official_verifiers_accept_a_delivery_and_its_retry(server: Server) -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            _, _, secret = server.subscribe(receiver.url + "hook", "payment.completed")
            receiver.script("/hook", Reply(status_code=500), Reply())
            await asyncio.to_thread(_send, server, "payment_intent.succeeded", "pi_signed", "order_3")
            first, second = await receiver.wait_for(2, 20)
        assert first.body == second.body
        assert first.webhook_id == second.webhook_id
        for request in (first, second):
            headers = {name.decode(): value.decode() for name, value in request.headers}
            assert standardwebhooks.Webhook(secret).verify(request.body, headers)
            svix.webhooks.Webhook(secret).verify(request.body, headers)  # raises what it does not accept
            with pytest.raises(svix.webhooks.WebhookVerificationError):
                svix.webhooks.Webhook(secret).verify(request.body.replace(b"completed", b"refunded"), headers)
            with pytest.raises(standardwebhooks.WebhookVerificationError):
                standardwebhooks.Webhook(secret).verify(request.body.replace(b"completed", b"refunded"), headers)

    asyncio.run(scenario())


def test_gone_disables_and_a_redirect_is_not_followed(server: Server) -> None:
    async def scenario() -> None:
        async with Receiver() as receiver, Receiver() as canary:
            application, endpoint, _ = server.subscribe(receiver.url + "gone", "payment.completed")
            other, moved, _ = server.subscribe(receiver.url + "moved", "payment.completed")
            receiver.script("/gone", Reply(status_code=410))
            receiver.script("/moved", Reply(status_code=302, headers=(("location", canary.url),)))
            await asyncio.to_thread(_send, server, "payment_intent.succeeded", "pi_gone", "order_4")
            await receiver.wait_for(2, 10)

            def is_disabled() -> bool:
                return bool(server.get(f"/app/{application}/endpoint/{endpoint}")["disabled"])

            await eventually(is_disabled)
            tried = await eventually(lambda: server.get(f"/app/{other}/attempt/endpoint/{moved}")["data"])
            assert tried[0]["responseStatusCode"] == 302
            assert canary.count == 0

    asyncio.run(scenario())


def test_a_private_address_is_never_connected_to(database: Database) -> None:
    async def scenario(server: Server) -> None:
        async with Receiver() as canary:
            name = canary.url.replace("127.0.0.1", "localhost")
            application, endpoint, _ = server.subscribe(name, "payment.completed")
            await asyncio.to_thread(_send, server, "payment_intent.succeeded", "pi_private", "order_5")
            find = f"/app/{application}/attempt/endpoint/{endpoint}"
            (tried,) = await eventually(lambda: server.get(find)["data"])
            assert "guard" in tried["error"]
            assert canary.count == 0

    with Server(database, loopback=False) as server:
        server.source("stripe", "stripe", SECRET)
        asyncio.run(scenario(server))
