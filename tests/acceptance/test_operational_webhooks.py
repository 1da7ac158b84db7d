"""An organisation hears of its own endpoints: over Svix's SDK, and by a receiver that checks with Svix's verifier."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from svix.api import OperationalWebhookEndpoint, Svix, SvixOptions
from svix.exceptions import HttpError
from svix.models import (
    EndpointIn,
    OperationalWebhookEndpointHeadersIn,
    OperationalWebhookEndpointIn,
    OperationalWebhookEndpointSecretIn,
    OperationalWebhookEndpointUpsertIn,
)
from svix.webhooks import Webhook

from paybell.cli.scenario_server import Host
from paybell.config import settings
from paybell.testing.received import Received, Reply
from paybell.testing.receiver import Receiver
from paybell.testing.shifted_clock import ShiftedClock
from tests.acceptance.test_svix_sdk import opened
from tests.acceptance.world import KEY, Server, eventually
from tests.databases import Database
from tests.smtp import MailServer

DAY_S = 86_400


def test_operational_endpoints_over_svixs_sdk(database: Database) -> None:
    with Server(database) as server, opened(server.url) as sdk:
        told: OperationalWebhookEndpoint = sdk.operational_webhook.endpoint
        wish = OperationalWebhookEndpointIn(
            url="http://127.0.0.1:1/",
            description="ours",
            uid="ops",
            event_types=["endpoint.disabled"],
            metadata={"team": "payments"},
            throttle_rate=5,
            headers={"x-team": "payments"},
        )
        made = told.create(wish)
        assert (made.uid, made.event_types, made.metadata) == ("ops", ["endpoint.disabled"], {"team": "payments"})
        assert (made.throttle_rate, made.disabled) == (5, False)
        assert told.get("ops") == told.get(made.id) == made
        assert told.get_headers("ops").headers == {"x-team": "****ents"}
        told.set_headers("ops", OperationalWebhookEndpointHeadersIn(headers={"x-other": "o"}))
        assert told.get_headers("ops").headers == {"x-other": "****"}
        before = told.get_secret("ops").key
        told.rotate_secret("ops", OperationalWebhookEndpointSecretIn(grace_period_seconds=60))
        assert told.get_secret("ops").key != before
        changed = told.upsert("ops", OperationalWebhookEndpointUpsertIn(url="http://127.0.0.1:2/", disabled=True))
        assert (changed.id, changed.event_types, changed.disabled) == (made.id, None, True)
        other = told.upsert("second", OperationalWebhookEndpointUpsertIn(url="http://127.0.0.1:3/"))
        assert [it.id for it in told.list().data] == [other.id, made.id]
        assert sdk.application.list().data == []
        told.delete("ops")
        with pytest.raises(HttpError) as gone:
            told.get("ops")
        assert gone.value.status_code == 404
        with pytest.raises(HttpError) as refused:
            sdk.endpoint.list("opw_" + made.id)
        assert refused.value.status_code == 404


class Play:
    """A real Paybell whose clock can be moved, a shop's receiver that refuses, and an operational one."""

    def __init__(self, host: Host, clock: ShiftedClock, shop: Receiver, operations: Receiver) -> None:
        self.host, self.clock = host, clock
        self.shop, self.operations = shop, operations
        self.api = httpx.AsyncClient(
            base_url=f"{host.url}/api/v1", headers={"authorization": f"Bearer {KEY}"}, timeout=20
        )

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.api.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def recorded(self) -> bool:
        attempts = (await self.ask("GET", "/app/shop/attempt/endpoint/hook"))["data"]
        return len(attempts) == self.shop.count

    async def next_day(self) -> None:
        """Every retry falls due; the one that does is refused."""
        count = self.shop.count
        self.clock.advance(1.1 * DAY_S)
        self.host.bell.deliver.wake()
        await self.shop.wait_for(count + 1, 20)

    async def told(self, count: int) -> Sequence[Any]:
        """What the operational receiver has heard, once it is so much."""
        heard = await self.operations.wait_for(count, 20)
        assert self.operations.count == count
        return [json.loads(it.body) for it in heard]


async def play(database: Database, scenario: Callable[[Play], Awaitable[None]], **given: Any) -> None:
    clock = ShiftedClock()
    chosen = settings(**database.settings, bootstrap_key=KEY, allow_private_networks="127.0.0.0/8", **given)
    host = Host(chosen, clock)
    async with Receiver() as shop, Receiver() as operations:
        shop.script("/", Reply(status_code=500))
        await host.start()
        it = Play(host, clock, shop, operations)
        try:
            await scenario(it)
        finally:
            await it.api.aclose()
            await host.stop()


