"""Transformations set with Svix's SDK, run by a real server, and received."""

import asyncio

from standardwebhooks import Webhook
from svix.api import ApplicationIn, EndpointIn, EndpointTransformationPatch, MessageIn, Svix, SvixOptions

from paybell.testing.receiver import Receiver, Reply
from tests.acceptance.world import KEY, Server
from tests.databases import Database

CODE = """\
def handler(webhook):
    order = webhook["payload"]
    webhook["payload"] = {"text": f"{order['id']}: {order['amount'] / 100:.2f} {order['currency']}"}
    webhook["headers"]["x-order"] = order["id"]
    return webhook
"""
ENDLESS = "def handler(webhook):\n    while True: pass\n"
ORDER = {"id": "o_1", "amount": 1050, "currency": "EUR"}


def test_what_arrives_is_what_the_code_made_signed_and_the_same_at_each_try(database: Database) -> None:
    async def scenario(server: Server) -> None:
        async with Receiver() as receiver:
            receiver.script("/hook", Reply(status_code=500), Reply())
            sdk = Svix(KEY, SvixOptions(server_url=server.url))
            with sdk._httpx_client:
                sdk.application.create(ApplicationIn(name="Shop", uid="shop"))
                sdk.endpoint.create("shop", EndpointIn(url=f"{receiver.url}hook", uid="hook"))
                sdk.endpoint.create("shop", EndpointIn(url=f"{receiver.url}never", uid="endless"))
                sdk.endpoint.create("shop", EndpointIn(url=f"{receiver.url}plain", uid="plain"))
                change = EndpointTransformationPatch(code=CODE, enabled=True)
                sdk.endpoint.transformation.patch("shop", "hook", change)
                found = sdk.endpoint.transformation.get("shop", "hook")
                assert (found.code, found.enabled) == (CODE, True)
                sdk.endpoint.transformation.patch(
                    "shop", "endless", EndpointTransformationPatch(code=ENDLESS, enabled=True)
                )
                secret = sdk.endpoint.get_secret("shop", "hook").key
                sdk.message.create("shop", MessageIn(event_type="order.paid", payload=ORDER))
            requests = await receiver.wait_for(3, timeout_s=40)
            tries = [it for it in requests if it.path == "/hook"]
            assert [it.body for it in tries] == [b'{"text":"o_1: 10.50 EUR"}'] * 2
            assert len({it.header("webhook-id") for it in tries}) == 1
            for it in tries:
                assert it.header("x-order") == "o_1"
                headers = {name.decode(): value.decode() for name, value in it.headers}
                assert Webhook(secret).verify(it.body, headers) == {"text": "o_1: 10.50 EUR"}
            assert [it.path for it in requests if it not in tries] == ["/plain"]
            attempts = server.get("/app/shop/attempt/endpoint/endless")["data"]
            assert attempts
            assert {it["error"] for it in attempts} == {"transform: it ran longer than 0.5 s"}

    with Server(database) as server:
        asyncio.run(scenario(server))
