"""Two recorders are given the same payments' notifications at once: one state, no update lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from paybell.model.fact import Kind
from paybell.ports import PageQuery, PaymentKey
from paybell.store.postgres.recording import _lock_of
from paybell.testing.builders import appending, fact, notification
from paybell.testing.fake_clock import FakeClock
from tests.contract.recorders import TOLD, Job, notified, record_together
from tests.contract.stores import PostgresPlace, World, run, world
from tests.contract.test_store_together import told

_CHUNK = 2_000


@pytest.mark.parametrize("payment_count", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_of_the_same_payments_given_to_two_processes_at_once_each_has_one_state(
    tmp_path: Path, payment_count: int
) -> None:
    place = PostgresPlace(tmp_path)
    job = asyncio.run(waiting(place, payment_count))
    record_together(job)
    asyncio.run(check(place, job))


async def waiting(place: PostgresPlace, payment_count: int) -> Job:
    """A world in which every notification waits, and one endpoint that wants each payment's every version."""
    async with world(place) as it:
        await it.store.endpoint_delete(it.organisation.id, it.endpoint.id)
        await it.store.endpoint_create(it.an_endpoint("ep_2", event_types=frozenset({"payment.updated"})))
        job = Job(url=place.url, source=it.source, payment_count=payment_count)
        pairs = [(payment_no, told_no) for payment_no in range(payment_count) for told_no in range(TOLD)]
        for start in range(0, len(pairs), _CHUNK):
            chunk = [appending(notified(job, *pair)) for pair in pairs[start : start + _CHUNK]]
            await asyncio.gather(*map(it.store.notification_append, chunk))
    return job


async def check(place: PostgresPlace, job: Job) -> None:
    async def rows(query: str) -> Sequence[Any]:
        found: Sequence[Any] = await connection.fetch(query)
        return found

    connection = await asyncpg.connect(place.url)
    facts = dict(await rows("SELECT payment_id, count(*) FROM facts GROUP BY 1"))
    assert len(facts) == job.payment_count
    assert set(facts.values()) == {TOLD + 1}
    assert Counter(tuple(it) for it in await rows("SELECT state, attempt_count FROM notification_states")) == {
        ("recorded", 1): job.payment_count * TOLD
    }
    versions: dict[str, list[str]] = {}
    for payment_id, event_id in await rows("SELECT payment_id, event_id FROM messages"):
        versions.setdefault(payment_id, []).append(event_id.removeprefix(payment_id))
    expected = [f".{version}.payment.updated" for version in range(2, TOLD + 2)]
    assert {key: sorted(each) for key, each in versions.items()} == dict.fromkeys(facts, expected)
    ((deliveries,),) = await rows("SELECT count(*) FROM deliveries")
    assert deliveries == job.payment_count * TOLD
    ((deadlocks,),) = await rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks == 0  # locks are taken in one order
    await connection.close()
    await check_states(place, job)


async def check_states(place: PostgresPlace, job: Job) -> None:
    """What each payment says of itself is what its facts say: (version, captured, refunded)."""
    async with asyncio.timeout(120):
        query = PageQuery(organisation_id=job.source.organisation_id, limit=250)
        found: Counter[tuple[int, int, int]] = Counter()
        store = place.store(FakeClock(), serve=False)
        await store.open()
        while True:
            page = await store.payment_page(query)
            states = [it.state for it in page.data]
            found.update((it.version, it.captured_minor, it.refunded_minor) for it in states)
            if page.done:
                break
            query = msgspec.structs.replace(query, iterator=page.iterator)
        await store.close()
    assert found == {(TOLD + 1, 100, TOLD): job.payment_count}


def test_a_recorder_that_the_server_chose_as_a_deadlocks_victim_records_all_the_same(tmp_path: Path) -> None:
    place = PostgresPlace(tmp_path)
    first, second = sorted(_lock_of(PaymentKey("src_1", name)) for name in ("pi_a", "pi_b"))

    async def scenario(it: World) -> None:
        await it.store.notification_append(appending(notification(1, organisation_id=it.organisation.id)))
        facts = [fact(Kind.CAPTURED, "ch_1", 100, aggregate=name) for name in ("pi_a", "pi_b")]
        rival, eye = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
        await rival.execute("SET deadlock_timeout = '30s'")  # so that the other one finds it out
        async with rival.transaction():
            await rival.execute("SELECT pg_advisory_xact_lock($1)", second)
            recording = asyncio.create_task(it.record([told(it, 1, *facts)]))
            await until(eye, "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            await rival.execute("SELECT pg_advisory_xact_lock($1)", first)
        await recording
        payments = (await it.store.payment_page(PageQuery(organisation_id=it.organisation.id))).data
        assert {payment.gateway_payment_id for payment in payments} == {"pi_a", "pi_b"}
        await until(eye, "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()")
        await rival.close()
        await eye.close()

    run(place, scenario)


def test_a_row_that_somebody_has_just_looked_at_is_recorded_all_the_same(tmp_path: Path) -> None:
    """A claim that finds a row taken holds its lock for a moment: it must not be left until its lease ends."""
    place = PostgresPlace(tmp_path)

    async def scenario(it: World) -> None:
        await it.store.notification_append(appending(notification(1, organisation_id=it.organisation.id)))
        rival, eye = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
        async with rival.transaction():
            await rival.execute("SELECT 1 FROM notification_queue FOR UPDATE")
            recording = asyncio.create_task(it.record([told(it, 1, fact(Kind.CAPTURED, "ch_1", 100))]))
            await until(eye, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")
        await recording
        states = await eye.fetch("SELECT state FROM notification_states")
        assert [row[0] for row in states] == ["recorded"]
        await rival.close()
        await eye.close()

    run(place, scenario)


async def until(connection: Any, question: str) -> None:
    """Ask until the answer is yes."""
    while True:
        if await connection.fetchval(question):
            return
