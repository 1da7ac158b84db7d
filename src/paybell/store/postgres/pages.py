"""Pages of lists in PostgreSQL."""

from collections.abc import Mapping, Sequence

from paybell.store.pages import PageReads
from paybell.store.postgres.base import Part


class PagePart(Part, PageReads):
    """What people look through."""

    async def page_rows(self, name: str, named: Mapping[str, str | int]) -> Sequence[Sequence[object]]:
        """See the base."""
        return await self.database.page(name, named)
