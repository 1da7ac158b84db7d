"""Step 5 on a store in memory, with an API that says what it is told."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from paybell.gateways import GATEWAYS
from paybell.gateways.ippopay import IppoPay
from paybell.model.delivery import Answered, Failed
from paybell.model.notification import Notification, NotificationState, Origin
from paybell.model.source import Source
from paybell.ports import FetchPlan, NotificationView
from paybell.reconcile.rules import CREDENTIALS_DELAY_S, RETRY_DELAYS_S
from paybell.reconcile.service import ReconcileConfig, ReconcileService
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS
from paybell.testing.samples.ippopay import ippopay_transaction
from tests.contract.stores import World
from tests.unit.steps import Failing, Wire, notifications, run, turns_until

LEASE_MS = 60_000
KEYS = {"publicKey": "pk_test", "secretKey": "sk_test", "baseUrl": "https://api.example.com"}
DOWN = Failed(phase="connect", reason="refused")
NEEDS_FETCH, FETCHED, PARKED = NotificationState.NEEDS_FETCH, NotificationState.FETCHED, NotificationState.PARKED


class Faulty(IppoPay):
    """A gateway's module with a fault."""

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        if b"poison" in notification.body:
            raise ZeroDivisionError("a fault")
        return super().plan_fetch(notification, source)


class Desk:
    """The service, the API's end of the wire, and what was handed to record."""

    def __init__(self, at: World, *outcomes: Answered | Failed, store: object = None) -> None:
        self.at = at
        self.wire = Wire(*outcomes)
        self.handed: list[Notification] = []
        self.service = ReconcileService(
            store or at.store,
            {**GATEWAYS, "ippopay": Faulty()},
            self.wire,
            at.clock,
            ReconcileConfig(lease_ms=LEASE_MS),
            record=self,
        )

    def put(self, notification: Notification, source: Source) -> None:
        self.handed.append(notification)

    async def hint(self, number: int = 1, body: bytes = b'{"order_id": "order_1"}') -> None:
        """As receive keeps it; the same number again is the same hint again."""
        kept = notification(
            number,
            id=self.at.clock.new_id("ntf"),
            organisation_id=self.at.organisation.id,
            source_id="src_2",
            hint=True,
            body=body,
            received_at_ms=self.at.clock.now_ms(),
        )
        await self.at.store.notification_append(appending(kept, NEEDS_FETCH, due_at_ms=self.at.clock.now_ms()))

    async def hints(self) -> Sequence[NotificationView]:
        return [view for view in await notifications(self.at) if view.notification.hint]

    async def answers(self) -> Sequence[NotificationView]:
        return [view for view in await notifications(self.at) if view.notification.origin is Origin.POLL]


def asking(scenario: object, **options: str) -> None:
    """Run a scenario in a world that has a source whose webhooks are hints."""

    async def with_source(at: World) -> None:
        source = msgspec.structs.replace(
            at.source, id="src_2", uid="ippo", gateway="ippopay", secrets=(), token="t" * 32, options=options or KEYS
        )
        await at.store.source_create(source)
        await scenario(at)

    run(with_source)


def answered(status: str = "success", order_id: str = "order_1", at_s: int = START_MS // 1000) -> Answered:
    body = ippopay_transaction(order_id=order_id, trans_id="trans_1", status=status, paid="450.00", at_s=at_s)
    return Answered(status_code=200, body=body)


def test_the_truth_is_fetched_kept_and_handed_to_record() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered())
        await desk.hint()
        assert [await desk.service.run_once(), await desk.service.run_once()] == [1, 0]
        (sent,) = desk.wire.sent
        assert (sent.method, sent.url) == ("GET", "https://api.example.com/v1/order/order_1/transaction")
        (hint,) = await desk.hints()
        (answer,) = await desk.answers()
        assert hint.status.state is FETCHED
        assert answer.notification.body == answered().body
        assert answer.notification.headers[-1] == ("paybell-hint", hint.notification.id)
        assert (answer.status.state, answer.status.due_at_ms) == (NotificationState.PENDING, START_MS + LEASE_MS)
        assert [it.id for it in desk.handed] == [answer.notification.id]
        assert desk.service.counts == {"fetched": 1, "postponed": 0, "parked": 0}

    asking(scenario)


def test_a_hint_is_asked_about_for_days_and_then_parked() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, DOWN)
        await desk.hint()
        for planned_s in RETRY_DELAYS_S:
            asked_at_ms = at.clock.now_ms()
            assert await desk.service.run_once() == 1
            ((_, status),) = [(it.notification, it.status) for it in await desk.hints()]
            assert status.state is NEEDS_FETCH
            assert status.reason == "the gateway's API could not be asked: connect: refused"
            assert 0.9 * planned_s <= (status.due_at_ms - asked_at_ms) / 1000 <= 1.1 * planned_s
            at.clock.set(status.due_at_ms - 1)
            assert await desk.service.run_once() == 0
            at.clock.set(status.due_at_ms)
        assert await desk.service.run_once() == 1
        (hint,) = await desk.hints()
        assert (hint.status.state, hint.status.attempt_count) == (PARKED, 10)
        assert "after 10 tries; replay it to ask again" in hint.status.reason
        assert len(desk.wire.sent) == 10
        assert desk.handed == []
        assert desk.service.counts == {"fetched": 0, "postponed": 9, "parked": 1}

    asking(scenario)


