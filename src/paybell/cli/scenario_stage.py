"""A scenario's stage: its Paybell, sources, endpoints with their servers, and pretend APIs."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol, Self, TypeVar

from msgspec.structs import replace

from paybell.cli.captures import url_of
from paybell.cli.scenario_server import Host
from paybell.cli.sources import new_source
from paybell.config import Settings
from paybell.deliver.signing import secret_from
from paybell.errors import ConfigurationError
from paybell.model.delivery import Outcome
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application
from paybell.model.money import to_major
from paybell.model.source import Organisation, Source
from paybell.ports import Page, PageQuery, Sending, Store
from paybell.testing import ippopay_api, mollie_api
from paybell.testing.gateways import gateway as pretend
from paybell.testing.received import Received, Reply, StandardWebhooks
from paybell.testing.receiver import Receiver
from paybell.testing.scenarios.requests import Moment, payment_id, request_for, secret_of
from paybell.testing.scenarios.script import Account, Hook, Listener, Scenario, Secret, Tell
from paybell.testing.shifted_clock import ShiftedClock
from paybell.transports import HttpSender, HttpSenderConfig

PREFIX: Final = "scenario-"
"""Begins the uid of all that scenarios make."""
_TAG_BYTES: Final = 5
_PAGE: Final = 250
_HANG_S: Final = 3_600.0
_POST_TIMEOUT_S: Final = 15.0
_OK: Final = range(200, 300)
_INR: Final = "INR"

Named = TypeVar("Named", Source, Application)


class _Api(Protocol):
    """A pretend API."""

    @property
    def url(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Ear:
    """An endpoint's server: keeps what it is sent, and what of it it answered 2xx."""

    def __init__(self, plan: Listener, where: Callable[[str], str]) -> None:
        self.plan = plan
        self.taken: list[Received] = []
        self.receiver = Receiver(host=plan.host, answer=self._answer)
        self._where = where

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.receiver.url}{self.plan.name}"

    def _answer(self, received: Received) -> Reply:
        says = self.plan.says[min(self.receiver.count, len(self.plan.says)) - 1]
        if says.hangs:
            return Reply(delay_s=_HANG_S)
        if says.status_code in _OK:
            self.taken.append(received)
        to = (("location", self._where(says.redirect_to)),) if says.redirect_to else ()
        return Reply(status_code=says.status_code, headers=to)


