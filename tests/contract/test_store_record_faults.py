"""The transaction of record is cut off at its first statement, its second, and so on until nothing is left to cut off.

Whatever is there afterwards is all of it or nothing; recorded once more, it is what it would have been.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from paybell.gateways.kit import accounts
from paybell.model.account import PayoutStatus
from paybell.model.fact import Fact, Kind
from paybell.ports import Reading
from paybell.store.postgres.database import Session
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import fact
from paybell.testing.fake_clock import START_MS, FakeClock
from tests.contract.archives import verified
from tests.contract.ledger_world import arrive, everything, told
from tests.contract.stores import Place, PostgresPlace, SqlitePlace, World, world
from tests.tier import LONG
from tests.unit.members import paid, subscribed
from tests.unit.scenarios import dispute

FACTS: Final[Sequence[tuple[Fact, ...]]] = (
    (fact(Kind.CAPTURED_TOTAL, "", 10_000, 2), fact(Kind.FEE, "ch_1", 118, 3, detail={"tax_minor": "18"})),
    (fact(Kind.CAPTURED, "ch_1", 6_000, 2),),  # the rest is reversed, and posted anew
    (fact(Kind.REFUND_SUCCEEDED, "re_1", 3_000, 4), fact(Kind.REFUND_FAILED, "re_1", 3_000, 9)),
    (dispute("dp_1", "lost", 50, 500), fact(Kind.CAPTURED, "ch_9", 700, 5, aggregate="pi_2", currency="EUR")),
    (
        subscribed("active", 0, 30),
        *paid(0, no=7, product="pass"),
        accounts.payout("po_1", PayoutStatus.PAID, at_ms=START_MS, money=(90, "EUR")),
    ),
    (subscribed("past_due", 30, 60), fact(Kind.CAPTURED, "ch_1", 6_000, 2)),  # and what is known already
)
NUMBERS: Final = tuple(range(1, len(FACTS) + 1))
_STATEMENTS_MAX: Final = 300
_STRIDE: Final = 1 if LONG else 5
"""Every statement in the long tier, else every fifth: each is a database of its own."""
_CONTROL: Final = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Cut(Exception):
    """The process stops here."""


def readings(world: World) -> list[Reading]:
    return [told(world, number, *facts) for number, facts in zip(NUMBERS, FACTS, strict=True)]


async def begun(world: World) -> None:
    """One payment is there already, and all notifications wait."""
    await arrive(world, *NUMBERS)
    await world.record(readings(world)[:1])


def within(place: Place, scenario: Callable[[World], Awaitable[None]], clock: FakeClock | None = None) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), world(place, clock) as it:
            await scenario(it)

    asyncio.run(main())


async def whole(world: World) -> None:
    await begun(world)
    await world.record(readings(world))


def test_recording_fails_at_each_statement_in_turn(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the middle undoes all of it, and what is recorded next is not touched by it."""
    within(place, whole)
    expected = everything(place)
    for number in range(1, _STATEMENTS_MAX, _STRIDE):
        fresh = another(place, tmp_path / f"fails{number}")
        cut_off: list[bool] = []

        async def scenario(world: World, number: int = number, cut_off: list[bool] = cut_off) -> None:
            await begun(world)
            before = await asyncio.to_thread(everything, world.place)
            with monkeypatch.context() as patch:
                fault = failing(world, patch, number)
                try:
                    await world.record(readings(world))
                except (Cut, apsw.Error):
                    cut_off.append(True)
                finally:
                    fault()
            now = await asyncio.to_thread(everything, world.place)
            assert now == (before if cut_off else expected)
            await world.record(readings(world))

        within(fresh, scenario)
        assert everything(fresh) == expected
        assert verified(fresh).defect_count == 0
        if not cut_off:
            assert number > len(expected)
            return
    raise AssertionError("the transaction never ends")


def another(place: Place, folder: Path) -> Place:
    folder.mkdir()
    return type(place)(folder)


def failing(world: World, patch: pytest.MonkeyPatch, number: int) -> Callable[[], None]:
    """Every statement from that number on fails, until what is given back is called."""
    count = 0

    def due() -> bool:
        nonlocal count
        count += 1
        return count >= number

    if isinstance(world.store, SqliteStore):
        writer = world.store.database.writer

        def trace(_: apsw.Cursor, sql: str, __: object) -> bool:
            return sql.lstrip().startswith(_CONTROL) or not due()

        writer.exec_trace = trace

        def heal() -> None:
            writer.exec_trace = None

        return heal
    run_rows = Session.rows

    async def rows(self: Session, name: str, *values: object) -> Sequence[Sequence[Any]]:
        if due():
            raise Cut(name)
        return await run_rows(self, name, *values)

    patch.setattr(Session, "rows", rows)
    return lambda: None


def test_a_process_dies_between_any_two_statements(tmp_path: Path) -> None:
    """SQLite: the file and its log as they are before each statement, copied, are what a dead process leaves."""
    place = SqlitePlace(new(tmp_path / "alive"))
    images: list[Path] = []

    def picture(_: apsw.Cursor | None, sql: str, __: object) -> bool:
        image = new(tmp_path / f"image{len(images)}")
        for file in place.path.parent.glob("paybell.db*"):
            shutil.copy(file, image / file.name)
        images.append(image)
        return True

    async def scenario(world: World) -> None:
        assert isinstance(world.store, SqliteStore)
        await begun(world)
        world.store.database.writer.exec_trace = picture
        await world.record(readings(world))
        picture(None, "", None)
        world.store.database.writer.exec_trace = None

    within(place, scenario)
    expected = everything(place)
    ends = [finished(SqlitePlace(image), expected) for image in images]
    assert len(images) > 2 * len(expected)
    assert ends == sorted(ends)  # nothing of it before the commit, all of it afterwards
    assert (ends[0], ends[-1]) == (False, True)


def finished(place: SqlitePlace, expected: object) -> bool:
    """Whether all of it was there; recorded once more it must be."""
    was_there = everything(place) == expected
    clock = FakeClock()

    async def main() -> None:
        store = place.store(clock)
        await store.open()
        it = World(store, clock, place)
        it.organisation = await store.organisation_default()
        it.source = await store.source_lookup(it.organisation.id, "src_1")
        await it.record(readings(it))
        await store.close()

    asyncio.run(main())
    assert everything(place) == expected
    assert verified(place).defect_count == 0
    return was_there


def new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_connection_breaks_at_each_statement_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL: what was written is undone by the server, and the store records it again by itself."""
    place = PostgresPlace(tmp_path)
    within(place, whole)
    expected = everything(place)
    run_rows = Session.rows
    for number in range(1, _STATEMENTS_MAX, _STRIDE):
        fresh = PostgresPlace(tmp_path)
        counted: list[str] = []

        async def rows(
            self: Session, name: str, *values: object, number: int = number, counted: list[str] = counted
        ) -> Sequence[Sequence[Any]]:
            counted.append(name)
            if len(counted) == number:
                self.connection.terminate()
            return await run_rows(self, name, *values)

        async def scenario(world: World) -> None:
            await begun(world)
            with monkeypatch.context() as patch:
                patch.setattr(Session, "rows", rows)
                await world.record(readings(world))

        within(fresh, scenario)
        assert everything(fresh) == expected
        assert verified(fresh).defect_count == 0
        if len(counted) < number:
            assert {"fact_insert", "payment_upsert", "posting_insert", "message_insert"} <= set(counted)
            return
    raise AssertionError("the transaction never ends")
