"""Replays from the command line, worked on by a server beside it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paybell.testing.receiver import Receiver
from tests.acceptance.cli_world import Shell
from tests.acceptance.world import Server, eventually, free_port
from tests.databases import Database, environment

SINCE = (datetime.now(UTC) - timedelta(hours=1)).isoformat()


def test_what_went_out_is_sent_once_more_from_the_command_line(database: Database, tmp_path: Path) -> None:
    async def scenario(server: Server, shell: Shell) -> None:
        async with Receiver() as receiver:
            application, endpoint, _ = server.subscribe(receiver.url)
            for number in range(3):
                server.post(f"/app/{application}/msg", {"eventType": "order.paid", "payload": {"n": number}})
            await eventually(lambda: len(receiver.requests) == 3)
            replay = ("deliveries", "replay", application, endpoint, "--since", SINCE, "--what", "all")
            dry = await asyncio.to_thread(shell.json, *replay, "--dry-run")
            assert dry == {"found": 3, "skipped": 0, "complete": True}
            assert "3 messages" in await asyncio.to_thread(shell.right, *replay, "--dry-run")
            assert await asyncio.to_thread(shell.json, "tasks", "list") == []
            begun = (await asyncio.to_thread(shell.right, *replay)).split()[0]
            await eventually(lambda: len(receiver.requests) == 6)
            (listed,) = await asyncio.to_thread(shell.json, "tasks", "list")
            assert (listed["id"], listed["sent"]) == (begun, 3)
            shown = await asyncio.to_thread(shell.json, "tasks", "show", begun)
            assert (shown["sent"], shown["result"]) == (3, None)
            late = await asyncio.to_thread(shell, "tasks", "cancel", begun)
            assert (late.status, "has ended already" in late.err) == (1, True)
            failed = await asyncio.to_thread(shell.json, *replay[:-1], "failed", "--dry-run")
            assert failed["found"] == 0
            for narrowed, found in (
                (("--event-type", "order.paid", "--status", "success"), 3),
                (("--event-type", "order.sent"), 0),
                (("--channel", "eu"), 0),
                (("--tag", "eu"), 0),
                (("--status-class", "200"), 3),
                (("--status-class", "0"), 0),
            ):
                counted = await asyncio.to_thread(shell.json, *replay, *narrowed, "--dry-run")
                assert counted["found"] == found
            for wrongly, told in (
                (("--reason", "gone"), "--reason goes with --what failed, not with --what all"),
                (("--event-type", "order paid"), "is no event type"),
            ):
                refused = await asyncio.to_thread(shell, *replay, *wrongly)
                assert (refused.status, told in refused.err) == (1, True)
            for since, told in (("yesterday", "must be a time"), ("2024-06-26T11:08:07", "needs its zone")):
                wrong = await asyncio.to_thread(shell, *replay[:4], "--since", since)
                assert (wrong.status, told in wrong.err) == (1, True)

    with Server(database) as server:
        asyncio.run(scenario(server, Shell(tmp_path, **environment(database))))


def test_dead_letters_are_listed_and_counted_from_the_command_line_and_sent_once_more(
    database: Database, tmp_path: Path
) -> None:
    def scenario(server: Server, shell: Shell) -> None:
        application = server.post("/app", {"name": "Shop", "uid": "shop"})["id"]
        body = {"uid": "closed", "url": f"http://127.0.0.1:{free_port()}/", "retryDelays": []}
        endpoint = server.post("/app/shop/endpoint", body)["id"]
        for event_type in ("order.paid", "order.sent"):
            server.post("/app/shop/msg", {"eventType": event_type, "payload": {}})
        asyncio.run(eventually(lambda: len(server.get(f"/app/{application}/dead-letter")["data"]) == 2))
        listed = shell.json("deliveries", "dead", "shop", "--endpoint", "closed", "--since", SINCE)
        assert [(it["deadReason"], it["endpointId"]) for it in listed] == [("exhausted", endpoint)] * 2
        (one,) = shell.json("deliveries", "dead", "shop", "--event-type", "order.sent")
        assert one["eventType"] == "order.sent"
        assert "exhausted" in shell.right("deliveries", "dead", "shop")
        assert shell.json("deliveries", "dead", "shop", "--until", SINCE) == []
        assert shell.json("deliveries", "dead", "shop", "--reason", "gone") == []
        assert shell.json("deliveries", "dead", "shop", "--count") == [{"reason": "exhausted", "count": 2}]
        narrowed = ("--reason", "exhausted", "--event-type", "order.paid", "--dry-run")
        again = shell.json("deliveries", "replay", "shop", "closed", "--since", SINCE, *narrowed)
        assert (again["found"], again["complete"]) == (1, True)

    with Server(database) as server:
        scenario(server, Shell(tmp_path, **environment(database)))
