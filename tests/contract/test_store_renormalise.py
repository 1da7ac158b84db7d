"""Facts are derived again from raw notifications by a gateway's module that reads otherwise than before."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from paybell.app.rebuilds import Wish, rebuild_payments
from paybell.gateways import GATEWAYS
from paybell.model.entitlement import EntitlementState
from paybell.model.fact import Fact, Kind, Parsed
from paybell.model.notification import Notification
from paybell.model.source import Source
from paybell.ports import Gateway, PageQuery
from paybell.record.rebuild import Difference
from paybell.testing.builders import fact
from tests.contract.archives import alter, verified
from tests.contract.ledger_world import arrive, everything, told
from tests.contract.stores import Place, World, run
from tests.unit.members import paid

SALE = fact(Kind.CAPTURED, "ch_1", 10_000, 60)
MORE = fact(Kind.CAPTURED, "ch_1", 12_000, 60)
FEE = fact(Kind.FEE, "ch_1", 300, 60)
REFUND = fact(Kind.REFUND_SUCCEEDED, "re_1", 500, 90)
ELSEWHERE = fact(Kind.CAPTURED, "ch_9", 700, 60, aggregate="pi_9")


class Upgraded:
    """A gateway's module that reads notifications otherwise, by their number."""

    def __init__(self, says: dict[int, tuple[Fact, ...]]) -> None:
        self._says = says
        self.about = GATEWAYS["generic"].about

    def parse(self, notification: Notification, source: Source) -> Parsed:
        facts = self._says.get(int(notification.id[-20:], 16), ())
        return Parsed(event="upgraded", facts=facts, reason="" if facts else "says nothing")


async def renormalised(world: World, says: dict[int, tuple[Fact, ...]], **wish: bool) -> list[Difference]:
    gateway: Any = Upgraded(says)
    gateways: dict[str, Gateway] = {"generic": gateway}
    asked = Wish(renormalise=True, **wish)
    rounds = rebuild_payments(world.store, world.clock, world.organisation.id, asked, gateways)
    return [it async for _, found in rounds for it in found]


async def balances(world: World) -> dict[str, int]:
    found = await world.store.ledger_balances(world.organisation.id)
    return {str(it.account): it.balance_minor for it in found if it.balance_minor}


async def messages(world: World) -> list[str]:
    query = PageQuery(organisation_id=world.organisation.id, filters={"application_id": "app_1"})
    return sorted(it.event_type for it in (await world.store.message_page(query)).data)


async def recorded(world: World) -> None:
    """1 tells of a sale, 2 of the same, 3 says nothing, 4 of a refund."""
    await arrive(world, 1, 2, 3, 4)
    await world.record([told(world, 1, SALE), told(world, 2, SALE), told(world, 3), told(world, 4, REFUND)])
    world.clock.advance(100)


SAME = {1: (SALE,), 2: (SALE,), 4: (REFUND,)}


def test_what_reads_as_before_changes_nothing(place: Place) -> None:
    async def scenario(world: World) -> None:
        await recorded(world)
        before = await asyncio.to_thread(everything, place)
        assert await renormalised(world, SAME) == []
        after = await asyncio.to_thread(everything, place)
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}

    run(place, scenario)


def test_another_amount_is_corrected_by_a_reversal_and_nobody_is_told(place: Place) -> None:
    async def scenario(world: World) -> None:
        await recorded(world)
        before = await messages(world)
        upgraded = {1: (MORE,), 2: (MORE,), 3: (ELSEWHERE,), 4: (REFUND, FEE)}
        looked = await renormalised(world, upgraded, dry_run=True)
        assert await balances(world) == {"clearing": 9_500, "refunds": 500, "sales": -10_000}
        found = await renormalised(world, upgraded)
        # A dry run writes nothing, so it finds in its second pass again what its first one found.
        assert {it.gateway_payment_id for it in looked} == {it.gateway_payment_id for it in found} == {"pi_1", "pi_9"}
        (first,) = (it for it in found if it.gateway_payment_id == "pi_1")
        assert {"amount_minor", "captured_minor", "version"} <= set(first.fields)
        assert (first.added_count, first.dropped_count) == (3, 1)
        assert [it.fields for it in found if it.gateway_payment_id == "pi_9"] == [("new",)]
        assert await balances(world) == {"clearing": 11_900, "fees": 300, "refunds": 500, "sales": -12_700}
        assert await messages(world) == before
        states = {
            it.notification.id[-1]: (str(it.status.state), it.status.event)
            for it in (await world.store.notification_page(PageQuery(organisation_id=world.organisation.id))).data
        }
        assert states["3"] == ("recorded", "upgraded")
        assert await renormalised(world, upgraded) == []
        # What comes later has a version of its own, whatever was dropped.
        await arrive(world, 5)
        await world.record([told(world, 5, fact(Kind.REFUND_SUCCEEDED, "re_2", 10, 95))])
        assert len(await messages(world)) == len(before) + 1

    run(place, scenario)
    assert verified(place).examples == ()


def test_those_who_subscribed_hear_of_it_when_asked(place: Place) -> None:
    async def scenario(world: World) -> None:
        await recorded(world)
        await renormalised(world, {**SAME, 1: (SALE, fact(Kind.DISPUTE_STATUS, "dp_1", 500, 99))}, tell=True)
        assert await messages(world) == ["dispute.opened", "payment.completed", "refund.completed"]
        deliveries = (await world.store.delivery_page(PageQuery(organisation_id=world.organisation.id))).data
        assert {str(it.state) for it in deliveries} == {"due"}

    run(place, scenario)
    assert verified(place).examples == ()


def test_a_payment_that_nothing_tells_of_any_more_is_left_as_it_is(place: Place) -> None:
    async def scenario(world: World) -> None:
        await recorded(world)
        assert await renormalised(world, {}) == []
        assert await balances(world) == {"clearing": 9_500, "refunds": 500, "sales": -10_000}

    run(place, scenario)
    assert verified(place).examples == ()


def test_what_another_notification_says_still_stays(place: Place) -> None:
    async def scenario(world: World) -> None:
        await recorded(world)
        await renormalised(world, {1: (FEE,), 2: (SALE,), 4: (REFUND,)})
        assert await balances(world) == {"clearing": 9_200, "fees": 300, "refunds": 500, "sales": -10_000}
        assert await renormalised(world, {1: (FEE,), 2: (SALE,), 4: (REFUND,)}) == []

    run(place, scenario)
    assert verified(place).examples == ()


def test_a_database_from_before_entitlements_gets_them_by_a_rebuild(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, *paid(0, product="pass"))])
        (before,) = await world.store.entitlement_of(world.organisation.id, "cus_1")
        async with asyncio.timeout(30):
            await asyncio.to_thread(alter, place, "DELETE FROM grants", "DELETE FROM entitlements")
        assert await world.store.entitlement_of(world.organisation.id, "cus_1") == ()
        rounds = rebuild_payments(world.store, world.clock, world.organisation.id, Wish())
        assert [it async for it in rounds]
        (after,) = await world.store.entitlement_of(world.organisation.id, "cus_1")
        assert after.state is EntitlementState.GRANTED
        assert replace(after, id=before.id) == before

    run(place, scenario)


@pytest.mark.parametrize("dry_run", [True, False])
def test_of_nothing_nothing_comes(place: Place, dry_run: bool) -> None:  # noqa: FBT001 - a parameter
    async def scenario(world: World) -> None:
        assert await renormalised(world, {}, dry_run=dry_run) == []

    run(place, scenario)
