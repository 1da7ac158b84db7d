"""Secrets are rotated while messages pour out: every delivery verifies with the one secret that its receiver uses."""

import asyncio
import base64

import pytest
import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from paybell.clock import SystemClock
from paybell.deliver.signing import private_secret_from, secret_from
from paybell.testing.received import Received
from paybell.testing.receiver import Receiver
from tests.acceptance.lean_http import Poster
from tests.acceptance.world import KEY, Server, eventually
from tests.databases import Database

ROTATIONS = 20
BEHIND = 2
"""Rotations after which a receiver uses a secret that it was told."""
SENDERS = 8


class Keyholder:
    """What an endpoint's owner was told, and how the endpoint verifies: with one secret, which is not the newest."""

    def __init__(self, first: str) -> None:
        self.told = [first]
        self.signatures: set[int] = set()

    def __call__(self, received: Received) -> bool:
        key = self.told[max(0, len(self.told) - 1 - BEHIND)]
        self.signatures.add(received.header("webhook-signature").count(" ") + 1)
        return verified_publicly(received, key) if key.startswith("whpk_") else verified(received, key)


def verified(received: Received, key: str) -> bool:
    headers = {name.decode(): value.decode() for name, value in received.headers}
    try:
        standardwebhooks.Webhook(key).verify(received.body, headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def verified_publicly(received: Received, key: str) -> bool:
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    signed = f"{received.webhook_id}.{received.header('webhook-timestamp')}.".encode() + received.body
    for version, _, signature in (it.partition(",") for it in received.header("webhook-signature").split(" ")):
        try:
            if version == "v1a":
                public.verify(base64.b64decode(signature), signed)
                return True
        except InvalidSignature:
            continue
    return False


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_every_delivery_verifies_while_secrets_are_rotated(database: Database, count: int) -> None:
    async def scenario(server: Server) -> None:
        async with Receiver() as receiver:
            application = server.post("/app", {"name": "Shop"})["id"]
            endpoint = server.post(f"/app/{application}/endpoint", {"url": receiver.url + "hook"})["id"]
            there = f"/app/{application}/endpoint/{endpoint}/secret"
            keyholder = Keyholder(server.api.get(there).json()["key"])
            receiver.verify = keyholder
            poster, numbers, share = Poster(SENDERS), iter(range(count)), count // ROTATIONS
            allowed = asyncio.Semaphore(2 * share)  # so that rotations keep step with messages on a slow machine, too

            async def send_on() -> None:
                for number in numbers:
                    await allowed.acquire()
                    body = b'{"eventType":"order.paid","payload":{"number":%d}}' % number
                    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
                    assert await poster.post(f"{server.url}/api/v1/app/{application}/msg", body, headers) == 202

            async def rotate() -> None:
                for rotation in range(1, ROTATIONS + 1):
                    await receiver.wait_for(rotation * share - share // 2, timeout_s=60)
                    fresh = SystemClock().new_secret(32)
                    key = private_secret_from(fresh) if rotation % 2 else secret_from(fresh)
                    answer = await asyncio.to_thread(server.api.post, f"{there}/rotate", json={"key": key})
                    assert answer.status_code == 200, answer.text
                    keyholder.told.append((await asyncio.to_thread(server.api.get, there)).json()["key"])
                    for _ in range(share):
                        allowed.release()

            await asyncio.gather(rotate(), *(send_on() for _ in range(SENDERS)))
            await receiver.wait_for(count, timeout_s=60)
            poster.close()
            assert len({it.webhook_id for it in receiver.requests}) == count
            assert [it for it in receiver.requests if not it.verified] == []
            assert {it.split("_")[0] for it in keyholder.told} == {"whsec", "whpk"}
            assert max(keyholder.signatures) == 11

            def delivered() -> bool:
                return database.rows("SELECT count(*) FROM deliveries WHERE state = 'delivered'") == [(count,)]

            await eventually(delivered)

    with Server(database) as server:
        asyncio.run(scenario(server))
