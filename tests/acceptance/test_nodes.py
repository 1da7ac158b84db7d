"""Many nodes over one PostgreSQL: killed, cut off, stopped in their tracks; nothing is lost, and work goes on."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from paybell.testing.postgres import PostgresServer
from paybell.testing.received import Received
from paybell.testing.receiver import Receiver, Reply, StandardWebhooks
from tests.acceptance.load import SECRET, Driver, compare, drained, told
from tests.acceptance.namespaces import MISSING, NETWORK, Bridge
from tests.acceptance.world import Server, eventually
from tests.databases import PostgresDatabase

pytestmark = pytest.mark.alone

RATE = 300
DEAD_S = 10.0
"""Within this a silent node is taken for dead, and its work is others'."""
BACKLOG_S = 10.0
IN_FLIGHT_MAX = 64
"""Deliveries that one node may be sending to one endpoint at once: so many may be sent again when it dies."""
_BEHIND = (
    "SELECT (SELECT count(*) FROM notification_queue AS q JOIN notifications AS n ON n.id = q.notification_id"
    " WHERE n.received_at_ms < extract(epoch FROM now()) * 1000 - 2000)"
    " + (SELECT count(*) FROM delivery_queue WHERE created_at_ms < extract(epoch FROM now()) * 1000 - 2000)"
)


def repeated(requests: list[Received]) -> int:
    """How often something was sent that had been sent before."""
    return len(requests) - len({it.webhook_id for it in requests})


@pytest.mark.skipif(bool(MISSING) and os.environ.get("CI") != "true", reason=MISSING)
def test_three_nodes_on_three_machines_one_killed_and_one_cut_off(tmp_path: Path) -> None:
    async def scenario(bridge: Bridge, postgres: PostgresServer) -> None:
        database = PostgresDatabase(tmp_path, postgres)
        async with Receiver(host=bridge.host) as receiver:
            with ExitStack() as stack:
                nodes = [stack.enter_context(machine(bridge, number, database)) for number in range(3)]
                nodes[0].source("stripe", "stripe", SECRET)
                _, _, secret = nodes[0].subscribe(receiver.url, "payment.completed")
                receiver.verify = StandardWebhooks(secret)
                urls = [f"{node.url}/in/stripe" for node in nodes]
                driver = Driver(urls[0], tmp_path / "journal", Random(7), *urls[1:], rate=RATE)
                driving = asyncio.create_task(driver.run())
                await asyncio.sleep(2)
                await asyncio.to_thread(nodes[1].kill)
                bridge.cut(2)
                await asyncio.sleep(DEAD_S)
                assert await eventually(lambda: asyncio.to_thread(alive, database, 1), DEAD_S)
                bridge.mend(2)
                await asyncio.to_thread(nodes[1].start)
                back_s = time.monotonic()
                await eventually(lambda: asyncio.to_thread(keeps_up, database), BACKLOG_S)
                gone_s = time.monotonic() - back_s
                assert await eventually(lambda: asyncio.to_thread(alive, database, 3), DEAD_S)
                await asyncio.sleep(2)
                driver.end()
                await driving
                await eventually(lambda: set(driver.acknowledged) <= told(receiver.requests), 20)
                await eventually(lambda: asyncio.to_thread(drained, database), 20)
                assert [node.stop() for node in nodes] == [0, 0, 0]
            compare(database, driver, receiver.requests)
            again = repeated(receiver.requests)
            count = len(driver.acknowledged)
            sys.stdout.write(f"{count} payments, {again} sent again, backlog gone in {gone_s:.1f} s\n")
            assert again <= 2 * IN_FLIGHT_MAX

    with Bridge(3) as bridge, PostgresServer(host=bridge.host) as postgres:
        asyncio.run(scenario(bridge, postgres))


def machine(bridge: Bridge, number: int, database: PostgresDatabase) -> Server:
    return Server(
        database,
        loopback=False,
        host=bridge.address(number),
        within=("ip", "netns", "exec", bridge.namespace(number)),
        PAYBELL_ALLOW_PRIVATE_NETWORKS=f"{NETWORK}.0/24",
        PAYBELL_NODE_NAME=f"machine-{number}",
    )


def alive(database: PostgresDatabase, count: int) -> bool:
    return len(database.rows("SELECT id FROM nodes")) == count


def keeps_up(database: PostgresDatabase) -> bool:
    return database.rows(_BEHIND) == [(0,)]


def test_a_node_stopped_past_its_leases_and_continued_changes_nothing(tmp_path: Path) -> None:
    """What it was sending when it stopped is sent again by the other; its own late answers are not recorded."""

    async def scenario() -> None:
        database = PostgresDatabase(tmp_path)
        async with Receiver(answer=lambda _: Reply(delay_s=1)) as receiver:
            with Server(database) as first:
                first.source("stripe", "stripe", SECRET)
                _, _, secret = first.subscribe(receiver.url, "payment.completed")
                receiver.verify = StandardWebhooks(secret)
                driver = Driver(f"{first.url}/in/stripe", tmp_path / "journal", Random(8))
                driving = asyncio.create_task(driver.run())
                await receiver.wait_for(50, 20)
                with Server(database) as second:
                    os.kill(first.process.pid, signal.SIGSTOP)
                    driver.end()
                    await driving
                    await eventually(lambda: set(driver.acknowledged) <= told(receiver.requests), DEAD_S + 20)
                    await eventually(lambda: asyncio.to_thread(drained, database), DEAD_S + 20)
                    before = books(database)
                    os.kill(first.process.pid, signal.SIGCONT)
                    await eventually(lambda: asyncio.to_thread(alive, database, 2), DEAD_S)
                    await eventually(lambda: asyncio.to_thread(drained, database), DEAD_S)
                    assert repeated(receiver.requests) > 0
                    assert [first.stop(), second.stop()] == [0, 0]
            for kept, now in zip(before, books(database), strict=True):
                assert kept <= now  # what reached the stopped node's socket may be added, and nothing altered
            compare(database, driver, receiver.requests)
            delivered = Counter(row[0] for row in database.rows("SELECT delivery_id FROM attempts WHERE delivered = 1"))
            assert set(delivered.values()) == {1}

    asyncio.run(scenario())


def books(database: PostgresDatabase) -> list[set[object]]:
    """Everything that a late node could have changed."""
    return [
        set(database.rows(query))
        for query in (
            "SELECT * FROM notification_states",
            "SELECT * FROM payments",
            "SELECT * FROM facts",
            "SELECT * FROM messages",
            "SELECT * FROM deliveries",
            "SELECT * FROM attempts",
        )
    ]
