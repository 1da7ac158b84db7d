"""How endpoints are doing stands in the database, and so do turns to send."""

import asyncio

from msgspec.structs import replace

from paybell.deliver.health import probing
from paybell.model.delivery import DeliveryState
from paybell.model.endpoint_state import Breaker, EndpointState
from paybell.ports import AttemptNew, TurnAsk, Weigh
from paybell.testing.builders import attempt
from paybell.testing.fake_clock import START_MS
from tests.contract.stores import Place, World, claim_due, run

SICK = EndpointState(
    endpoint_id="ep_1",
    breaker=Breaker.OPEN,
    breaker_since_ms=START_MS + 1,
    failing_since_ms=START_MS + 2,
    failure_count=11,
    probe_count=3,
    concurrency=4,
    held_until_ms=START_MS + 5_000,
    held_reason="it answered 503",
    recovering_since_ms=START_MS + 7,
)


async def tried(world: World, number: int, weigh: Weigh | None, *, reason: str = "") -> bool:
    """An attempt that makes that of its endpoint."""
    await world.post(number)
    (job,) = await claim_due(world.store, START_MS + 10**6, START_MS + 2 * 10**6)
    ended = AttemptNew(
        attempt=attempt(job, delivered=False, status_code=500),
        lease_no=job.lease_no,
        state=DeliveryState.DEAD,
        due_at_ms=None,
        weigh=weigh,
        disable_endpoint_reason=reason,
    )
    return await world.store.attempt_append(ended)


def test_a_state_is_kept_as_it_was_weighed_and_gone_when_it_is_well(place: Place) -> None:
    async def scenario(world: World) -> None:
        seen: list[EndpointState | None] = []

        def weigh(to: EndpointState | None) -> Weigh:
            def decide(before: EndpointState | None) -> EndpointState | None:
                seen.append(before)
                return to

            return decide

        changed = replace(SICK, breaker=Breaker.CLOSED, concurrency=5)
        for number, to in enumerate((SICK, changed, None, None), 1):
            assert await tried(world, number, weigh(to))
            assert await world.store.endpoint_state_list() == ((to,) if to else ())
            assert await world.store.endpoint_state_get("ep_1") == to
            assert await world.store.endpoint_state_get("ep_2") is None
        assert seen == [None, SICK, changed, None]

    run(place, scenario)


def test_attempts_at_the_same_time_are_weighed_one_after_the_other(place: Place) -> None:
    async def scenario(world: World) -> None:
        await asyncio.gather(*(world.post(number) for number in range(1, 31)))
        jobs = await claim_due(world.store, START_MS + 10**6, START_MS + 2 * 10**6)

        def count(before: EndpointState | None) -> EndpointState:
            return replace(before or SICK, failure_count=before.failure_count + 1 if before else 1)

        ends = [
            AttemptNew(
                attempt=attempt(job, delivered=False),
                lease_no=job.lease_no,
                state=DeliveryState.DEAD,
                due_at_ms=None,
                weigh=count,
            )
            for job in jobs
        ]
        assert all(await asyncio.gather(*(world.store.attempt_append(end) for end in ends)))
        (state,) = await world.store.endpoint_state_list()
        assert state.failure_count == 30

    run(place, scenario)


def test_a_late_attempt_is_not_weighed(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.post(1)
        (job,) = await claim_due(world.store, START_MS + 1, START_MS + 1_000)
        assert await claim_due(world.store, START_MS + 1_000, START_MS + 10**6)
        late = AttemptNew(
            attempt=attempt(job, delivered=False),
            lease_no=job.lease_no,
            state=DeliveryState.DEAD,
            due_at_ms=None,
            weigh=lambda _: SICK,
        )
        assert not await world.store.attempt_append(late)
        assert await world.store.endpoint_state_list() == ()

    run(place, scenario)


def test_one_that_is_disabled_changed_or_deleted_has_no_state(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tried(world, 1, lambda _: SICK)
        await tried(world, 2, lambda _: SICK, reason="410 Gone")
        assert await world.store.endpoint_state_list() == ()
        await world.store.endpoint_update(world.endpoint)
        await tried(world, 3, lambda _: SICK)
        await world.store.endpoint_update(replace(world.endpoint, description="mended"))
        assert await world.store.endpoint_state_list() == ()
        await tried(world, 4, lambda _: SICK)
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        assert await world.store.endpoint_state_list() == ()

    run(place, scenario)


def test_a_probe_is_taken_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        await tried(world, 1, lambda _: SICK)
        during = probing(SICK, now_ms=START_MS + 5_000, lease_ms=60_000)
        taken = await asyncio.gather(*(world.store.endpoint_probe(SICK, during) for _ in range(5)))
        assert sorted(taken) == [*[False] * 4, True]
        assert await world.store.endpoint_state_list() == (during,)
        well = replace(SICK, breaker=Breaker.CLOSED)
        await tried(world, 2, lambda _: well)
        assert not await world.store.endpoint_probe(well, during)

    run(place, scenario)


def test_turns_are_taken_by_one_at_a_time_and_never_more_than_the_rate(place: Place) -> None:
    async def scenario(world: World) -> None:
        async def take(at_ms: int, count: int = 5) -> bool:
            ask = TurnAsk(name="ep_1", count=count, rate=50.0)
            return bool(await world.store.turn_take([ask], now_ms=START_MS + at_ms, slack_ms=100))

        assert sorted(await asyncio.gather(*(take(0) for _ in range(4)))) == [False, False, False, True]
        assert [await take(99), await take(100), await take(199)] == [False, True, False]
        taken = sum([5 * await take(at_ms) for at_ms in range(1_000, 11_000, 10)])
        assert 500 <= taken <= 510
        taken = sum([5 * await take(at_ms) for at_ms in range(20_000, 30_000, 170)])
        assert taken <= 500

    run(place, scenario)


def test_turns_of_many_are_asked_for_together(place: Place) -> None:
    async def scenario(world: World) -> None:
        asks = [TurnAsk(name=name, count=1, rate=1.0) for name in ("ep_2", "app_1", "ep_1")]
        assert await world.store.turn_take(asks[:1], now_ms=START_MS, slack_ms=100) == {"ep_2"}
        assert await world.store.turn_take(asks, now_ms=START_MS + 1, slack_ms=100) == {"app_1", "ep_1"}
        await world.store.endpoint_delete(world.organisation.id, "ep_1")
        await world.store.application_delete(world.organisation.id, "app_1")
        assert await world.store.turn_take(asks, now_ms=START_MS + 2, slack_ms=100) == {"app_1", "ep_1"}

    run(place, scenario)


def test_every_endpoint_has_its_rule(place: Place) -> None:
    async def scenario(world: World) -> None:
        rules = await world.store.endpoint_rules()
        assert {name: it.application_id for name, it in rules.items()} == {"ep_1": "app_1"}

    run(place, scenario)
