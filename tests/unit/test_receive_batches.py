"""A request with several events is kept as that many notifications, and answered when all are there."""

import asyncio

import msgspec
import pytest

from paybell.gateways.generic import Generic
from paybell.model.notification import Answer, Batch, Item, Notification, NotificationState, Request, Verdict
from paybell.model.source import Source
from paybell.receive.service import OVERLOADED, ReceiveConfig, ReceiveService
from paybell.testing.pretender import hex_hmac
from tests.contract.stores import World
from tests.unit.steps import Failing, notifications, run
from tests.unit.test_receive_service import SECRET, Inbox

GREETING = Answer(b"hello", b"text/plain")


class Batching(Generic):
    """Each element of a list is an event; one whose text starts with ? is a hint."""

    def accept(self, request: Request, source: Source) -> Verdict:
        events = msgspec.json.decode(request.body, type=list[msgspec.Raw])
        return Batch(tuple(Item(bytes(raw).decode(), bytes(raw), bytes(raw).startswith(b'"?')) for raw in events))

    def greet(self, request: Request, source: Source) -> Answer | None:
        return GREETING if request.query == f"hello={source.uid}" else None


class Door:
    def __init__(self, at: World, store: object = None) -> None:
        self.inbox = Inbox()
        self.hint_count = 0
        self.service = ReceiveService(
            store or at.store,
            {"generic": Batching()},
            at.clock,
            ReceiveConfig(),
            record=self.inbox,
            hint_came=self._hint_came,
        )

    def _hint_came(self) -> None:
        self.hint_count += 1

    async def receive(self, body: bytes) -> Answer:
        signed = (b"x-paybell-signature", hex_hmac(SECRET, body).encode())
        return await self.service.receive("shop", Request(body, (signed,)))


async def kept(at: World) -> dict[bytes, Notification]:
    return {view.notification.body: view.notification for view in await notifications(at)}


def test_each_event_is_kept_with_its_own_bytes_key_and_state() -> None:
    async def scenario(at: World) -> None:
        door = Door(at)
        assert await door.receive(b'[ "a" , {"b":  1.50}, "?c"]') == Batching.about.answer
        found = await kept(at)
        assert found.keys() == {b'"a"', b'{"b":  1.50}', b'"?c"'}
        assert {it.dedupe_key for it in found.values()} == {'"a"', '{"b":  1.50}', '"?c"'}
        assert [it.hint for it in found.values()].count(True) == 1
        assert door.inbox.taken == [found[b'"a"'].id, found[b'{"b":  1.50}'].id]
        assert (door.hint_count, door.service.counts["accepted"]) == (1, 3)
        states = {view.notification.body: view.status.state for view in await notifications(at)}
        assert states == {
            b'"a"': NotificationState.PENDING,
            b'{"b":  1.50}': NotificationState.PENDING,
            b'"?c"': NotificationState.NEEDS_FETCH,
        }

    run(scenario)


def test_what_another_batch_brought_already_is_a_duplicate_by_itself() -> None:
    async def scenario(at: World) -> None:
        door = Door(at)
        await door.receive(b'["a","b"]')
        await door.receive(b'["b","c","c"]')
        assert (await kept(at)).keys() == {b'"a"', b'"b"', b'"c"'}
        assert (door.service.counts["accepted"], door.service.counts["duplicate"]) == (3, 2)
        assert len(door.inbox.taken) == 3

    run(scenario)


def test_a_batch_that_cannot_be_kept_whole_is_not_acknowledged_and_heals_when_it_comes_again() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, Failing(at.store, notification_append=1))
        assert await door.receive(b'["a","b","c"]') == OVERLOADED
        await asyncio.sleep(0)
        assert await door.receive(b'["a","b","c"]') == Batching.about.answer
        assert (await kept(at)).keys() == {b'"a"', b'"b"', b'"c"'}

    run(scenario)


@pytest.mark.parametrize("query", ["", "hello=other"])
def test_a_gateway_greets_only_whom_it_knows(query: str) -> None:
    async def scenario(at: World) -> None:
        door = Door(at)
        assert await door.service.greet("shop", Request(b"", query="hello=shop")) == GREETING
        assert await door.service.greet("shop", Request(b"", query=query)) is None
        assert await door.service.greet("nobody", Request(b"", query="hello=shop")) is None
        down = Door(at, Failing(at.store, source_find=1))
        assert await down.service.greet("shop", Request(b"", query="hello=shop")) == OVERLOADED
        await at.store.source_update(msgspec.structs.replace(at.source, enabled=False))
        assert await door.service.greet("shop", Request(b"", query="hello=shop")) is None
        assert await notifications(at) == []

    run(scenario)
