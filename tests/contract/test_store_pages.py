"""Every list: each row once, newest first, only those asked for, and never another organisation's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
import pytest

from paybell.model.delivery import DeliveryState, Standing
from paybell.model.fact import Fact, Kind
from paybell.model.notification import Refusal, RefusalReason
from paybell.model.source import Source
from paybell.ports import BACK, AttemptCount, AttemptNew, MessageNew, Page, PageQuery, Reading
from paybell.testing.builders import appending, application, attempt, delivery, fact, message, notification, reading
from paybell.testing.builders import source as a_source
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, claim_due, run

COUNT = 7
APP = {"application_id": "app_1"}


class Named(Protocol):
    @property
    def id(self) -> str: ...


Turn = Callable[[PageQuery], Awaitable[Page[Any]]]


async def walk(turn: Turn, organisation_id: str, filters: Mapping[str, str], limit: int) -> list[Any]:
    """All rows, page by page; checks that each page says rightly where it begins and whether it is the last."""
    seen: list[Any] = []
    iterator, done = "", False
    while not done:
        page = await turn(PageQuery(organisation_id=organisation_id, limit=limit, iterator=iterator, filters=filters))
        if not page.data:
            assert (page.iterator, page.prev_iterator, page.done, seen) == ("", "", True, [])
            return []
        assert (page.prev_iterator, page.iterator) == (BACK + id_of(page.data[0]), id_of(page.data[-1]))
        assert page.done or len(page.data) == limit
        seen += page.data
        iterator, done = page.iterator, page.done
    beyond = PageQuery(organisation_id=organisation_id, limit=limit, iterator=iterator, filters=filters)
    assert (await turn(beyond)).data == ()
    return seen


async def walk_back(turn: Turn, query: PageQuery) -> list[Any]:
    """All rows before the iterator, from the last to the first, by the pages' ways back."""
    seen: list[Any] = []
    while True:
        page = await turn(query)
        seen += reversed(page.data)
        if page.done:
            return seen
        assert len(page.data) == query.limit
        query = msgspec.structs.replace(query, iterator=page.prev_iterator)


def id_of(row: Any) -> str:
    named: Named = getattr(row, "notification", getattr(row, "message", row))
    return named.id


async def fill(world: World) -> None:
    """Seven of everything: two sources, two endpoints, two orders; the last payment is canceled."""
    org = world.organisation.id
    await world.store.source_create(a_source(id="src_2", uid="kiosk", organisation_id=org))
    await world.store.endpoint_create(world.an_endpoint("ep_2"))
    await world.store.application_create(application(id="app_2", organisation_id=org))
    for number in range(1, COUNT + 1):
        await record(world, number, a_source(id=f"src_{1 + number % 2}", organisation_id=org))
        await refuse(world, number)
        await post(world, number)
    await deliver(world)


async def record(world: World, number: int, source: Source) -> None:
    kept = notification(number, organisation_id=source.organisation_id, source_id=source.id)
    await world.store.notification_append(appending(kept))
    name = f"pi_{number}"
    order = {"order_id": "ord_even" if number % 2 == 0 else "ord_odd"}
    facts: list[Fact] = [fact(Kind.PAYMENT_CREATED, "", 100, aggregate=name, detail=order)]
    facts.append(
        fact(Kind.CAPTURED, "ch", 100, at_s=1, aggregate=name)
        if number < COUNT
        else fact(Kind.CANCELED, at_s=1, aggregate=name)
    )
    plain = reading(*facts, number=number)
    world.clock.advance(1)
    await world.record([Reading(notification=kept, source=source, parsed=plain.parsed)])


async def refuse(world: World, number: int) -> None:
    await world.store.refusal_append(
        Refusal(
            id=f"rfs_{number:03d}",
            source_id=f"src_{1 + number % 2}",
            organisation_id=world.organisation.id,
            refused_at_ms=START_MS + number,
            reason=RefusalReason.SIGNATURE_MISMATCH,
            detail="",
            headers=(),
            body=b"forged",
        ),
        keep_max=100,
    )


async def post(world: World, number: int) -> None:
    kind = "refund.failed" if number % 2 else "payment.completed"
    channels = frozenset({"third", "a-b"} if number % 3 == 0 else ())
    told = message(number, organisation_id=world.organisation.id, event_type=kind, channels=channels)
    jobs = tuple(
        delivery(told, 2 * number + which, endpoint_id=f"ep_{1 + which}", due_at_ms=START_MS - 1000 + number)
        for which in range(2)
    )
    await world.store.message_post(MessageNew(message=told, deliveries=jobs))


