"""A pretend API on loopback, and the real steps that ask it and record what it says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_network
from pathlib import Path

import msgspec

from paybell.clock import SystemClock
from paybell.gateways import GATEWAYS
from paybell.model.endpoint import Endpoint
from paybell.model.notification import NotificationState, Origin
from paybell.model.payment import Payment
from paybell.ports import Change, NotificationView, PageQuery, Routed
from paybell.reconcile.service import ReconcileConfig, ReconcileService
from paybell.record.service import RecordConfig, RecordService
from paybell.route.rules import route_change
from paybell.testing.builders import appending, notification
from paybell.testing.received import Answer, Received
from paybell.testing.receiver import Receiver
from paybell.transports import HttpSender, HttpSenderConfig
from tests.contract.stores import World, world
from tests.unit.steps import Memory, notifications

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Scene:
    """A source whose API is pretended, with the steps ``reconcile`` and ``record`` behind it."""

    def __init__(self, at: World, api: Receiver, sender: HttpSender) -> None:
        self.at = at
        self._api = api
        self._count = 0
        config = ReconcileConfig(lease_ms=60_000)
        self._record = RecordService(
            at.store, GATEWAYS, at.clock, RecordConfig(), route=self._route, hand_on=lambda _: None
        )
        self._reconcile = ReconcileService(at.store, GATEWAYS, sender, at.clock, config, record=self._record)

    @property
    def asked(self) -> list[Received]:
        """The requests that the API got."""
        return self._api.requests

    async def hint(self, body: bytes) -> None:
        """As receive keeps it."""
        self._count += 1
        kept = notification(
            self._count,
            id=self.at.clock.new_id("ntf"),
            organisation_id=self.at.organisation.id,
            source_id="src_2",
            hint=True,
            body=body,
            received_at_ms=self.at.clock.now_ms(),
        )
        await self.at.store.notification_append(
            appending(kept, NotificationState.NEEDS_FETCH, due_at_ms=self.at.clock.now_ms())
        )

    async def ask(self, body: bytes) -> NotificationView:
        """A hint comes, is asked about, and what was answered is recorded; the hint as it stands then."""
        await self.hint(body)
        await self._reconcile.run_once()
        await self._record.run_once()
        hints = [view for view in await notifications(self.at) if view.notification.hint]
        return max(hints, key=lambda view: view.notification.id)

    async def answers(self) -> list[NotificationView]:
        """The answers that were kept."""
        return [view for view in await notifications(self.at) if view.notification.origin is Origin.POLL]

    async def payments(self) -> list[Payment]:
        """What was recorded."""
        page = await self.at.store.payment_page(PageQuery(organisation_id=self.at.organisation.id, limit=250))
        return list(page.data)

    def _route(self, change: Change, endpoints: tuple[Endpoint, ...], now_ms: int) -> Routed:
        return route_change(change, endpoints, self.at.mint())


def asking(
    gateway: str,
    answer: Answer,
    options: Mapping[str, object],
    scenario: Callable[[Scene], Awaitable[None]],
    *,
    secrets: tuple[str, ...] = (),
) -> None:
    """Run a scenario with a source whose option ``baseUrl`` is the pretend API; one that hangs fails.

    ``{api}`` in an option stands for the same address.
    """

    async def main() -> None:
        async with asyncio.timeout(30), Receiver(answer=answer) as api, world(Memory(Path())) as at:
            url = api.url.rstrip("/")
            filled = {name: it.replace("{api}", url) if isinstance(it, str) else it for name, it in options.items()}
            given = {"baseUrl": url, **filled}
            kept = msgspec.structs.replace(
                at.source, id="src_2", uid="asking", gateway=gateway, secrets=secrets, token="t" * 32, options=given
            )
            await at.store.source_create(kept)
            sender = HttpSender(SystemClock(), HttpSenderConfig(allowed_networks=LOOPBACK))
            try:
                await scenario(Scene(at, api, sender))
            finally:
                await sender.close()

    asyncio.run(main())
