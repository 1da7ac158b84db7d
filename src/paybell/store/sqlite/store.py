"""The SQLite store: all parts together, opened, kept and closed."""

import asyncio
import contextlib
import os
from typing import Final

import apsw

from paybell.clock import Clock
from paybell.errors import StoreUnavailable
from paybell.ports import StoreStatus
from paybell.store import rows
from paybell.store.seal import Seal
from paybell.store.sqlite import lock
from paybell.store.sqlite.answers import AnswerPart
from paybell.store.sqlite.archive import ArchivePart
from paybell.store.sqlite.audit import AuditPart
from paybell.store.sqlite.database import Database
from paybell.store.sqlite.keys import KeyPart
from paybell.store.sqlite.members import MemberPart
from paybell.store.sqlite.nodes import NodePart
from paybell.store.sqlite.notifications import NotificationPart
from paybell.store.sqlite.pages import PagePart
from paybell.store.sqlite.payments import PaymentPart
from paybell.store.sqlite.personal import PersonalPart
from paybell.store.sqlite.polling import PollPart
from paybell.store.sqlite.retention import RetentionPart
from paybell.store.sqlite.schema import SchemaPart
from paybell.store.sqlite.tasks import TaskPart
from paybell.store.sqlite.tenants import TenantPart

_REFRESH_S: Final = 1.0


class SqliteStore(
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
    RetentionPart,
    SchemaPart,
    ArchivePart,
):
    """Everything in one SQLite file. One process serves from it (``serve=True``); others may look and add.

    ``path`` may be ``:memory:``. ``serve`` takes the file's lock and takes back what a dead predecessor had leased.
    """

    def __init__(self, path: str, seal: Seal, clock: Clock, *, serve: bool = True, migrate: bool = True) -> None:
        super().__init__(Database(path), seal, clock)
        self._serve = serve
        self._migrate = migrate
        self._lock: int | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """See the port."""
        self.database.open()
        try:
            if self._migrate:
                self.schema_raise()
            else:
                self.schema_check()
            await self.organisation_default()
            if self._serve:
                self._take_lock()
                await self.database.write(self._take_over)
        except BaseException:
            await self.database.close()
            raise
        if self._serve:
            self._refreshing = asyncio.create_task(self._refresh())

    async def close(self) -> None:
        """See the port."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._refreshing
        await self.database.close()
        if self._lock is not None:
            os.close(self._lock)

    @property
    def waiting_count(self) -> int:
        """Jobs that wait for the writer."""
        return self.database.waiting_count

    async def status(self) -> StoreStatus:
        """See the port."""

        def job(connection: apsw.Connection) -> StoreStatus:
            counts = connection.execute(self.sql["status_counts"]).fetchall()
            pages = rows.number(connection.pragma("page_count")) * rows.number(connection.pragma("page_size"))
            return StoreStatus(
                url=f"sqlite:///{self.database.path}",
                schema_version=rows.number(connection.pragma("user_version")),
                size_bytes=pages,
                counts={rows.text(name): rows.number(count) for name, count in counts},
            )

        return await self.database.read(job)

    def _take_lock(self) -> None:
        if self.database.path == ":memory:":
            return
        self._lock = lock.take(self.database.path)
        if self._lock is None:
            raise StoreUnavailable(
                f"another Paybell serves from {self.database.path}: stop it, or give this one another PAYBELL_DATABASE"
            )

    def _take_over(self, connection: apsw.Connection) -> None:
        now_ms = self.clock.now_ms()
        connection.execute(self.sql["lease_release_notifications"], (now_ms,))
        connection.execute(self.sql["lease_release_deliveries"], (now_ms,))
        connection.execute(self.sql["lease_release_tasks"], (now_ms,))

    async def _refresh(self) -> None:
        """See, once a second, whether another process (the CLI) changed a source or an endpoint, or added work."""
        while True:
            await self.clock.sleep(_REFRESH_S)
            with contextlib.suppress(StoreUnavailable, apsw.Error):
                await self.directory_refresh()
