"""The PostgreSQL store: all parts together, opened, migrated, kept and closed."""

import asyncio
import contextlib
from typing import Final

from paybell.clock import Clock
from paybell.errors import StoreUnavailable
from paybell.ports import StoreStatus
from paybell.store import rows
from paybell.store.place import without_password
from paybell.store.postgres.answers import AnswerPart
from paybell.store.postgres.archive import ArchivePart
from paybell.store.postgres.audit import AuditPart
from paybell.store.postgres.database import Database, PostgresOptions
from paybell.store.postgres.keys import KeyPart
from paybell.store.postgres.members import MemberPart
from paybell.store.postgres.nodes import NodePart
from paybell.store.postgres.notifications import NotificationPart
from paybell.store.postgres.pages import PagePart
from paybell.store.postgres.payments import PaymentPart
from paybell.store.postgres.periods import AHEAD_MS
from paybell.store.postgres.personal import PersonalPart
from paybell.store.postgres.polling import PollPart
from paybell.store.postgres.schema import SchemaPart
from paybell.store.postgres.tasks import TaskPart
from paybell.store.postgres.tenants import TenantPart
from paybell.store.seal import Seal

_REFRESH_S: Final = 1.0
_CLOSE_S: Final = 5.0


class PostgresStore(
    NotificationPart,
    TaskPart,
    PaymentPart,
    PersonalPart,
    AnswerPart,
    MemberPart,
    PagePart,
    PollPart,
    TenantPart,
    KeyPart,
    AuditPart,
    NodePart,
    SchemaPart,
    ArchivePart,
):
    """Everything in one PostgreSQL database. Any number of processes may serve from it at the same time."""

    def __init__(
        self,
        url: str,
        seal: Seal,
        clock: Clock,
        *,
        serve: bool = True,
        migrate: bool = True,
        options: PostgresOptions | None = None,
    ) -> None:
        super().__init__(Database(url, options), seal, clock)
        self._serve = serve
        self._migrate = migrate
        self._refreshing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """See the port."""
        await self.database.open()
        try:
            if self._migrate:
                await self.schema_raise()
            else:
                await self.schema_check()
            await self.organisation_default()
            if self._serve:
                await self._make_periods()
        except BaseException:
            await self.database.close()
            raise
        if self._serve:
            self._refreshing = asyncio.create_task(self._refresh())
            self.hints.open()

    async def close(self) -> None:
        """See the port."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        with contextlib.suppress(TimeoutError):  # where the server answers no more, nothing can be finished
            async with asyncio.timeout(_CLOSE_S):
                for grouper in (self.appends, self.attempts, self.posts):
                    await grouper.close()
                await self.hints.close()
        await self.database.close()

    @property
    def waiting_count(self) -> int:
        """Items that wait to be written."""
        return self.appends.waiting_count + self.attempts.waiting_count + self.posts.waiting_count

    async def status(self) -> StoreStatus:
        """See the port."""
        async with self.database.transaction("repeatable_read") as session:
            counts = await session.rows("status_counts")
            ((version, size_bytes),) = await session.rows("status_size")
        return StoreStatus(
            url=without_password(self.database.url),
            schema_version=rows.number(version),
            size_bytes=rows.number(size_bytes),
            counts={rows.text(name): rows.number(count) for name, count in counts},
        )

    async def _make_periods(self) -> None:
        now_ms = self.clock.now_ms()
        with contextlib.suppress(StoreUnavailable):  # others are at it, or in the way: rows find a place all the same
            await self.periods_make(now_ms, now_ms + AHEAD_MS)

    async def _rest(self) -> None:
        """Until the next look is due, or another process says that it changed something."""
        sleeping = asyncio.ensure_future(self.clock.sleep(_REFRESH_S))
        hearing = asyncio.ensure_future(self.directory_told.wait())
        try:
            await asyncio.wait((sleeping, hearing), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            hearing.cancel()
        self.directory_told.clear()

    async def _refresh(self) -> None:
        """See, once a second, whether another node or process changed a source or an endpoint."""
        while True:
            await self._rest()
            with contextlib.suppress(StoreUnavailable):
                await self.directory_refresh()
