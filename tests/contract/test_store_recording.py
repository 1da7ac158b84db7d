"""Facts, payments, messages and deliveries are written together, once, whoever comes first."""

import asyncio
from typing import Any

import msgspec
import pytest

from paybell.errors import NotFound
from paybell.model.delivery import DeliveryState
from paybell.model.fact import Fact, Kind
from paybell.model.notification import NotificationState
from paybell.model.payment import Payment, PaymentStatus
from paybell.ports import AttemptNew, Book, Changes, NotificationOutcome, PageQuery, Reading
from paybell.testing.builders import appending, attempt, fact, notification, reading
from tests.contract.stores import Place, World, claim_due, run

CAPTURED = fact(Kind.CAPTURED, "ch_1", 100)
REFUNDED = fact(Kind.REFUND_SUCCEEDED, "re_1", 40, at_s=5)


async def arrive(world: World, *numbers: int) -> None:
    for number in numbers:
        await world.store.notification_append(appending(notification(number, organisation_id=world.organisation.id)))


def told(world: World, number: int, *facts: Fact, **given: Any) -> Reading:
    plain = reading(*facts, number=number, **given)
    return Reading(notification=plain.notification, source=world.source, parsed=plain.parsed, error=plain.error)


async def the_payment(world: World) -> Payment:
    (payment,) = (await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))).data
    return payment


async def state_of(world: World, number: int) -> NotificationState:
    view = await world.store.notification_get(world.organisation.id, notification(number).id)
    return view.status.state


async def count(world: World, name: str) -> int:
    return (await world.store.status()).counts.get(name, 0)


def test_a_payment_its_message_and_its_delivery_appear_together(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, CAPTURED)])
        payment = await the_payment(world)
        assert payment.state.status is PaymentStatus.COMPLETED
        assert payment == await world.store.payment_get(world.organisation.id, payment.id)
        assert await state_of(world, 1) is NotificationState.RECORDED
        assert [await count(world, it) for it in ("facts", "messages", "deliveries.due")] == [1, 1, 1]

    run(place, scenario)


def test_recording_the_same_notification_again_changes_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, CAPTURED)])
        before = await world.store.status()
        await world.record([told(world, 1, CAPTURED)])
        assert (await world.store.status()).counts == before.counts

    run(place, scenario)


def test_a_late_recorder_adds_nothing_to_what_has_ended(place: Place) -> None:
    """It read the notification, slept past its lease, and another has parked it meanwhile."""

    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, error="unreadable")])
        await world.record([told(world, 1, CAPTURED)])
        assert await state_of(world, 1) is NotificationState.PARKED
        assert [await count(world, it) for it in ("facts", "messages")] == [0, 0]

    run(place, scenario)


