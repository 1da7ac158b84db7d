"""SIGTERM under load: what was accepted is answered, what was being sent ends, the rest waits for the next start."""

import asyncio
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from random import Random

import httpx
import pytest

from paybell.testing.gateways import gateway
from paybell.testing.receiver import Received, Receiver, Reply, StandardWebhooks
from tests.acceptance.load import SECRET, Driver, compare, drained, told
from tests.acceptance.world import Server, eventually
from tests.databases import Database

GRACE_S = 8
SENT = 60
RESTARTS = 3
SLOWLY = Reply(delay_s=0.4)
NEVER = Reply(delay_s=3600)
_COUNTS = {
    "deliveries": "SELECT state, count(*) FROM deliveries GROUP BY state",
    "notification_states": "SELECT state, count(*) FROM notification_states GROUP BY state",
}


def _webhook(server: Server, payment: str) -> httpx.Request:
    request = gateway("stripe").signed(
        "payment_intent.succeeded", payment_id=payment, secret=SECRET, at_s=int(time.time()), event_id=f"evt_{payment}"
    )
    return httpx.Request("POST", f"{server.url}/in/stripe", content=request.body, headers=dict(request.headers))


def _wire(request: httpx.Request) -> tuple[bytes, bytes]:
    """Its head and its body as bytes."""
    fields = b"".join(b"%b: %b\r\n" % field for field in request.headers.raw)
    return b"POST %b HTTP/1.1\r\n%b\r\n" % (request.url.raw_path, fields), request.content


async def _send(server: Server, count: int) -> None:
    async with httpx.AsyncClient(timeout=20) as client:
        answers = await asyncio.gather(*(client.send(_webhook(server, f"pi_{number}")) for number in range(count)))
    assert Counter(answer.status_code for answer in answers) == {200: count}


def _refuses(server: Server) -> bool:
    """Whether a new connection is refused at once, as it is from the beginning of a stop on."""
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


async def _stopping(server: Server, number: signal.Signals = signal.SIGTERM) -> None:
    server.process.send_signal(number)
    await eventually(lambda: _refuses(server))


def _states(server: Server, table: str) -> Counter[str]:
    return Counter(dict(server.database.rows(_COUNTS[table])))


async def _all_told(server: Server, receiver: Receiver, count: int) -> None:
    """Whether, started again, it tells of every payment under one id and body each, and nothing waits."""
    await asyncio.to_thread(server.start)
    wanted = {f"pi_{number}" for number in range(count)}
    await eventually(lambda: told(receiver.requests) == wanted, 30 + server.database.takeover_s)
    await eventually(lambda: asyncio.to_thread(drained, server.database), 30)
    assert all(request.verified for request in receiver.requests)
    assert len({(request.webhook_id, request.body) for request in receiver.requests}) == count


def _subscribed(server: Server, receiver: Receiver) -> None:
    server.source("stripe", "stripe", SECRET)
    _, _, secret = server.subscribe(receiver.url, "payment.completed")
    receiver.verify = StandardWebhooks(secret)


@pytest.mark.alone
def test_sigterm_under_load_loses_and_doubles_nothing(database: Database) -> None:
    async def scenario(server: Server) -> None:
        async with Receiver(answer=lambda _: SLOWLY) as receiver:
            _subscribed(server, receiver)
            in_body = await asyncio.open_connection("127.0.0.1", server.port)
            in_head = await asyncio.open_connection("127.0.0.1", server.port)
            halves = []
            for number, (_, writer) in enumerate((in_body, in_head), SENT):
                head, body = _wire(_webhook(server, f"pi_{number}"))
                cut = len(head) + 50 if number == SENT else 50
                writer.write((head + body)[:cut])
                halves.append((head + body)[cut:])
            await _send(server, SENT)  # answered after those halves were read
            await receiver.wait_for(1, 10)

            stopped_at = time.monotonic()
            await _stopping(server)
            for (reader, writer), half in zip((in_body, in_head), halves, strict=True):
                writer.write(half)
                assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 200 ")
                writer.close()
            assert await asyncio.to_thread(server.process.wait, 30) == 0
            assert time.monotonic() - stopped_at < GRACE_S

            told_before = len(receiver.requests)
            assert 0 < told_before < SENT
            assert _states(server, "notification_states") == {"recorded": SENT + 2}
            assert _states(server, "deliveries") == {"delivered": told_before, "due": SENT + 2 - told_before}
            await _all_told(server, receiver, SENT + 2)
            assert receiver.count == SENT + 2, "sent twice"

    with Server(database, PAYBELL_STOP_GRACE_S=str(GRACE_S), PAYBELL_ENDPOINT_ACTIVE_MAX="4") as server:
        asyncio.run(scenario(server))


