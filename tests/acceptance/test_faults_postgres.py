"""Two nodes under load while nodes, sessions and the whole database are killed: nothing lost, nothing applied twice."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from paybell.testing.postgres import PostgresServer
from paybell.testing.receiver import Receiver, StandardWebhooks
from tests.acceptance.load import SECRET, Driver, compare, drained, told
from tests.acceptance.world import Server, eventually
from tests.databases import PostgresDatabase

pytestmark = pytest.mark.alone

FEW, MANY = 3, 50
TAKEOVER_S = 60.0
"""Leases that were taken while the answer to that got lost run to their end."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as running:
        yield running


class Faults:
    """What can be killed."""

    def __init__(self, postgres: PostgresServer, nodes: list[Server], chance: Random) -> None:
        self._postgres = postgres
        self._nodes = nodes
        self._chance = chance
        self._database = nodes[0].database

    def node(self) -> None:
        node = self._chance.choice(self._nodes)
        node.kill()
        node.start()

    def session(self) -> None:
        """The server ends all others with it, and recovers."""
        found = self._database.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'paybell'")
        os.kill(self._chance.choice(found)[0], signal.SIGKILL)
        self._postgres.wait_until_ready()

    def server(self) -> None:
        self._postgres.restart_immediately()


@pytest.mark.parametrize("kind", ["node", "session", "server"])
@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.long)])
def test_faults_under_load(tmp_path: Path, postgres: PostgresServer, kind: str, count: int) -> None:
    chance = Random(20_261_125)

    async def scenario() -> None:
        database = PostgresDatabase(tmp_path, postgres)
        async with Receiver() as receiver:
            with ExitStack() as stack:
                nodes = [stack.enter_context(Server(database)) for _ in range(2)]
                nodes[0].source("stripe", "stripe", SECRET)
                _, _, secret = nodes[0].subscribe(receiver.url, "payment.completed")
                receiver.verify = StandardWebhooks(secret)
                driver = Driver(f"{nodes[0].url}/in/stripe", tmp_path / "journal", chance, f"{nodes[1].url}/in/stripe")
                driving = asyncio.create_task(driver.run())
                fault = getattr(Faults(postgres, nodes, chance), kind)
                for _ in range(count):
                    await asyncio.sleep(chance.uniform(0.2, 1.0))
                    await asyncio.to_thread(fault)
                await asyncio.sleep(0.5)
                driver.end()
                await driving
                assert len(driver.acknowledged) > count
                await eventually(lambda: set(driver.acknowledged) <= told(receiver.requests), TAKEOVER_S + 15)
                await eventually(lambda: asyncio.to_thread(drained, database), TAKEOVER_S + 15)
                assert [node.stop() for node in nodes] == [0, 0]
            compare(database, driver, receiver.requests)

    asyncio.run(scenario())
