"""Do the receiving: find the source, judge, append, answer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeGuard

from msgspec import Struct

from paybell import log
from paybell.clock import Clock
from paybell.errors import PaybellError, StoreUnavailable
from paybell.model.notification import (
    Answer,
    Item,
    Notification,
    NotificationState,
    Origin,
    Refusal,
    Refused,
    Request,
)
from paybell.model.source import Source
from paybell.ports import Gateway, GreetingGateway, NotificationNew, ReceiveStore
from paybell.receive.rules import judge, kept_headers, state_for

UNKNOWN_SOURCE: Final = Answer(b'{"code":"not_found","detail":"no such source"}', status_code=404)
REFUSED: Final = Answer(b'{"code":"unauthorized","detail":"the request could not be verified"}', status_code=401)
OVERLOADED: Final = Answer(b'{"code":"overloaded","detail":"try again in a second"}', status_code=503)


class ReceiveConfig(Struct, frozen=True, kw_only=True):
    """How receive behaves."""

    waiting_max: int = 2000
    """Requests that may wait for the disk at once; beyond that, 503 with Retry-After."""
    lease_ms: int = 30_000
    """How long the process that received a notification has to record it before another may."""
    refusals_kept_max: int = 100
    """Samples of refused requests kept per source."""
    refusal_interval_ms: int = 1000
    """At most one sample per source in this time: a flood of forgeries must not fill the disk."""


class Inbox(Protocol):
    """The next step's door: it takes what was just committed, while it has room, without a look into the store."""

    def has_room(self) -> bool:
        """Whether ``put`` may be called for one more."""
        ...

    def put(self, notification: Notification, source: Source) -> None:
        """Take one that is leased to this process."""
        ...

    def wake(self) -> None:
        """Look into the store: there is something due."""
        ...


class ReceiveService:
    """Receives webhook requests; hands what is verified to record, and says to reconcile that a hint came."""

    def __init__(
        self,
        store: ReceiveStore,
        gateways: Mapping[str, Gateway],
        clock: Clock,
        config: ReceiveConfig,
        *,
        record: Inbox | None,
        hint_came: Callable[[], None],
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._clock = clock
        self._config = config
        self._record = record
        self._hint_came = hint_came
        self._log = log.get("receive")
        self._sampled_at_ms: dict[str, int] = {}
        self.waiting_count = 0
        self.counts: dict[str, int] = dict.fromkeys(
            ("received", "accepted", "duplicate", "refused", "unknown", "overloaded"), 0
        )

    async def receive(self, source_name: str, request: Request) -> Answer:
        """Judge and keep a request; the answer is given only once it is on stable storage."""
        self.counts["received"] += 1
        if self.waiting_count >= self._config.waiting_max:
            self.counts["overloaded"] += 1
            return OVERLOADED
        self.waiting_count += 1
        try:
            source = await self._store.source_find(source_name)
            gateway = None if source is None else self._gateways.get(source.gateway)
            if source is None or gateway is None:
                self.counts["unknown"] += 1
                return UNKNOWN_SOURCE
            return await self._judge_and_keep(source, gateway, request)
        except StoreUnavailable as error:
            self.counts["overloaded"] += 1
            self._log.error("notification.unstored", source=source_name, error=str(error))
            return OVERLOADED
        finally:
            self.waiting_count -= 1

    async def greet(self, source_name: str, request: Request) -> Answer | None:
        """Answer the GET with which some gateways try an address out; None where there is nothing to answer."""
        try:
            source = await self._store.source_find(source_name)
        except StoreUnavailable:
            return OVERLOADED
        gateway = None if source is None else self._gateways.get(source.gateway)
        if source is None or gateway is None or not source.enabled or not _can_greet(gateway):
            return None
        return gateway.greet(request, source)

    async def _judge_and_keep(self, source: Source, gateway: Gateway, request: Request) -> Answer:
        now_ms = self._clock.now_ms()
        items = judge(request, source, gateway, now_ms)
        if isinstance(items, Refused):
            await self._refuse(source, gateway, request, items, now_ms)
            return REFUSED
        headers = kept_headers(request.headers, gateway.about.secret_headers)
        if len(items) == 1:
            await self._keep(source, items[0], headers, now_ms)
        else:  # answered when all are stored; if one cannot be, the others are duplicates when the request comes again
            await asyncio.gather(*(self._keep(source, item, headers, now_ms) for item in items))
        return gateway.about.answer

    async def _keep(self, source: Source, item: Item, headers: tuple[tuple[str, str], ...], now_ms: int) -> None:
        state = state_for(item)
        notification = Notification(
            id=self._clock.new_id("ntf"),
            source_id=source.id,
            organisation_id=source.organisation_id,
            dedupe_key=item.dedupe_key,
            origin=Origin.WEBHOOK,
            hint=item.hint,
            received_at_ms=now_ms,
            headers=headers,
            body=item.body,
        )
        handed = state is NotificationState.PENDING and self._record is not None and self._record.has_room()
        due_at_ms = now_ms + self._config.lease_ms if handed else now_ms
        appended = await self._store.notification_append(
            NotificationNew(notification=notification, state=state, due_at_ms=due_at_ms)
        )
        self.counts["duplicate" if appended.duplicate else "accepted"] += 1
        self._hand_on(notification, source, handed=handed, duplicate=appended.duplicate)
        self._log.info(
            "notification.received",
            id=appended.notification_id,
            source=source.uid,
            gateway=source.gateway,
            duplicate=appended.duplicate,
            hint=notification.hint,
            bytes=len(item.body),
        )

    def _hand_on(self, notification: Notification, source: Source, *, handed: bool, duplicate: bool) -> None:
        if notification.hint:
            self._hint_came()
        elif self._record is not None and not duplicate:
            if handed:
                self._record.put(notification, source)
            else:
                self._record.wake()

    async def _refuse(self, source: Source, gateway: Gateway, request: Request, refused: Refused, now_ms: int) -> None:
        self.counts["refused"] += 1
        self._log.warning("notification.refused", source=source.uid, reason=refused.reason, detail=refused.detail)
        if now_ms - self._sampled_at_ms.get(source.id, 0) < self._config.refusal_interval_ms:
            return
        self._sampled_at_ms[source.id] = now_ms
        sample = Refusal(
            id=self._clock.new_id("rfs"),
            source_id=source.id,
            organisation_id=source.organisation_id,
            refused_at_ms=now_ms,
            reason=refused.reason,
            detail=refused.detail,
            headers=kept_headers(request.headers, gateway.about.secret_headers),
            body=request.body,
        )
        try:
            await self._store.refusal_append(sample, self._config.refusals_kept_max)
        except PaybellError as error:
            self._log.error("refusal.unstored", source=source.uid, error=str(error))


def _can_greet(gateway: Gateway) -> TypeGuard[GreetingGateway]:
    return hasattr(gateway, "greet")
