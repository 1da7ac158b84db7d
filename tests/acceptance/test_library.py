"""Paybell mounted in somebody else's FastAPI program, with functions as endpoints."""

import asyncio
import gc
import time
from typing import Any

import httpx
from fastapi import FastAPI

from paybell import Paybell
from paybell.testing.gateways import gateway
from tests.acceptance.world import KEY, eventually
from tests.databases import Database

SECRET = "whsec_of_the_library"


def test_mounted_and_with_functions(database: Database) -> None:
    calls: list[tuple[str, str]] = []
    bell = Paybell(**database.settings, bootstrap_key=KEY)

    @bell.on("payment.completed")
    def plain(message: dict[str, Any]) -> None:
        calls.append(("plain", message["data"]["gatewayPaymentId"]))

    @bell.on("payment.completed", "payment.failed")
    async def waiting(message: dict[str, Any]) -> None:
        calls.append(("waiting", message["data"]["status"]))

    app = FastAPI(lifespan=bell.lifespan)
    app.mount("/pay", bell)

    async def scenario() -> None:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.example") as client,
        ):
            headers = {"authorization": f"Bearer {KEY}"}
            body = {"uid": "s", "gateway": "stripe", "secrets": [SECRET], "livemode": False}
            made = await client.post("/pay/api/v1/source", json=body, headers=headers)
            assert made.status_code == 201
            assert made.json()["url"] == "http://shop.example/pay/in/s"
            request = gateway("stripe").signed(
                "payment_intent.succeeded", payment_id="pi_lib", secret=SECRET, at_s=int(time.time())
            )
            answer = await client.post("/pay/in/s", content=request.body, headers=dict(request.headers))
            assert answer.status_code == 200
            await eventually(lambda: len(calls) == 2)
        assert sorted(calls) == [("plain", "pi_lib"), ("waiting", "completed")]

    asyncio.run(scenario())


def test_a_stop_right_after_the_start_leaves_nothing_begun(database: Database) -> None:
    async def scenario() -> None:
        async with Paybell(**database.settings):
            pass

    asyncio.run(scenario())
    gc.collect()  # a loop that was made and never begun is told of here
