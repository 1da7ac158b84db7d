"""The SQLite store: all parts together, opened, kept and closed."""

import asyncio
import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

import apsw

from paybell.clock import Clock
from paybell.errors import SchemaError, StoreUnavailable
from paybell.ports import StoreStatus
from paybell.store import rows
from paybell.store.named import migrations
from paybell.store.seal import Seal
from paybell.store.sqlite.database import Database
from paybell.store.sqlite.deliveries import DeliveryPart
from paybell.store.sqlite.notifications import NotificationPart
from paybell.store.sqlite.payments import PaymentPart
from paybell.store.sqlite.tenants import TenantPart

_REFRESH_S: Final = 1.0
_APPLICATION_ID: Final = 0x50424C31  # "PBL1": says whose file this is


class SqliteStore(NotificationPart, DeliveryPart, PaymentPart, TenantPart):
    """Everything in one SQLite file. One process serves from it (``serve=True``); others may look and add.

    ``path`` may be ``:memory:``. ``serve`` takes the file's lock and takes back what a dead predecessor had leased.
    """

    def __init__(self, path: str, seal: Seal, clock: Clock, *, serve: bool = True) -> None:
        super().__init__(Database(path), seal, clock)
        self._serve = serve
        self._lock: int | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """See the port."""
        self.database.open()
        self._migrate()
        await self.organisation_default()
        if self._serve:
            self._take_lock()
            await self.database.write(self._take_over)
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

    def _migrate(self) -> None:
        """Bring the schema up to date, one transaction per number."""
        writer = self.database.writer
        writer.set_busy_timeout(5000)
        try:
            known = migrations("sqlite")
            for number, script in known:
                writer.execute("BEGIN IMMEDIATE")
                try:
                    if self._version(writer, known[-1][0]) < number:
                        writer.execute(script)
                        writer.execute(f"PRAGMA user_version = {number}")
                        writer.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                    writer.execute("COMMIT")
                except BaseException:
                    writer.execute("ROLLBACK")
                    raise
        except apsw.Error as error:
            raise StoreUnavailable(f"cannot prepare the database {self.database.path}: {error}") from error
        finally:
            writer.set_busy_timeout(0)

    def _version(self, writer: apsw.Connection, newest: int) -> int:
        version = rows.number(writer.pragma("user_version"))
        owner = rows.number(writer.pragma("application_id"))
        tables = rows.number(writer.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0])
        if tables and owner != _APPLICATION_ID:
            raise SchemaError(f"{self.database.path} is another program's database: give PAYBELL_DATABASE another file")
        if version > newest:
            raise SchemaError(
                f"the database has schema {version}, this program knows {newest}: install a newer Paybell, or "
                "restore the backup made before the upgrade"
            )
        return version

    def _take_lock(self) -> None:
        if self.database.path == ":memory:":
            return
        self._lock = os.open(Path(self.database.path + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"another Paybell serves from {self.database.path}: stop it, or give this one another PAYBELL_DATABASE"
            ) from None

    def _take_over(self, connection: apsw.Connection) -> None:
        now_ms = self.clock.now_ms()
        connection.execute(self.sql["lease_release_notifications"], (now_ms,))
        connection.execute(self.sql["lease_release_deliveries"], (now_ms,))

    async def _refresh(self) -> None:
        """See, once a second, whether another process (the CLI) changed a source or an endpoint, or added work."""
        while True:
            await self.clock.sleep(_REFRESH_S)
            with contextlib.suppress(StoreUnavailable, apsw.Error):
                await self.directory_refresh()
