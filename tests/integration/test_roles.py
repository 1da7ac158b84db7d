"""Nodes with one role each over one PostgreSQL: what comes in goes through all; functions stay with their program."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from paybell import Paybell
from paybell.app.functions import FUNCTIONS_UID
from paybell.model.message import EventType
from paybell.model.source import Source
from paybell.ports import PageQuery
from paybell.testing.builders import application, endpoint, source
from paybell.testing.gateways import gateway
from paybell.testing.ippopay_api import PUBLIC_KEY, SECRET_KEY, PretendIppoPay
from paybell.testing.receiver import Receiver
from tests.databases import PostgresDatabase

LOOPBACK = "127.0.0.0/8"
STEPS = ("receive", "record", "deliver", "reconcile")
TOKEN = "a-token-that-nobody-guesses"
HINTED_S = 1.0
POLLED_S = 6.0
"""Each of three steps looks once a second, and tells of itself a second later at most."""


@pytest.fixture
def database(tmp_path: Path) -> PostgresDatabase:
    return PostgresDatabase(tmp_path)


@asynccontextmanager
async def nodes(database: PostgresDatabase, *roles: str, **given: Any) -> AsyncIterator[dict[str, Paybell]]:
    """One program for each role, all in this process."""
    async with AsyncExitStack() as stack:
        found: dict[str, Paybell] = {}
        for role in roles:
            bell = Paybell(**database.settings, roles=role, allow_private_networks=LOOPBACK, **given)
            found[role] = await stack.enter_async_context(bell)
        yield found


async def furnish(bell: Paybell, *, hook: str, api: str) -> Source:
    """A source that has to be asked, and an endpoint."""
    organisation = (await bell.store.organisation_default()).id
    options = {"publicKey": PUBLIC_KEY, "secretKey": SECRET_KEY, "baseUrl": api}
    asked = source(gateway="ippopay", organisation_id=organisation, token=TOKEN, secrets=(), options=options)
    await bell.store.source_create(asked)
    await bell.store.application_create(application(organisation_id=organisation))
    await bell.store.endpoint_create(endpoint(organisation_id=organisation, url=hook))
    return asked


def client(bell: Paybell) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(bell), base_url="http://node.example")


async def notify(bell: Paybell, order: str) -> None:
    """As the gateway does: a hint, which says nothing by itself."""
    request = gateway("ippopay").signed("order.success", payment_id=order, token=TOKEN, at_s=int(time.time()))
    async with client(bell) as gate:
        answer = await gate.post(f"/in/shop/{TOKEN}", content=request.body, headers=dict(request.headers))
    assert answer.status_code == 200, answer.text


@pytest.mark.alone
@pytest.mark.parametrize(
    ("pooler", "within_s"), [("none", HINTED_S), ("transaction", POLLED_S)], ids=["told at once", "polling only"]
)
def test_a_webhook_goes_through_four_nodes_of_one_role_each(
    database: PostgresDatabase, pooler: str, within_s: float
) -> None:
    """A pooler in transaction mode hears nothing of the others."""

    async def main() -> None:
        api = PretendIppoPay()
        await api.start()
        async with Receiver() as receiver, nodes(database, *STEPS, database_pooler=pooler) as at:
            await furnish(at["receive"], hook=receiver.url, api=api.url)
            await everybody_knows(at, "shop")
            for number in (1, 2, 3):
                api.set(f"order_{number}", status="success", paid="450.00", at_s=int(time.time()))
                began_s = receiver.now()
                await notify(at["receive"], f"order_{number}")
                last = (await receiver.wait_for(number, 20))[-1]
                assert last.arrived_s - began_s < within_s
        await api.stop()
        done = {role: bell._counts()[role] for role, bell in at.items()}
        assert done["receive"]["received"] == 3
        assert [done[role][what] for role, what in DONE.items()] == [3, 3, 3]
        assert [at[role]._counts()[other][what] for role in STEPS for other, what in DONE.items() if other != role] == [
            0
        ] * 9

    asyncio.run(main())


DONE = {"record": "recorded", "deliver": "delivered", "reconcile": "fetched"}


async def everybody_knows(at: dict[str, Paybell], uid: str) -> None:
    """Every node keeps sources and endpoints in memory, and hears of others' within a second."""
    for bell in at.values():
        await until(lambda bell=bell: bell.store.source_find(uid))
        await until(lambda bell=bell: bell.store.endpoint_get("ep_1"))


