"""Groups under a database that comes and goes: nothing is said to be kept that is not, nothing is kept twice."""

import asyncio
from collections.abc import Sequence

import pytest

from paybell.errors import StoreUnavailable
from paybell.store.postgres.grouping import Grouper


class Shelf:
    """What is written to: away for so many tries, or committing while its answer is lost."""

    def __init__(self, *, away: int = 0, answers_lost: int = 0) -> None:
        self.away = away
        self.answers_lost = answers_lost
        self.kept: list[int] = []
        self.groups: list[tuple[list[int], bool]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def write(self, items: Sequence[int], again: bool) -> Sequence[str]:  # noqa: FBT001
        self.groups.append((list(items), again))
        await self.open.wait()
        if self.away > 0:
            self.away -= 1
            raise StoreUnavailable("away")
        if any(it < 0 for it in items):
            raise ValueError("below nothing")
        fresh = [it for it in items if not (again and it in self.kept)]
        self.kept += fresh
        if self.answers_lost > 0:
            self.answers_lost -= 1
            raise StoreUnavailable("the answer is lost")
        return [f"kept {it}" for it in items]


def test_what_comes_while_a_group_is_written_goes_together_in_the_next() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        shelf.open.clear()
        grouper = Grouper(shelf.write)
        tasks = [asyncio.create_task(grouper.submit(1))]
        await asyncio.sleep(0)
        tasks += [asyncio.create_task(grouper.submit(number)) for number in (2, 3, 4)]
        await asyncio.sleep(0)
        shelf.open.set()
        assert await asyncio.gather(*tasks) == ["kept 1", "kept 2", "kept 3", "kept 4"]
        assert [items for items, _ in shelf.groups] == [[1], [2, 3, 4]]

    asyncio.run(scenario())


def test_one_that_cannot_be_written_harms_no_other_of_its_group() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        grouper = Grouper(shelf.write)
        answers = await asyncio.gather(*(grouper.submit(it) for it in (1, -1, 2)), return_exceptions=True)
        assert [str(it) for it in answers] == ["kept 1", "below nothing", "kept 2"]
        assert shelf.kept == [1, 2]

    asyncio.run(scenario())


def test_a_database_that_is_back_within_the_patience_is_not_noticed() -> None:
    async def scenario() -> None:
        shelf = Shelf(away=3)
        grouper = Grouper(shelf.write, pause_s=0)
        assert await asyncio.gather(*(grouper.submit(it) for it in (1, 2))) == ["kept 1", "kept 2"]
        assert [again for _, again in shelf.groups] == [False, True, True, True]

    asyncio.run(scenario())


def test_what_was_committed_and_not_answered_is_kept_once_and_answered() -> None:
    async def scenario() -> None:
        shelf = Shelf(answers_lost=1)
        grouper = Grouper(shelf.write, pause_s=0)
        assert await grouper.submit(7) == "kept 7"
        assert shelf.kept == [7]

    asyncio.run(scenario())


def test_after_the_patience_all_fails_at_once_until_something_is_written_again() -> None:
    async def scenario() -> None:
        shelf = Shelf(away=3)
        grouper = Grouper(shelf.write, patience_s=0)
        for number in (1, 2, 3):
            with pytest.raises(StoreUnavailable):
                await grouper.submit(number)
        assert [again for _, again in shelf.groups] == [False, False, False]
        assert await grouper.submit(4) == "kept 4"

    asyncio.run(scenario())


def test_closing_writes_what_was_handed_in_and_takes_no_more() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        grouper = Grouper(shelf.write)
        waiting = asyncio.create_task(grouper.submit(1))
        await asyncio.sleep(0)
        await grouper.close()
        assert await waiting == "kept 1"
        with pytest.raises(StoreUnavailable, match="closing"):
            await grouper.submit(2)

    asyncio.run(scenario())