def genuine(secret: str, received: Received) -> bool:
    """Signed as Svix's own package signs; its ``verify`` would refuse the time, which is days ahead."""
    at = datetime.fromtimestamp(int(received.header("webhook-timestamp")), UTC)
    right = Webhook(secret).sign(received.webhook_id, at, received.body.decode())
    return right in received.header("webhook-signature").split(" ")


def test_from_the_first_failure_to_the_recovery_every_step_is_told_once_and_signed(database: Database) -> None:
    async def scenario(it: Play) -> None:
        sdk = Svix(KEY, SvixOptions(server_url=it.host.url))
        listener = OperationalWebhookEndpointIn(url=it.operations.url)
        made = await asyncio.to_thread(sdk.operational_webhook.endpoint.create, listener)
        secret = (await asyncio.to_thread(sdk.operational_webhook.endpoint.get_secret, made.id)).key
        await it.ask("POST", "/app", {"name": "Shop", "uid": "shop"})
        hook = EndpointIn(url=it.shop.url, uid="hook", event_types=["order.paid"])
        await asyncio.to_thread(sdk.endpoint.create, "shop", hook)
        await it.told(1)
        (created,) = it.operations.requests
        Webhook(secret).verify(created.body, {name.decode(): value.decode() for name, value in created.headers})
        await it.ask("POST", "/app/shop/msg", {"eventType": "order.paid", "eventId": "ev-1", "payload": {"a": 1}})
        await it.shop.wait_for(1, 20)
        for _ in range(5):
            await eventually(it.recorded)
            await it.next_day()
        told = await it.told(4)
        assert [told[0]["type"], told[3]["type"]] == ["endpoint.created", "endpoint.disabled"]
        side_by_side = {each["type"]: each["data"] for each in told[1:3]}
        assert side_by_side.keys() == {"endpoint.failing", "message.attempt.failing"}
        failing, disabled = side_by_side["endpoint.failing"], told[3]["data"]
        assert failing["failSince"] == disabled["failSince"] < failing["disabledFrom"]
        assert disabled["reason"] == "every attempt has failed for 5 days"
        assert (await it.ask("GET", "/app/shop/endpoint/hook"))["disabled"]
        await it.ask("PATCH", "/app/shop/endpoint/hook", {"disabled": False})
        it.shop.script("/", Reply())
        await it.ask("POST", "/app/shop/msg/ev-1/endpoint/hook/resend")
        told = await it.told(6)
        after = {each["type"]: each["data"] for each in told[4:]}
        assert after.keys() == {"endpoint.updated", "message.attempt.recovered"}
        assert after["message.attempt.recovered"]["msgEventId"] == "ev-1"
        assert {each["data"]["appUid"] for each in told} == {"shop"}
        assert all(genuine(secret, each) for each in it.operations.requests)
        sdk._httpx_client.close()

    asyncio.run(play(database, scenario))


def test_people_get_one_mail_before_an_endpoint_is_disabled_and_one_when_it_is(database: Database) -> None:
    async def main() -> None:
        async with MailServer("451 not now") as mails:

            async def scenario(it: Play) -> None:
                await it.ask("POST", "/app", {"name": "Shop", "uid": "shop"})
                await it.ask("POST", "/app/shop/endpoint", {"url": it.shop.url, "uid": "hook"})
                await it.ask("POST", "/app/shop/msg", {"eventType": "order.paid", "payload": {"a": 1}})
                await it.shop.wait_for(1, 20)
                for _ in range(5):
                    await eventually(it.recorded)
                    await it.next_day()
                subjects = [mail.read()["subject"] for mail in await mails.wait_for(2)]
                assert subjects == ["Endpoint hook of shop is failing", "Endpoint hook of shop was disabled"]
                await it.host.stop()
                await it.host.start()
                it.api.base_url = httpx.URL(f"{it.host.url}/api/v1")
                (listener,) = (await it.ask("GET", "/operational-webhook/endpoint"))["data"]
                assert (listener["url"], listener["disabled"]) == ("mailto:ops@shop.example", False)
                await it.host.bell.deliver.run_once()
                await it.host.bell.deliver.settle()
                assert len([it for it in mails.commands if it.startswith("RCPT")]) == 3
                assert len(mails.mails) == 2

            await play(
                database, scenario, mail_url=mails.url, mail_from="paybell@pay.example", mail_to="ops@shop.example"
            )

    asyncio.run(main())
