"""Migrations: whole numbers whatever ends them, each once whoever is at it, and nothing lost on the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import asyncpg
import pytest

from paybell.errors import SchemaError, StoreUnavailable
from paybell.model.fact import Kind
from paybell.model.migration import Migration
from paybell.model.notification import NotificationState
from paybell.ports import PageQuery, Store
from paybell.store.named import schema
from paybell.testing.builders import appending, fact, notification
from paybell.testing.fake_clock import START_MS
from tests.contract.migrating import (
    GROUNDS,
    Contents,
    Ground,
    PostgresGround,
    SqliteGround,
    dies,
    migrated_together,
    on,
    raised_to,
    store_on,
)
from tests.contract.stores import World, world
from tests.contract.test_store_together import told
from tests.tier import LONG

STATEMENTS_MAX = 200
NEWEST = 4


@pytest.fixture(params=GROUNDS)
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Ground:
    return GROUNDS[request.param](tmp_path)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Contents]:
    """What a database of each kind holds in which something of everything happened, and some of it waits."""
    return {name: lived(kind(tmp_path_factory.mktemp(name))) for name, kind in GROUNDS.items()}


def lived(ground: Ground) -> Contents:
    async def main() -> None:
        async with world(StorePlace(ground)) as it:
            await live(it)

    asyncio.run(main())
    return ground.contents()


class StorePlace:
    """The place of a store on that ground."""

    leases_outlive = True

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def store(self, clock: object, *, serve: bool = True, key: bytes = b"") -> Store:
        return store_on(self.ground.url, serve=serve)

    def raw_bytes(self) -> bytes:
        return b""

    def die(self, store: Store) -> None: ...


async def live(it: World) -> None:
    """One recorded notification, one that waits, one hint; a payment; two messages on their way."""
    org = it.organisation.id
    for number in (1, 2):
        await it.store.notification_append(appending(notification(number, organisation_id=org)))
    hint = notification(3, organisation_id=org, hint=True)
    await it.store.notification_append(appending(hint, NotificationState.NEEDS_FETCH, START_MS + 10**6))
    await it.record([told(it, 1, fact(Kind.CAPTURED, "ch_1", 100))])
    await it.post(9)


def numbers(ground: Ground) -> list[int]:
    return [it.number for it in schema(ground.dialect)]


def migrate(ground: Ground) -> list[int]:
    return [it.number for it in asyncio.run(store_on(ground.url).schema_migrate())]


# ------------------------------------------------------------------------------------ dying in between


def deaths(ground: Ground, number: int) -> Iterator[int]:
    """Kill processes, each one statement further on its way to the number, until one has brought it."""
    for statement_no in range(1, STATEMENTS_MAX):
        assert dies(ground.url, statement_no)
        yield statement_no
        if ground.version() >= number:
            return
    raise AssertionError("it has more statements than a migration may have")


def test_whatever_dies_between_two_statements_leaves_a_whole_number_and_the_next_goes_on(
    ground: Ground, tmp_path: Path, lived_in: dict[str, Contents]
) -> None:
    """The newest numbers in any run; those that are released do not change, and are for the long tier."""
    undisturbed = GROUNDS[ground.dialect](tmp_path / "undisturbed")
    assert migrate(undisturbed) == numbers(ground)
    released = 0 if LONG else numbers(ground)[-NEWEST] - 1
    raised_to(ground, released)
    if released:
        ground.insert(lived_in[ground.dialect])
    for step in schema(ground.dialect)[released:]:
        before, kept = ground.shape(), ground.contents()
        died_before = 0
        for statement_no in deaths(ground, step.number):
            if ground.version() < step.number:
                assert (ground.shape(), ground.contents()) == (before, kept)
                died_before = statement_no
        assert died_before > len(step.statements)
        assert ground.version() == step.number
        assert_kept(ground, kept)
        if step.number == 1:
            ground.insert(lived_in[ground.dialect])
        ground.insert({"organisations": [{"id": f"org_{step.number}", "name": "", "created_at_ms": 0}]})
    assert migrate(ground) == []
    assert ground.shape() == undisturbed.shape()
    assert_kept(ground, lived_in[ground.dialect])


def assert_kept(ground: Ground, before: Contents) -> None:
    """All rows are there as they were, with what has been added to them or beside them."""
    after = ground.contents()
    for table, rows in before.items():
        columns = rows[0].keys() & after[table][0].keys() if rows and after[table] else ()
        left = [{name: row[name] for name in columns} for row in after[table]]
        assert len(left) >= len(rows), table
        assert all({name: row[name] for name in columns} in left for row in rows), table


@pytest.mark.long
def test_after_every_death_the_next_start_finishes(ground: Ground, tmp_path: Path) -> None:
    undisturbed = GROUNDS[ground.dialect](tmp_path / "undisturbed")
    migrate(undisturbed)
    for statement_no in range(1, 2 * STATEMENTS_MAX):
        disturbed = GROUNDS[ground.dialect](tmp_path / str(statement_no))
        died = dies(disturbed.url, statement_no)
        on(store_on(disturbed.url, serve=True))
        assert disturbed.version() == numbers(ground)[-1]
        if ground.dialect == "sqlite":  # PostgreSQL's store made partitions, too
            assert disturbed.shape() == undisturbed.shape()
        else:
            assert set(undisturbed.shape()) <= set(disturbed.shape())
        if not died:
            break
    else:
        raise AssertionError("it never came to an end")


# ------------------------------------------------------------------------------------ many at once


def test_first_starts_at_the_same_moment_all_succeed_on_a_file_that_is_not_there(tmp_path: Path) -> None:
    for turn in range(15):
        ground = GROUNDS["sqlite"](tmp_path / str(turn))
        assert sorted(number for each in migrated_together(ground.url, 4) for number in each) == numbers(ground)


@pytest.mark.parametrize("from_number", [0, 1])
def test_many_processes_at_once_bring_each_number_once(ground: Ground, from_number: int) -> None:
    raised_to(ground, from_number)
    brought = migrated_together(ground.url, 4)
    assert sorted(number for each in brought for number in each) == numbers(ground)[from_number:]
    assert ground.version() == numbers(ground)[-1]


def test_one_that_looks_while_another_makes_the_file_does_not_take_it_for_another_programs(tmp_path: Path) -> None:
    """The other has made all of it between two of its looks."""
    ground = SqliteGround(tmp_path)
    looks: list[str] = []

    def trace(_cursor: apsw.Cursor, statement: str, _bindings: object) -> bool:
        looks.append(statement)
        if len(looks) == 2:
            raised_to(ground, numbers(ground)[-1])
        return True

    def hook(connection: apsw.Connection) -> None:
        apsw.connection_hooks.remove(hook)
        connection.exec_trace = trace

    apsw.connection_hooks.append(hook)
    on(store_on(ground.url))
    assert len(looks) > 2


def test_a_node_beside_goes_on_while_columns_change_under_its_statements(tmp_path: Path) -> None:
    ground = PostgresGround(tmp_path)

    async def scenario(it: World) -> None:
        org = it.organisation.id
        connection = await asyncpg.connect(ground.url)
        for number in range(1, 6):
            await it.store.notification_append(appending(notification(number, organisation_id=org)))
            lease = {"now_ms": START_MS, "lease_ends_at_ms": START_MS + 60_000}
            assert len(await it.store.notification_claim(limit=9, **lease)) == 1
            await it.record([told(it, number, fact(Kind.CAPTURED, f"ch_{number}", 1))])
            (payment,) = (await it.store.payment_page(PageQuery(organisation_id=org))).data
            assert payment.state.version == number
            kind = ("INTEGER", "SMALLINT")[number % 2]
            await connection.execute(f"ALTER TABLE payments ALTER COLUMN livemode TYPE {kind}")
            await connection.execute(f"ALTER TABLE sources ADD COLUMN later_{number} TEXT NOT NULL DEFAULT ''")
        await connection.close()

    async def main() -> None:
        async with asyncio.timeout(60), world(StorePlace(ground)) as it:
            await scenario(it)

    asyncio.run(main())


# ------------------------------------------------------------------------------------ newer, older, foreign


def test_a_schema_newer_than_the_program_is_refused_at_every_door(ground: Ground) -> None:
    migrate(ground)
    ground.set_version(99)
    before = ground.shape()
    for store in (store_on(ground.url), store_on(ground.url, serve=True), store_on(ground.url, migrate=False)):
        for door in (store.open, store.schema_pending, store.schema_migrate):
            with pytest.raises(SchemaError, match=r"has schema 99, .* install a newer Paybell, or restore the backup"):
                asyncio.run(door())
    assert ground.shape() == before


def test_where_a_start_may_not_migrate_an_older_schema_is_refused_and_left_as_it_is(ground: Ground) -> None:
    raised_to(ground, 1)
    before = ground.shape()
    for serve in (True, False):
        with pytest.raises(SchemaError, match=r"lacks .* run `paybell db migrate`"):
            on(store_on(ground.url, serve=serve, migrate=False))
    assert ground.shape() == before
    migrate(ground)
    on(store_on(ground.url, serve=True, migrate=False))


def test_what_is_pending_is_told_and_not_done(ground: Ground) -> None:
    def pending() -> list[Migration]:
        return list(asyncio.run(store_on(ground.url).schema_pending()))

    assert pending() == list(schema(ground.dialect))
    assert ground.version() == 0
    raised_to(ground, 1)
    before = ground.shape()
    assert pending() == list(schema(ground.dialect)[1:])
    assert ground.shape() == before
    migrate(ground)
    assert pending() == []


def test_looking_at_a_file_that_is_not_there_does_not_make_it(tmp_path: Path) -> None:
    asyncio.run(store_on(f"sqlite:///{tmp_path / 'none.db'}").schema_pending())
    assert list(tmp_path.iterdir()) == []


def test_another_programs_file_is_refused_and_not_a_byte_of_it_is_changed(tmp_path: Path) -> None:
    ground = SqliteGround(tmp_path)
    ground.run("CREATE TABLE payments (id INTEGER PRIMARY KEY)", "INSERT INTO payments VALUES (7)")
    before = ground.path.read_bytes()
    store = store_on(ground.url)
    for door in (store.open, store.schema_pending, store.schema_migrate):
        with pytest.raises(SchemaError, match="another program's database"):
            asyncio.run(door())
    assert ground.path.read_bytes() == before
    assert [it.name for it in tmp_path.iterdir()] == ["paybell.db"]


def test_a_database_that_holds_another_programs_tables_is_refused_whole(tmp_path: Path) -> None:
    ground = PostgresGround(tmp_path)
    ground.run("CREATE TABLE payments (id INTEGER PRIMARY KEY)")
    before = ground.shape()
    store = store_on(ground.url)
    for door in (store.open, store.schema_migrate):
        with pytest.raises(SchemaError, match=r'"payments" already exists.*a database of its own'):
            asyncio.run(door())
    assert ground.shape() == before


# ------------------------------------------------------------------------------------ how long it may take


def test_a_migration_may_take_long_and_does_not_make_others_wait_long_for_its_locks(tmp_path: Path) -> None:
    """A node's statements wait behind a migration that itself waits for somebody else's transaction to end."""
    ground = PostgresGround(tmp_path)
    raised_to(ground, 1)

    async def main() -> None:
        holder = await asyncpg.connect(ground.url)
        async with holder.transaction():
            await holder.execute("LOCK TABLE notification_queue IN ACCESS SHARE MODE")
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                await asyncio.wait_for(store_on(ground.url).schema_migrate(), 20)
        await holder.close()

    asyncio.run(main())
    assert ground.version() == 1
    assert migrate(ground) == numbers(ground)[1:]


# ------------------------------------------------------------------------------------ from release to release


@pytest.mark.parametrize("number", [1, 2])
def test_a_database_of_an_earlier_release_opens_with_all_that_is_in_it(
    ground: Ground, number: int, lived_in: dict[str, Contents]
) -> None:
    raised_to(ground, number)
    ground.insert(lived_in[ground.dialect])

    async def look(store: Store) -> None:
        org = (await store.organisation_default()).id
        query = PageQuery(organisation_id=org)
        states = {it.status.state for it in (await store.notification_page(query)).data}
        assert states == {"recorded", "pending", "needs_fetch"}
        (payment,) = (await store.payment_page(query)).data
        assert payment.state.captured_minor == 100
        assert {it.state for it in (await store.delivery_page(query)).data} == {"due"}
        assert (await store.source_lookup(org, "shop")).secrets == ("a-secret-of-the-shop",)
        await store.key_check()
        lease = {"now_ms": START_MS, "lease_ends_at_ms": START_MS + 60_000}
        claimed = await store.notification_claim(limit=9, **lease)
        assert [it.id for it in claimed] == [notification(2).id]
        assert len(await store.payment_timeline(org, payment.id)) > 3

    store = store_on(ground.url, serve=True)
    on(store, look)
    assert_kept(
        ground,
        {
            name: rows
            for name, rows in lived_in[ground.dialect].items()
            if "queue" not in name and name != "notification_states"
        },
    )
