"""What happens to endpoints and deliveries is told in the transaction in which it does, once, or not at all."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.errors import NotFound
from paybell.model.delivery import DeliveryJob, DeliveryState
from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.model.message import Message
from paybell.model.moment import rfc3339
from paybell.model.operational import ATTEMPT_EXHAUSTED, ATTEMPT_RECOVERED, operational_application_id
from paybell.ports import AttemptNew, MessageNew, Occurrence, PageQuery, Routed
from paybell.route.operational import route_occurrence
from paybell.route.rules import route_message
from paybell.testing.builders import application, attempt, message
from tests.contract.stores import Place, World, claim_due, run
from tests.contract.test_store_failing import weighing

DAY_S = 86_400
FIVE_DAYS_MS = 5 * DAY_S * 1000


class Ears:
    """An operational endpoint beside the usual one, and what was told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._number = 0
        self.application_id = operational_application_id(world.organisation.id)
        self.endpoint = world.an_endpoint("ep_ops", application_id=self.application_id, uid="ops")

    async def open(self, *event_types: str) -> None:
        it = self._world
        it.store.on_occurrence(self.route)
        hidden = application(id=self.application_id, organisation_id=it.organisation.id)
        await it.store.application_create(hidden)
        await it.store.endpoint_create(replace(self.endpoint, event_types=frozenset(event_types)))

    def route(self, occurrence: Occurrence, endpoints: tuple[Endpoint, ...]) -> Routed:
        return route_occurrence(occurrence, endpoints, self._world.mint())

    async def told(self) -> Sequence[Message]:
        """Oldest first."""
        query = PageQuery(organisation_id=self._world.organisation.id, filters={"application_id": self.application_id})
        return (await self._world.store.message_page(query)).data[::-1]

    async def types(self) -> list[str]:
        return [it.event_type for it in await self.told()]

    async def due(self) -> list[DeliveryJob]:
        """Of this endpoint and the usual one."""
        now_ms = self._world.clock.now_ms()
        return await claim_due(self._world.store, now_ms, now_ms + 60_000)

    async def post(self) -> DeliveryJob:
        """A message for the usual endpoint, claimed."""
        it = self._world
        self._number += 1
        told = message(self._number, organisation_id=it.organisation.id)
        await it.store.message_post(MessageNew(message=told, deliveries=route_message(told, [it.endpoint], it.mint())))
        (job,) = [each for each in await self.due() if each.message_id == told.id]
        return job

    def tried(self, job: DeliveryJob, *, delivered: bool = False, **changes: Any) -> AttemptNew:
        now_ms = self._world.clock.now_ms()
        status_code = 200 if delivered else 500
        plain = AttemptNew(
            attempt=attempt(job, delivered=delivered, status_code=status_code, started_at_ms=now_ms),
            lease_no=job.lease_no,
            state=DeliveryState.DELIVERED if delivered else DeliveryState.DEAD,
            due_at_ms=None,
            failing_since_max_ms=now_ms - FIVE_DAYS_MS,
            warning_since_max_ms=now_ms - FIVE_DAYS_MS // 2,
            weigh=weighing(delivered=delivered, status_code=status_code, now_ms=now_ms),
        )
        return replace(plain, **changes)

    async def fail(self, **changes: Any) -> None:
        assert await self._world.store.attempt_append(self.tried(await self.post(), **changes))


def data(told: Message) -> Any:
    return json.loads(told.payload)["data"]