async def deliver(world: World) -> None:
    """One attempt at each of the posted deliveries but the last two; those of payments stay due."""
    for job in await claim_due(world.store, START_MS - 1000 + COUNT - 1, START_MS + 10**6):
        ended = AttemptNew(attempt=attempt(job), lease_no=job.lease_no, state=DeliveryState.DELIVERED, due_at_ms=None)
        assert await world.store.attempt_append(ended)


def lists(world: World) -> dict[str, Turn]:
    store = world.store
    return {
        "notification": store.notification_page,
        "refusal": store.refusal_page,
        "payment": store.payment_page,
        "message": store.message_page,
        "addressed": store.message_page_of_endpoint,
        "delivery": store.delivery_page,
        "attempt": store.attempt_page,
        "source": store.source_page,
        "application": store.application_page,
        "endpoint": store.endpoint_page,
    }


MESSAGE_3 = {"message_id": message(3).id}
EXPECTED: list[tuple[str, dict[str, str], int]] = [
    ("notification", {}, 7),
    ("notification", {"source_id": "src_2"}, 4),
    ("notification", {"state": "recorded"}, 7),
    ("notification", {"state": "pending"}, 0),
    ("notification", {"source_id": "src_1", "state": "recorded"}, 3),
    ("refusal", {}, 7),
    ("refusal", {"source_id": "src_1"}, 3),
    ("payment", {}, 7),
    ("payment", {"source_id": "src_2"}, 4),
    ("payment", {"status": "completed"}, 6),
    ("payment", {"status": "completed", "source_id": "src_1"}, 3),
    ("payment", {"order_id": "ord_odd"}, 4),
    ("payment", {"order_id": "ord_odd", "status": "completed"}, 3),
    ("payment", {"order_id": "ord_odd", "source_id": "src_1"}, 0),
    ("payment", {"gateway_payment_id": "pi_3"}, 1),
    ("payment", {"gateway_payment_id": "pi_3", "order_id": "ord_even"}, 0),
    ("payment", {"gateway_payment_id": "pi_3", "status": "failed"}, 0),
    ("payment", {"gateway_payment_id": "pi_3", "source_id": "src_1"}, 0),
    ("message", {**APP, "event_types": "refund.failed"}, 4),
    ("message", {**APP, "event_types": "payment.completed,refund.failed"}, 13),
    ("message", {**APP, "event_types": "payment_completed,refund"}, 0),
    ("message", {**APP, "channel": "third"}, 2),
    ("message", {**APP, "channel": "third", "event_types": "refund.failed"}, 1),
    ("message", {**APP, "channel": "thir"}, 0),
    ("addressed", {**APP, "endpoint_id": "ep_2"}, 14),
    ("addressed", {**APP, "endpoint_id": "ep_2", "standing": "success"}, 6),
    ("addressed", {**APP, "endpoint_id": "ep_2", "standing": "pending"}, 8),
    ("addressed", {**APP, "endpoint_id": "ep_2", "standing": "fail"}, 0),
    ("addressed", {**APP, "endpoint_id": "ep_2", "event_types": "refund.failed", "channel": "third"}, 1),
    ("addressed", {**APP, "endpoint_id": "ep_none"}, 0),
    ("addressed", {"application_id": "app_2", "endpoint_id": "ep_2"}, 0),
    ("message", {"application_id": "app_2"}, 0),
    ("delivery", {"endpoint_id": "ep_2", "state": "delivered"}, 6),
    ("delivery", {"state": "delivered"}, 12),
    ("delivery", {"application_id": "app_2"}, 0),
    ("delivery", MESSAGE_3, 2),
    ("delivery", {**MESSAGE_3, "endpoint_id": "ep_2"}, 1),
    ("delivery", {**MESSAGE_3, "state": "due"}, 0),
    ("delivery", {**MESSAGE_3, "application_id": "app_2"}, 0),
    ("attempt", {**APP, **MESSAGE_3}, 2),
    ("attempt", {**APP, **MESSAGE_3, "endpoint_id": "ep_2"}, 1),
    ("attempt", {**MESSAGE_3, "application_id": "app_2"}, 0),
    ("attempt", {**APP, "endpoint_id": "ep_2"}, 6),
    ("attempt", {"application_id": "app_2", "endpoint_id": "ep_2"}, 0),
    ("attempt", {**APP, "endpoint_id": "ep_2", "delivered": "1", "status_class": "2"}, 6),
    ("attempt", {**APP, "endpoint_id": "ep_2", "delivered": "0"}, 0),
    ("attempt", {**APP, "endpoint_id": "ep_2", "status_class": "5"}, 0),
    ("attempt", {**APP, "endpoint_id": "ep_2", "event_types": "refund.failed"}, 3),
    ("attempt", {**APP, "endpoint_id": "ep_2", "channel": "third"}, 2),
    ("attempt", {**APP, **MESSAGE_3, "channel": "third"}, 2),
    ("attempt", {**APP, **MESSAGE_3, "channel": "other"}, 0),
    ("source", {}, 2),
    ("application", {}, 2),
    ("endpoint", APP, 2),
    ("endpoint", {"application_id": "app_2"}, 0),
]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_each_list_walks_what_was_asked_for_once_newest_first(place: Place, limit: int) -> None:
    async def scenario(world: World) -> None:
        await fill(world)
        for name, filters, count in EXPECTED:
            seen = [id_of(it) for it in await walk(lists(world)[name], world.organisation.id, filters, limit)]
            assert len(seen) == count, (name, filters)
            assert seen == sorted(set(seen), reverse=True), (name, filters)

    run(place, scenario)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_each_list_leads_back_and_can_begin_with_the_oldest(place: Place, limit: int) -> None:
    async def scenario(world: World) -> None:
        await fill(world)
        for name, filters, count in EXPECTED:
            turn, org = lists(world)[name], world.organisation.id
            ids = [id_of(it) for it in await walk(turn, org, filters, 100)]
            for oldest_first in (False, True):
                plain = PageQuery(organisation_id=org, limit=limit, filters=filters, oldest_first=oldest_first)
                walked = ids[::-1] if oldest_first else ids
                end = BACK + walked[-1] if ids else ""
                back = await walk_back(turn, msgspec.structs.replace(plain, iterator=end))
                assert [id_of(it) for it in back] == walked[:-1][::-1], (name, filters)
            upwards = PageQuery(organisation_id=org, limit=100, filters=filters, oldest_first=True)
            assert [id_of(it) for it in (await turn(upwards)).data] == ids[::-1]
            if count > 2:
                inner = msgspec.structs.replace(upwards, after=ids[-1], before=ids[0])
                assert [id_of(it) for it in (await turn(inner)).data] == ids[::-1][1:-1]

    run(place, scenario)


