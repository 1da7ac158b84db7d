"""Load for servers that are killed and stopped: a driver that knows what was acknowledged, and the comparison after."""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path
from random import Random

import msgspec

from paybell.testing.gateways import gateway
from paybell.testing.received import Received
from tests.acceptance.lean_http import Poster
from tests.databases import Database

SECRET = "whsec_of_the_load"
SENDERS = 8
AVOIDED_S = 1.0


class Driver:
    """Sends distinct payments (some twice), journals each id before it is sent and each 2xx after.

    With several URLs each request goes to the next of them that is well, as a load balancer would have it, and one that
    is not answered 200 to the next again, as a gateway would. With a ``rate`` it sends so many payments a second,
    whatever the answers.
    """

    def __init__(self, url: str, journal: Path, chance: Random, *others: str, rate: float = 0.0) -> None:
        self._urls = (url, *others)
        self._poster = Poster(2 if rate else 5)
        self._turn = 0
        self._avoided_until_s: dict[str, float] = {}
        self._rate = rate
        self.acknowledged: Counter[str] = Counter()
        self.status_codes: Counter[int] = Counter()
        self.sent = 0
        self._journal = journal.open("ab", buffering=0)
        self._chance = chance
        self._ending = False

    async def run(self) -> None:
        await (self._send_at_the_rate() if self._rate else self._send_in_turns())
        self._journal.close()
        self._poster.close()

    def end(self) -> None:
        self._ending = True

    async def _send_in_turns(self) -> None:
        async def send_on() -> None:
            while not self._ending:
                await self._pay()

        await asyncio.gather(*(send_on() for _ in range(SENDERS)))

    async def _send_at_the_rate(self) -> None:
        started_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            while not self._ending:
                await asyncio.sleep(started_s + self.sent / self._rate - time.monotonic())
                group.create_task(self._pay())

    async def _pay(self) -> None:
        self.sent += 1
        payment = f"pi_{self.sent}"
        self._journal.write(f"{payment}\n".encode())
        if not self._rate:
            os.fsync(self._journal.fileno())
        request = gateway("stripe").signed(
            "payment_intent.succeeded",
            payment_id=payment,
            secret=SECRET,
            at_s=int(time.time()),
            event_id=f"evt_{payment}",
        )
        for _ in range(2 if self._chance.random() < 0.2 else 1):
            await self._send(payment, request.body, dict(request.headers))

    async def _send(self, payment: str, body: bytes, headers: dict[str, str]) -> None:
        for _ in self._urls:
            url = self._next_url()
            try:
                status_code = await self._poster.post(url, body, headers)
            except OSError:
                self._avoided_until_s[url] = time.monotonic() + AVOIDED_S
                await asyncio.sleep(0.05)  # the gateway's own back-off; it is down just now
                continue
            self.status_codes[status_code] += 1
            if status_code == 200:
                self.acknowledged[payment] += 1
                return

    def _next_url(self) -> str:
        """The next in turn; one that did not answer only when there is no other."""
        now_s = time.monotonic()
        for _ in self._urls:
            self._turn += 1
            url = self._urls[self._turn % len(self._urls)]
            if self._avoided_until_s.get(url, 0.0) <= now_s:
                break
        return url


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