async def until(look: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(10):
        while not await look():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


def test_a_function_is_called_by_the_program_that_has_it_and_tried_by_no_other(database: PostgresDatabase) -> None:
    calls: list[int] = []

    async def main() -> None:
        mine = Paybell(**database.settings)

        @mine.on("shop.opened")
        async def opened(message: dict[str, Any]) -> None:
            calls.append(message["number"])
            if len(calls) == len(numbers):
                ended.set()

        ended = asyncio.Event()
        numbers = range(1, 21)
        async with mine, nodes(database, "deliver", bootstrap_key=KEY) as deliver, nodes(database, "web") as web:
            organisation = (await mine.store.organisation_default()).id
            await mine.store.event_type_create(
                EventType(
                    organisation_id=organisation, name="shop.opened", description="", created_at_ms=0, updated_at_ms=0
                )
            )
            async with client(web["web"]) as api:
                for number in numbers:  # the node that takes them delivers nothing, so that either other may
                    body = {"eventType": "shop.opened", "payload": {"number": number}}
                    headers = {"authorization": f"Bearer {KEY}"}
                    answer = await api.post(f"/api/v1/app/{FUNCTIONS_UID}/msg", json=body, headers=headers)
                    assert answer.status_code < 300, answer.text
                async with asyncio.timeout(20):
                    await ended.wait()
            query = PageQuery(organisation_id=organisation, limit=250)
            await until(lambda: all_delivered(mine, query))
            attempts = {it.attempt_count for it in (await mine.store.delivery_page(query)).data}
        assert attempts == {1}
        assert sorted(calls) == list(numbers)
        assert mine._counts()["deliver"]["delivered"] == len(numbers)
        assert set(deliver["deliver"]._counts()["deliver"].values()) == {0}

    asyncio.run(main())


KEY = "bootstrap-key-of-the-tests"


async def all_delivered(bell: Paybell, query: PageQuery) -> bool:
    return {str(it.state) for it in (await bell.store.delivery_page(query)).data} == {"delivered"}


@pytest.mark.parametrize("role", [*STEPS, "web"])
def test_a_node_answers_what_its_roles_are_for_and_says_which_one_it_lacks(
    database: PostgresDatabase, role: str
) -> None:
    async def main() -> None:
        async with nodes(database, role, bootstrap_key=KEY) as at, client(at[role]) as ask:
            assert (await ask.get("/health")).status_code == 200
            assert (await ask.get("/metrics")).status_code == 200
            headers = {"authorization": f"Bearer {KEY}"}
            for path, owner, own_status in (("/api/v1/app", "web", 200), ("/in/nobody", "receive", 404)):
                method = "GET" if owner == "web" else "POST"
                answer = await ask.request(method, path, headers=headers)
                lacks = f"This node does not have the role {owner} (its PAYBELL_ROLES): ask one that has."
                if role == owner:
                    assert answer.status_code == own_status
                    assert lacks not in answer.text
                else:
                    assert (answer.status_code, answer.json()) == (404, {"code": "not_found", "detail": lacks})

    asyncio.run(main())


def test_also_mounted_in_another_program_a_node_says_which_role_it_lacks(database: PostgresDatabase) -> None:
    async def main() -> None:
        async with nodes(database, "record") as at:

            async def mounted(scope: Any, receive: Any, send: Any) -> None:
                await at["record"]({**scope, "root_path": "/pay"}, receive, send)

            transport = httpx.ASGITransport(mounted)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.example") as ask:
                assert "does not have the role web" in (await ask.get("/pay/api/v1/app")).text
                assert (await ask.get("/pay/health")).status_code == 200

    asyncio.run(main())
