"""Links join payments in the database as in the rules: in every order, once, and for whoever asks by any id."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from paybell.app.archives import FOLDS
from paybell.errors import NotFound
from paybell.model.fact import Fact, Kind
from paybell.model.payment import Payment
from paybell.ports import PageQuery, PaymentKey, Reading, Subjects
from paybell.record.rebuild import rebuild
from paybell.store.checking import verify
from paybell.store.postgres.recording import _lock
from paybell.testing.builders import appending, fact, notification, reading
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.archives import alter
from tests.contract.recorders import TOLD, Job, record_together
from tests.contract.stores import Place, PostgresPlace, SqlitePlace, World, run
from tests.contract.test_store_recorders import until, waiting
from tests.unit.linked import CAPTURED, CHARGED, CREATED, HISTORIES, REFUNDED, History, link

BY_NAME = pytest.mark.parametrize("history", HISTORIES, ids=lambda it: it.name)
_ROUND = 100


class Tally:
    """What was told to a store so far: every notification has a number."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._count = 0

    async def tell(self, *told: Sequence[Fact]) -> None:
        """Record notifications, each with those facts, in one transaction."""
        readings = []
        for facts in told:
            self._count += 1
            plain = reading(*facts, number=self._count)
            kept = msgspec.structs.replace(plain.notification, organisation_id=self.world.organisation.id)
            readings.append(Reading(notification=kept, source=self.world.source, parsed=plain.parsed))
        await asyncio.gather(*(self.world.store.notification_append(appending(it.notification)) for it in readings))
        await self.world.record(readings)


def of_order(number: int, facts: Sequence[Fact]) -> Iterator[Fact]:
    """The same facts of payments of that order's own."""
    for each in facts:
        ref = f"{each.ref}.{number}" if each.kind is Kind.LINK else each.ref
        yield msgspec.structs.replace(each, aggregate=f"{each.aggregate}.{number}", ref=ref)


async def every_payment(world: World) -> list[Payment]:
    query = PageQuery(organisation_id=world.organisation.id, limit=250)
    found: list[Payment] = []
    while True:
        page = await world.store.payment_page(query)
        found += page.data
        if page.done:
            return found
        query = msgspec.structs.replace(query, iterator=page.iterator)


async def sound(world: World) -> bool:
    """Nothing that `paybell db verify` would find."""
    async with world.store.archive_read(alone=False) as reader:
        report = await verify(reader, FOLDS)
    assert report.examples == ()
    return True


@BY_NAME
def test_every_order_comes_to_the_same_payments_and_balances(place: Place, history: History) -> None:
    orders = [tuple(of_order(*each)) for each in enumerate(permutations(history.facts))]

    async def scenario(world: World) -> None:
        tally = Tally(world)
        steps = [[order[step]] for step in range(len(history.facts)) for order in orders]
        for start in range(0, len(steps), _ROUND):
            await tally.tell(*steps[start : start + _ROUND])
        await tally.tell(*steps[:_ROUND])  # told again
        found = await every_payment(world)
        by_name = Counter((it.gateway_payment_id.partition(".")[0], it.state.status) for it in found)
        assert by_name == dict.fromkeys(history.statuses.items(), len(orders))
        states = {(it.gateway_payment_id.partition(".")[0], nameless(it)) for it in found}
        assert len(states) == len(history.statuses)
        balances = await world.store.ledger_balances(world.organisation.id)
        assert all(it.balance_minor % len(orders) == 0 for it in balances)
        assert await sound(world)

    run(place, scenario)


def nameless(payment: Payment) -> bytes:
    """The state, its aliases without the order's number."""
    aliases = tuple(it.partition(".")[0] for it in payment.state.aliases)
    return msgspec.json.encode(msgspec.structs.replace(payment.state, aliases=aliases))


