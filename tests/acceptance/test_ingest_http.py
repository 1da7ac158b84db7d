"""The door for webhooks, over real sockets: one effect for many copies, and a right answer to whatever comes."""

import asyncio
import gzip
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from paybell.testing.gateways import gateway
from paybell.testing.ippopay_api import PUBLIC_KEY, SECRET_KEY, PretendIppoPay
from paybell.testing.receiver import Receiver
from tests.acceptance.world import Server, eventually
from tests.databases import Database

SECRET = "whsec_of_the_door"


@pytest.fixture(scope="module")
def server(module_database: Database) -> Iterator[Server]:
    with Server(module_database, PAYBELL_READ_TIMEOUT_S="0.5", PAYBELL_BODY_BYTES_MAX="20000") as it:
        it.source("stripe", "stripe", SECRET)
        it.source("razorpay", "razorpay", SECRET)
        yield it


def test_fifty_copies_at_once_have_one_effect(server: Server) -> None:
    async def scenario() -> None:
        async with Receiver() as receiver:
            server.subscribe(receiver.url, "payment.completed")
            request = gateway("razorpay").signed(
                "payment.captured", payment_id="pay_fifty", secret=SECRET, at_s=int(time.time())
            )
            async with httpx.AsyncClient(limits=httpx.Limits(max_connections=50)) as client:
                answers = await asyncio.gather(
                    *(
                        client.post(
                            f"{server.url}/in/razorpay",
                            content=request.body,
                            headers={**dict(request.headers), "x-razorpay-event-id": f"unsigned_{number}"},
                        )
                        for number in range(50)
                    )
                )
            assert [answer.status_code for answer in answers] == [200] * 50
            await receiver.wait_for(1, 10)
            (payment,) = server.payments(gatewayPaymentId="pay_fifty")
            assert payment["status"] == "completed"
            found = server.get("/notification", source="razorpay")["data"]
            assert len(found) == 1
            timeline = server.get(f"/payment/{payment['id']}/timeline")["data"]
            assert sum(entry["kind"] == "message" for entry in timeline) == 1
            assert sum(entry["kind"] == "delivery" for entry in timeline) == 1
            assert receiver.count == 1

    asyncio.run(scenario())


def _stripe(**changes: str) -> tuple[bytes, dict[str, str]]:
    given = {"payment_id": "pi_door", "secret": SECRET, **changes}
    request = gateway("stripe").signed("payment_intent.succeeded", at_s=int(time.time()), **given)
    return request.body, dict(request.headers)


def test_a_forgery_is_refused_and_its_reason_kept_for_the_operator(server: Server) -> None:
    body, headers = _stripe(payment_id="pi_forged", secret="whsec_a_guess")
    answer = httpx.post(f"{server.url}/in/stripe", content=body, headers=headers)
    assert answer.status_code == 401
    assert "signature" not in answer.text
    assert server.payments(gatewayPaymentId="pi_forged") == []
    assert server.get("/refusal", source="stripe")["data"][0]["reason"] == "signature_mismatch"


def test_what_cannot_be_taken_is_answered_with_its_status(server: Server) -> None:
    body, headers = _stripe()
    url = f"{server.url}/in/stripe"
    assert httpx.post(f"{server.url}/in/nobody", content=body, headers=headers).status_code == 404
    assert httpx.get(url).status_code == 405
    assert httpx.post(url, content=b"x" * 20_001, headers=headers).status_code == 413
    assert httpx.post(url, content=iter([b"x" * 15_000] * 2), headers=headers).status_code == 413
    zipped = httpx.post(url, content=gzip.compress(body), headers={**headers, "content-encoding": "gzip"})
    assert zipped.status_code == 401
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_a_body_that_drips_is_answered_408(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"POST /in/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_overload_is_refused_with_a_time_to_come_back(database: Database) -> None:
    with Server(database, PAYBELL_RECEIVE_WAITING_MAX="1") as server:
        server.source("stripe", "stripe", SECRET)

        async def scenario() -> list[httpx.Response]:
            async with httpx.AsyncClient(limits=httpx.Limits(max_connections=40)) as client:
                sends = []
                for number in range(200):
                    body, headers = _stripe(payment_id=f"pi_{number}", event_id=f"evt_{number}")
                    sends.append(client.post(f"{server.url}/in/stripe", content=body, headers=headers))
                return await asyncio.gather(*sends)

        answers = asyncio.run(scenario())
        taken = sum(answer.status_code == 200 for answer in answers)
        refused = [answer for answer in answers if answer.status_code == 503]
        assert taken + len(refused) == 200
        assert refused
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        asyncio.run(eventually(lambda: len(server.payments()) == taken))


def test_a_hint_is_believed_only_after_its_api_was_asked(server: Server) -> None:
    async def scenario() -> None:
        api = PretendIppoPay()
        await api.start()
        keys = {"baseUrl": api.url, "publicKey": PUBLIC_KEY, "secretKey": SECRET_KEY}
        source = server.source("ippopay", "ippopay", **keys)
        now_s = int(time.time())
        api.set("order_true", status="success", paid="450.00", at_s=now_s)
        api.set("order_lie", status="failure", paid="900.00", at_s=now_s)
        async with httpx.AsyncClient() as client:
            for order in ("order_true", "order_lie"):
                request = gateway("ippopay").signed("order.success", payment_id=order, token="in_the_url", at_s=now_s)
                answer = await client.post(source["url"], content=request.body, headers=dict(request.headers))
                assert answer.status_code == 200
            wrong = await client.post(source["url"] + "x", content=request.body)
            assert wrong.status_code == 401
            find = server.payments
            await eventually(lambda: find(gatewayPaymentId="order_true", status="completed"))
            await eventually(lambda: find(gatewayPaymentId="order_lie", status="failed"))
            refund = {"refund_status": "completed", "refunded": "450.00"}
            api.set("order_true", status="success", paid="450.00", at_s=now_s + 60, **refund)
            request = gateway("ippopay").signed("order.success", payment_id="order_true", token="x", at_s=now_s)
            again = await client.post(source["url"], content=request.body, headers=dict(request.headers))
            assert again.status_code == 200  # the same bytes as before: the question is open again
            await eventually(lambda: find(gatewayPaymentId="order_true", status="refunded"))
        await api.stop()

    asyncio.run(scenario())


def test_a_hint_without_credentials_waits_and_grants_nothing(server: Server) -> None:
    source = server.source("ippopay-bare", "ippopay")
    request = gateway("ippopay").signed("order.success", payment_id="order_bare", token="x", at_s=int(time.time()))
    assert httpx.post(source["url"], content=request.body).status_code == 200

    def look() -> list[dict[str, str]]:
        return [it for it in server.get("/notification", source="ippopay-bare")["data"] if it["reason"]]

    (found,) = asyncio.run(eventually(look))
    assert found["state"] == "needs_fetch"
    assert "credentials" in found["reason"]
    assert server.payments(gatewayPaymentId="order_bare") == []
