"""Payments are folded again from their facts, and the ledger gets what it lacks; nobody is told."""

import json

import pytest

from paybell.app.rebuilds import Wish, rebuild_payments
from paybell.record.rebuild import Difference
from tests.databases import Database
from tests.integration.api_world import World, in_world
from tests.integration.test_api_ledger import told

FREE = {
    "sqlite": ("DROP TRIGGER postings_are_not_deleted", "DELETE FROM postings"),
    "postgres": ("ALTER TABLE postings DISABLE TRIGGER postings_are_kept", "DELETE FROM postings"),
}


async def rebuilt(world: World, *, dry_run: bool) -> tuple[int, list[Difference]]:
    bell = world.bell
    organisation = await bell.store.organisation_default()
    wish = Wish(dry_run=dry_run)
    rounds = [it async for it in rebuild_payments(bell.store, bell.clock, organisation.id, wish)]
    return sum(count for count, _ in rounds), [each for _, found in rounds for each in found]


async def traded(world: World, count: int) -> None:
    await world.add_source()
    await world.add_endpoint()
    for number in range(count):
        assert await world.notify(told(f"p_{number}", "completed", "100.00")) == 200


def test_a_database_from_before_the_ledger_gets_one(database: Database) -> None:
    async def scenario(world: World) -> None:
        await traded(world, 3)
        before = await world.ask("GET", "/ledger/balance")
        for statement in FREE["sqlite" if database.url.startswith("sqlite") else "postgres"]:
            await world.alter(statement)
        assert (await world.ask("GET", "/ledger/balance"))["data"] == []
        looked_at, found = await rebuilt(world, dry_run=True)
        assert (looked_at, [(it.fields, it.posting_count) for it in found]) == (3, [((), 1)] * 3)
        assert (await world.ask("GET", "/ledger/balance"))["data"] == []
        assert await rebuilt(world, dry_run=False) == (looked_at, found)
        assert await world.ask("GET", "/ledger/balance") == before
        assert await rebuilt(world, dry_run=True) == (3, [])

    in_world(database, scenario)


def test_a_state_that_is_not_what_the_facts_say_is_put_right_and_nobody_is_told(database: Database) -> None:
    async def scenario(world: World) -> None:
        await traded(world, 2)
        payments = (await world.ask("GET", "/payment"))["data"]
        wrong = json.dumps({"status": "failed", "amount_minor": 1, "currency": "USD", "version": 9})
        sqlite = database.url.startswith("sqlite")
        value = f"CAST('{wrong}' AS BLOB)" if sqlite else f"convert_to('{wrong}', 'UTF8')"
        changed = f"status = 'failed', version = 9, state = {value}"
        await world.alter(f"UPDATE payments SET {changed} WHERE id = '{payments[0]['id']}'")  # noqa: S608 - ours
        messages = (await world.ask("GET", "/notification"))["data"]
        _, (difference,) = await rebuilt(world, dry_run=True)
        assert difference.payment_id == payments[0]["id"]
        assert {"status", "amount_minor", "version", "captured_minor"} <= set(difference.fields)
        await rebuilt(world, dry_run=False)
        after = (await world.ask("GET", "/payment"))["data"]
        assert [it | {"updatedAt": ""} for it in after] == [it | {"updatedAt": ""} for it in payments]
        assert (await world.ask("GET", "/payment?status=failed"))["data"] == []
        assert (await world.ask("GET", "/notification"))["data"] == messages
        app = (await world.ask("GET", "/app"))["data"][0]["id"]
        assert len((await world.ask("GET", f"/app/{app}/msg"))["data"]) == 2

    in_world(database, scenario)


@pytest.mark.parametrize("count", [0, 1])
def test_where_all_is_right_nothing_changes(database: Database, count: int) -> None:
    async def scenario(world: World) -> None:
        await traded(world, count)
        before = (await world.ask("GET", "/payment"))["data"]
        assert await rebuilt(world, dry_run=False) == (count, [])
        assert (await world.ask("GET", "/payment"))["data"] == before

    in_world(database, scenario)