class Stage:
    """Set on entering and cleared on leaving; the records stay in the database."""

    def __init__(self, plan: Scenario, chosen: Settings) -> None:
        self.plan = plan
        self.settings = chosen
        self.clock = ShiftedClock()
        self.host = Host(chosen, self.clock)
        self.sources: dict[str, Source] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.ears = {it.name: Ear(it, lambda name: self.ears[name].url) for it in plan.endpoints}
        self.names: dict[str, str] = {}
        """The scenario's name of each payment, by the gateway's id of it."""
        self._ippopay, self._mollie = ippopay_api.PretendIppoPay(), mollie_api.PretendMollie()
        self._apis: tuple[_Api, ...] = (self._ippopay, self._mollie)
        self._tag = base64.b32encode(self.clock.new_secret(_TAG_BYTES)).decode().lower()
        self._started_at_s = self.clock.now_ms() // 1000
        self._sender = HttpSender(self.clock, HttpSenderConfig(allowed_networks=chosen.allow_private_networks))

    @property
    def store(self) -> Store:
        """The running Paybell's."""
        return self.host.bell.store

    async def __aenter__(self) -> Self:
        """Start everything."""
        for server in self._servers():
            await server.start()
        await self.host.start()
        try:
            self.organisation = await self.store.organisation_default()
            await self._refuse_others(self.organisation)
            for account in self.plan.sources:
                self.sources[account.called] = await self._new_source(account)
            application = await self._new_application()
            for ear in self.ears.values():
                if ear.plan.subscribed:
                    self.endpoints[ear.plan.name] = await self._new_endpoint(ear, application)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take the endpoints away, so that nothing is sent to servers that are gone, and stop everything."""
        for server in self._servers():
            await server.stop()
        for endpoint in self.endpoints.values():
            await self.store.endpoint_delete(endpoint.organisation_id, endpoint.id)
        await self._stop()

    async def post(self, hook: Hook, copy: int = 0, base: str = "") -> Outcome:
        """Send a webhook as its gateway would, to this Paybell or to another one's ``base``."""
        source = self.sources[hook.source]
        self.payment(hook.source, hook.payment, copy)
        request = request_for(hook, source, copy, self._moment())
        return await self._sender.send(
            Sending(
                pool="gateway",
                url=url_of(base or self.host.url, source.uid, request),
                headers=tuple(pair for pair in request.headers if pair[0] != "user-agent"),
                body=request.body,
                timeout_s=_POST_TIMEOUT_S,
            )
        )

    def payment(self, source: str, payment: str, copy: int = 0) -> str:
        """The gateway's id of a payment."""
        made = payment_id(self.sources[source].gateway, payment, copy, self._tag)
        self.names[made] = payment
        return made

    def tell(self, step: Tell) -> None:
        """Let a pretend API say so from now on."""
        made = self.payment(step.source, step.payment)
        if self.sources[step.source].gateway == "mollie":
            self._mollie.set(made, status=step.status, amount_minor=step.amount_minor, refund_minor=step.refund_minor)
        else:
            paid = str(to_major(step.amount_minor, _INR))
            self._ippopay.set(made, status=step.status, paid=paid, at_s=self._started_at_s)

    async def hold(self, name: str, secrets: tuple[Secret, ...]) -> None:
        """Give a source other secrets."""
        source = self.sources[name]
        self.sources[name] = replace(source, secrets=_secrets(source.gateway, secrets))
        await self.store.source_update(self.sources[name])

    def _servers(self) -> tuple[_Api | Receiver, ...]:
        return (*self._apis, *(ear.receiver for ear in self.ears.values()))

    def _moment(self) -> Moment:
        return Moment(self._started_at_s, self.clock.now_ms() // 1000, self._tag)

    async def _stop(self) -> None:
        await self._sender.close()
        await self.host.stop()
        for server in self._servers():
            await server.stop()

    async def _refuse_others(self, organisation: Organisation) -> None:
        """Scenarios send pretended payments to every endpoint there is: none may be anybody's."""
        sources = await _first_foreign(self.store.source_page, organisation.id)
        applications = await _first_foreign(self.store.application_page, organisation.id)
        if foreign := sources or applications:
            raise ConfigurationError(
                f"the database is in use ({foreign} is there): scenarios want one of their own, or none given"
            )

    async def _new_source(self, account: Account) -> Source:
        source = new_source(
            self.organisation.id,
            f"{PREFIX}{account.called}-{self._tag}",
            account.gateway,
            _secrets(account.gateway, account.secrets),
            {**account.options, **self._api_options(account.gateway)},
            livemode=account.livemode,
            clock=self.clock,
        )
        long_ago = replace(source, created_at_ms=0)  # what stands written down in a scenario happened at its own time
        await self.store.source_create(long_ago)
        return long_ago

    def _api_options(self, gateway: str) -> Mapping[str, object]:
        if gateway == "mollie":
            return {"baseUrl": self._mollie.url, "apiKey": mollie_api.API_KEY}
        if gateway == "ippopay":
            keys = {"publicKey": ippopay_api.PUBLIC_KEY, "secretKey": ippopay_api.SECRET_KEY}
            return {"baseUrl": self._ippopay.url, **keys}
        return {}

    async def _new_application(self) -> Application:
        now_ms = self.clock.now_ms()
        application = Application(
            id=self.clock.new_id("app"),
            organisation_id=self.organisation.id,
            uid=f"{PREFIX}{self.plan.name}-{self._tag}",
            name=f"Scenario {self.plan.name}",
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        await self.store.application_create(application)
        return application

    async def _new_endpoint(self, ear: Ear, application: Application) -> Endpoint:
        secret = secret_from(self.clock.new_secret(32))
        ear.receiver.verify = StandardWebhooks(secret)
        endpoint = Endpoint(
            id=self.clock.new_id("ep"),
            organisation_id=application.organisation_id,
            application_id=application.id,
            url=ear.url,
            description=f"Of the scenario {self.plan.name}",
            secrets=(secret,),
            created_at_ms=application.created_at_ms,
            updated_at_ms=application.created_at_ms,
        )
        await self.store.endpoint_create(endpoint)
        return endpoint


def _secrets(gateway: str, secrets: tuple[Secret, ...]) -> tuple[str, ...]:
    return tuple(secret_of(pretend(gateway), secret) for secret in secrets)


async def _first_foreign(page: Callable[[PageQuery], Awaitable[Page[Named]]], organisation_id: str) -> str:
    """The uid (or id) of the first that no scenario made, '' when there is none."""
    iterator, done = "", False
    while not done:
        found = await page(PageQuery(organisation_id=organisation_id, limit=_PAGE, iterator=iterator))
        for each in found.data:
            if not each.uid.startswith(PREFIX):
                return each.uid or each.id
        iterator, done = found.iterator, found.done
    return ""
