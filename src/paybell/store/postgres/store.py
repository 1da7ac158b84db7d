"""The PostgreSQL store: all parts together, opened, migrated, kept and closed."""

import asyncio
import contextlib
from typing import Final

from paybell.clock import Clock
from paybell.errors import SchemaError, StoreUnavailable
from paybell.ports import StoreStatus
from paybell.store import rows
from paybell.store.named import migrations
from paybell.store.place import without_password
from paybell.store.postgres.database import Database, PostgresOptions, Session
from paybell.store.postgres.deliveries import DeliveryPart
from paybell.store.postgres.notifications import NotificationPart
from paybell.store.postgres.payments import PaymentPart
from paybell.store.postgres.tenants import TenantPart
from paybell.store.seal import Seal

_REFRESH_S: Final = 1.0


class PostgresStore(NotificationPart, DeliveryPart, PaymentPart, TenantPart):
    """Everything in one PostgreSQL database. Any number of processes may serve from it at the same time."""

    def __init__(
        self, url: str, seal: Seal, clock: Clock, *, serve: bool = True, options: PostgresOptions | None = None
    ) -> None:
        super().__init__(Database(url, options), seal, clock)
        self._serve = serve
        self._refreshing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """See the port."""
        await self.database.open()
        try:
            await self._migrate()
            await self.organisation_default()
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
        for grouper in (self.appends, self.attempts, self.postings):
            await grouper.close()
        await self.database.close()

    @property
    def waiting_count(self) -> int:
        """Items that wait to be written."""
        return self.appends.waiting_count + self.attempts.waiting_count + self.postings.waiting_count

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

    async def _migrate(self) -> None:
        """Bring the schema up to date: one transaction per number, one process at a time."""
        known = migrations("postgres")
        for number, script in known:
            async with self.database.transaction() as session:
                if await self._version(session, known[-1][0]) < number:
                    await session.run(script)
                    await session.rows("schema_raise", number)

    async def _version(self, session: Session, newest: int) -> int:
        await session.rows("schema_lock")
        await session.rows("schema_create")
        ((version,),) = await session.rows("schema_version")
        if version > newest:
            raise SchemaError(
                f"the database has schema {version}, this program knows {newest}: install a newer Paybell, or "
                "restore the backup made before the upgrade"
            )
        return rows.number(version)

    async def _refresh(self) -> None:
        """See, once a second, whether another node or process changed a source or an endpoint."""
        while True:
            await self.clock.sleep(_REFRESH_S)
            with contextlib.suppress(StoreUnavailable):
                await self.directory_refresh()
