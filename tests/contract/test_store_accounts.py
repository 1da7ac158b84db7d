"""Account items in a store: found by any recorder, booked once, paged, with a timeline, and checked."""

import asyncio

import pytest

from paybell.errors import NotFound
from paybell.gateways.kit import accounts
from paybell.model.account import PayoutStatus, SubscriptionStatus
from paybell.model.fact import Kind, Subject
from paybell.ports import PageQuery
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS
from tests.contract.archives import alter, verified
from tests.contract.ledger_world import arrive, everything, told
from tests.contract.stores import Place, World, run

CREATED = accounts.payout("po_x", PayoutStatus.CREATED, at_ms=START_MS, money=(5_000, "EUR"))
PAID = accounts.payout("po_x", PayoutStatus.PAID, at_ms=START_MS + 1, money=(5_000, "EUR"))
OTHER = accounts.payout("po_y", PayoutStatus.FAILED, at_ms=START_MS + 2, money=(700, "EUR"))
RUNS = accounts.subscription("sub_x", SubscriptionStatus.ACTIVE, at_ms=START_MS, plan="price_1")
SALE = fact(Kind.CAPTURED, "ch_1", 10_000, 1, currency="EUR")


async def filled(world: World) -> None:
    await arrive(world, 1, 2, 3)
    await world.record([told(world, 1, CREATED, SALE), told(world, 2, PAID, RUNS)])
    await world.record([told(world, 3, OTHER)])


def query(world: World, subject: Subject, **given: str) -> PageQuery:
    limit = int(given.pop("limit", "50"))
    after = given.pop("iterator", "")
    filters = {"subject": str(subject), **given}
    return PageQuery(organisation_id=world.organisation.id, limit=limit, iterator=after, filters=filters)


def test_items_are_kept_found_and_paged(place: Place) -> None:
    async def scenario(world: World) -> None:
        await filled(world)
        store, mine = world.store, world.organisation.id
        first = await store.account_item_page(query(world, Subject.PAYOUT, limit="1"))
        assert ([it.gateway_id for it in first.data], first.done) == (["po_y"], False)
        rest = await store.account_item_page(query(world, Subject.PAYOUT, limit="1", iterator=first.iterator))
        assert ([it.gateway_id for it in rest.data], rest.done) == (["po_x"], True)
        (runs,) = (await store.account_item_page(query(world, Subject.SUBSCRIPTION))).data
        assert await store.account_item_get(mine, Subject.SUBSCRIPTION, runs.id) == runs
        for given, found in (
            ({"gateway_id": "po_x"}, ["po_x"]),
            ({"gateway_id": "po_x", "status": "failed"}, []),
            ({"gateway_id": "sub_x"}, []),
            ({"status": "failed"}, ["po_y"]),
            ({"source_id": world.source.id}, ["po_y", "po_x"]),
            ({"source_id": "src_9"}, []),
        ):
            page = await store.account_item_page(query(world, Subject.PAYOUT, **given))
            assert [it.gateway_id for it in page.data] == found, given
        for owner, subject, name in (
            ("org_other", Subject.SUBSCRIPTION, runs.id),
            (mine, Subject.PAYOUT, runs.id),
            (mine, Subject.SUBSCRIPTION, "sub_9"),
        ):
            with pytest.raises(NotFound):
                await store.account_item_get(owner, subject, name)

    run(place, scenario)
    assert verified(place).examples == ()


def test_a_timeline_tells_it_all(place: Place) -> None:
    async def scenario(world: World) -> None:
        await filled(world)
        (paid,) = (await world.store.account_item_page(query(world, Subject.PAYOUT, gateway_id="po_x"))).data
        timeline = await world.store.account_item_timeline(world.organisation.id, Subject.PAYOUT, paid.id)
        kinds = [it.kind for it in timeline]
        assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
            "delivery": 2,
            "fact": 2,
            "message": 2,
            "notification": 2,
            "posting": 2,
        }

    run(place, scenario)


def test_many_recorders_of_one_payout_book_it_once(place: Place) -> None:
    async def scenario(world: World) -> None:
        await arrive(world, *range(1, 9))
        each = [told(world, number, CREATED if number % 2 else PAID, RUNS) for number in range(1, 9)]
        await asyncio.gather(*(world.record([it]) for it in each))
        balances = await world.store.ledger_balances(world.organisation.id)
        assert {it.account: it.balance_minor for it in balances} == {
            "bank": 5_000,
            "clearing": -5_000,
            "payout_in_transit": 0,
        }
        (item,) = (await world.store.account_item_page(query(world, Subject.PAYOUT))).data
        assert item.state.version == 2

    run(place, scenario)
    assert verified(place).examples == ()
    assert len(everything(place)["facts"]) == 3


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE account_items SET version = 9 WHERE gateway_id = 'po_x'", "its columns are not as in its state"),
        ("UPDATE account_items SET gateway_id = 'po_z' WHERE gateway_id = 'po_x'", "a fact of it is of something else"),
        ("DELETE FROM account_items WHERE gateway_id = 'sub_x'", "it is not there, and has 1 facts"),
        ("DELETE FROM facts WHERE payment_id LIKE 'sub%'", "it has no facts"),
        (
            "UPDATE account_items SET state = (SELECT state FROM account_items WHERE gateway_id = 'po_y')",
            "its state is not what its facts add up to",
        ),
    ],
)
def test_what_does_not_add_up_is_named(place: Place, statement: str, what: str) -> None:
    run(place, filled)
    assert verified(place).examples == ()
    alter(place, statement)
    found = [it.what for it in verified(place).examples if it.table == "account_items"]
    assert any(what in it for it in found), found