def test_a_link_that_comes_last_makes_one_payment_of_two(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, store, tally = world.organisation.id, world.store, Tally(world)
        await tally.tell([CHARGED], [CREATED])
        charge, intent = sorted(await every_payment(world), key=lambda it: it.id)
        await tally.tell([link("pi_1", "ch_1", at_s=9), REFUNDED])
        (survivor,) = await every_payment(world)
        assert (survivor.id, survivor.gateway_payment_id) == (charge.id, "pi_1")
        assert (survivor.state.version, survivor.state.captured_minor, survivor.state.refunded_minor) == (
            4,
            10_000,
            4_000,
        )
        assert survivor.created_at_ms == charge.created_at_ms
        for name in (charge.id, intent.id):
            assert await store.payment_get(mine, name) == survivor
        for name in ("pi_1", "ch_1"):
            query = PageQuery(organisation_id=mine, filters={"gateway_payment_id": name})
            assert (await store.payment_page(query)).data == (survivor,)
        with pytest.raises(NotFound):
            await store.payment_get("org_other", intent.id)
        assert await sound(world)

    run(place, scenario)


def test_what_was_posted_of_the_merged_one_is_reversed_and_stands_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        await tally.tell([CREATED], [CHARGED])
        await tally.tell([link("pi_1", "ch_1", at_s=9)])
        survivor, merged = await both(world)
        pages = [await postings(world, it) for it in (survivor, merged)]
        assert pages[0] == pages[1]
        found = Counter((it.payment_id, it.kind, it.reversal, it.amount_minor) for it in pages[0])
        assert found == {
            (merged, "captured", False, 10_000): 1,
            (merged, "captured", True, 10_000): 1,
            (survivor, "captured", False, 10_000): 1,
        }
        balances = await world.store.ledger_balances(world.organisation.id)
        assert {it.account: it.balance_minor for it in balances} == {"clearing": 10_000, "sales": -10_000}
        assert await postings(world, survivor, organisation_id="org_other") == ()

    run(place, scenario)


async def both(world: World) -> tuple[str, str]:
    """The ids of the one payment that stands, and of the one that was merged into it."""
    (payment,) = await every_payment(world)
    timeline = await world.store.payment_timeline(world.organisation.id, payment.id)
    (merged,) = [it.id for it in timeline if it.kind == "merge"]
    return payment.id, merged


async def postings(world: World, payment_id: str, **changes: Any) -> Sequence[Any]:
    query = PageQuery(organisation_id=world.organisation.id, limit=100, filters={"payment_id": payment_id})
    return (await world.store.posting_page(msgspec.structs.replace(query, **changes))).data


def test_the_timeline_has_all_that_happened_under_either_id(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        await tally.tell([CREATED], [CHARGED])
        world.clock.advance(5)
        await tally.tell([link("pi_1", "ch_1", at_s=9)])
        survivor, merged = await both(world)
        timeline = await world.store.payment_timeline(world.organisation.id, survivor)
        assert timeline == await world.store.payment_timeline(world.organisation.id, merged)
        assert Counter(it.kind for it in timeline) == {
            "notification": 3,
            "fact": 3,
            "merge": 1,
            "posting": 3,
            "message": 3,
            "delivery": 3,
        }
        told = [str(it.detail["eventType"]) for it in timeline if it.kind == "message"]
        assert sorted(told) == ["payment.completed", "payment.created", "payment.updated"]

    run(place, scenario)


def test_a_chain_of_merges_leads_to_the_first_that_was_told_of(place: Place) -> None:
    async def scenario(world: World) -> None:
        mine, tally = world.organisation.id, Tally(world)
        names = ("a", "b", "c", "d")
        for number, name in enumerate(names):
            await tally.tell([fact(Kind.FEE, f"fee_{number}", 1, aggregate=name)])
        ids = sorted(it.id for it in await every_payment(world))
        await tally.tell([link("c", "d")])
        await tally.tell([link("b", "c")])
        await tally.tell([link("a", "b")])
        (payment,) = await every_payment(world)
        assert (payment.id, payment.gateway_payment_id) == (ids[0], "a")
        assert payment.state.aliases == names[1:]
        assert {(await world.store.payment_get(mine, it)).id for it in ids} == {ids[0]}
        await tally.tell([fact(Kind.CAPTURED, "x", 100, aggregate="d")])
        (payment,) = await every_payment(world)
        assert (payment.state.version, payment.state.captured_minor) == (8, 100)
        assert await sound(world)

    run(place, scenario)


def test_the_same_ids_at_two_sources_are_two_payments(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        await tally.tell([CAPTURED, link("pi_1", "ch_1")])
        first = world.source
        world.source = msgspec.structs.replace(first, id="src_2", uid="other")
        await world.store.source_create(world.source)
        await world.store.notification_append(
            appending(notification(99, source_id="src_2", organisation_id=world.organisation.id))
        )
        plain = reading(CHARGED, number=99)
        kept = msgspec.structs.replace(plain.notification, source_id="src_2")
        await world.record([Reading(notification=kept, source=world.source, parsed=plain.parsed)])
        found = await every_payment(world)
        assert {(it.source_id, it.gateway_payment_id) for it in found} == {("src_1", "pi_1"), ("src_2", "ch_1")}

    run(place, scenario)


def test_payments_joined_by_two_processes_at_once_are_one_each(tmp_path: Path) -> None:
    place, count = PostgresPlace(tmp_path), 150
    job = msgspec.structs.replace(asyncio.run(waiting(place, count)), linked=True)
    record_together(job)
    asyncio.run(check_joined(place, job))


async def check_joined(place: PostgresPlace, job: Job) -> None:
    store = place.store(FakeClock(), serve=False)
    await store.open()
    it = World(store, FakeClock(), place)
    it.organisation = await store.organisation_default()
    found = await every_payment(it)
    said = Counter((each.state.status, each.state.version, len(each.state.aliases)) for each in found)
    assert said == {("partially_refunded", TOLD + 1, 2): job.payment_count}
    assert {each.gateway_payment_id for each in found} == {f"cs_{number}" for number in range(job.payment_count)}
    assert await sound(it)
    await store.close()
    connection = await asyncpg.connect(place.url)
    deadlocks = await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert deadlocks == 0  # locks are taken in two phases, each in one order
    await connection.close()


def test_a_recorder_that_waited_for_a_payment_that_was_merged_meanwhile_begins_again(tmp_path: Path) -> None:
    place = PostgresPlace(tmp_path)

    async def scenario(it: World) -> None:
        tally = Tally(it)
        await tally.tell([fact(Kind.FEE, "fee_1", 1, aggregate="other")])
        await tally.tell([CREATED, link("pi_1", "ch_1")])
        survivor, merged = sorted(each.id for each in await every_payment(it))
        rival, eye = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
        async with rival.transaction():  # does by hand what a recorder does that merges the two
            await rival.execute("SELECT pg_advisory_xact_lock($1)", _lock(merged))
            recording = asyncio.create_task(tally.tell([CHARGED]))
            await until(eye, "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            await rival.execute("UPDATE facts SET payment_id = $1 WHERE payment_id = $2", survivor, merged)
            await rival.execute("DELETE FROM payments WHERE id = $1", merged)
            await rival.execute("INSERT INTO merged_payments VALUES ($1, 'org', 'src_1', $2, 0)", merged, survivor)
            await rival.execute("INSERT INTO aliases VALUES ('src_1', 'pi_1', $1)", survivor)
        await recording
        (payment,) = await every_payment(it)
        assert (payment.id, payment.state.version, payment.state.captured_minor) == (survivor, 4, 10_000)
        await rival.close()
        await eye.close()

    run(place, scenario)


def test_a_database_from_before_aliases_gets_them_by_a_rebuild(place: Place) -> None:
    wrong = '{"status":"created","amount_minor":0,"currency":""}'
    value = f"CAST('{wrong}' AS BLOB)" if isinstance(place, SqlitePlace) else f"convert_to('{wrong}', 'UTF8')"

    async def scenario(world: World) -> None:
        tally = Tally(world)
        await tally.tell([CREATED, link("pi_1", "ch_1")])
        async with asyncio.timeout(30):
            await asyncio.to_thread(alter, place, "DELETE FROM aliases", f"UPDATE payments SET state = {value}")  # noqa: S608
        key = PaymentKey("src_1", "pi_1")
        asked = Subjects(payments=(key,))
        await world.store.subject_rebuild(asked, lambda book: rebuild(book, route=world.route, now_ms=START_MS))
        await tally.tell([CHARGED])
        (payment,) = await every_payment(world)
        assert (payment.state.version, payment.state.aliases) == (3, ("ch_1",))
        assert await sound(world)

    run(place, scenario)
