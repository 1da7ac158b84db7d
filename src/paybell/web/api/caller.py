"""Who calls: what every keyed route gets."""

from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from msgspec import Struct
from msgspec.structs import replace
from pydantic import StringConstraints

from paybell.clock import first_id
from paybell.errors import NotFound
from paybell.model.key import ApiKey
from paybell.model.message import CHANNEL_PATTERN, TAG_PATTERN
from paybell.model.text import STORABLE_PATTERN, is_storable
from paybell.ports import AFTER_ALL, Changing, PageQuery, Store
from paybell.web.api.auditing import audited, is_audited
from paybell.web.api.idempotency import once
from paybell.web.api.problems import READS, problem
from paybell.web.api.shapes import LIMIT_MAX
from paybell.web.auth import KeyRing, Refused
from paybell.web.context import WebContext
from paybell.web.rights import need_of

_BEARER: Final = HTTPBearer(auto_error=False, description="An API key, as `paybell key create` prints it.")
_ITERATOR_CHARS_MAX: Final = 512


class Parts(Struct, frozen=True):
    """What an API instance works with."""

    context: WebContext
    keys: KeyRing


class Caller(Struct, frozen=True, kw_only=True):
    """Who sent a request, and the parts that serve it."""

    context: WebContext
    key: ApiKey
    change: Changing | None
    """The line that is to be kept of what it changes; None where it changes nothing."""
    base_url: str
    """How the caller reached this server, without a slash at the end."""

    @property
    def organisation_id(self) -> str:
        """Whose things it is about."""
        return self.key.organisation_id

    @property
    def store(self) -> Store:
        """The store."""
        return self.context.store

    def sees(self, feature_flags: Collection[str]) -> bool:
        """Whether what stands under feature flags is shown: to keys always, to tokens that have one of them."""
        portal = self.key.portal
        return portal is None or not feature_flags or not portal.feature_flags.isdisjoint(feature_flags)

    def new_id(self, prefix: str) -> str:
        """The id of what is made, which the audit log then names."""
        made = self.context.clock.new_id(prefix)
        self.about(made)
        return made

    def about(self, name: str) -> None:
        """Say in the audit log what is changed, where the path does not; before it is."""
        if self.change is not None:
            self.change.about(name)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.context.clock.now_ms()

    async def source_id(self, name: str) -> str:
        """The id behind a source's uid. Its own name where there is none: what it received outlives a source."""
        if not name:
            return ""
        try:
            return (await self.store.source_lookup(self.organisation_id, name)).id
        except NotFound:
            return name


def bind(api: FastAPI, context: WebContext) -> None:
    """Give an API instance its parts."""
    api.state.parts = Parts(context, KeyRing(context.store, context.clock))


def parts_of(request: Request) -> Parts:
    """The parts of the API that serves a request."""
    parts: Parts = request.app.state.parts
    return parts


class KeyedRoute(APIRoute):
    """Asks for a key that may do it before it looks at anything else, then that the body is strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind ours."""
        handle = super().get_route_handler()
        method = next(iter(self.methods or {"GET"}))
        need = need_of(self.name, method)

        is_kept = is_audited(self.name, method)

        async def kept(request: Request) -> Response:
            return await audited(request, parts_of(request).context, request.state.key, handle)

        async def keyed(request: Request) -> Response:
            parts = parts_of(request)
            authorization = request.headers.get("authorization", "")
            key = await parts.keys.admit(authorization, need, request.path_params.get("app"))
            if isinstance(key, Refused):
                bearer = {"WWW-Authenticate": "Bearer"} if key.status_code == HTTPStatus.UNAUTHORIZED else None
                return problem(key.status_code, key.detail, bearer)
            request.state.key = key
            if not all(is_storable(str(name)) for name in request.path_params.values()):
                return problem(404, "nothing has such a name")
            if not is_strict_json(await request.body()):
                wrong = {"loc": ("body",), "msg": "the body is not valid JSON", "type": "json_invalid"}
                raise RequestValidationError([wrong])
            return await once(request, parts.context, key, kept if is_kept else handle)

        return keyed


