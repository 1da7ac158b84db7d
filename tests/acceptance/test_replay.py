"""Replays against a running Paybell: by Svix's own SDK, and through a SIGKILL in the middle of a task."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from svix.api import (
    ApplicationIn,
    BackgroundTaskListOptions,
    BackgroundTaskOut,
    BackgroundTaskStatus,
    BackgroundTaskType,
    EndpointIn,
    MessageIn,
    RecoverIn,
    ReplayIn,
    Svix,
)
from svix.models import BulkReplayIn, MessageStatus

from paybell.testing.receiver import Receiver
from tests.acceptance.test_svix_sdk import opened
from tests.acceptance.world import Server, eventually
from tests.databases import DATABASES, Database

SINCE = datetime.now(UTC) - timedelta(hours=1)


async def finished(sdk: Svix, task_id: str, timeout_s: float = 20) -> BackgroundTaskOut:
    def look() -> BackgroundTaskOut | None:
        found = sdk.background_task.get(task_id)
        return None if found.status is BackgroundTaskStatus.RUNNING else found

    return await eventually(lambda: asyncio.to_thread(look), timeout_s)


def test_svixs_sdk_recovers_and_replays(database: Database) -> None:
    async def scenario(server: Server, sdk: Svix) -> None:
        async with Receiver() as receiver:
            await asyncio.to_thread(sdk.application.create, ApplicationIn(name="Shop", uid="shop"))
            first = await asyncio.to_thread(sdk.endpoint.create, "shop", EndpointIn(url=receiver.url))
            said = [MessageIn(event_type="order.paid", payload={"n": number}) for number in range(5)]
            ids = {(await asyncio.to_thread(sdk.message.create, "shop", it)).id for it in said}
            await eventually(lambda: len(receiver.requests) == 5)
            late = await asyncio.to_thread(sdk.endpoint.create, "shop", EndpointIn(url=receiver.url))
            missing = await asyncio.to_thread(sdk.endpoint.replay_missing, "shop", late.id, ReplayIn(since=SINCE))
            assert (missing.task, missing.status) == (BackgroundTaskType.ENDPOINT_REPLAY, BackgroundTaskStatus.RUNNING)
            done = await finished(sdk, missing.id)
            assert (done.status, done.data["messagesSent"]) == (BackgroundTaskStatus.FINISHED, 5)
            await eventually(lambda: len(receiver.requests) == 10)
            assert {it.header("webhook-id") for it in receiver.requests} == ids
            asked = BulkReplayIn(since=SINCE, event_types=["order.paid"], status=MessageStatus.SUCCESS)
            bulk = await asyncio.to_thread(sdk.endpoint.bulk_replay, "shop", first.id, asked)
            assert (await finished(sdk, bulk.id)).data["messagesSent"] == 5
            await eventually(lambda: len(receiver.requests) == 15)
            recover = await asyncio.to_thread(sdk.endpoint.recover, "shop", first.id, RecoverIn(since=SINCE))
            assert (await finished(sdk, recover.id)).data["messagesFound"] == 0
            options = BackgroundTaskListOptions(task=BackgroundTaskType.ENDPOINT_BULK_REPLAY, limit=5)
            assert [it.id for it in (await asyncio.to_thread(sdk.background_task.list, options)).data] == [bulk.id]
            everything = await asyncio.to_thread(sdk.background_task.list)
            assert [it.id for it in everything.data] == [recover.id, bulk.id, missing.id]
            dry = server.post(f"/app/shop/endpoint/{first.id}/bulk-replay?dry_run=true", {"since": SINCE.isoformat()})
            assert (dry["messagesFound"], dry["complete"]) == (5, True)
            assert len((await asyncio.to_thread(sdk.background_task.list)).data) == 3
            ended = server.api.post(f"/background-task/{bulk.id}/cancel")
            assert (ended.status_code, "ended already" in ended.text) == (409, True)

    with Server(database) as server, opened(server.url) as sdk:
        asyncio.run(scenario(server, sdk))


@pytest.mark.parametrize("name", ["sqlite", "postgres"])
def test_a_task_goes_on_after_a_sigkill_and_makes_no_message_due_twice(tmp_path: Path, name: str) -> None:
    """What was made due twice would count two tries before it was last sent once more."""
    count = 600

    async def scenario(server: Server) -> None:
        async with Receiver() as receiver:
            application, endpoint, _ = server.subscribe(receiver.url)
            await post_many(server, application, count)
            await eventually(lambda: len(receiver.requests) == count, 60)
            await eventually(lambda: counted(server, "state <> 'delivered'") == 0, 60)
            asked = {"since": SINCE.isoformat()}
            task = server.post(f"/app/{application}/endpoint/{endpoint}/bulk-replay", asked)["id"]
            sent = 0
            for _ in range(2):
                sent = await eventually(lambda seen=sent: more_sent(server, task, seen), 60)
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await eventually(lambda: asyncio.to_thread(lambda: is_finished(server, task)), 90)
            data = server.get(f"/background-task/{task}")["data"]
            assert data["messagesFound"] == count
            assert (data["messagesSent"], data["messagesSkipped"]) == (count, 0)
            await eventually(lambda: len(receiver.requests) >= 2 * count, 60)
            assert counted(server, "resent_at_count = 1") == count

    with Server(DATABASES[name](tmp_path)) as server:
        asyncio.run(scenario(server))


async def post_many(server: Server, application: str, count: int) -> None:
    """Post that many messages, some at once."""
    numbers = iter(range(count))

    async def post_on() -> None:
        for number in numbers:
            body = {"eventType": "order.paid", "payload": {"n": number}}
            answer = await client.post(f"{server.url}/api/v1/app/{application}/msg", json=body)
            assert answer.status_code == 202, answer.text

    async with httpx.AsyncClient(headers=server.api.headers, timeout=20) as client:
        await asyncio.gather(*(post_on() for _ in range(8)))


def counted(server: Server, which: str) -> int:
    """How many deliveries are so."""
    ((count,),) = server.database.rows(f"SELECT count(*) FROM deliveries WHERE {which}")  # noqa: S608 - ours
    return int(count)


async def more_sent(server: Server, task: str, seen: int) -> int:
    """How many messages the task has sent, if they are more than before; else 0."""
    found = await asyncio.to_thread(server.get, f"/background-task/{task}")
    sent: int = found["data"]["messagesSent"]
    return sent if sent > seen else 0


def is_finished(server: Server, task: str) -> bool:
    return bool(server.get(f"/background-task/{task}")["status"] == "finished")