@pytest.mark.alone
def test_what_is_not_answered_within_the_grace_is_given_back(database: Database) -> None:
    async def scenario(server: Server) -> None:
        replies = [NEVER]

        def answer(_: Received) -> Reply:
            return replies[0]

        async with Receiver(answer=answer) as receiver:
            _subscribed(server, receiver)
            await _send(server, SENT)
            await receiver.wait_for(4, 10)
            _, dripping = await asyncio.open_connection("127.0.0.1", server.port)
            head, _ = _wire(_webhook(server, "pi_never"))
            dripping.write(head)
            stopped_at = time.monotonic()
            await _stopping(server)
            assert await asyncio.to_thread(server.process.wait, 30) == 0
            assert 2 <= time.monotonic() - stopped_at < 3.7  # one grace for all, not one for each step
            dripping.close()
            assert _states(server, "deliveries") == {"due": SENT}
            replies[0] = Reply()
            await _all_told(server, receiver, SENT)

    with Server(database, PAYBELL_STOP_GRACE_S="2", PAYBELL_ENDPOINT_ACTIVE_MAX="4") as server:
        asyncio.run(scenario(server))


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(database: Database, second: signal.Signals) -> None:
    async def scenario(server: Server) -> None:
        replies = [NEVER]

        def answer(_: Received) -> Reply:
            return replies[0]

        async with Receiver(answer=answer) as receiver:
            _subscribed(server, receiver)
            await _send(server, 10)
            await receiver.wait_for(1, 10)
            await _stopping(server, signal.SIGINT if second is signal.SIGTERM else signal.SIGTERM)
            assert server.process.poll() is None
            server.process.send_signal(second)
            assert await asyncio.to_thread(server.process.wait, 2) == -second
            replies[0] = Reply()
            await _all_told(server, receiver, 10)

    with Server(database) as server:
        asyncio.run(scenario(server))


def test_restarts_under_load_answer_all_that_is_kept(database: Database, tmp_path: Path) -> None:
    chance = Random(20_260_627)

    async def scenario(server: Server) -> None:
        async with Receiver() as receiver:
            _subscribed(server, receiver)
            driver = Driver(f"{server.url}/in/stripe", tmp_path / "journal", chance)
            driving = asyncio.create_task(driver.run())
            for number in range(1, RESTARTS + 1):
                await eventually(lambda enough=number * 100: len(driver.acknowledged) >= enough)
                assert await asyncio.to_thread(server.stop) == 0
                assert _states(server, "deliveries").keys() <= {"delivered", "due"}
                assert _states(server, "notification_states").keys() <= {"recorded"}
                await asyncio.to_thread(server.start)
            driver.end()
            await driving
            await eventually(lambda: set(driver.acknowledged) <= told(receiver.requests), 60)
            await eventually(lambda: asyncio.to_thread(drained, server.database), 30)
            assert set(driver.status_codes) == {200}
            assert told(receiver.requests) == set(driver.acknowledged), "kept, but not answered"
            assert receiver.count == len(driver.acknowledged), "sent twice"
            assert server.stop() == 0
            compare(server.database, driver, receiver.requests)

    with Server(database) as server:
        asyncio.run(scenario(server))
