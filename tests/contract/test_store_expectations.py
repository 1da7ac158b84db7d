"""Expectations join the payments of their order in the database: before, after, changed, and at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path

import asyncpg
import msgspec
import pytest

from paybell.errors import ConfigurationError
from paybell.model.expectation import Expectation
from paybell.model.fact import Fact, Kind
from paybell.ports import PageQuery
from paybell.record.messages import MISMATCH
from paybell.store import expectation_rows
from paybell.store.postgres.recording import _lock_of_order
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS
from tests.contract.ledger_world import rows_of
from tests.contract.stores import Place, PostgresPlace, World, run
from tests.contract.test_store_aliases import Tally, every_payment, of_order, sound
from tests.contract.test_store_recorders import until
from tests.unit.expecting import as_said
from tests.unit.test_expectations import CAPTURED, CREATED, HISTORY, JOINED, REFUNDED

MINE = {"order_id": "o_1"}


async def expectations(world: World, **filters: str) -> Sequence[Expectation]:
    query = PageQuery(organisation_id=world.organisation.id, limit=250, filters=filters)
    return (await world.store.expectation_page(query)).data


async def balances(world: World) -> dict[str, int]:
    found = await world.store.ledger_balances(world.organisation.id)
    return {str(it.account): it.balance_minor for it in found}


def numbered(number: int, facts: Sequence[Fact]) -> Iterator[Fact]:
    """Payments, and an order, of that number's own."""
    for each in of_order(number, facts):
        detail = {name: f"o_{number}" if name == "order_id" else value for name, value in each.detail.items()}
        yield msgspec.structs.replace(
            each, detail=detail, ref=f"o_{number}" if each.kind is Kind.EXPECTED else each.ref
        )


