"""Load for servers that are killed and stopped: a driver that knows what was acknowledged, and the comparison after."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import msgspec

from paybell.testing.gateways import gateway
from paybell.testing.received import Received
from tests.databases import Database

SECRET = "whsec_of_the_load"
SENDERS = 8
SENDERS_AT_A_RATE = 64


class Driver:
    """Sends distinct payments (some twice), journals each id before it is sent and each 2xx after.

    With several URLs each request goes to the next of them, as a load balancer would have it, and one that is not
    answered 200 to the next again, as a gateway would. With a ``rate`` it sends so many payments a second, whatever
    the answers.
    """

    def __init__(self, url: str, journal: Path, chance: Random, *others: str, rate: float = 0.0) -> None:
        self._urls = (url, *others)
        self._turn = 0
        self._rate = rate
        self.acknowledged: Counter[str] = Counter()
        self.status_codes: Counter[int] = Counter()
        self.sent = 0
        self._journal = journal.open("ab", buffering=0)
        self._chance = chance
        self._ending = False

    async def run(self) -> None:
        senders = SENDERS_AT_A_RATE if self._rate else SENDERS
        self._started_s = time.monotonic()
        limits = httpx.Limits(max_connections=senders * 2, max_keepalive_connections=senders)
        async with httpx.AsyncClient(timeout=5, limits=limits) as client:
            await asyncio.gather(*(self._send_on(client) for _ in range(senders)))
        self._journal.close()

    def end(self) -> None:
        self._ending = True

    async def _send_on(self, client: httpx.AsyncClient) -> None:
        while not self._ending:
            self.sent += 1
            payment = f"pi_{self.sent}"
            if self._rate:
                await asyncio.sleep(self._started_s + self.sent / self._rate - time.monotonic())
            self._journal.write(f"{payment}\n".encode())
            os.fdatasync(self._journal.fileno())
            request = gateway("stripe").signed(
                "payment_intent.succeeded",
                payment_id=payment,
                secret=SECRET,
                at_s=int(time.time()),
                event_id=f"evt_{payment}",
            )
            for _ in range(2 if self._chance.random() < 0.2 else 1):
                await self._send(client, payment, request.body, dict(request.headers))

    async def _send(self, client: httpx.AsyncClient, payment: str, body: bytes, headers: dict[str, str]) -> None:
        for _ in self._urls:
            self._turn += 1
            url = self._urls[self._turn % len(self._urls)]
            try:
                answer = await client.post(url, content=body, headers=headers)
            except httpx.HTTPError:
                await asyncio.sleep(0.05)  # the gateway's own back-off; it is down just now
                continue
            self.status_codes[answer.status_code] += 1
            if answer.status_code == 200:
                self.acknowledged[payment] += 1
                return


def compare(database: Database, driver: Driver, requests: list[Received]) -> None:
    """Nothing acknowledged is lost, nothing applied twice, nothing there that was never sent."""
    stored = Counter(row[0] for row in database.rows("SELECT dedupe_key FROM notifications"))
    payments = {row[0]: row[1] for row in database.rows("SELECT gateway_payment_id, status FROM payments")}
    messages = Counter(row[0] for row in database.rows("SELECT payment_id FROM messages"))
    completed = {f"evt_{payment}" for payment in driver.acknowledged}
    assert set(stored.values()) == {1}, "applied twice"
    assert completed <= set(stored), "acknowledged and lost"
    assert set(stored) <= {f"evt_pi_{number}" for number in range(1, driver.sent + 1)}, "never sent"
    assert set(payments.values()) == {"completed"}
    assert len(payments) == len(stored)
    assert set(messages.values()) == {1}
    assert len(messages) == len(stored)
    assert all(request.verified for request in requests)
    bodies: dict[str, set[bytes]] = {}
    for request in requests:
        bodies.setdefault(request.webhook_id, set()).add(request.body)
    assert {len(them) for them in bodies.values()} == {1}, "another body under the same id"
    assert len(bodies) == len(stored)


class _Data(msgspec.Struct):
    gatewayPaymentId: str  # noqa: N815 - as it stands in the message


class _Told(msgspec.Struct):
    data: _Data


def told(requests: list[Received]) -> set[str]:
    """The payments that a receiver has heard of."""
    decode = msgspec.json.Decoder(_Told).decode
    return {decode(request.body).data.gatewayPaymentId for request in requests}


def drained(database: Database) -> bool:
    """Whether nothing waits any more."""
    ((waiting,),) = database.rows(
        "SELECT (SELECT count(*) FROM notification_states WHERE state = 'pending')"
        " + (SELECT count(*) FROM deliveries WHERE state IN ('due', 'leased'))"
    )
    return bool(waiting == 0)
