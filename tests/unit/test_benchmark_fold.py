"""The benchmark of folding records all that it says it has recorded."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from benchmarks import fold
from benchmarks.process import Failed
from paybell.record.projection import project
from paybell.store.seal import Seal
from paybell.store.sqlite import SqliteStore
from paybell.testing.fake_clock import FakeClock


def benched(scenario: Callable[[fold.Bench], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = FakeClock()
        store = SqliteStore(":memory:", Seal(fold.KEY, clock), clock)
        await store.open()
        bench = fold.Bench(store, clock)
        await bench.fill()
        await scenario(bench)
        await store.close()

    asyncio.run(main())


def test_all_that_is_told_is_recorded() -> None:
    async def scenario(bench: fold.Bench) -> None:
        assert await fold.facts_per_second(bench, payments=60) > 0
        assert await fold.one_more_fact_ms(bench, 5, times=2) > 0
        neighbours = await fold.neighbours_ms(bench, 7, rounds=2)
        assert min(neighbours.alone, neighbours.in_one_batch, neighbours.beside) > 0
        await bench.check()
        counts = (await bench.store.status()).counts
        assert counts["facts"] == 60 * fold.TOLD * 2 + 5 + fold.WARM_UP + 2 + 7 + 2 * 2 + 2 * 3 * fold.NEIGHBOURS

    benched(scenario)


def test_what_was_not_recorded_is_told() -> None:
    async def scenario(bench: fold.Bench) -> None:
        await bench.arrive([fold.history(3)])
        with pytest.raises(Failed, match="3 facts were told: 0 are there, 1 notifications wait"):
            await bench.check()

    benched(scenario)


def test_a_history_has_as_many_facts_as_it_says() -> None:
    assert project(fold.history(40)).version == 40
    assert fold.fold_us(fold.history(2), rounds=1) > 0


def test_neighbours_are_slower_by_the_worse_of_both_ways() -> None:
    assert fold.Neighbours(1.0, 4.0, 9.0).slower_ms == 8.0
