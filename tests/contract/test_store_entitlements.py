"""Entitlements in a store: written with what changed them, turned by timers once, found by any name of a customer."""

import asyncio

import msgspec
import pytest

from paybell.errors import NotFound
from paybell.model.entitlement import CustomerKey, Entitlement, EntitlementState, OnRefund, Product
from paybell.ports import Book, Changes, PageQuery
from paybell.record.rules import turn
from paybell.route.rules import route_change
from paybell.testing.fake_clock import START_MS
from tests.contract.archives import alter, verified
from tests.contract.ledger_world import arrive, told
from tests.contract.stores import Place, World, run
from tests.unit.members import billed, paid, refunded, subscribed

DAY_S = 86_400


def gold(world: World, **changes: object) -> Product:
    plain = Product(organisation_id=world.organisation.id, uid="gold", name="Gold", plans=("price_1", "price_2"))
    return msgspec.structs.replace(plain, **({"created_at_ms": START_MS, "updated_at_ms": START_MS} | changes))


async def due(world: World) -> list[CustomerKey]:
    return list(await world.store.entitlement_due(now_ms=world.clock.now_ms(), limit=9))


async def turned(world: World, keys: list[CustomerKey]) -> Changes:
    now_ms = world.clock.now_ms()

    def decide(book: Book) -> Changes:
        return turn(book, route=lambda change, ends: route_change(change, ends, world.mint()), now_ms=now_ms)

    return await world.store.entitlement_turn(keys, decide)


async def the_only(world: World, customer: str = "cus_1") -> Entitlement:
    (found,) = await world.store.entitlement_of(world.organisation.id, customer)
    return found


async def told_types(world: World) -> list[str]:
    query = PageQuery(organisation_id=world.organisation.id, filters={"application_id": "app_1"})
    messages = (await world.store.message_page(query)).data
    return sorted(it.event_type for it in messages if it.event_type.startswith("membership."))


def test_a_subscription_grants_and_time_takes_back(place: Place) -> None:
    async def scenario(world: World) -> None:
        await world.store.product_put(gold(world))
        await arrive(world, 1, 2, 3)
        await world.record([told(world, 1, subscribed("active", 0, 30))])
        first = await the_only(world)
        assert (first.product, first.state, first.version, first.allowed) == ("gold", EntitlementState.GRANTED, 1, True)
        assert await due(world) == []
        world.clock.advance(32 * DAY_S)
        (key,) = await due(world)
        assert key == first.key
        changes = await asyncio.gather(turned(world, [key]), turned(world, [key]), turned(world, [key]))
        assert [len(it.entitlements) for it in changes].count(1) == 1
        late = await the_only(world)
        assert (late.state, late.version) == (EntitlementState.GRACE, 2)
        assert await due(world) == []
        await world.record([told(world, 2, billed("paid", 32, 60))])
        assert (await the_only(world)).state is EntitlementState.GRANTED
        assert await told_types(world) == ["membership.grace", "membership.granted", "membership.granted"]

    run(place, scenario)
    assert verified(place).examples == ()


def test_it_is_found_by_any_name_of_its_customer(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        await world.record([told(world, 1, *paid(0, product="pass")), told(world, 2, subscribed("active", 0, 30))])
        mine = world.organisation.id
        for name in ("cus_1", "pat@example.com", "PAT@example.com", "u_7"):
            found = await world.store.entitlement_of(mine, name)
            assert sorted(it.product for it in found) == ["pass", "price_1"], name
            assert await world.store.entitlement_of("org_other", name) == ()
        for name in ("", "cus_2", "pat", "%"):
            assert await world.store.entitlement_of(mine, name) == ()
        page = await world.store.entitlement_page(PageQuery(organisation_id=mine, limit=1))
        rest = PageQuery(organisation_id=mine, limit=9, iterator=page.iterator)
        assert len({it.id for it in (*page.data, *(await world.store.entitlement_page(rest)).data)}) == 2
        for filters, count in (({"product": "pass"}, 1), ({"state": "grace"}, 0), ({"state": "granted"}, 2)):
            found_page = await world.store.entitlement_page(PageQuery(organisation_id=mine, filters=filters))
            assert len(found_page.data) == count, filters

    run(place, scenario)


def test_another_policy_counts_at_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1, 2)
        await world.record([told(world, 1, *paid(0, product="gold")), told(world, 2, refunded(1))])
        assert (await the_only(world)).state is EntitlementState.REVOKED
        put = gold(world, on_refund=OnRefund.NONE)
        await world.store.product_put(put)
        assert await world.store.product_list(world.organisation.id) == (put,)
        assert await world.store.product_list("org_other") == ()
        await turned(world, await due(world))
        assert (await the_only(world)).state is EntitlementState.GRANTED
        await world.store.product_delete(world.organisation.id, "gold")
        await turned(world, await due(world))
        assert (await the_only(world)).state is EntitlementState.REVOKED
        with pytest.raises(NotFound, match="gold"):
            await world.store.product_delete(world.organisation.id, "gold")

    run(place, scenario)


def test_many_recorders_of_one_customer_come_to_one_entitlement(place: Place) -> None:
    async def scenario(world: World) -> None:
        facts = [
            (subscribed("active", 0, 30),),
            paid(0, invoice="in_1"),
            (billed("paid", 0, 30),),
            (billed("paid", 30, 60, no=2),),
            paid(30, no=2, invoice="in_2"),
            (subscribed("active", 30, 60),),
        ]
        await arrive(world, *range(1, 7))
        world.clock.advance(40 * DAY_S)
        await asyncio.gather(*(world.record([told(world, no, *them)]) for no, them in enumerate(facts, 1)))
        found = await the_only(world)
        assert (found.state, found.until_ms) == (EntitlementState.GRANTED, START_MS + 60 * DAY_S * 1000)
        await arrive(world, 7)
        await world.record([told(world, 7, refunded(41, no=2))])
        assert (await the_only(world)).state is EntitlementState.REVOKED

    run(place, scenario)
    assert verified(place).examples == ()


def test_a_payment_whose_invoice_is_told_last_counts(place: Place) -> None:
    """Each in a transaction of its own; the last one names nobody."""

    async def scenario(world: World) -> None:
        sale, link = paid(0, invoice="in_1")
        await arrive(world, 1, 2, 3, 4)
        for number, facts in enumerate(((sale,), (billed("paid", 0, 30),), (refunded(1),), (link,)), 1):
            await world.record([told(world, number, *facts)])
        found = await the_only(world)
        assert (found.state, found.reason) == (EntitlementState.REVOKED, "refunded")

    run(place, scenario)


def test_a_grant_of_nothing_is_named(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, 1)
        await world.record([told(world, 1, *paid(0, product="pass"))])

    run(place, scenario)
    alter(place, "UPDATE grants SET subject_id = 'pay_gone'")
    assert [(it.table, it.id) for it in verified(place).examples] == [("grants", "pay_gone")]