@pytest.mark.parametrize(
    ("outcome", "words", "kept_count"),
    [
        (Answered(status_code=401), "refused the credentials (401)", 0),
        (Answered(status_code=503), "answered 503", 0),
        (Answered(status_code=200, body=b"<html>"), "unreadable answer", 0),
        (answered(order_id="order_of_somebody_else"), "the answer is about another order", 1),
    ],
)
def test_an_answer_that_settles_nothing_is_said_and_asked_again(outcome: Answered, words: str, kept_count: int) -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, outcome, answered())
        await desk.hint()
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert hint.status.state is NEEDS_FETCH
        assert words in hint.status.reason
        assert len(desk.handed) == kept_count
        at.clock.advance(6)
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert hint.status.state is FETCHED
        assert len(desk.handed) == kept_count + 1

    asking(scenario)


def test_an_answer_that_is_not_final_is_recorded_and_asked_again() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered("pending"), answered("pending"), answered("success"))
        await desk.hint()
        for _ in range(3):
            await desk.service.run_once()
            at.clock.advance(40)
        (hint,) = await desk.hints()
        assert hint.status.state is FETCHED
        assert len(desk.wire.sent) == 3
        assert len(desk.handed) == 2  # the second answer said the same as the first

    asking(scenario)


def test_without_credentials_nothing_is_asked_and_the_hint_says_so() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered())
        await desk.hint()
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert hint.status.state is NEEDS_FETCH
        assert "no API credentials" in hint.status.reason
        assert hint.status.due_at_ms == START_MS + CREDENTIALS_DELAY_S * 1000
        assert desk.wire.sent == []
        source = await at.store.source_get("src_2")
        await at.store.source_update(msgspec.structs.replace(source, options=KEYS))
        at.clock.advance(CREDENTIALS_DELAY_S)
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert hint.status.state is FETCHED

    asking(scenario, baseUrl="https://api.example.com")


def test_the_same_hint_again_while_it_is_asked_about_is_asked_about_again() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered("pending"), answered("success"))
        desk.wire.outcomes = [answered("success"), answered("success", at_s=START_MS // 1000 + 60)]
        desk.wire.hold()
        await desk.hint()
        asked = asyncio.create_task(desk.service.run_once())
        await desk.wire.wait_until_sent(1)
        await desk.hint()
        desk.wire.release()
        await asked
        (hint,) = await desk.hints()
        assert hint.status.state is NEEDS_FETCH  # that answer may have been given before it came again
        assert await desk.service.run_once() == 1
        (hint,) = await desk.hints()
        assert hint.status.state is FETCHED
        assert len(desk.wire.sent) == 2
        assert len({it.id for it in desk.handed}) == len(desk.handed) >= 1

    asking(scenario)


def test_a_hint_that_cannot_be_read_is_parked_at_once() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered())
        await desk.hint(body=b'{"order_id": "../.."}')
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert hint.status.state is PARKED
        assert "no order id can be read" in hint.status.reason
        assert desk.wire.sent == []

    asking(scenario)


def test_a_fault_in_a_gateways_module_stops_no_other_question() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered())
        await desk.hint(1, body=b"poison")
        await desk.hint(2)
        assert await desk.service.run_once() == 2
        poisoned, other = await desk.hints()
        assert poisoned.status.state is NEEDS_FETCH
        assert "a fault in the gateway's module (ZeroDivisionError)" in poisoned.status.reason
        assert other.status.state is FETCHED

    asking(scenario)


def test_a_hint_whose_source_is_gone_is_no_longer_asked_about() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered())
        await desk.hint()
        await at.store.source_delete(at.organisation.id, "src_2")
        await desk.service.run_once()
        (hint,) = await desk.hints()
        assert "its source is gone" in hint.status.reason
        assert desk.wire.sent == []

    asking(scenario)


def test_an_outcome_that_could_not_be_kept_is_asked_for_again_when_its_lease_is_over() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered(), store=Failing(at.store, fetch_finish=1))
        await desk.hint(1)
        await desk.hint(2, body=b'{"order_id": "order_1", "again": true}')
        assert await desk.service.run_once() == 2
        assert sorted(it.status.state for it in await desk.hints()) == [FETCHED, NEEDS_FETCH]
        assert await desk.service.run_once() == 0
        at.clock.advance(LEASE_MS / 1000)
        assert await desk.service.run_once() == 1
        assert [it.status.state for it in await desk.hints()] == [FETCHED, FETCHED]
        assert len(desk.handed) == 1  # both were asked about the same order, which had not changed

    asking(scenario)


def test_the_loop_outlives_a_store_that_is_unavailable() -> None:
    async def scenario(at: World) -> None:
        desk = Desk(at, answered(), store=Failing(at.store, fetch_claim=1, fetch_finish=1))
        await desk.hint()
        running = asyncio.create_task(desk.service.run())
        desk.service.wake()
        await desk.wire.wait_until_sent(1)
        at.clock.advance(LEASE_MS / 1000)
        desk.service.wake()
        await turns_until(lambda: bool(desk.handed))
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    asking(scenario)


def test_a_lease_that_a_slow_api_would_outlast_is_no_setting() -> None:
    with pytest.raises(ValueError, match="at least twice timeout_s"):
        ReconcileConfig(timeout_s=15, lease_ms=29_999)
