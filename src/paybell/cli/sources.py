"""``paybell source``."""

import base64
import sys
from typing import Annotated

import typer

from paybell.cli.shared import OUT, After, AsJson, Database, Limit, desk, options_of, show_json, show_rows, work
from paybell.cli.views import source_view
from paybell.clock import Clock, SystemClock
from paybell.config import settings
from paybell.errors import ConfigurationError
from paybell.gateways import gateway as gateway_of
from paybell.model.source import Source
from paybell.model.text import is_uid
from paybell.ports import PageQuery, Store

app = typer.Typer(no_args_is_help=True, help="Accounts at gateways.")
_TOKEN_BYTES = 24


@app.command("add")
def add(
    uid: Annotated[str, typer.Argument(help="Your name for it; the last part of its URL.")],
    gateway: Annotated[str, typer.Option(help="Its name: `paybell gateways` lists them.")],
    secret: Annotated[
        list[str] | None, typer.Option(help="A live signing secret; may be given more than once.")
    ] = None,
    options: Annotated[
        str, typer.Option(help="The gateway's own settings, as a JSON object: `paybell gateways NAME` lists them.")
    ] = "{}",
    *,
    test: Annotated[bool, typer.Option("--test", help="The gateway's test mode.")] = False,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Add an account at a gateway, and say the URL to give to it."""
    source, url = work(_add(uid, gateway, tuple(secret or ()), options, livemode=not test, database=database))
    if json:
        show_json(source_view(source, url))
    else:
        OUT.print(f"added {source.uid} ({source.gateway}); give this URL to the gateway:\n{url}")
    if not source.secrets and not source.token:
        sys.stderr.write(
            "paybell: it has no secret yet, so it refuses every request: give it one with "
            f"PATCH /api/v1/source/{source.uid}\n"
        )


@app.command("list")
def list_(*, limit: Limit = 50, after: After = "", database: Database = None, json: AsJson = False) -> None:
    """List the sources, newest first."""
    found = work(_list(limit, after, database))
    columns = ("uid", "gateway", "livemode", "enabled", "secretCount", "url")
    show_rows(found, {name: name for name in columns}, json=json)


async def source_url(store: Store, source: Source) -> str:
    """Where the gateway posts to: under its uid where that finds it, as for those of the first organisation."""
    found = await store.source_find(source.uid)
    name = source.uid if found is not None and found.id == source.id else source.id
    chosen = settings()
    base = chosen.public_url.rstrip("/") or f"http://{chosen.host}:{chosen.port}"
    return f"{base}/in/{name}{'/' if source.token else ''}{source.token}"


def new_source(
    organisation_id: str,
    uid: str,
    gateway: str,
    secrets: tuple[str, ...],
    options: dict[str, object],
    *,
    livemode: bool,
    clock: Clock,
) -> Source:
    """A source that its gateway agrees with; ``ConfigurationError`` otherwise."""
    known = gateway_of(gateway)
    token = base64.urlsafe_b64encode(clock.new_secret(_TOKEN_BYTES)).decode() if known.about.has_token else ""
    source = Source(
        id=clock.new_id("src"),
        organisation_id=organisation_id,
        uid=uid,
        gateway=gateway,
        livemode=livemode,
        secrets=secrets,
        token=token,
        options=options,
        enabled=True,
        created_at_ms=clock.now_ms(),
    )
    known.check(source)
    return source


async def _add(
    uid: str, gateway: str, secrets: tuple[str, ...], options: str, *, livemode: bool, database: str | None
) -> tuple[Source, str]:
    decoded = options_of(options)
    if not is_uid(uid):
        raise ConfigurationError(
            f"{uid[:64]!r} cannot be the last part of a URL: write letters, digits, '_', '-' and '.', with a letter, a "
            "digit or '_' first"
        )
    async with desk(database, create=True) as at:
        clock = SystemClock()
        source = new_source(at.organisation.id, uid, gateway, secrets, decoded, livemode=livemode, clock=clock)
        fields = ("uid", "gateway", "livemode", *(["secrets"] if secrets else []), *(["options"] if decoded else []))
        with at.changing("source_create", source.id, fields=fields):
            await at.store.source_create(source)
        return source, await source_url(at.store, source)


async def _list(limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        page = await at.store.source_page(PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after))
        return [source_view(source, await source_url(at.store, source)) for source in page.data]
