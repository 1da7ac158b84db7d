"""The demo's stage: sources, an application, a receiver and a pretend API; plays a scene and says what came of it."""

import base64
from decimal import Decimal
from typing import Final, Self

import msgspec
from msgspec import Struct

from paybell.app.bell import Paybell
from paybell.cli.captures import url_of
from paybell.cli.demo_scenes import SOURCES, Scene
from paybell.cli.sources import new_source
from paybell.cli.trigger import send
from paybell.clock import SystemClock
from paybell.deliver.signing import secret_from
from paybell.errors import NotFound
from paybell.model.delivery import Answered, Outcome
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application
from paybell.model.money import to_major
from paybell.model.payment import Payment
from paybell.model.source import Source
from paybell.ports import PageQuery
from paybell.testing.gateways import SignedRequest
from paybell.testing.gateways import gateway as pretend
from paybell.testing.ippopay_api import PUBLIC_KEY, SECRET_KEY, PretendIppoPay
from paybell.testing.received import Received, StandardWebhooks
from paybell.testing.receiver import Receiver

_UID: Final = "demo"
_WAIT_S: Final = 10.0
_LOOK_S: Final = 0.01
_TAG_BYTES: Final = 5


class Played(Struct, frozen=True, kw_only=True):
    """What came of a scene, in words; ``problem`` is '' when all was as it must be."""

    verdict: str
    payment: str
    delivery: str
    problem: str

    @property
    def good(self) -> bool:
        """Whether all was as it must be."""
        return not self.problem


class _Delivered(msgspec.Struct):
    event: str
    data: dict[str, object]


