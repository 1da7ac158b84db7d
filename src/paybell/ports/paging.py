"""Pages of lists: which one is asked for, and what it is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

AFTER_ALL: Final = "~"
"""Sorts after every id."""
BACK: Final = "!"
"""Begins an iterator that leads back; no id and no name begins so."""


class PageQuery(Struct, frozen=True, kw_only=True):
    """A page of a list, newest first: up to ``limit`` rows on from ``iterator`` ('' = from its begin).

    An iterator is a row's id (on to what follows it), or :data:`BACK` and a row's id (back to what stands before it).
    Only rows whose ids lie between ``after`` and ``before`` are on the list: ids begin with the time, so that these
    can be times, too.
    """

    organisation_id: str
    limit: int = 50
    iterator: str = ""
    filters: Mapping[str, str] = {}
    oldest_first: bool = False
    after: str = ""
    before: str = AFTER_ALL

    @property
    def goes_back(self) -> bool:
        """Whether the page before a row is asked for."""
        return self.iterator.startswith(BACK)

    @property
    def goes_up(self) -> bool:
        """Whether its rows are to be read oldest first."""
        return self.oldest_first is not self.goes_back

    def bounds(self) -> tuple[str, str]:
        """Between which ids its rows lie: above the first, below the second."""
        edge = self.iterator.removeprefix(BACK)
        if not edge:
            return self.after, self.before
        return (max(edge, self.after), self.before) if self.goes_up else (self.after, min(edge, self.before))


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; ``iterator`` leads on from its last row, ``prev_iterator`` back from its first; '' for none."""

    data: tuple[T, ...]
    iterator: str
    prev_iterator: str
    done: bool


def page_of(mine: Sequence[T], query: PageQuery, id_of: Callable[[T], str]) -> Page[T]:
    """A page of what is in memory in the order of its ids."""
    after, before = query.bounds()
    kept = [it for it in mine if after < id_of(it) < before]
    return cut(kept if query.goes_up else kept[::-1], query, id_of)


def cut(found: Sequence[T], query: PageQuery, id_of: Callable[[T], str]) -> Page[T]:
    """The first ``query.limit`` of what was found; there being more says that the list goes on."""
    kept = tuple(found[: query.limit])
    if query.goes_back:
        kept = kept[::-1]
    return Page(
        data=kept,
        iterator=id_of(kept[-1]) if kept else "",
        prev_iterator=BACK + id_of(kept[0]) if kept else "",
        done=len(found) <= query.limit,
    )
