"""Step 2 on a store in memory: batches, what is set aside, and a store that is unavailable in between."""

import asyncio
from collections.abc import Sequence

import pytest

from paybell.errors import StoreUnavailable
from paybell.gateways import GATEWAYS
from paybell.gateways.generic import Generic
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.fact import Parsed
from paybell.model.notification import Notification, NotificationState
from paybell.model.source import Source
from paybell.ports import Change, PageQuery, Routed
from paybell.record.service import RecordConfig, RecordService
from paybell.route.rules import route_change
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS
from paybell.testing.gateways import gateway
from tests.contract.stores import World
from tests.unit.steps import Failing, notifications, run, turns_until

LEASE_MS = 30_000
RECORDED, PARKED = NotificationState.RECORDED, NotificationState.PARKED


class Faulty(Generic):
    """A gateway's module with a fault: it cannot read what says so."""

    def parse(self, notification: Notification, source: Source) -> Parsed:
        if b"poison" in notification.body:
            raise ZeroDivisionError("a fault")
        return super().parse(notification, source)


class Recorder:
    """The service, and the deliveries it handed on."""

    def __init__(self, at: World, store: object = None, **config: int) -> None:
        self.at = at
        self.deliveries: list[DeliveryJob] = []
        self.unroutable = ""
        self.service = RecordService(
            store or at.store,
            {**GATEWAYS, "generic": Faulty()},
            at.clock,
            RecordConfig(lease_ms=LEASE_MS, **config),
            route=self._route,
            hand_on=self._hand_on,
        )

    def _route(self, change: Change, endpoints: tuple[Endpoint, ...], now_ms: int) -> Routed:
        routed = route_change(change, endpoints, self.at.mint(leased=True))
        if self.unroutable and any(self.unroutable.encode() in it.payload for it in routed.messages):
            raise LookupError("a fault further on")
        return routed

    def _hand_on(self, jobs: Sequence[DeliveryJob]) -> None:
        self.deliveries += jobs

    async def put(self, *kept: Notification) -> None:
        """As receive does: appended under a lease, then handed on."""
        for it in kept:
            await self.at.store.notification_append(appending(it, due_at_ms=START_MS + LEASE_MS))
            self.service.put(it, self.at.source)

    async def paid(self) -> list[str]:
        page = await self.at.store.payment_page(PageQuery(organisation_id=self.at.organisation.id, limit=250))
        return sorted(payment.gateway_payment_id for payment in page.data)


def told(at: World, number: int, *, body: bytes | None = None) -> Notification:
    """The ``number``-th notification: payment ``pay_{number}`` is completed."""
    signed = gateway("generic").signed(
        "payment.completed", payment_id=f"pay_{number}", secret="s", at_s=START_MS // 1000
    )
    return notification(number, organisation_id=at.organisation.id, body=signed.body if body is None else body)


async def states(at: World) -> list[NotificationState]:
    return [view.status.state for view in await notifications(at)]


async def reasons(at: World) -> list[str]:
    return [view.status.reason for view in await notifications(at)]


def test_what_was_handed_on_is_recorded_in_batches_and_its_deliveries_go_on() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, batch_max=2)
        await recorder.put(*(told(at, number) for number in (1, 2, 3)))
        assert [await recorder.service.run_once() for _ in range(3)] == [2, 1, 0]
        assert await recorder.paid() == ["pay_1", "pay_2", "pay_3"]
        assert await states(at) == [RECORDED] * 3
        assert [job.lease_no for job in recorder.deliveries] == [1, 1, 1]
        assert recorder.service.counts == {"recorded": 3, "unmapped": 0, "parked": 0}

    run(scenario)


def test_a_batch_that_the_store_could_not_take_waits_in_its_order() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, Failing(at.store, notification_record=1), batch_max=2)
        await recorder.put(*(told(at, number) for number in (1, 2, 3)))
        with pytest.raises(StoreUnavailable):
            await recorder.service.run_once()
        assert recorder.service.waiting_count == 3
        assert recorder.deliveries == []
        assert [await recorder.service.run_once() for _ in range(3)] == [2, 1, 0]
        assert await recorder.paid() == ["pay_1", "pay_2", "pay_3"]
        assert len(recorder.deliveries) == 3
        assert [job.payload.count(b"pay_1") > 0 for job in recorder.deliveries] == [True, False, False]

    run(scenario)


def test_the_loop_outlives_a_store_that_is_unavailable() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, Failing(at.store, notification_record=2), batch_max=2)
        await recorder.put(told(at, 1))
        before = at.clock.sleeper_count
        running = asyncio.create_task(recorder.service.run())
        for _ in range(2):
            await turns_until(lambda: at.clock.sleeper_count > before)
            at.clock.advance(0.5)
        await turns_until(lambda: bool(recorder.deliveries))
        recorder.service.drain()
        await running
        assert await states(at) == [RECORDED]

    run(scenario)