def test_two_recorders_of_the_same_notification_have_one_effect(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await asyncio.gather(*(world.record([told(world, 1, CAPTURED)]) for _ in range(8)))
        assert (await the_payment(world)).state.version == 1
        assert [await count(world, it) for it in ("facts", "messages", "deliveries.due")] == [1, 1, 1]

    run(place, scenario)


def test_recorders_of_one_payment_lose_no_update(place: Place) -> None:
    async def scenario(world: World) -> None:
        numbers = range(1, 41)
        await arrive(world, *numbers)
        refunds = {number: fact(Kind.REFUND_SUCCEEDED, f"re_{number}", 1, at_s=number) for number in numbers}
        await asyncio.gather(
            *(world.record([told(world, number, CAPTURED, refund)]) for number, refund in refunds.items())
        )
        payment = await the_payment(world)
        assert (payment.state.refunded_minor, payment.state.version) == (40, 41)

    run(place, scenario)


def test_recorders_of_many_payments_in_opposite_orders_all_get_through(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, *range(1, 21))

        def batch(number: int) -> list[Reading]:
            names = [f"pi_{name}" for name in range(10)]
            ordered = names if number % 2 else names[::-1]
            facts = [fact(Kind.CAPTURED, f"ch_{number}", number, aggregate=name) for name in ordered]
            return [told(world, number, *facts)]

        await asyncio.gather(*(world.record(batch(number)) for number in range(1, 21)))
        page = await world.store.payment_page(PageQuery(organisation_id=world.organisation.id))
        assert [it.state.captured_minor for it in page.data] == [sum(range(1, 21))] * 10

    run(place, scenario)


def test_the_book_holds_what_earlier_transactions_wrote(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        await world.record([told(world, 1, REFUNDED)])
        first = await the_payment(world)
        await world.record([told(world, 2, CAPTURED)])
        second = await the_payment(world)
        assert (first.id, second.state.version) == (second.id, 2)
        assert second.state.status is PaymentStatus.PARTIALLY_REFUNDED

    run(place, scenario)


def test_a_decision_that_raises_leaves_nothing_behind_and_harms_no_other(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)

        def fail(book: Book) -> Changes:
            raise ValueError(str(len(book.readings)))

        spoilt = world.store.notification_record([told(world, 1, CAPTURED)], fail)
        fine = world.record([told(world, 2, fact(Kind.CAPTURED, "ch_2", 5, aggregate="pi_2"))])
        outcomes = await asyncio.gather(spoilt, fine, return_exceptions=True)
        assert isinstance(outcomes[0], ValueError)
        assert await state_of(world, 1) is NotificationState.PENDING
        assert await state_of(world, 2) is NotificationState.RECORDED
        assert await count(world, "facts") == 1

    run(place, scenario)


def test_a_write_that_fails_halfway_leaves_nothing_behind(place: Place) -> None:
    """Two messages with one id: the second insert fails after facts and payments were written."""

    async def scenario(world: World) -> None:
        await arrive(world, 1)
        changes: list[Changes] = []

        def spoil(book: Book) -> Changes:
            good = world.decide(book)
            changes.append(good)
            return Changes(facts=good.facts, payments=good.payments, messages=good.messages * 2, outcomes=good.outcomes)

        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await world.store.notification_record([told(world, 1, CAPTURED)], spoil)
        assert changes[0].facts
        assert [await count(world, it) for it in ("facts", "messages", "notifications.pending")] == [0, 0, 1]
        await world.record([told(world, 1, CAPTURED)])
        assert await state_of(world, 1) is NotificationState.RECORDED

    run(place, scenario)


def test_what_cannot_be_read_is_parked_and_what_says_nothing_is_unmapped(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2, 3)
        readings = [
            told(world, 1, error="not JSON"),
            told(world, 2, reason="no such event", event="odd.event"),
            told(world, 3, CAPTURED),
        ]
        await world.record(readings)
        parked, unmapped, recorded = [
            (await world.store.notification_get(world.organisation.id, notification(number).id)).status
            for number in (1, 2, 3)
        ]
        assert (parked.state, parked.reason) == (NotificationState.PARKED, "not JSON")
        assert (unmapped.state, unmapped.event) == (NotificationState.UNMAPPED, "odd.event")
        assert recorded.state is NotificationState.RECORDED

    run(place, scenario)


def test_payments_are_found_by_every_filter_and_by_nobody_else(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        order = fact(Kind.PAYMENT_CREATED, "", 100, detail={"order_id": "ord_7"})
        await world.record([told(world, 1, order), told(world, 2, fact(Kind.CAPTURED, "c", 5, aggregate="pi_2"))])
        org = world.organisation.id
        found = {
            "source_id": ("src_1", 2),
            "gateway_payment_id": ("pi_1", 1),
            "order_id": ("ord_7", 1),
            "status": ("completed", 1),
        }
        for name, (value, expected) in found.items():
            page = await world.store.payment_page(PageQuery(organisation_id=org, filters={name: value}))
            assert len(page.data) == expected, name
            none = await world.store.payment_page(PageQuery(organisation_id=org, filters={name: "nothing"}))
            foreign = await world.store.payment_page(PageQuery(organisation_id="org_other", filters={name: value}))
            assert (none.data, foreign.data) == ((), ()), name
        both = {"status": "completed", "gateway_payment_id": "pi_1", "order_id": "ord_7", "source_id": "src_1"}
        assert (await world.store.payment_page(PageQuery(organisation_id=org, filters=both))).data == ()
        payment = await world.store.payment_page(PageQuery(organisation_id=org, limit=1))
        with pytest.raises(NotFound):
            await world.store.payment_get("org_other", payment.data[0].id)

    run(place, scenario)


def test_the_timeline_tells_everything_in_order(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        await world.record([told(world, 1, CAPTURED)])
        world.clock.advance(1)
        await world.record([told(world, 2, REFUNDED)])
        payment = await the_payment(world)
        entries = await world.store.payment_timeline(world.organisation.id, payment.id)
        kinds = [entry.kind for entry in entries]
        assert kinds.count("notification") == kinds.count("fact") == 2
        assert {"message", "delivery"} <= set(kinds)
        assert [entry.at_ms for entry in entries] == sorted(entry.at_ms for entry in entries)
        with pytest.raises(NotFound):
            await world.store.payment_timeline("org_other", payment.id)

    run(place, scenario)


def test_the_timeline_tells_of_each_delivery_and_its_attempts(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, CAPTURED)])
        now_ms = world.clock.now_ms()
        (job,) = await claim_due(world.store, now_ms, now_ms + 9, limit=1)
        tried = attempt(job, started_at_ms=now_ms + 1)
        ended = AttemptNew(attempt=tried, lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None)
        assert await world.store.attempt_append(ended)
        payment = await the_payment(world)
        entries = await world.store.payment_timeline(world.organisation.id, payment.id)
        assert (entries[-1].kind, entries[-1].id, entries[-1].at_ms) == ("attempt", tried.id, now_ms + 1)
        assert job.id in [entry.id for entry in entries if entry.kind == "delivery"]

    run(place, scenario)


def test_an_outcome_for_what_has_ended_is_not_written(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, error="unreadable")])
        late = NotificationOutcome(notification_id=notification(1).id, state=NotificationState.RECORDED)
        await world.store.notification_record([], lambda _: Changes(outcomes=(late,)))
        assert await state_of(world, 1) is NotificationState.PARKED

    run(place, scenario)


def test_one_gateway_id_is_never_two_payments(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)

        def spoil(book: Book) -> Changes:
            good = world.decide(book)
            twin = msgspec.structs.replace(good.payments[0], id="pay_twin")
            return msgspec.structs.replace(good, payments=(*good.payments, twin))

        with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
            await world.store.notification_record([told(world, 1, CAPTURED)], spoil)
        assert await state_of(world, 1) is NotificationState.PENDING
        assert await count(world, "facts") == 0

    run(place, scenario)