def test_an_endpoints_life_is_told_to_those_who_want_to_hear(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        store = world.store
        await store.application_update(application(organisation_id=world.organisation.id, uid="shop"))
        await store.endpoint_create(world.an_endpoint("ep_2", uid="second"))
        world.clock.advance(1)
        changed = world.an_endpoint("ep_2", uid="second", description="d", updated_at_ms=world.clock.now_ms())
        await store.endpoint_update(changed)
        await store.endpoint_delete(world.organisation.id, "ep_2")
        told = await ears.told()
        assert [it.event_type for it in told] == ["endpoint.created", "endpoint.updated", "endpoint.deleted"]
        assert [data(it) for it in told] == [
            {"appId": "app_1", "appUid": "shop", "endpointId": "ep_2", "endpointUid": "second"}
        ] * 3
        due = await ears.due()
        assert sorted(job.message_id for job in due) == sorted(it.id for it in told)
        assert {job.endpoint_id for job in due} == {"ep_ops"}

    run(place, scenario)


def test_an_application_that_is_deleted_tells_of_each_of_its_endpoints(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open("endpoint.deleted")
        await world.store.endpoint_create(world.an_endpoint("ep_2"))
        await world.store.application_delete(world.organisation.id, "app_1")
        assert sorted(data(it)["endpointId"] for it in await ears.told()) == ["ep_1", "ep_2"]

    run(place, scenario)


def test_who_hears_of_some_applications_hears_of_no_other(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        org, narrowed = world.organisation.id, EndpointOptions(applications=frozenset({"app_2", "app_gone"}))
        await world.store.endpoint_update(replace(ears.endpoint, options=narrowed))
        await world.store.application_create(application(id="app_2", uid="two", organisation_id=org))
        for number, app_id in ((2, "app_1"), (3, "app_2")):
            await world.store.endpoint_create(world.an_endpoint(f"ep_{number}", application_id=app_id))
        assert [data(it)["endpointId"] for it in await ears.told()] == ["ep_3"]

    run(place, scenario)


def test_where_nobody_listens_nothing_is_written(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        world.store.on_occurrence(ears.route)
        await world.store.endpoint_update(world.endpoint)
        await ears.fail(event_type=ATTEMPT_EXHAUSTED)
        assert (await world.store.status()).counts["messages"] == 1

    run(place, scenario)


def test_operational_endpoints_are_nobodys_but_delivers(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        mine, store = world.organisation.id, world.store
        assert [it.id for it in await store.endpoint_list(mine)] == ["ep_1"]
        assert [it.id for it in (await store.application_page(PageQuery(organisation_id=mine))).data] == ["app_1"]
        with pytest.raises(NotFound):
            await store.application_lookup(mine, ears.application_id)
        assert await store.endpoint_get("ep_ops") == ears.endpoint
        assert (await store.endpoint_lookup(mine, ears.application_id, "ops")).id == "ep_ops"
        with pytest.raises(NotFound):
            await store.endpoint_lookup("org_other", ears.application_id, "ops")

    run(place, scenario)


def test_nothing_is_told_of_operational_endpoints_themselves(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        await world.store.endpoint_update(ears.endpoint)
        await world.store.endpoint_update(world.endpoint)
        (told,) = await ears.told()
        (job,) = await ears.due()
        assert job.message_id == told.id
        gone = {
            "event_type": ATTEMPT_EXHAUSTED,
            "disable_endpoint_reason": "the endpoint answered 410 Gone",
            "weigh": None,
        }
        assert await world.store.attempt_append(ears.tried(job, **gone))
        after = await world.store.endpoint_get("ep_ops")
        assert after is not None
        assert after.disabled
        assert [it.id for it in await ears.told()] == [told.id]

    run(place, scenario)


def test_an_endpoint_that_fails_is_told_of_once_before_it_is_disabled_and_once_when_it_is(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        began_ms = world.clock.now_ms()
        for expected in (0, 0, 0, 1, 1, 2, 2):
            await ears.fail()
            assert await ears.types() == ["endpoint.failing", "endpoint.disabled"][:expected]
            world.clock.advance(DAY_S)
        failing, disabled = await ears.told()
        assert data(failing)["failSince"] == rfc3339(began_ms)
        assert data(failing)["disabledFrom"] == rfc3339(began_ms + FIVE_DAYS_MS)
        assert data(disabled)["failSince"] == rfc3339(began_ms)
        assert data(disabled)["reason"] == "every attempt has failed for 5 days"
        await world.store.endpoint_update(world.endpoint)
        for _ in range(4):
            await ears.fail()
            world.clock.advance(DAY_S)
        assert (await ears.types())[2:] == ["endpoint.updated", "endpoint.failing"]

    run(place, scenario)


def test_attempts_that_fail_side_by_side_tell_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        await ears.fail()
        world.clock.advance(3 * DAY_S)
        jobs = [await ears.post() for _ in range(5)]
        kept = await asyncio.gather(*(world.store.attempt_append(ears.tried(job)) for job in jobs))
        assert kept == [True] * 5
        assert await ears.types() == ["endpoint.failing"]

    run(place, scenario)


def test_one_that_it_takes_tells_nothing_and_begins_the_count_anew(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        for delivered in (False, True, False):
            state = DeliveryState.DELIVERED if delivered else DeliveryState.DEAD
            await ears.fail(delivered=delivered, state=state)
            world.clock.advance(2 * DAY_S)
        assert await ears.types() == []

    run(place, scenario)


def test_a_message_that_is_exhausted_or_recovered_is_told_of_by_its_own_name(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open(ATTEMPT_EXHAUSTED, ATTEMPT_RECOVERED)
        lost, found = await ears.post(), await ears.post()
        news = [
            ears.tried(lost, event_type=ATTEMPT_EXHAUSTED),
            ears.tried(found, delivered=True, event_type=ATTEMPT_RECOVERED),
        ]
        for new in news:
            assert await world.store.attempt_append(new)
        told = await ears.told()
        assert [it.event_type for it in told] == [ATTEMPT_EXHAUSTED, ATTEMPT_RECOVERED]
        assert [data(it)["msgEventId"] for it in told] == ["event-1", "event-2"]
        assert [data(it)["msgId"] for it in told] == [lost.message_id, found.message_id]
        assert [data(it)["lastAttempt"]["id"] for it in told] == [it.attempt.id for it in news]

    run(place, scenario)


def test_what_was_delivered_and_is_once_more_has_not_recovered(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open(ATTEMPT_RECOVERED)
        job = await ears.post()
        for delivered, expected in ((True, 0), (True, 0), (False, 0), (True, 1)):
            event_type = ATTEMPT_RECOVERED if delivered and job.attempt_count else ""
            state = DeliveryState.DELIVERED if delivered else DeliveryState.DEAD
            tried = ears.tried(job, delivered=delivered, state=state, event_type=event_type)
            assert await world.store.attempt_append(tried)
            assert len(await ears.told()) == expected
            world.clock.advance(1)
            now_ms = world.clock.now_ms()
            await world.store.delivery_resend(world.organisation.id, job.message_id, "ep_1", now_ms=now_ms)
            (job,) = [it for it in await ears.due() if it.endpoint_id == "ep_1"]

    run(place, scenario)


def test_an_attempt_whose_lease_has_passed_on_tells_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        job = await ears.post()
        late = ears.tried(replace(job, lease_no=job.lease_no - 1), event_type=ATTEMPT_EXHAUSTED)
        assert not await world.store.attempt_append(late)
        assert await ears.types() == []

    run(place, scenario)


def test_what_cannot_be_told_has_not_happened(place: Place) -> None:
    def never(_occurrence: Occurrence, _endpoints: tuple[Endpoint, ...]) -> Routed:
        raise RuntimeError("the process died here")

    async def scenario(world: World) -> None:
        ears = Ears(world)
        await ears.open()
        job = await ears.post()
        world.store.on_occurrence(never)
        with pytest.raises(RuntimeError):
            await world.store.attempt_append(ears.tried(job, event_type=ATTEMPT_EXHAUSTED))
        with pytest.raises(RuntimeError):
            await world.store.endpoint_update(replace(world.endpoint, description="changed"))
        assert (await world.store.endpoint_lookup(world.organisation.id, "app_1", "ep_1")).description == ""
        assert (await world.store.status()).counts["attempts"] == 0
        world.store.on_occurrence(ears.route)
        assert await world.store.attempt_append(ears.tried(job, event_type=ATTEMPT_EXHAUSTED))
        assert await ears.types() == [ATTEMPT_EXHAUSTED]

    run(place, scenario)