def _base_url(request: Request, context: WebContext) -> str:
    if context.public_url:
        return context.public_url
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}".rstrip("/")


def is_strict_json(body: bytes) -> bool:
    """Whether it has nothing of what Python's own parser lets through: NaN, half surrogate pairs, endless numbers."""
    try:
        if body:
            msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


async def _caller(request: Request, _key: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]) -> Caller:
    context = parts_of(request).context
    change: Changing | None = getattr(request.state, "change", None)
    return Caller(context=context, key=request.state.key, change=change, base_url=_base_url(request, context))


Calling = Annotated[Caller, Depends(_caller)]


class Pager(Struct, frozen=True):
    """Which page is asked for."""

    organisation_id: str
    limit: int
    iterator: str

    def query(self, **filters: str) -> PageQuery:
        """The store's words for it; '' means no filter."""
        return PageQuery(
            organisation_id=self.organisation_id, limit=self.limit, iterator=self.iterator, filters=filters
        )


async def _pager(
    caller: Calling,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows on a page.")] = 50,
    iterator: Annotated[
        str,
        Query(
            max_length=_ITERATOR_CHARS_MAX, pattern=STORABLE_PATTERN, description="The `iterator` of the page before."
        ),
    ] = "",
) -> Pager:
    return Pager(caller.organisation_id, limit, iterator)


Order = Annotated[
    Literal["ascending", "descending"], Query(description="Whether the list begins with the oldest or the newest.")
]


def ordered(query: PageQuery, order: str) -> PageQuery:
    """The page in the order asked for."""
    return replace(query, oldest_first=order == "ascending")


async def _span(
    before: Annotated[datetime | None, Query(description="Only what is older.")] = None,
    after: Annotated[datetime | None, Query(description="Only what is newer.")] = None,
) -> "Span":
    return Span(before, after)


class Span(Struct, frozen=True):
    """The times between which what is listed was made."""

    before: datetime | None
    after: datetime | None

    def of(self, query: PageQuery, prefix: str) -> PageQuery:
        """The page of what lies between: ids with that prefix go by time."""
        return replace(query, after=self.after_id(prefix), before=self.before_id(prefix))

    def after_id(self, prefix: str) -> str:
        """Below all ids that are newer."""
        return "" if self.after is None else first_id(prefix, _ms(self.after) + 1)

    def before_id(self, prefix: str) -> str:
        """Above all ids that are older."""
        return AFTER_ALL if self.before is None else first_id(prefix, _ms(self.before))


def _ms(moment: datetime) -> int:
    """Milliseconds since 1970; a time without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int(aware.timestamp() * 1000))


Spanning = Annotated[Span, Depends(_span)]


EventTypeList = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]+(,[a-zA-Z0-9_.-]+)*$", max_length=4096)]


EventTypes = Annotated[
    list[EventTypeList] | None, Query(description="Only these event types; several with commas between.")
]


async def _narrowing(
    event_types: EventTypes = None,
    channel: Annotated[str | None, Query(pattern=CHANNEL_PATTERN, description="Only what is on that channel.")] = None,
    tag: Annotated[str | None, Query(pattern=TAG_PATTERN, description="Only what has that tag.")] = None,
) -> "Narrowing":
    return Narrowing(",".join(event_types or ()), channel or "", tag or "")


class Narrowing(Struct, frozen=True):
    """Which messages a list is about."""

    event_types: str
    channel: str
    tag: str

    def filters(self) -> dict[str, str]:
        """The store's words for it."""
        return {"event_types": self.event_types, "channel": self.channel, "tag": self.tag}


Narrowed = Annotated[Narrowing, Depends(_narrowing)]
WithContent = Annotated[bool, Query(description="Whether to show payloads.")]
Paging = Annotated[Pager, Depends(_pager)]
Filter = Annotated[str, Query(max_length=_ITERATOR_CHARS_MAX, pattern=STORABLE_PATTERN)]


def keyed_router(tag: str) -> APIRouter:
    """A resource's routes."""
    return APIRouter(tags=[tag], route_class=KeyedRoute, responses=READS)
