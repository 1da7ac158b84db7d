"""Pages of lists, shared by the stores: what a query is asked, and how its rows are cut."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from paybell.ports import Page, PageQuery, cut
from paybell.store.named import UP

T = TypeVar("T")


def page_name(name: str, query: PageQuery) -> str:
    """The named SQL that reads in the direction asked for."""
    return f"{name}{UP}" if query.goes_up else name


def bindings(query: PageQuery, *filters: str) -> dict[str, str | int]:
    """Named parameters of a page's SQL; filters not given are ''."""
    after, before = query.bounds()
    named: dict[str, str | int] = {name: query.filters.get(name, "") for name in filters}
    return named | {
        "organisation_id": query.organisation_id,
        "after": after,
        "before": before,
        "limit": query.limit + 1,  # one more, to know whether it is the last
    }


def page(
    found: Iterable[Sequence[object]],
    query: PageQuery,
    read: Callable[[Sequence[object]], T],
    id_of: Callable[[T], str],
) -> Page[T]:
    """The page in the rows that its SQL gave."""
    return cut([read(row) for row in found], query, id_of)
