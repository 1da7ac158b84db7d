"""A whole database is copied between any two stores, all or nothing; its digest is the same in every kind of store."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paybell.errors import ConfigurationError, Conflict, StoreError
from paybell.ports import ArchiveRow, ArchiveWriter, PageQuery, Retention, Store
from paybell.store.archive import TABLES, TableDigest, span_of
from paybell.store.copying import copy
from paybell.testing.builders import appending, notification
from paybell.testing.fake_clock import START_MS
from tests.contract.archives import OTHER_KEY, alter, copied, filled, opened, rows_of, verified
from tests.contract.stores import PLACES, Place, PostgresPlace, SqlitePlace, World, claim_due, run, world

DAY_MS = 86_400_000


@pytest.fixture(params=PLACES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    folder = tmp_path / "target"
    folder.mkdir()
    return PLACES[request.param](folder)


def test_a_database_with_everything_in_it_is_the_same_after_a_copy(place: Place, target: Place) -> None:
    filled(place)
    before = verified(place)
    assert [name for name, count in rows_of(before).items() if not count] == ["notification_keys", "message_keys"]
    assert {state for it in before.sources for state in it.states} == {
        *("pending", "recorded", "unmapped", "parked", "needs_fetch", "fetched"),
    }
    tables = copied(place, target)
    after = verified(target, OTHER_KEY)
    assert after == before
    assert after.tables == tables
    assert (after.defect_count, verified(place)) == (0, before)


def test_people_see_the_same_in_the_copy(place: Place, target: Place) -> None:
    filled(place)
    copied(place, target)

    async def main() -> None:
        async with opened(place) as one, opened(target, OTHER_KEY) as other:
            assert await seen(one) == await seen(other)

    asyncio.run(main())


async def seen(store: Store) -> list[Any]:
    mine = (await store.organisation_default()).id
    query = PageQuery(organisation_id=mine, limit=250)
    deliveries = (await store.delivery_page(query)).data
    payments = (await store.payment_page(query)).data
    applications = (await store.application_page(query)).data
    of_application = [PageQuery(organisation_id=mine, filters={"application_id": it.id}) for it in applications]
    return [
        mine,
        await store.api_key_find(b"2" * 32),
        (await store.source_page(query)).data,
        [(it.notification, it.status.state, it.status.reason) for it in (await store.notification_page(query)).data],
        (await store.refusal_page(query)).data,
        payments,
        [[at for at in await store.payment_timeline(mine, it.id) if at.kind != "delivery"] for it in payments],
        applications,
        [(await store.message_page(it)).data for it in of_application],
        await store.endpoint_list(mine),
        await store.event_type_list(mine),
        [(it.id, it.attempt_count, it.last_error, it.finished_at_ms) for it in deliveries],
        [(await store.attempt_page(PageQuery(organisation_id=mine, filters=on(it)))).data for it in deliveries],
    ]


def on(delivery: Any) -> dict[str, str]:
    return {"message_id": delivery.message_id, "application_id": delivery.application_id}


def test_what_was_leased_is_due_in_the_copy(place: Place, target: Place) -> None:
    """Whoever had leased it knows nothing of the new database."""

    async def lease_everything(world: World) -> None:
        new = appending(notification(1, organisation_id=world.organisation.id), due_at_ms=START_MS + 60_000)
        await world.store.notification_append(new)
        await world.post(1)
        assert len(await claim(world.store)) == 1

    async def claim(store: Store) -> Sequence[object]:
        return await claim_due(store, START_MS + 5, START_MS + 60_000)

    async def claim_again() -> None:
        async with opened(target, OTHER_KEY) as store:
            assert len(await claim(store)) == 1
            ends = START_MS + 60_000
            assert len(await store.notification_claim(limit=9, now_ms=START_MS + 5, lease_ends_at_ms=ends)) == 1

    run(place, lease_everything)
    copied(place, target)
    asyncio.run(claim_again())


def test_a_duplicate_is_known_in_the_copy(place: Place, target: Place) -> None:
    filled(place)
    copied(place, target)

    async def main() -> None:
        async with opened(target, OTHER_KEY) as store:
            mine = (await store.organisation_default()).id
            first = notification(1, organisation_id=mine)
            again = notification(99, organisation_id=mine, dedupe_key=first.dedupe_key)
            appended = await store.notification_append(appending(again))
            assert (appended.duplicate, appended.notification_id) == (True, first.id)

    asyncio.run(main())


def test_what_retention_dropped_is_not_missed_and_its_keys_are_kept(place: Place, target: Place) -> None:
    filled(place)
    tended(place, Retention(notifications_ms=DAY_MS))
    report = verified(place)
    assert report.defect_count == 0
    assert (rows_of(report)["notifications"], rows_of(report)["notification_keys"]) == (0, 12)
    copied(place, target)
    assert verified(target, OTHER_KEY).examples == ()
    assert verified(target, OTHER_KEY).tables == report.tables


def test_event_ids_that_outlived_their_messages_need_a_place_in_the_target(place: Place, target: Place) -> None:
    filled(place)
    tended(place, Retention(messages_ms=DAY_MS))
    report = verified(place)
    assert report.defect_count == 0
    if rows_of(report)["message_keys"] and isinstance(target, SqlitePlace):
        with pytest.raises(Conflict, match="message_keys of messages that retention has dropped"):
            copied(place, target)
    else:
        copied(place, target)
        assert verified(target, OTHER_KEY).tables == report.tables


def tended(place: Place, retention: Retention) -> None:
    """Ten weeks later, when nothing waits any more."""

    async def main() -> None:
        async with opened(place) as store:
            await store.tend(retention, now_ms=START_MS + 70 * DAY_MS)

    alter(place, *(ENDING_SQLITE if isinstance(place, SqlitePlace) else ENDING_POSTGRES))
    asyncio.run(main())


ENDING_SQLITE = (
    "UPDATE notification_states SET state = 'parked', due_at_ms = NULL, finished_at_ms = 1 WHERE due_at_ms > 0",
    "UPDATE deliveries SET state = 'dead', due_at_ms = NULL, finished_at_ms = 1 WHERE due_at_ms > 0",
)
ENDING_POSTGRES = (
    """
    WITH q AS (DELETE FROM notification_queue RETURNING *)
    INSERT INTO notification_ends (notification_id, organisation_id, source_id, state, reason, event, attempt_count,
                                   wanted_no, finished_at_ms)
    SELECT notification_id, organisation_id, source_id, 'parked', reason, event, attempt_count, wanted_no, 1 FROM q
    """,
    """
    WITH q AS (DELETE FROM delivery_queue RETURNING *)
    INSERT INTO delivery_ends (id, message_id, endpoint_id, application_id, organisation_id, event_type, state,
                               attempt_count, lease_no, created_at_ms, finished_at_ms, last_error)
    SELECT id, message_id, endpoint_id, application_id, organisation_id, event_type, 'dead', attempt_count, lease_no,
           created_at_ms, 1, last_error FROM q
    """,
)


def test_what_comes_in_while_it_is_read_is_not_in_it(place: Place) -> None:
    async def scenario(world: World) -> None:
        async with world.store.archive_read(alone=False) as reader:
            found = reader.batches("archive_notifications", 1)
            await world.store.notification_append(appending(notification(1, organisation_id=world.organisation.id)))
            assert [row async for batch in found for row in batch] == []

    run(place, scenario)


@pytest.mark.parametrize("last", ["organisations", "payments", TABLES[-1].name])
def test_a_copy_that_ends_half_way_leaves_nothing(place: Place, target: Place, last: str) -> None:
    filled(place)
    empty = verified(target, OTHER_KEY)

    def fail(table: TableDigest) -> None:
        if table.table == last:
            raise KeyboardInterrupt

    async def main() -> None:
        async with (
            opened(place) as it,
            opened(target, OTHER_KEY) as other,
            it.archive_read(alone=True) as reader,
            other.archive_write(await span_of(reader)) as writer,
        ):
            await copy(reader, writer, fail)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert verified(target, OTHER_KEY) == empty
    assert rows_of(empty)["organisations"] == 1
    copied(place, target)


class Forgetful:
    """A writer that loses a byte of one table."""

    def __init__(self, writer: ArchiveWriter, table: str) -> None:
        self._writer = writer
        self._table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    async def write(self, table: str, batch: Sequence[ArchiveRow]) -> None:
        if table == self._table:
            batch = [(*row[:-1], row[-1][:-1] if isinstance(row[-1], bytes) else 1) for row in batch]
        await self._writer.write(table, batch)


def test_a_copy_lies_in_the_periods_of_its_time(place: Place, tmp_path: Path) -> None:
    """So that retention drops it like what comes in by itself."""
    filled(place)
    target = PostgresPlace(tmp_path)
    copied(place, target)
    tended(target, Retention(notifications_ms=DAY_MS, messages_ms=DAY_MS))
    kept = rows_of(verified(target, OTHER_KEY))
    assert (kept["notifications"], kept["messages"], kept["deliveries"], kept["attempts"]) == (0, 0, 0, 0)
    assert (kept["payments"], kept["facts"], kept["merged_payments"], kept["aliases"]) == (3, 7, 1, 1)
    assert kept["expectations"] == 1


@pytest.mark.parametrize("table", ["notifications", "facts", "organisations"])
def test_a_copy_that_is_not_equal_is_undone_and_its_table_is_named(place: Place, target: Place, table: str) -> None:
    filled(place)
    empty = verified(target, OTHER_KEY)

    async def main() -> None:
        async with (
            opened(place) as it,
            opened(target, OTHER_KEY) as other,
            it.archive_read(alone=True) as reader,
            other.archive_write(await span_of(reader)) as writer,
        ):
            spoilt: Any = Forgetful(writer, table)
            await copy(reader, spoilt, lambda _: None)

    with pytest.raises(StoreError, match=f"the copy of {table} is not equal"):
        asyncio.run(main())
    assert verified(target, OTHER_KEY) == empty


def test_a_target_that_holds_anything_is_refused_and_stays(place: Place, target: Place) -> None:
    filled(place)

    async def used(world: World) -> None:
        await world.post(1)

    run(target, used)
    before = verified(target)
    with pytest.raises(
        Conflict, match=r"holds rows already \(sources, applications, endpoints, messages, .*deliveries\)"
    ):
        copied(place, target)
    assert verified(target) == before


def test_a_target_with_two_organisations_is_refused(place: Place, target: Place) -> None:
    async def main() -> None:
        async with opened(target):
            pass

    asyncio.run(main())
    alter(target, "INSERT INTO organisations (id, name, created_at_ms) VALUES ('org_b', '', 1)")
    with pytest.raises(Conflict, match=r"\(organisations\)"):
        copied(place, target)


def test_a_database_is_not_copied_into_itself(place: Place) -> None:
    with pytest.raises(Conflict):
        copied(place, place)


def test_a_source_sealed_under_another_key_is_refused(place: Place, target: Place) -> None:
    filled(place)

    async def main() -> None:
        async with (
            opened(place, OTHER_KEY) as it,
            opened(target) as other,
            it.archive_read(alone=True) as reader,
            other.archive_write(await span_of(reader)) as writer,
        ):
            await copy(reader, writer, lambda _: None)

    with pytest.raises(ConfigurationError, match="were sealed under another key"):
        asyncio.run(main())
    assert rows_of(verified(target))["sources"] == 0


def test_a_sqlite_file_that_somebody_serves_from_is_neither_read_nor_written(tmp_path: Path, target: Place) -> None:
    served = SqlitePlace(tmp_path)

    async def main() -> None:
        async with world(served) as it:
            with pytest.raises(Conflict, match="stop it first"):
                async with it.store.archive_read(alone=True):
                    pass
            with pytest.raises(Conflict, match="stop it first"):
                async with it.store.archive_write(None):
                    pass

    asyncio.run(main())


def test_nobody_begins_to_serve_from_a_sqlite_file_while_it_is_copied(tmp_path: Path) -> None:
    copying = SqlitePlace(tmp_path)

    async def main() -> None:
        async with opened(copying) as it, it.archive_read(alone=True):
            with pytest.raises(StoreError, match="another Paybell serves"):
                async with world(copying):
                    pass

    asyncio.run(main())


def test_text_of_an_endpoint_that_postgresql_cannot_keep_is_replaced_everywhere(place: Place, target: Place) -> None:
    if not isinstance(place, SqlitePlace):
        return
    filled(place)
    alter(
        place,
        "UPDATE attempts SET response = 'a' || char(0) || 'b', error = char(0)",
        "UPDATE notification_states SET reason = char(0), event = char(0)",
        "UPDATE deliveries SET last_error = char(0)",
    )
    report = verified(place)
    copied(place, target)
    assert verified(target, OTHER_KEY).tables == report.tables


def test_a_row_that_the_target_cannot_hold_names_its_table(tmp_path: Path, target: Place) -> None:
    (tmp_path / "one").mkdir()
    one = SqlitePlace(tmp_path / "one")
    filled(one)
    alter(one, "UPDATE deliveries SET due_at_ms = NULL WHERE state = 'due'")
    if isinstance(target, SqlitePlace):
        copied(one, target)
    else:
        with pytest.raises(Conflict, match="PostgreSQL cannot hold a row of deliveries"):
            copied(one, target)
