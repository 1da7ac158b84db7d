"""Behind a real PgBouncer in transaction mode, where each transaction may meet another session."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from paybell.store.postgres import PostgresOptions
from paybell.store.postgres.database import Database as Connections
from paybell.testing.gateways import gateway
from paybell.testing.receiver import Receiver, StandardWebhooks
from tests.acceptance.cli_world import Shell
from tests.acceptance.load import SECRET, drained, told
from tests.acceptance.world import Server, eventually
from tests.databases import PostgresDatabase, environment
from tests.pgbouncer import PgBouncer, needed

PAYMENTS = 200
IGNORED = "ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout, plan_cache_mode, jit"
IGNORED += ", enable_seqscan, enable_bitmapscan, enable_hashjoin, enable_mergejoin"


class Behind(PostgresDatabase):
    """A database that programs reach through the pooler; tests look into it past the pooler."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.pooler = PgBouncer(self.url)
        self.settings = {**self.settings, "database": self.pooler.url, "database_pooler": "transaction"}


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    needed()
    it = Behind(tmp_path)
    with it.pooler:
        yield it


async def _send(servers: list[Server]) -> None:
    async with httpx.AsyncClient(timeout=20, limits=httpx.Limits(max_connections=20)) as client:
        sends = []
        for number in range(PAYMENTS):
            request = gateway("stripe").signed(
                "payment_intent.succeeded",
                payment_id=f"pi_{number}",
                secret=SECRET,
                at_s=int(time.time()),
                event_id=f"evt_pi_{number}",
            )
            for server in servers:  # each webhook comes to both, as a gateway that repeats itself would send it
                url, headers = f"{server.url}/in/stripe", dict(request.headers)
                sends.append(client.post(url, content=request.body, headers=headers))
        answers = await asyncio.gather(*sends)
    assert {answer.status_code for answer in answers} == {200}


def test_two_nodes_behind_it_lose_and_double_nothing(behind: Behind) -> None:
    async def scenario(one: Server, two: Server) -> None:
        async with Receiver() as receiver:
            one.source("stripe", "stripe", SECRET)
            _, _, secret = one.subscribe(receiver.url, "payment.completed")
            receiver.verify = StandardWebhooks(secret)
            await eventually(lambda: httpx.post(f"{two.url}/in/stripe").status_code == 401)  # it knows the source
            await _send([one, two])
            wanted = {f"pi_{number}" for number in range(PAYMENTS)}
            await eventually(lambda: told(receiver.requests) == wanted, 60)
            await eventually(lambda: asyncio.to_thread(drained, behind), 30)
            assert receiver.count == PAYMENTS
            assert all(request.verified for request in receiver.requests)
            assert len(one.payments(status="completed")) == len(two.payments(status="completed")) == PAYMENTS
            assert behind.rows("SELECT count(*) FROM notifications") == [(PAYMENTS,)]
            assert behind.rows("SELECT count(*) FROM messages") == [(PAYMENTS,)]

    with Server(behind) as one, Server(behind) as two:
        asyncio.run(scenario(one, two))


def test_commands_work_through_it(behind: Behind, tmp_path: Path) -> None:
    shell = Shell(tmp_path, **environment(behind))
    shell.right("source", "add", "shop", "--gateway", "stripe", "--secret", SECRET)
    assert [it["uid"] for it in shell.json("source", "list")] == ["shop"]
    assert (
        shell.json("payments", "list") == shell.json("notifications", "list") == shell.json("deliveries", "list") == []
    )
    assert shell.json("db", "status")["url"] == behind.pooler.url
    assert "pbk_" in shell.right("key", "create", "ops")


def test_limits_hold_in_every_transaction_and_stay_in_no_session(behind: Behind) -> None:
    async def scenario() -> None:
        database = Connections(behind.pooler.url, PostgresOptions(pooled=True))
        await database.open()
        for opened in (database.session, database.transaction):
            async with opened() as session:
                limits = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "5s"}
                assert {name: await session.connection.fetchval(f"SHOW {name}") for name in limits} == limits
        stranger = await asyncpg.connect(behind.pooler.url, statement_cache_size=0)
        assert await stranger.fetchval("SHOW statement_timeout") == "0"
        await stranger.close()
        await database.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("more", ["", IGNORED], ids=["strict", "ignores-what-we-ask-for"])
def test_without_the_setting_the_setting_is_named(behind: Behind, tmp_path: Path, more: str) -> None:
    with PgBouncer(behind.url, more=more) as pooler:
        shell = Shell(tmp_path, **environment(behind))
        for typed in (("up", "--port", "0"), ("payments", "list")):
            shown = shell(*typed, PAYBELL_DATABASE=pooler.url, PAYBELL_DATABASE_POOLER="none")
            assert shown.status == 1, shown
            assert len(shown.err.splitlines()) == 1
            assert "set PAYBELL_DATABASE_POOLER=transaction" in shown.err
