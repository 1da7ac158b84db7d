"""Paybell put together: the steps over one store, as an ASGI application with a life."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final, Self, TypeVar

from paybell import log
from paybell.app.bootstrap import ensure_bootstrap_key
from paybell.app.functions import FunctionEndpoints
from paybell.app.loops import deliver_config, guarded
from paybell.app.operational import MailEndpoints, listener_check, mail_sender, occurrence_route
from paybell.app.replays import WISHES
from paybell.app.sandboxes import check_any_headers, sandbox_of, shaper_of
from paybell.app.stores import open_store, retention_of
from paybell.clock import Clock, SystemClock
from paybell.config import Settings, settings
from paybell.deliver.service import DeliverService
from paybell.deliver.signing import check_secret, receivers_key, secret_like
from paybell.errands.service import ErrandConfig, ErrandService
from paybell.errors import ConfigurationError
from paybell.gateways import GATEWAYS
from paybell.keep.service import KeepConfig, KeepService
from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint, Transport
from paybell.model.message import EVENT_TYPE_PATTERN, EVENT_TYPES, Message
from paybell.model.node import Node
from paybell.ports import Change, Held, Routed, Senders
from paybell.receive.service import ReceiveConfig, ReceiveService
from paybell.reconcile.service import ReconcileConfig, ReconcileService
from paybell.record.service import RecordConfig, RecordService
from paybell.record.timers import TimerConfig, TimerService
from paybell.replay.requests import Requests
from paybell.replay.service import ReplayConfig, ReplayService
from paybell.route.filters import check_filter
from paybell.route.rules import Mint, asked_for, may_take, route_change, route_message
from paybell.transports import (
    AddressGuard,
    FunctionSender,
    HttpSender,
    HttpSenderConfig,
    check_url,
    read_certificate,
)
from paybell.web.api import create_api
from paybell.web.api.problems import problem
from paybell.web.context import WebContext
from paybell.web.ingest import PREFIX, Ingest, IngestConfig, Receive, Scope, Send
from paybell.web.posts import Posts, is_post

SECRET_BYTES: Final = 32
_LOOPS_GRACE_MIN_S: Final = 0.5
"""For a commit that is under way when the grace is over: cut off, its leases would wait for the next start."""

_ROLES_OF_PATHS: Final = {PREFIX: "receive", "/api/": "web"}
"""Which role answers what; ``/health`` and ``/metrics`` are every node's."""

Function = TypeVar("Function", bound=Callable[[dict[str, Any]], object])


