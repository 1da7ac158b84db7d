"""Sources: accounts at gateways."""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Path, Response
from msgspec.structs import replace
from pydantic import Field, JsonValue, TypeAdapter

from paybell.model.key import KeyScope
from paybell.model.source import Source
from paybell.ports import Gateway
from paybell.web.api.caller import Caller, Calling, Paging, keyed_router
from paybell.web.api.problems import WRITES, InvalidField
from paybell.web.api.shapes import PageOut, Patch, Shape, Time, Uid, masked, merged, page_ends, when

router = keyed_router("source")

_TOKEN_BYTES: Final = 24
_JSON: Final = TypeAdapter(dict[str, JsonValue])
Secrets = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=512)]],
    Field(max_length=10, description="All live signing secrets, newest first: each of them verifies."),
]
Options = Annotated[
    dict[str, JsonValue],
    Field(max_length=64, description="The gateway's own settings.", examples=[{"toleranceSeconds": 300}]),
]
Name = Annotated[str, Path(description="The source's id or uid.")]


class SourceIn(Shape):
    """A new source."""

    uid: Uid
    gateway: Annotated[str, Field(min_length=1, max_length=64, examples=["stripe"])]
    secrets: Secrets = Field(default_factory=list)
    livemode: bool = True
    options: Options = Field(default_factory=dict)
    enabled: bool = True


class SourcePatch(Patch):
    """What may change. ``secrets`` replaces the list; in ``options`` null removes and what is absent stays."""

    uid: Uid = ""
    secrets: Secrets = Field(default_factory=list)
    options: Options = Field(default_factory=dict)
    enabled: bool = True


class SourceOut(Shape):
    """A source. Secrets are only counted; options that hold credentials show their last four characters."""

    id: str
    uid: str
    gateway: str
    livemode: bool
    enabled: bool
    url: Annotated[
        str,
        Field(description="Where the gateway sends its webhooks; a token in it is shown to who may see secrets."),
    ]
    options: dict[str, JsonValue]
    secret_count: int
    created_at: Time


@router.post("/source", status_code=HTTPStatus.CREATED, responses=WRITES)
async def source_create(body: SourceIn, caller: Calling) -> SourceOut:
    """Add an account at a gateway."""
    gateway = _gateway(caller, body.gateway)
    clock = caller.context.clock
    source = Source(
        id=caller.new_id("src"),
        organisation_id=caller.organisation_id,
        uid=body.uid,
        gateway=body.gateway,
        livemode=body.livemode,
        secrets=tuple(body.secrets),
        token=base64.urlsafe_b64encode(clock.new_secret(_TOKEN_BYTES)).decode() if gateway.about.has_token else "",
        options=body.options,
        enabled=body.enabled,
        created_at_ms=clock.now_ms(),
    )
    gateway.check(source)
    await caller.store.source_create(source)
    return await _show(caller, source)


@router.get("/source")
async def source_list(caller: Calling, paging: Paging) -> PageOut[SourceOut]:
    """Sources, newest first."""
    page = await caller.store.source_page(paging.query())
    return PageOut(data=[await _show(caller, it) for it in page.data], **page_ends(page))


@router.get("/source/{source}")
async def source_get(source: Name, caller: Calling) -> SourceOut:
    """One source."""
    return await _show(caller, await caller.store.source_lookup(caller.organisation_id, source))


@router.patch("/source/{source}", responses=WRITES)
async def source_patch(source: Name, body: SourcePatch, caller: Calling) -> SourceOut:
    """Change a source: rotate its secrets, set options, switch it on or off, rename it."""
    before = await caller.store.source_lookup(caller.organisation_id, source)
    changes = body.given()
    if "secrets" in changes:
        changes["secrets"] = tuple(body.secrets)
    if "options" in changes:
        changes["options"] = merged(before.options, body.options)
    after = replace(before, **changes)
    _gateway(caller, after.gateway).check(after)
    await caller.store.source_update(after)
    return await _show(caller, after)


@router.delete("/source/{source}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)
async def source_delete(source: Name, caller: Calling) -> None:
    """Forget a source and its secrets; what it received stays."""
    found = await caller.store.source_lookup(caller.organisation_id, source)
    await caller.store.source_delete(caller.organisation_id, found.id)


def _gateway(caller: Caller, name: str) -> Gateway:
    known = caller.context.gateways.get(name)
    if known is None:
        raise InvalidField(f"unknown gateway; known: {', '.join(sorted(caller.context.gateways))}", "gateway")
    return known


async def _show(caller: Caller, source: Source) -> SourceOut:
    gateway = caller.context.gateways.get(source.gateway)
    return SourceOut(
        id=source.id,
        uid=source.uid,
        gateway=source.gateway,
        livemode=source.livemode,
        enabled=source.enabled,
        url=await _url(caller, source),
        options=_shown_options(source.options, gateway.about.secret_options if gateway else frozenset(source.options)),
        secret_count=len(source.secrets),
        created_at=when(source.created_at_ms),
    )


async def _url(caller: Caller, source: Source) -> str:
    """Under its uid where that finds it: those of the first organisation alone. The token is a secret."""
    found = await caller.store.source_find(source.uid)
    name = source.uid if found is not None and found.id == source.id else source.id
    token = source.token if caller.key.may(KeyScope.SECRETS_READ) else masked("")
    return f"{caller.base_url}/in/{name}{'/' if source.token else ''}{token if source.token else ''}"


def _shown_options(options: Mapping[str, object], secret: frozenset[str]) -> dict[str, JsonValue]:
    known: dict[str, JsonValue] = _JSON.validate_python(dict(options))
    return {name: masked(value) if name in secret else value for name, value in known.items()}
