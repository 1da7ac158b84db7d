"""``paybell trigger``: send a realistic, rightly signed webhook to a running Paybell, or a spoilt one."""

import sys
from http import HTTPStatus
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, assert_never

import typer
from msgspec import Struct

from paybell.cli.captures import url_of, write_capture
from paybell.cli.shared import OUT, AsJson, Database, desk, fail, show_json, work
from paybell.cli.wishes import Made, Wish, make
from paybell.clock import SystemClock
from paybell.config import settings
from paybell.errors import ConfigurationError, PaybellError
from paybell.gateways import gateway as gateway_of
from paybell.model.delivery import Answered, Failed, Outcome
from paybell.model.source import Source
from paybell.ports import PageQuery, Sending, Store
from paybell.testing.gateways import SignedRequest
from paybell.testing.gateways import gateway as pretend
from paybell.transports import HttpSender, HttpSenderConfig
from paybell.transports.url import parse_url

_CHANCE_BYTES: Final = 64
_EVERY_NETWORK = (ip_network("0.0.0.0/0"), ip_network("::/0"))  # the operator names the target


def trigger(
    gateway: Annotated[str, typer.Argument(help="Its name: `paybell gateways` lists them.")],
    event: Annotated[str, typer.Argument(help="The gateway's event; without one, those it has are listed.")] = "",
    *,
    source: Annotated[str, typer.Option(help="The source's uid; else the only one of that gateway.")] = "",
    url: Annotated[str, typer.Option(help="Where Paybell listens; else PAYBELL_HOST and PAYBELL_PORT.")] = "",
    amount: Annotated[str, typer.Option(help="The amount, such as 100.00.")] = "100.00",
    currency: Annotated[str, typer.Option(help="ISO 4217; else the gateway's usual one.")] = "",
    payment_id: Annotated[str, typer.Option(help="The gateway's payment id; else a new one.")] = "",
    order_id: Annotated[str, typer.Option(help="Your order's id.")] = "order_1001",
    refund_amount: Annotated[str, typer.Option(help="What a refund gives back; else all of the amount.")] = "",
    duplicate: Annotated[bool, typer.Option("--duplicate", help="Send the same bytes a second time.")] = False,
    late: Annotated[int, typer.Option(help="So many seconds ago the event happened; it is signed now.", min=0)] = 0,
    wrong_signature: Annotated[bool, typer.Option("--wrong-signature", help="Sign with another secret.")] = False,
    skew: Annotated[int, typer.Option(help="Sign at a time so many seconds from now; below 0, before now.")] = 0,
    signing_key: Annotated[
        Path | None, typer.Option(help="The private key, as PEM, for gateways that sign with one.", metavar="FILE")
    ] = None,
    print_: Annotated[bool, typer.Option("--print", help="Write the HTTP request to stdout instead.")] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Send one webhook of a gateway, signed with the source's secret."""
    if not event:
        _list_events(gateway, json=json)
        return
    if print_ and (duplicate or json):
        fail("--print writes one request and sends none: give it without --duplicate and --json")
    wish = Wish(
        event=event,
        amount=amount,
        currency=currency,
        payment_id=payment_id,
        order_id=order_id,
        refund=refund_amount,
        late_s=late,
        skew_s=skew,
        wrong_signature=wrong_signature,
        signing_key=_key(signing_key),
    )
    ready = work(_ready(gateway, wish, source, url, database), missing="paybell source list")
    if print_:
        sys.stdout.buffer.write(write_capture(ready.url, ready.made.request.headers, ready.made.request.body))
        return
    outcomes = work(send(ready.url, ready.made.request, SystemClock(), times=2 if duplicate else 1))
    _show(ready, [_said(outcome) for outcome in outcomes], json=json)
    if advice := next(filter(None, map(_advice, outcomes)), ""):
        fail(advice)


class _Ready(Struct, frozen=True):
    """A request, and where it is to go."""

    made: Made
    url: str
    event: str
    source: str


async def _ready(name: str, wish: Wish, source_name: str, url: str, database: str | None) -> _Ready:
    clock = SystemClock()
    base = _base(url)
    pretender, gateway = pretend(name), gateway_of(name)
    async with desk(database) as at:
        source = await _source(at.store, at.organisation.id, name, source_name)
    now_ms, chance = clock.now_ms(), clock.new_secret(_CHANCE_BYTES)
    made = make(wish, pretender, gateway, source, now_ms=now_ms, chance=chance)
    return _Ready(made, url_of(base, source.uid, made.request), wish.event, source.uid)


def _list_events(name: str, *, json: bool) -> None:
    try:
        events = pretend(name).events
    except PaybellError as error:
        fail(str(error))
    if json:
        show_json(events)
    else:
        OUT.print("\n".join(events))


def _key(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text("ascii")
    except (OSError, ValueError) as error:
        fail(f"cannot read --signing-key {file}: {error}")


def _show(ready: _Ready, answers: list[str], *, json: bool) -> None:
    place = ready.url.partition("/in/")[0] + f"/in/{ready.source}"
    if not json:
        OUT.print(f"{ready.event} for {ready.made.payment_id} to {place}: {', then '.join(answers)}")
        return
    shown = {"event": ready.event, "paymentId": ready.made.payment_id, "source": ready.source, "url": place}
    again = {"answerAgain": answers[1]} if len(answers) > 1 else {}
    show_json({**shown, "answer": answers[0], **again})


def _said(outcome: Outcome) -> str:
    return str(outcome.status_code) if isinstance(outcome, Answered) else f"{outcome.phase}: {outcome.reason}"


async def send(url: str, request: SignedRequest, clock: SystemClock, *, times: int = 1) -> list[Outcome]:
    """Post a gateway's request as the gateway would, as often as asked, each after the answer to the one before."""
    agent = next((value for name, value in request.headers if name == "user-agent"), "paybell-trigger")
    sender = HttpSender(clock, HttpSenderConfig(allowed_networks=_EVERY_NETWORK, user_agent=agent))
    sending = Sending(
        pool="trigger",
        url=url,
        headers=tuple(pair for pair in request.headers if pair[0] != "user-agent"),
        body=request.body,
        timeout_s=10,
    )
    try:
        return [await sender.send(sending) for _ in range(times)]
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