def test_poison_is_parked_with_its_reason_and_the_rest_flows() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at)
        recorder.unroutable = "pay_4"
        await recorder.put(
            told(at, 1),
            told(at, 2, body=b"poison"),
            told(at, 3, body=b'{"data": '),
            told(at, 4),
            told(at, 5),
        )
        assert await recorder.service.run_once() == 5
        assert await recorder.paid() == ["pay_1", "pay_5"]
        assert await states(at) == [RECORDED, PARKED, PARKED, PARKED, RECORDED]
        found = await reasons(at)
        assert "a fault in the gateway's module (ZeroDivisionError)" in found[1]
        assert found[2]
        assert "could not be recorded (LookupError): a fault further on" in found[3]
        assert recorder.service.counts == {"recorded": 2, "unmapped": 0, "parked": 3}
        assert len(recorder.deliveries) == 2

    run(scenario)


def test_a_store_that_fails_while_poison_is_looked_for_loses_nothing_and_doubles_nothing() -> None:
    async def scenario(at: World) -> None:
        failing = Failing(at.store, notification_record=0)
        recorder = Recorder(at, failing)
        recorder.unroutable = "pay_2"
        await recorder.put(*(told(at, number) for number in (1, 2, 3)))
        record, calls = at.store.notification_record, 0

        async def third_fails(*args: object) -> object:
            nonlocal calls
            calls += 1
            if calls == 3:  # all, pay_1 alone, and now pay_2 alone
                raise StoreUnavailable("the disk is full")
            return await record(*args)

        failing._store = type("Third", (), {"notification_record": staticmethod(third_fails)})
        with pytest.raises(StoreUnavailable):
            await recorder.service.run_once()
        assert recorder.service.waiting_count == 3
        await recorder.service.run_once()
        assert await states(at) == [RECORDED, PARKED, RECORDED]
        assert len(recorder.deliveries) == 2
        assert len({job.message_id for job in recorder.deliveries}) == 2

    run(scenario)


def test_what_says_nothing_of_a_payment_is_unmapped() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at)
        await recorder.put(told(at, 1, body=b'{"event": "greeting.sent", "data": {}}'))
        await recorder.service.run_once()
        assert await states(at) == [NotificationState.UNMAPPED]
        assert await reasons(at) == ["there is no payment id at 'paymentIdPointer'"]
        assert recorder.deliveries == []

    run(scenario)


def test_a_notification_whose_source_is_gone_is_parked() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at)
        await at.store.notification_append(appending(told(at, 1)))
        await at.store.source_delete(at.organisation.id, at.source.id)
        assert await recorder.service.run_once() == 1
        assert await states(at) == [PARKED]
        assert "its source is gone" in (await reasons(at))[0]

    run(scenario)


def test_what_a_crash_left_is_claimed_when_its_lease_is_over() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, batch_max=2)
        for number in range(1, 6):
            await at.store.notification_append(appending(told(at, number), due_at_ms=START_MS + LEASE_MS))
        assert await recorder.service.run_once() == 0
        at.clock.advance(LEASE_MS / 1000)
        assert await recorder.service.run_once() == 0  # nobody said that there is something to look for
        recorder.service.wake()
        assert [await recorder.service.run_once() for _ in range(4)] == [2, 2, 1, 0]
        assert await states(at) == [RECORDED] * 5

    run(scenario)


def test_what_is_handed_on_comes_before_what_is_due_in_the_store() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at)
        await at.store.notification_append(appending(told(at, 1)))
        await recorder.put(told(at, 2))
        await recorder.service.run_once()
        assert await recorder.paid() == ["pay_2"]
        await recorder.service.run_once()
        assert await recorder.paid() == ["pay_1", "pay_2"]

    run(scenario)


def test_a_stop_records_what_was_handed_on_and_leaves_the_rest_in_the_store() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, batch_max=2)
        await at.store.notification_append(appending(told(at, 9)))
        await recorder.put(*(told(at, number) for number in (1, 2, 3)))
        recorder.service.drain()
        await recorder.service.run()
        assert await recorder.paid() == ["pay_1", "pay_2", "pay_3"]
        assert len(recorder.deliveries) == 3
        (left,) = await notifications(at, NotificationState.PENDING)
        assert left.status.due_at_ms == START_MS

    run(scenario)


def test_room_in_memory_is_limited() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, waiting_max=2)
        await recorder.put(told(at, 1))
        assert recorder.service.has_room()
        await recorder.put(told(at, 2))
        assert not recorder.service.has_room()
        await recorder.service.run_once()
        assert recorder.service.has_room()

    run(scenario)


def test_the_same_one_handed_on_twice_is_recorded_once() -> None:
    async def scenario(at: World) -> None:
        recorder = Recorder(at, batch_max=1)
        one = told(at, 1)
        await recorder.put(one, one)
        assert [await recorder.service.run_once() for _ in range(2)] == [1, 1]
        assert len(recorder.deliveries) == 1
        assert recorder.service.counts["recorded"] == 1

    run(scenario)