@pytest.mark.parametrize("history", [HISTORY, JOINED], ids=["one payment", "two that turn out to be one"])
def test_every_order_of_arrival_comes_to_the_same(place: Place, history: Sequence[Fact]) -> None:
    orders = [tuple(numbered(*each)) for each in enumerate(filter(as_said, permutations(history)))]

    async def scenario(world: World) -> None:
        tally = Tally(world)
        for step in range(len(history)):
            now = [order[step] for order in orders]
            await tally.tell(*([it] for it in now if it.kind is not Kind.EXPECTED))
            for it in now:
                if it.kind is Kind.EXPECTED:
                    await world.expect(it.amount_minor or 0, (it.at_ms - START_MS) // 1000, order_id=it.ref)
        found = await every_payment(world)
        assert len(found) == len(orders)
        seen = Counter((it.state.status, it.state.version, it.state.expected_minor, it.state.flags) for it in found)
        ((_, version, expected_minor, flags),) = seen
        assert (version, expected_minor, flags) == (len(history), 9_500, ("overpaid",))
        assert (await balances(world))["overpayments"] == -500 * len(orders)
        assert await sound(world)

    run(place, scenario)


def test_all_payments_of_the_order_hear_of_it_and_no_other(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        second = msgspec.structs.replace(CAPTURED, aggregate="pi_2", detail=MINE)
        other = msgspec.structs.replace(CAPTURED, aggregate="pi_3", detail={"order_id": "o_2"})
        await tally.tell([CREATED, CAPTURED], [second], [other], [fact(Kind.CAPTURED, "x", 5, aggregate="pi_4")])
        changes = await world.expect(12_000)
        assert len(changes.payments) == 2
        assert (await world.expect(12_000, 5)).payments == ()
        await world.expect(12_000, organisation_id="org_other")
        await tally.tell([msgspec.structs.replace(other, aggregate="pi_5", detail=MINE)])
        found = {it.gateway_payment_id: it.state for it in await every_payment(world)}
        assert {name for name, state in found.items() if "underpaid" in state.flags} == {"pi_1", "pi_2", "pi_5"}
        assert {found[name].expected_minor for name in ("pi_3", "pi_4")} == {0}
        assert [it.amount_minor for it in await expectations(world)] == [12_000]
        assert await sound(world)

    run(place, scenario)


def test_a_change_counts_from_then_on_and_what_was_said_stays(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        await world.expect(9_000, 10)
        await tally.tell([CREATED, CAPTURED])
        assert await balances(world) == {"clearing": 10_000, "overpayments": -1_000, "sales": -9_000}
        await world.expect(10_000, 3)  # by a clock that is behind
        (payment,) = await every_payment(world)
        assert (payment.state.expected_minor, payment.state.flags, payment.state.version) == (10_000, (), 4)
        assert await balances(world) == {"clearing": 10_000, "overpayments": 0, "sales": -10_000}
        assert [it.amount_minor for it in await expectations(world, order_id="o_1")] == [10_000, 9_000]
        assert await expectations(world, order_id="o_9") == ()
        assert await sound(world)

    run(place, scenario)


def test_a_mismatch_is_told_in_the_transaction_that_finds_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        tally = Tally(world)
        await tally.tell([CREATED, CAPTURED])
        changes = await world.expect(9_000)
        assert [it.event_type for it in changes.messages] == [MISMATCH]
        assert len(changes.deliveries) == 1
        await tally.tell([REFUNDED])

    run(place, scenario)
    told = rows_of(place, "SELECT event_type FROM messages ORDER BY id")
    assert [it for (it,) in told] == ["payment.completed", MISMATCH, "refund.completed"]


def test_the_timeline_says_who_said_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        await Tally(world).tell([CREATED, CAPTURED])
        await world.expect(9_000)
        (payment,) = await every_payment(world)
        timeline = await world.store.payment_timeline(world.organisation.id, payment.id)
        (said,) = [it for it in timeline if it.detail.get("kind") == "expected"]
        assert said.text == "expected by the merchant, of order o_1 9000 USD (minor units)"
        assert said.detail["notificationId"] == ""
        assert [it.id for it in timeline if it.kind == "notification"] == [
            it.detail["notificationId"] for it in timeline if it.kind == "fact" and it.detail["notificationId"]
        ][:1]

    run(place, scenario)


def test_an_order_of_very_many_payments_is_refused_whole(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectation_rows, "PAYMENTS_MAX", 2)

    async def scenario(world: World) -> None:
        paid = [msgspec.structs.replace(CAPTURED, aggregate=f"pi_{number}", detail=MINE) for number in range(3)]
        tally = Tally(world)
        await tally.tell(paid[:2])
        await world.expect(1)
        await tally.tell(paid[2:])
        with pytest.raises(ConfigurationError, match="more than 2 payments"):
            await world.expect(2)
        assert [it.amount_minor for it in await expectations(world)] == [1]
        assert await sound(world)

    run(place, scenario)


def test_said_and_paid_at_the_same_moment_always_meet(place: Place) -> None:
    count = 120

    async def scenario(world: World) -> None:
        tally = Tally(world)

        async def pay(number: int) -> None:
            await tally.tell(list(numbered(number, (CREATED, CAPTURED))))

        async def refund(number: int) -> None:
            await tally.tell(list(numbered(number, (REFUNDED,))))

        for start in range(0, count, 8):
            several = range(start, start + 8)
            said = [world.expect(9_000, order_id=f"o_{number}") for number in several]
            again = [world.expect(9_100, 9, order_id=f"o_{number}") for number in several]
            await asyncio.gather(*map(pay, several), *said, *map(refund, several), *again)
        found = await every_payment(world)
        assert len(found) == count
        # Of two that are said at once either may be the later one; both are there.
        assert {(it.state.version, it.state.flags) for it in found} == {(5, ("overpaid",))}
        assert await sound(world)

    run(place, scenario)
    if isinstance(place, PostgresPlace):
        assert asyncio.run(_deadlocks(place.url)) == 0  # orders are locked before ids


async def _deadlocks(url: str) -> int:
    connection = await asyncpg.connect(url)
    count: int = await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    await connection.close()
    return count


def test_who_says_it_waits_for_who_records_a_payment_of_the_order(tmp_path: Path) -> None:
    place = PostgresPlace(tmp_path)

    async def scenario(world: World) -> None:
        tally = Tally(world)
        rival, eye = await asyncpg.connect(place.url), await asyncpg.connect(place.url)
        waiting = "SELECT count(*) = {} FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with rival.transaction():
            lock = _lock_of_order(expectation_rows.OrderKey(world.organisation.id, "o_1"))
            await rival.execute("SELECT pg_advisory_xact_lock($1)", lock)
            both = [asyncio.create_task(tally.tell([CREATED, CAPTURED]))]
            await until(eye, waiting.format(1))
            both.append(asyncio.create_task(world.expect(9_000)))
            await until(eye, waiting.format(2))
        await asyncio.gather(*both)
        (payment,) = await every_payment(world)
        assert (payment.state.expected_minor, payment.state.version) == (9_000, 3)
        await rival.close()
        await eye.close()
        assert await _deadlocks(place.url) == 0

    run(place, scenario)