class Stage:
    """Sets the stage on entering, clears it on leaving; the records stay in the database."""

    def __init__(self, bell: Paybell, url: str) -> None:
        self._bell = bell
        self._url = url
        self._clock = SystemClock()
        self._tag = base64.b32encode(self._clock.new_secret(_TAG_BYTES)).decode().lower()
        self._receiver = Receiver()
        self._api = PretendIppoPay()
        self._sources: dict[str, Source] = {}
        self._seen = 0

    async def __aenter__(self) -> Self:
        """Start the receiver and the pretend API; make sources, application and endpoint."""
        await self._receiver.start()
        await self._api.start()
        organisation = await self._bell.store.organisation_default()
        for gateway, uid in SOURCES.items():
            self._sources[gateway] = await self._source(organisation.id, gateway, uid)
        application = await self._application(organisation.id)
        secret = secret_from(self._clock.new_secret(32))
        self._receiver.verify = StandardWebhooks(secret)
        self._endpoint = await self._new_endpoint(application, secret)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take the endpoint away, so that nothing is sent to a receiver that is gone."""
        await self._bell.store.endpoint_delete(self._endpoint.organisation_id, self._endpoint.id)
        await self._receiver.stop()
        await self._api.stop()

    async def play(self, scene: Scene) -> Played:
        """Send the scene's webhook, and wait until what must come of it is there (or the time is up)."""
        source = self._sources[scene.gateway]
        if scene.api_status:
            paid = str(to_major(scene.amount_minor, "INR"))
            at_s = self._clock.now_ms() // 1000
            self._api.set(self._payment_id(scene), status=scene.api_status, paid=paid, at_s=at_s)
        request = self._request(scene, source)
        (outcome,) = await send(url_of(self._url, source.uid, request), request, self._clock)
        code = outcome.status_code if isinstance(outcome, Answered) else 0
        payment = await self._payment(scene, source)
        delivered = await self._delivery(scene)
        problems = (
            "" if code == scene.answer else f"answered {code}, expected {scene.answer}",
            _status_problem(scene, payment),
            _delivery_problem(scene, delivered),
        )
        return Played(
            verdict=_verdict(scene, outcome),
            payment=_payment_text(payment),
            delivery=_delivery_text(scene, delivered),
            problem="; ".join(problem for problem in problems if problem),
        )

    def _payment_id(self, scene: Scene) -> str:
        prefix = {"stripe": "pi", "razorpay": "pay", "ippopay": "order"}[scene.gateway]
        return f"{prefix}_{scene.payment}_{self._tag}"

    def _request(self, scene: Scene, source: Source) -> SignedRequest:
        secret = source.secrets[0] if source.secrets else ""
        started_at_s = self._bell_started_s()
        return pretend(scene.gateway).signed(
            scene.event,
            payment_id=self._payment_id(scene),
            order_id=f"order_{scene.payment}",
            amount_minor=scene.amount_minor,
            secret="whsec_a_forgers_guess" if scene.forged else secret,
            token=source.token,
            at_s=started_at_s + scene.seconds_later,
            started_at_s=started_at_s - 1,
            event_id=f"evt_{scene.payment}_{scene.event.replace('.', '_')}_{self._tag}",
        )

    def _bell_started_s(self) -> int:
        if not hasattr(self, "_started_s"):
            self._started_s = self._clock.now_ms() // 1000
        return self._started_s

    async def _payment(self, scene: Scene, source: Source) -> Payment | None:
        """The payment once it has the scene's status; as it is when the time is up."""
        query = PageQuery(
            organisation_id=source.organisation_id,
            limit=1,
            filters={"gateway_payment_id": self._payment_id(scene), "source_id": source.id},
        )
        ends_ms = self._clock.now_ms() + _WAIT_S * 1000
        while True:
            found = (await self._bell.store.payment_page(query)).data
            if not scene.status or (found and found[0].state.status == scene.status):
                return found[0] if found else None
            if self._clock.now_ms() > ends_ms:
                return found[0] if found else None
            await self._clock.sleep(_LOOK_S)

    async def _delivery(self, scene: Scene) -> Received | None:
        if not scene.told:
            await self._bell.deliver.settle()
            return self._receiver.requests[-1] if self._receiver.count > self._seen else None
        try:
            received = (await self._receiver.wait_for(self._seen + 1, _WAIT_S))[self._seen]
        except TimeoutError:
            return None
        self._seen += 1
        return received

    async def _source(self, organisation_id: str, gateway: str, uid: str) -> Source:
        options: dict[str, object] = {}
        secrets: tuple[str, ...] = (f"whsec_{self._tag}_{gateway}",)
        if gateway == "ippopay":
            options = {"baseUrl": self._api.url, "publicKey": PUBLIC_KEY, "secretKey": SECRET_KEY}
            secrets = ()
        try:
            known = await self._bell.store.source_lookup(organisation_id, uid)
        except NotFound:
            made = new_source(organisation_id, uid, gateway, secrets, options, livemode=False, clock=self._clock)
            await self._bell.store.source_create(made)
            return made
        changed = msgspec.structs.replace(known, secrets=secrets, options=options)
        await self._bell.store.source_update(changed)
        return changed

    async def _application(self, organisation_id: str) -> Application:
        try:
            return await self._bell.store.application_lookup(organisation_id, _UID)
        except NotFound:
            now_ms = self._clock.now_ms()
            made = Application(
                id=self._clock.new_id("app"),
                organisation_id=organisation_id,
                uid=_UID,
                name="Demo shop",
                created_at_ms=now_ms,
                updated_at_ms=now_ms,
            )
            await self._bell.store.application_create(made)
            return made

    async def _new_endpoint(self, application: Application, secret: str) -> Endpoint:
        now_ms = self._clock.now_ms()
        endpoint = Endpoint(
            id=self._clock.new_id("ep"),
            organisation_id=application.organisation_id,
            application_id=application.id,
            url=f"{self._receiver.url}webhooks",
            description="The demo's own receiver",
            secrets=(secret,),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        await self._bell.store.endpoint_create(endpoint)
        return endpoint


def _verdict(scene: Scene, outcome: Outcome) -> str:
    if not isinstance(outcome, Answered):
        return f"{outcome.phase}: {outcome.reason}"
    if outcome.status_code != 200:  # noqa: PLR2004 - the only success here
        return f"{outcome.status_code} refused"
    if scene.api_status:
        return "200 a hint; asked the API"
    return "200 duplicate" if scene.again else "200 verified"


def _payment_text(payment: Payment | None) -> str:
    if payment is None:
        return "none"
    state = payment.state
    amount: Decimal = to_major(state.amount_minor, state.currency)
    return f"{state.status} {amount} {state.currency} v{state.version}"


def _delivery_text(scene: Scene, received: Received | None) -> str:
    if received is None:
        return "nothing new to tell" if not scene.told else "missing"
    body = msgspec.json.decode(received.body, type=_Delivered)
    return f"{body.event} → {'200, signature ok' if received.verified else '401, WRONG SIGNATURE'}"


def _status_problem(scene: Scene, payment: Payment | None) -> str:
    status = "" if payment is None else str(payment.state.status)
    return (
        "" if status == scene.status else f"the payment is {status or 'not there'}, expected {scene.status or 'none'}"
    )


def _delivery_problem(scene: Scene, received: Received | None) -> str:
    if received is None:
        return f"{scene.told} was not delivered" if scene.told else ""
    body = msgspec.json.decode(received.body, type=_Delivered)
    if not scene.told:
        return f"{body.event} was delivered, expected nothing"
    if not received.verified:
        return "the delivery's signature is wrong"
    return "" if body.event == scene.told else f"{body.event} was delivered, expected {scene.told}"
