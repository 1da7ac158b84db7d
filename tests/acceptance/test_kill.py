"""SIGKILL at random moments under load: nothing that was acknowledged is lost, nothing is applied twice."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from paybell.testing.receiver import Receiver, StandardWebhooks
from tests.acceptance.load import SECRET, Driver, compare, drained, told
from tests.acceptance.world import Server, eventually
from tests.databases import DATABASES


@pytest.mark.parametrize(
    ("name", "kills"),
    [
        ("sqlite", 6),
        pytest.param("sqlite", 50, marks=pytest.mark.long),
        pytest.param("postgres", 50, marks=pytest.mark.long),
    ],
)
def test_sigkill_at_random_moments(tmp_path: Path, name: str, kills: int) -> None:
    chance = Random(20_260_626)

    async def scenario() -> None:
        async with Receiver() as receiver:
            with Server(DATABASES[name](tmp_path)) as server:
                server.source("stripe", "stripe", SECRET)
                _, _, secret = server.subscribe(receiver.url, "payment.completed")
                receiver.verify = StandardWebhooks(secret)
                driver = Driver(f"{server.url}/in/stripe", tmp_path / "journal", chance)
                driving = asyncio.create_task(driver.run())
                for _ in range(kills):
                    await asyncio.sleep(chance.uniform(0.02, 0.5))
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                await asyncio.sleep(0.3)
                driver.end()
                await driving
                assert len(driver.acknowledged) > kills
                await eventually(
                    lambda: set(driver.acknowledged) <= told(receiver.requests), 60 + server.database.takeover_s
                )
                await eventually(lambda: asyncio.to_thread(drained, server.database), 30)
                assert server.stop() == 0
            compare(server.database, driver, receiver.requests)

    asyncio.run(scenario())
