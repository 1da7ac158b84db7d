"""How messages get the numbers by which they are polled, the same in both stores."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from paybell.clock import id_at, time_of
from paybell.ports import Numbered, Position
from paybell.store import extra_rows, rows

AT_ONCE: Final = 1_000
"""Messages that get numbers in one transaction."""
_LAG_MS: Final = 60_000
"""How much later than its id a message may usually be committed: a statement ends within half of it."""
_WIDE_LAG_MS: Final = 3_600_000
"""How much later at all: what writes messages gives up after minutes; the rest is for clocks that go wrong."""
_WIDE_EVERY_MS: Final = 60_000


class Head(Struct, frozen=True):
    """The highest number given in an application, the highest id that has one, and when a look last went far back."""

    last_no: int = 0
    last_id: str = ""
    wide_at_ms: int = 0

    def is_wide(self, now_ms: int) -> bool:
        """Whether this look goes back as far as any does. A clock that was set back counts as time that passed."""
        return not 0 <= now_ms - self.wide_at_ms < _WIDE_EVERY_MS

    def floor_id(self, now_ms: int) -> str:
        """This look begins after that id."""
        last_ms = time_of(self.last_id)
        lag_ms = _WIDE_LAG_MS if self.is_wide(now_ms) else _LAG_MS
        return "" if last_ms is None else id_at("msg", last_ms - lag_ms)

    def after(self, found: Sequence[str], now_ms: int) -> "Head":
        """When what this look found has its numbers. One that found more than it takes is taken again as it was."""
        done = self.is_wide(now_ms) and len(found) < AT_ONCE
        return Head(
            last_no=self.last_no + len(found),
            last_id=max([self.last_id, *found[-1:]]),
            wide_at_ms=now_ms if done else self.wide_at_ms,
        )


def head(found: Sequence[Sequence[object]]) -> Head | None:
    """A row of poll_heads."""
    return Head(rows.number(found[0][0]), rows.text(found[0][1]), rows.number(found[0][2])) if found else None


def numbered(row: Sequence[object]) -> Numbered:
    """A message's columns, and its number."""
    return Numbered(rows.number(row[-1]), extra_rows.message(row[:-1]))


def position(found: Sequence[Sequence[object]]) -> Position:
    """A row of poll_consumers; the beginning where there is none."""
    return Position(rows.number(found[0][0]), rows.text(found[0][1])) if found else Position()


def start(found: Sequence[Sequence[object]], last_no: int, after_id: str) -> Position:
    """Before the lowest number found; after the highest there is where none was."""
    lowest = rows.number_or_none(found[0][0])
    return Position(last_no if lowest is None else lowest - 1, after_id)