class Paybell:
    """Paybell as an ASGI application, on its own or mounted in another one.

    ``Paybell(database="sqlite:///pay.db")`` takes the settings of :class:`~paybell.config.Settings` by name.
    Run by a server of its own it starts and stops with it. Mounted in a FastAPI or Starlette program, pass
    ``lifespan=bell.lifespan`` to that program, or enter ``async with bell:`` in its own lifespan.
    """

    def __init__(self, chosen: Settings | None = None, /, *, clock: Clock | None = None, **given: Any) -> None:
        if chosen is not None and given:
            raise ConfigurationError("give either a Settings record or single settings, not both")
        self.settings = chosen or settings(**given)
        self.clock = clock or SystemClock()
        self.store = open_store(self.settings, self.clock, serve=True)
        self._functions: dict[str, Callable[[dict[str, Any]], object]] = {}
        self._subscriptions: dict[str, frozenset[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._keeping: asyncio.Task[None] | None = None
        self._ready = False
        self._log = log.get("app")

    # ---- the library face

    def on(self, *event_types: str) -> Callable[[Function], Function]:
        """Make a function an endpoint: ``@bell.on("payment.completed")``; no event type means all.

        The function takes the message's body as a dict. It may be ``async``; others run on a thread. It is retried
        like any endpoint when it raises, so it may be called more than once for one message id.
        """
        unknown = [name for name in event_types if not EVENT_TYPE_PATTERN.match(name)]
        if unknown:
            raise ConfigurationError(f"not an event type: {unknown[0]!r}; known: {', '.join(EVENT_TYPES)}")

        def register(function: Function) -> Function:
            name = f"{function.__module__}.{function.__qualname__}"
            if name in self._subscriptions:
                raise ConfigurationError(f"the function {name} is subscribed already: give both event types at once")
            if self._ready:
                raise ConfigurationError("subscribe functions before Paybell starts")
            self._subscriptions[name] = frozenset(event_types)
            self._functions[name] = function
            return function

        return register

    # ---- life

    async def start(self) -> None:
        """Open the store and start the steps that the settings' roles name."""
        await self.store.open()
        try:
            await self.store.key_check()
            await self._begin()
        except BaseException:
            await self.store.close()
            raise
        self._ready = True

    async def _begin(self) -> None:
        self._assemble()
        await ensure_bootstrap_key(self.store, self.clock, self.settings.bootstrap_key)
        await FunctionEndpoints(self.store, self.clock, self._new_secret).ensure(self._subscriptions)
        await MailEndpoints(self.store, self.clock, self._new_secret).ensure(self.settings)
        roles = self.settings.roles
        loops: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("record", self.record.run),
            ("record", self.timers.run),
            ("deliver", self.deliver.run),
            ("deliver", self.replay.run),
            ("deliver", self.errands.run),
            ("reconcile", self.reconcile.run),
        )
        await self.keep.join()
        self._keeping = asyncio.create_task(guarded(self.keep.run), name="keep")
        self._tasks = [asyncio.create_task(guarded(run), name=role) for role, run in loops if role in roles]

    def drain(self) -> None:
        """Begin to stop: what is being received is recorded still, but no further delivery is begun."""
        if self._ready:
            self.deliver.drain()

    async def stop(self, *, grace_s: float | None = None) -> None:
        """Take no more work, finish or give back what is under way within the grace, close the store."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + (self.settings.stop_grace_s if grace_s is None else grace_s)
        self._ready = False
        self.record.drain()
        self.timers.drain()
        self.replay.drain()
        self.errands.drain()
        self.deliver.drain()
        for task in self._tasks:
            if task.get_name() == "reconcile":
                task.cancel()  # a question may take longer than the grace; its hint stays due
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=max(_LOOPS_GRACE_MIN_S, ends_at - loop.time()))
            for task in late:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.deliver.stop(grace_s=max(0.0, ends_at - loop.time()))
        await self._leave()
        await self._sandbox.close()
        await self._http.close()
        await self.store.close()

    async def _leave(self) -> None:
        """Last of all: a node that goes on working without a sign of life is taken for dead."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            await self.keep.leave()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """A lifespan for the program that this one is mounted in."""
        async with self:
            yield

    # ---- ASGI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection: webhook requests before the router, all else through it."""
        if scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
            return
        if not self._ready:
            raise RuntimeError("Paybell has not started: pass lifespan=bell.lifespan to the program it is mounted in")
        path: str = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        needed = next((role for begin, role in _ROLES_OF_PATHS.items() if path.startswith(begin)), "")
        if needed and needed not in self.settings.roles:
            detail = f"This node does not have the role {needed} (its PAYBELL_ROLES): ask one that has."
            await problem(HTTPStatus.NOT_FOUND, detail)(scope, receive, send)
        elif path.startswith(PREFIX):
            await self._ingest(scope, path, receive, send)
        elif is_post(scope, path):
            await self._posts(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:  # noqa: BLE001 - the server reports it and ends
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    # ---- putting together

    def _assemble(self) -> None:
        chosen, clock, store = self.settings, self.clock, self.store
        roles = chosen.roles
        self._http = HttpSender(
            clock,
            HttpSenderConfig(
                allowed_networks=chosen.allow_private_networks, user_agent=f"Paybell/{version('paybell')}"
            ),
        )
        delivering = deliver_config(chosen)
        receive_config = ReceiveConfig(waiting_max=chosen.receive_waiting_max)
        record_config, reconcile_config = RecordConfig(), ReconcileConfig()
        leases_ms = [it.lease_ms for it in (receive_config, record_config, delivering, reconcile_config)]
        senders: Senders = {
            Transport.HTTP: self._http,
            Transport.FUNCTION: FunctionSender(self._functions),
            Transport.MAIL: mail_sender(chosen),
        }
        self.keep = KeepService(
            store,
            clock,
            KeepConfig(lease_ms=max(leases_ms), retention=retention_of(chosen)),
            self._node(),
            figures=self._gauges,
            held=self._held,
            on_buried=self._forget,
            on_fresh=self._resume,
        )
        self._sandbox = sandbox_of(chosen)
        shape = shaper_of(chosen, store, self._sandbox).shape
        self.deliver = DeliverService(store, senders, clock, delivering, may_begin=self.keep.is_fresh, shape=shape)
        self.replay = ReplayService(store, clock, ReplayConfig(), wishes=WISHES, may_begin=self.keep.is_fresh)
        self.errands = ErrandService(store, clock, ErrandConfig(), may_begin=self.keep.is_fresh)
        self._lease_ms = delivering.lease_ms
        self.record = RecordService(
            store, GATEWAYS, clock, record_config, route=self._route_change, hand_on=self._hand_on
        )
        self.timers = TimerService(store, clock, TimerConfig(), route=self._route_change, hand_on=self._hand_on)
        inbox = self.record if "record" in roles else None
        self.reconcile = ReconcileService(store, GATEWAYS, self._http, clock, reconcile_config, record=inbox)
        self.receive = ReceiveService(
            store,
            GATEWAYS,
            clock,
            receive_config,
            record=inbox,
            hint_came=self.reconcile.wake,
        )
        self._open_doors()

    def _open_doors(self) -> None:
        """Where requests come in, and what the store has to say to the steps."""
        chosen, store = self.settings, self.store
        store.on_occurrence(occurrence_route(self.clock))
        store.on_change("record", self.record.wake)
        store.on_change("deliver", self.deliver.wake)
        store.on_change("reconcile", self.reconcile.wake)
        self._ingest = Ingest(
            self.receive,
            IngestConfig(body_bytes_max=chosen.body_bytes_max, read_timeout_s=chosen.read_timeout_s),
        )
        self._api = create_api(self._web_context())
        self._posts = Posts(self._api, self._api.state.parts)

    def _web_context(self) -> WebContext:
        return WebContext(
            store=self.store,
            gateways=GATEWAYS,
            clock=self.clock,
            public_url=self.settings.public_url.rstrip("/"),
            portal_url=self.settings.portal_url,
            version=version("paybell"),
            route=self._route_message,
            asked_for=asked_for,
            may_take=may_take,
            expect=self.record.expect,
            deliver=self._hand_on,
            replays=Requests(self.store, self.clock, WISHES),
            check_url=self._check_url,
            check_listener=listener_check(self.settings, self._check_url),
            check_headers=check_any_headers,
            transformer=self._sandbox,
            read_certificate=read_certificate,
            new_secret=self._new_secret,
            receivers_key=receivers_key,
            check_secret=check_secret,
            check_filter=check_filter,
            counts=self._counts,
            gauges=self._gauges,
            is_ready=lambda: self._ready,
        )

    def _node(self) -> Node:
        return Node(
            id=self.clock.new_id("node"),
            name=self.settings.node_name or socket.gethostname(),
            roles=self.settings.roles,
            version=version("paybell"),
            started_at_ms=self.clock.now_ms(),
            figures={},
        )

    def _held(self) -> Held:
        notifications = self.record.held() | self.reconcile.held()
        return Held(notifications=frozenset(notifications), deliveries=frozenset(self.deliver.held()))

    def _forget(self) -> None:
        self.record.forget()
        self.deliver.forget()

    def _resume(self) -> None:
        self.deliver.resume()
        self.record.wake()
        self.reconcile.wake()

    def _mint(self, now_ms: int) -> Mint:
        delivers = "deliver" in self.settings.roles
        return Mint(
            new_id=self.clock.new_id,
            has_room=self.deliver.has_room if delivers else _no_room,
            now_ms=now_ms,
            lease_ends_at_ms=now_ms + self._lease_ms,
        )

    def _route_change(self, change: Change, endpoints: tuple[Endpoint, ...], now_ms: int) -> Routed:
        return route_change(change, endpoints, self._mint(now_ms))

    def _route_message(self, message: Message, endpoints: tuple[Endpoint, ...]) -> tuple[DeliveryJob, ...]:
        return route_message(message, endpoints, self._mint(self.clock.now_ms()))

    def _hand_on(self, jobs: Sequence[DeliveryJob]) -> None:
        leased = [job for job in jobs if job.lease_no]
        if leased:
            self.deliver.put(leased)
        if len(leased) < len(jobs):
            self.deliver.wake()

    def _check_url(self, url: str) -> None:
        check_url(url, AddressGuard(self.settings.allow_private_networks))

    def _new_secret(self, before: str = "") -> str:
        return secret_like(before, self.clock.new_secret(SECRET_BYTES))

    def _counts(self) -> Mapping[str, Mapping[str, int]]:
        return {
            "receive": self.receive.counts,
            "record": self.record.counts | self.timers.counts,
            "deliver": self.deliver.counts,
            "replay": self.replay.counts,
            "errands": self.errands.counts,
            "reconcile": self.reconcile.counts,
            "keep": self.keep.counts,
        }

    def _gauges(self) -> Mapping[str, int]:
        return {
            "receive_waiting": self.receive.waiting_count,
            "store_waiting": self.store.waiting_count,
            "record_waiting": self.record.waiting_count,
            "deliver_waiting": self.deliver.waiting_count,
            "deliver_active": self.deliver.active_count,
        }


def _no_room(_endpoint_id: str) -> bool:
    return False