def test_how_the_deliveries_of_an_endpoint_stand_is_counted(place: Place) -> None:
    async def scenario(world: World) -> None:
        await fill(world)
        endpoint = await world.store.endpoint_get("ep_2")
        assert endpoint is not None
        counted = await world.store.delivery_count_of(endpoint, after="", before="~")
        assert counted == {Standing.SUCCESS: 6, Standing.PENDING: 8}
        some = await world.store.delivery_count_of(endpoint, after=message(2).id, before=message(5).id)
        assert some == {Standing.SUCCESS: 2}
        theirs = msgspec.structs.replace(endpoint, organisation_id="org_other")
        assert await world.store.delivery_count_of(theirs, after="", before="~") == {}

    run(place, scenario)


def test_how_the_attempts_at_an_endpoint_ended_is_counted(place: Place) -> None:
    async def scenario(world: World) -> None:
        await fill(world)
        endpoint = await world.store.endpoint_get("ep_2")
        assert endpoint is not None
        page = await world.store.attempt_page(
            PageQuery(
                organisation_id=endpoint.organisation_id,
                limit=100,
                filters={"application_id": endpoint.application_id, "endpoint_id": endpoint.id},
            )
        )
        tries = page.data
        counted = await world.store.attempt_count_of(endpoint, after="", before="~")
        assert counted == AttemptCount(
            delivered=sum(it.delivered and not it.canceled for it in tries),
            failed=sum(not it.delivered for it in tries),
            canceled=sum(it.canceled for it in tries),
        )
        assert counted.delivered + counted.failed > 2
        fewer = await world.store.attempt_count_of(endpoint, after=tries[-1].id, before=tries[0].id)
        assert fewer.delivered + fewer.failed + fewer.canceled == len(tries) - 2
        theirs = msgspec.structs.replace(endpoint, organisation_id="org_other")
        assert await world.store.attempt_count_of(theirs, after="", before="~") == AttemptCount()

    run(place, scenario)


def test_no_list_shows_another_organisations_rows(place: Place) -> None:
    async def scenario(world: World) -> None:
        await fill(world)
        for name, filters, _ in EXPECTED:
            assert await walk(lists(world)[name], "org_other", filters, 100) == [], (name, filters)

    run(place, scenario)
