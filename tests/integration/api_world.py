"""A Paybell over a fresh database, driven through its ASGI door."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from msgspec.structs import replace

from paybell.app.bell import Paybell
from paybell.clock import SystemClock
from paybell.model.fact import Fact, Parsed
from paybell.model.key import ApiKey, KeyScope
from paybell.ports import Reading
from paybell.store.postgres import PostgresStore
from paybell.store.sqlite import SqliteStore
from paybell.testing.builders import appending, notification
from paybell.web.auth import hash_key, new_key
from tests.databases import Database, SqliteDatabase
from tests.sqlite import begin_migrated

KEY = "bootstrap-key-of-the-tests"
API = "/api/v1"
SECRET = "a-shared-secret-of-the-tests"


SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
"""A time as gateways write it, after the sources of the tests were connected."""


class World:
    """The program, and a client that has a key."""

    def __init__(self, bell: Paybell, client: httpx.AsyncClient) -> None:
        self.bell, self.client = bell, client

    async def ask(self, method: str, path: str, body: object = None, *, status: int = 200, **given: Any) -> Any:
        """One request under /api/v1 that must end in ``status``; its decoded body."""
        if body is not None:
            given["json"] = body
        answer = await self.client.request(method, API + path, **given)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def add_source(self) -> dict[str, Any]:
        """A source that checks an HMAC and reads the envelope of the mission."""
        body = {"uid": "shop", "gateway": "generic", "secrets": [SECRET], "options": {"header": "x-signature"}}
        return await self.ask("POST", "/source", body, status=201)

    async def notify(self, body: bytes, secret: str = SECRET) -> int:
        """Send a webhook as the gateway would; record what was accepted."""
        signature = hmac.digest(secret.encode(), body, "sha256").hex()
        answer = await self.client.post("/in/shop", content=body, headers={"x-signature": signature})
        self.bell.record.wake()
        await self.bell.record.run_once()
        return answer.status_code

    async def record(self, *facts: Fact, number: int = 1) -> None:
        """Record facts as if a gateway's module had read them in the ``number``-th notification of the source."""
        store = self.bell.store
        mine = await store.organisation_default()
        source = await store.source_lookup(mine.id, "shop")
        kept = notification(number, organisation_id=mine.id, source_id=source.id)
        await store.notification_append(appending(kept))
        old = replace(source, created_at_ms=0)  # so that what happened long ago is news, too
        reading = Reading(notification=kept, source=old, parsed=Parsed(facts=facts))
        await store.notification_record([reading], self.bell.record.decision())

    async def add_endpoint(self, **given: Any) -> tuple[str, dict[str, Any]]:
        """An application with one endpoint: its path, and the endpoint."""
        app = await self.ask("POST", "/app", {"name": "A"}, status=201)
        path = f"/app/{app['id']}"
        body = {"url": "https://example.com/hook"} | given
        return path, await self.ask("POST", f"{path}/endpoint", body, status=201)

    async def alter(self, statement: str) -> None:
        """Change the database behind the program's back."""
        store = self.bell.store
        if isinstance(store, PostgresStore):
            async with store.database.session() as session:
                await session.run(statement)
        else:
            assert isinstance(store, SqliteStore)
            await store.database.write(lambda connection: connection.execute(statement).fetchall())

    async def key(self, organisation_id: str = "", **given: Any) -> str:
        """A further key, of another organisation where one is named."""
        clock, store = SystemClock(), self.bell.store
        if organisation_id:
            await self.alter(f"INSERT INTO organisations VALUES ('{organisation_id}', 'other', 0)")  # noqa: S608 - ours
        key = new_key(clock)
        owner = organisation_id or (await store.organisation_default()).id
        usual = {"id": clock.new_id("key"), "name": "k", "scopes": frozenset({KeyScope.ADMIN}), "created_at_ms": 0}
        row = ApiKey(**(usual | given), organisation_id=owner)
        await store.api_key_create(row, hash_key(key))
        if row.revoked_at_ms is not None:
            await store.api_key_revoke(owner, row.id, at_ms=row.revoked_at_ms)
        return key


def in_world(database: Database, scenario: Callable[[World], Awaitable[None]], **given: Any) -> None:
    """Run a scenario. Only receive runs by itself; scenarios call the other steps' ``run_once``."""

    if isinstance(database, SqliteDatabase):
        begin_migrated(database.path)

    async def run() -> None:
        settings: dict[str, Any] = {"roles": "receive,web", "bootstrap_key": KEY} | given
        bell = Paybell(**database.settings, allow_private_networks="127.0.0.0/8", **settings)
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            bell,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=bell), base_url="http://pay.example.com", headers=headers
            ) as client,
        ):
            await scenario(World(bell, client))

    asyncio.run(run())
