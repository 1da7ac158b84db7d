"""``paybell trigger``: send a realistic, rightly signed webhook to a running Paybell."""

import base64
from http import HTTPStatus
from ipaddress import ip_network
from typing import Annotated, assert_never

import typer

from paybell.cli.shared import OUT, AsJson, Database, desk, fail, show_json, work
from paybell.clock import SystemClock
from paybell.config import settings
from paybell.errors import ConfigurationError
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.money import to_minor
from paybell.model.source import Source
from paybell.ports import PageQuery, Sending, Store
from paybell.testing.gateways import SignedRequest
from paybell.testing.gateways import gateway as pretend
from paybell.transports import HttpSender, HttpSenderConfig
from paybell.transports.url import parse_url

_ID_BYTES = 9
_EVERY_NETWORK = (ip_network("0.0.0.0/0"), ip_network("::/0"))  # the operator names the target


def trigger(
    gateway: Annotated[str, typer.Argument(help="stripe, razorpay, ippopay or generic.")],
    event: Annotated[str, typer.Argument(help="The gateway's event, such as payment_intent.succeeded.")],
    *,
    source: Annotated[str, typer.Option(help="The source's uid; else the only one of that gateway.")] = "",
    url: Annotated[str, typer.Option(help="Where Paybell listens; else PAYBELL_HOST and PAYBELL_PORT.")] = "",
    amount: Annotated[str, typer.Option(help="The amount, such as 100.00.")] = "100.00",
    currency: Annotated[str, typer.Option(help="ISO 4217; else the gateway's usual one.")] = "",
    payment_id: Annotated[str, typer.Option(help="The gateway's payment id; else a new one.")] = "",
    order_id: Annotated[str, typer.Option(help="Your order's id.")] = "order_1001",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Send one webhook of a gateway, signed with the source's secret."""
    answered, advice = work(
        _trigger(
            gateway,
            event,
            source_name=source,
            url=url,
            amount=amount,
            currency=currency,
            payment_id=payment_id,
            order_id=order_id,
            database=database,
        ),
        missing="paybell source list",
    )
    if json:
        show_json(answered)
    else:
        OUT.print("{event} for {paymentId} to {url}: {answer}".format(**answered))
    if advice:
        fail(advice)


async def _trigger(
    gateway: str,
    event: str,
    *,
    source_name: str,
    url: str,
    amount: str,
    currency: str,
    payment_id: str,
    order_id: str,
    database: str | None,
) -> tuple[dict[str, object], str]:
    clock = SystemClock()
    base = _base(url)
    pretender = pretend(gateway)
    async with desk(database) as at:
        source = await _source(at.store, at.organisation.id, gateway, source_name)
    fresh = base64.b32encode(clock.new_secret(_ID_BYTES)).decode().rstrip("=").lower()
    payment = payment_id or f"{pretender.payment_id.split('_')[0]}_{fresh}"
    code = (currency or pretender.currency).upper()
    request = pretender.signed(
        event,
        payment_id=payment,
        order_id=order_id,
        amount_minor=to_minor(amount, code),
        currency=code,
        secret=_secret(source),
        token=source.token,
        options=source.options,
        at_s=clock.now_ms() // 1000,
        livemode=source.livemode,
        event_id=f"evt_{fresh}",
    )
    target = f"{base}/in/{source.uid}"
    outcome = await post(target, request, clock)
    answer = str(outcome.status_code) if isinstance(outcome, Answered) else f"{outcome.phase}: {outcome.reason}"
    shown: dict[str, object] = {"event": event, "paymentId": payment, "source": source.uid}
    return {**shown, "url": target, "answer": answer}, _advice(outcome)


async def post(url: str, request: SignedRequest, clock: SystemClock) -> Outcome:
    """Post a gateway's request as the gateway would."""
    agent = next((value for name, value in request.headers if name == "user-agent"), "paybell-trigger")
    sender = HttpSender(clock, HttpSenderConfig(allowed_networks=_EVERY_NETWORK, user_agent=agent))
    try:
        return await sender.send(
            Sending(
                pool="trigger",
                url=f"{url}{request.tail}",
                headers=tuple(pair for pair in request.headers if pair[0] != "user-agent"),
                body=request.body,
                timeout_s=10,
            )
        )
    finally:
        await sender.close()


def _base(url: str) -> str:
    """Where Paybell listens, without a slash at the end."""
    chosen = settings()
    base = url.rstrip("/") or f"http://{chosen.host}:{chosen.port}"
    try:
        parse_url(base)
    except ConfigurationError as error:
        raise ConfigurationError(f"--url {url[:64]!r}: {error}") from None
    return base


def _advice(outcome: Outcome) -> str:
    """What to do where it was not taken, '' where it was."""
    match outcome:
        case Answered(status_code=code) if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
            return ""
        case Answered(status_code=HTTPStatus.UNAUTHORIZED):
            return "it was refused: `paybell notifications list --refused` says why"
        case Answered(status_code=HTTPStatus.NOT_FOUND):
            return (
                "that server does not know the source: name its database with --database, or another server with --url"
            )
        case Answered():
            return "it was not taken: the server's log says more"
        case Failed():
            return "nothing answers there: start it with `paybell up`, or say with --url where it listens"
        case _:
            assert_never(outcome)


def _secret(source: Source) -> str:
    for secret in source.secrets:
        if secret:
            return secret
    if source.token:
        return ""
    raise ConfigurationError(f"{source.uid} has no secret to sign with: PATCH /api/v1/source/{source.uid} gives it one")


async def _source(store: Store, organisation_id: str, gateway: str, name: str) -> Source:
    if name:
        source = await store.source_lookup(organisation_id, name)
        if source.gateway != gateway:
            raise ConfigurationError(f"{name} is a source of {source.gateway}, not of {gateway}: name another --source")
        return source
    page = await store.source_page(PageQuery(organisation_id=organisation_id, limit=250))
    found = [source for source in page.data if source.gateway == gateway]
    if len(found) != 1:
        several = f"there are {len(found)} {gateway} sources: say which with --source"
        missing = f"there is no {gateway} source: add one with `paybell source add`"
        raise ConfigurationError(several if found else missing)
    return found[0]
