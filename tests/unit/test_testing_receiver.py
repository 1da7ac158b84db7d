"""The receiver that tests and benchmarks post to."""

import asyncio
import base64
import contextlib
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from paybell.testing.receiver import Receiver, Reply, StandardWebhooks
from tests.loops import RUNNERS, Run

SECRET = "whsec_" + base64.b64encode(b"an invented key of 32 bytes here").decode()


async def post(receiver: Receiver, path: str = "/", body: bytes = b"{}", headers: tuple[str, ...] = ()) -> bytes:
    """Post in pieces over a plain socket; gives all that came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    lines = [f"POST {path} HTTP/1.1", "Host: test", "Connection: close", f"Content-Length: {len(body)}", *headers]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()
    for at in range(0, len(body), 1000):
        writer.write(body[at : at + 1000])
        await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(500), 10)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def test_it_keeps_requests_as_they_came() -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            answer = await post(receiver, "/hook?a=1", b"x" * 5000, ("Webhook-Id: msg_1",))
            (request,) = await receiver.wait_for(1, timeout_s=10)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert (request.method, request.path, request.body) == ("POST", "/hook?a=1", b"x" * 5000)
        assert request.webhook_id == request.header("webhook-id") == "msg_1"
        assert request.header("absent") == ""
        assert 0 <= time.monotonic() - request.arrived_s < 60

    asyncio.run(scenario())


def test_replies_follow_the_script_of_their_path() -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            receiver.script("/a", Reply(status_code=500), Reply(status_code=0), Reply(body=b"yes", delay_s=0.01))
            answers = [await post(receiver, "/a") for _ in range(4)]
            other = await post(receiver, "/b")
        assert [answer[:12] for answer in answers] == [b"HTTP/1.1 500", b"", b"HTTP/1.1 200", b"HTTP/1.1 200"]
        assert answers[2].endswith(b"\r\n\r\nyes")
        assert other.startswith(b"HTTP/1.1 200")

    asyncio.run(scenario())


def test_waiting_in_vain_says_how_many_came() -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            await post(receiver)
            with pytest.raises(TimeoutError, match="1 of 2 requests"):
                await receiver.wait_for(2, timeout_s=0.01)

    asyncio.run(scenario())


def test_it_tells_genuine_deliveries_from_forged_ones() -> None:
    at = dt.datetime.now(dt.UTC)
    right = Webhook(SECRET).sign("msg_1", at, '{"a":1}')

    def headers(signature: str) -> tuple[str, ...]:
        stamp = int(at.timestamp())
        return ("webhook-id: msg_1", f"webhook-timestamp: {stamp}", f"webhook-signature: {signature}")

    async def scenario() -> None:
        async with Receiver(verify=StandardWebhooks(SECRET)) as receiver:
            good = await post(receiver, body=b'{"a":1}', headers=headers(f"v1,AAAA {right}"))
            bad = [
                await post(receiver, body=b'{"a":2}', headers=headers(right)),
                await post(receiver, body=b'{"a":1}', headers=headers("v1,")),
                await post(receiver, body=b'{"a":1}'),
            ]
        assert good.startswith(b"HTTP/1.1 200")
        assert [answer[:12] for answer in bad] == [b"HTTP/1.1 401"] * 3
        assert [request.verified for request in receiver.requests] == [True, False, False, False]

    asyncio.run(scenario())


@pytest.mark.parametrize("run", RUNNERS.values(), ids=RUNNERS)
@pytest.mark.parametrize("turns", range(6))
def test_a_stop_drops_what_is_being_accepted(run: Run, turns: int) -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            early = connected(receiver)
            await asyncio.sleep(0.01)
            late = connected(receiver)
            for _ in range(turns):
                await asyncio.sleep(0)
        assert receiver.connections == set()
        await asyncio.sleep(0.01)
        for each in (early, late):
            each.settimeout(10)
            with each, contextlib.suppress(ConnectionError):
                assert each.recv(1) == b"", "it was left open"

    def connected(receiver: Receiver) -> socket.socket:
        return socket.create_connection(("127.0.0.1", receiver.port))

    run(asyncio.wait_for(scenario(), 10))


def test_bytes_that_are_no_http_end_the_connection() -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
            writer.write(b"\x00\x01\x02 what is this\r\n\r\n")
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 10)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            assert receiver.count == 0

    asyncio.run(scenario())


def test_as_a_process_it_journals_what_it_gets(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    command = [sys.executable, "-m", "paybell.testing.receiver", "--port", "0", "--journal", str(journal)]
    command += ["--capture", r'"id":"(\w+)"', "--seconds-max", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            for body in (b'{"id":"one"}', b"{}"):
                request = urllib.request.Request(f"http://127.0.0.1:{port}/", body, {"Webhook-Id": "msg_1"})
                with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own receiver
                    assert answer.status == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    rows = [line.split("\t") for line in journal.read_text().splitlines()]
    assert [(row[0], row[2], row[3]) for row in rows] == [("msg_1", "one", "/"), ("msg_1", "", "/")]
    assert int(rows[0][1]) < int(rows[1][1])
