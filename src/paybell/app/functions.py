"""Functions as endpoints: one application of the default organisation has an endpoint for each."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from paybell.clock import Clock
from paybell.errors import Conflict, NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application
from paybell.ports import DirectoryStore

FUNCTIONS_UID: Final = "paybell-functions"


class FunctionEndpoints:
    """Keeps one endpoint per subscribed function, and none for functions that are no longer there."""

    def __init__(self, store: DirectoryStore, clock: Clock, new_secret: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._new_secret = new_secret

    async def ensure(self, subscriptions: Mapping[str, frozenset[str]]) -> None:
        """Make the endpoints those of this program; one without functions leaves them alone: others may serve them."""
        if not subscriptions:
            return
        organisation = await self._store.organisation_default()
        application = await self._application(organisation.id)
        endpoints = await self._store.endpoint_list(organisation.id)
        existing = {it.uid: it for it in endpoints if it.application_id == application.id}
        for name, event_types in subscriptions.items():
            await self._ensure_one(application, existing.get(name), name, event_types)
        for name in existing.keys() - subscriptions.keys():
            await self._store.endpoint_delete(organisation.id, existing[name].id)

    async def _application(self, organisation_id: str) -> Application:
        try:
            return await self._store.application_lookup(organisation_id, FUNCTIONS_UID)
        except NotFound:
            with contextlib.suppress(Conflict):  # another node has just made it
                await self._create_application(organisation_id)
            return await self._store.application_lookup(organisation_id, FUNCTIONS_UID)

    async def _create_application(self, organisation_id: str) -> None:
        now_ms = self._clock.now_ms()
        application = Application(
            id=self._clock.new_id("app"),
            organisation_id=organisation_id,
            uid=FUNCTIONS_UID,
            name="Functions of this program",
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        await self._store.application_create(application)

    async def _ensure_one(
        self, application: Application, existing: Endpoint | None, name: str, event_types: Iterable[str]
    ) -> None:
        wanted = frozenset(event_types)
        now_ms = self._clock.now_ms()
        if existing is None:
            endpoint = Endpoint(
                id=self._clock.new_id("ep"),
                organisation_id=application.organisation_id,
                application_id=application.id,
                uid=name,
                url=f"function:{name}",
                event_types=wanted,
                secrets=(self._new_secret(),),
                created_at_ms=now_ms,
                updated_at_ms=now_ms,
            )
            with contextlib.suppress(Conflict):  # another node has just made it
                await self._store.endpoint_create(endpoint)
        elif existing.event_types != wanted:
            changed = msgspec.structs.replace(existing, event_types=wanted, updated_at_ms=now_ms)
            await self._store.endpoint_update(changed)
