"""Step 1 on a store in memory: what is kept, what is answered, what is handed on."""

import asyncio
from collections.abc import Sequence

import msgspec

from paybell.gateways import GATEWAYS
from paybell.model.notification import Notification, NotificationState, Request
from paybell.model.source import Source
from paybell.ports import PageQuery, ReceiveStore
from paybell.receive.service import OVERLOADED, REFUSED, UNKNOWN_SOURCE, ReceiveConfig, ReceiveService
from paybell.testing.builders import source
from paybell.testing.fake_clock import START_MS
from paybell.testing.gateways import gateway
from tests.contract.stores import World
from tests.unit.steps import Failing, notifications, run

SECRET = source().secrets[0]


class Inbox:
    """The next step's door, with room for so many."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.taken: list[str] = []
        self.wake_count = 0

    def has_room(self) -> bool:
        return len(self.taken) < self.room

    def put(self, notification: Notification, source: Source) -> None:
        self.taken.append(notification.id)

    def wake(self) -> None:
        self.wake_count += 1


class Held:
    """A store that appends when it is let."""

    def __init__(self, store: ReceiveStore) -> None:
        self._store = store
        self.free = asyncio.Event()
        self.source_find = store.source_find

    async def notification_append(self, new: object) -> object:
        await self.free.wait()
        return await self._store.notification_append(new)


class Door:
    """The service, and what it told the steps after it."""

    def __init__(self, at: World, *, store: object = None, inbox: Inbox | None = None, **config: int) -> None:
        self.inbox = inbox
        self.hints: list[None] = []
        self.service = ReceiveService(
            store or at.store,
            GATEWAYS,
            at.clock,
            ReceiveConfig(**config),
            record=inbox,
            hint_came=lambda: self.hints.append(None),
        )

    async def receive(self, request: Request, name: str = "shop") -> object:
        return await self.service.receive(name, request)

    def counted(self) -> dict[str, int]:
        return {name: count for name, count in self.service.counts.items() if count}


def webhook(payment_id: str = "pay_1", secret: str = SECRET) -> Request:
    signed = gateway("generic").signed("payment.completed", payment_id=payment_id, secret=secret, at_s=START_MS // 1000)
    return Request(signed.body, tuple((name.encode(), value.encode()) for name, value in signed.headers))


async def states(at: World) -> Sequence[tuple[NotificationState, int | None]]:
    return [(view.status.state, view.status.due_at_ms) for view in await notifications(at)]


def test_what_is_verified_is_kept_and_handed_on_under_a_lease() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, inbox=Inbox(), lease_ms=30_000)
        assert await door.receive(webhook()) == GATEWAYS["generic"].about.answer
        (kept,) = await notifications(at)
        assert door.inbox.taken == [kept.notification.id]
        assert await states(at) == [(NotificationState.PENDING, START_MS + 30_000)]
        assert door.counted() == {"received": 1, "accepted": 1}

    run(scenario)


def test_without_room_it_is_due_in_the_store_at_once() -> None:
    async def scenario(at: World) -> None:
        full, alone = Door(at, inbox=Inbox(room=0)), Door(at)
        await full.receive(webhook("pay_1"))
        await alone.receive(webhook("pay_2"))
        assert await states(at) == [(NotificationState.PENDING, START_MS)] * 2
        assert (full.inbox.taken, full.inbox.wake_count) == ([], 1)

    run(scenario)


def test_a_duplicate_is_answered_alike_and_handed_on_once() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, inbox=Inbox())
        first, second = await door.receive(webhook()), await door.receive(webhook())
        assert first == second == GATEWAYS["generic"].about.answer
        assert len(door.inbox.taken) == len(await notifications(at)) == 1
        assert door.counted() == {"received": 2, "accepted": 1, "duplicate": 1}

    run(scenario)


def test_beyond_the_limit_of_those_that_wait_it_says_to_come_back() -> None:
    async def scenario(at: World) -> None:
        held = Held(at.store)
        door = Door(at, store=held, inbox=Inbox(), waiting_max=3)
        waiting = [asyncio.create_task(door.receive(webhook(f"pay_{number}"))) for number in range(3)]
        await asyncio.wait(waiting, timeout=0)
        assert door.service.waiting_count == 3
        assert await door.receive(webhook("pay_9")) == OVERLOADED
        held.free.set()
        assert await asyncio.gather(*waiting) == [GATEWAYS["generic"].about.answer] * 3
        assert door.service.waiting_count == 0
        assert await door.receive(webhook("pay_9")) == GATEWAYS["generic"].about.answer
        assert door.counted() == {"received": 5, "accepted": 4, "overloaded": 1}

    run(scenario)


def test_what_the_store_cannot_keep_is_not_acknowledged_and_not_handed_on() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, store=Failing(at.store, notification_append=1, source_find=0), inbox=Inbox())
        assert await door.receive(webhook()) == OVERLOADED
        assert door.inbox.taken == []
        assert await notifications(at) == []
        assert await door.receive(webhook()) == GATEWAYS["generic"].about.answer
        assert door.counted() == {"received": 2, "accepted": 1, "overloaded": 1}
        assert door.service.waiting_count == 0

    run(scenario)


def test_a_source_that_cannot_be_looked_up_is_no_unknown_source() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, store=Failing(at.store, source_find=1))
        assert await door.receive(webhook()) == OVERLOADED
        assert await door.receive(webhook(), name="nobody") == UNKNOWN_SOURCE

    run(scenario)


def test_a_source_of_a_gateway_that_this_program_does_not_know_is_unknown() -> None:
    async def scenario(at: World) -> None:
        await at.store.source_create(msgspec.structs.replace(at.source, id="src_2", uid="old", gateway="gone"))
        assert await Door(at).receive(webhook(), name="old") == UNKNOWN_SOURCE

    run(scenario)


def test_a_flood_of_forgeries_leaves_one_sample_a_second() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, refusals_kept_max=2)

        async def samples() -> int:
            return len((await at.store.refusal_page(PageQuery(organisation_id=at.organisation.id))).data)

        for _ in range(5):
            assert await door.receive(webhook(secret="a-guess-of-somebody")) == REFUSED
        assert await samples() == 1
        for expected in (2, 2, 2):
            at.clock.advance(1)
            assert await door.receive(webhook(secret="a-guess-of-somebody")) == REFUSED
            assert await samples() == expected
        assert door.counted() == {"received": 8, "refused": 8}
        assert await notifications(at) == []

    run(scenario)


def test_a_forgery_is_refused_also_while_no_sample_can_be_kept() -> None:
    async def scenario(at: World) -> None:
        door = Door(at, store=Failing(at.store, refusal_append=1))
        assert await door.receive(webhook(secret="a-guess-of-somebody")) == REFUSED

    run(scenario)


def test_a_source_that_is_switched_off_takes_nothing() -> None:
    async def scenario(at: World) -> None:
        await at.store.source_update(msgspec.structs.replace(at.source, enabled=False))
        assert await Door(at).receive(webhook()) == REFUSED
        assert await notifications(at) == []

    run(scenario)


def test_a_hint_waits_for_its_truth_and_is_not_handed_to_record() -> None:
    async def scenario(at: World) -> None:
        ippo = source(
            id="src_2", organisation_id=at.organisation.id, uid="ippo", gateway="ippopay", token="t" * 32, options={}
        )
        await at.store.source_create(ippo)
        door = Door(at, inbox=Inbox())
        hint = Request(b'{"order_id": "order_1"}', (), "t" * 32)
        for _ in range(2):
            assert await door.receive(hint, name="ippo") == GATEWAYS["ippopay"].about.answer
        assert await states(at) == [(NotificationState.NEEDS_FETCH, START_MS)]
        assert len(door.hints) == 2  # the second one opens the question again
        assert (door.inbox.taken, door.inbox.wake_count) == ([], 0)

    run(scenario)
