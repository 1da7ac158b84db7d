"""The line that every change by API leaves in the audit log."""

from typing import Any, Final

import msgspec
from fastapi import Request, Response

from paybell.errors import NotFound
from paybell.model.audit import FIELDS_MAX, NAME_CHARS_MAX, AuditLine
from paybell.model.key import ApiKey
from paybell.ports import Store, changing
from paybell.web.api.idempotency import Handle
from paybell.web.context import WebContext

UNAUDITED: Final = frozenset({"message_create", "message_precheck", "transformation_simulate"})
"""A message is a record of itself, and there are too many of them; what is only tried changes nothing."""
_READS: Final = frozenset({"GET", "HEAD"})


def is_audited(operation: str, method: str) -> bool:
    """Whether an operation changes what an organisation has set up, or does something again."""
    return method not in _READS and operation not in UNAUDITED


async def audited(request: Request, context: WebContext, key: ApiKey, handle: Handle) -> Response:
    """Handle a request with its line riding along; what was done and wrote nothing leaves its line by itself."""
    line = AuditLine(
        id=context.clock.new_id("aud"),
        organisation_id=key.organisation_id,
        at_ms=context.clock.now_ms(),
        actor=key.id,
        operation=request.scope["route"].name,
        objects=await _objects(context.store, key.organisation_id, request.path_params),
        fields=_fields(await request.body()),
        address=request.client.host if request.client else "",
    )
    with changing(line) as change:
        request.state.change = change
        answer = await handle(request)
    if answer.status_code < 300 and not change.is_written:  # noqa: PLR2004 - 2xx ends there
        await context.store.audit_append(change.line)
    return answer


async def _objects(store: Store, organisation_id: str, names: dict[str, Any]) -> tuple[str, ...]:
    """What a path names, by its id where a uid stands in it."""
    found: list[str] = []
    for place, name in names.items():
        try:
            found.append(await _id_of(store, organisation_id, place, str(name), found))
        except NotFound:
            found.append(str(name)[:NAME_CHARS_MAX])
    return tuple(found)


async def _id_of(store: Store, organisation_id: str, place: str, name: str, before: list[str]) -> str:
    match place:
        case "app":
            return (await store.application_lookup(organisation_id, name)).id
        case "endpoint":
            application_id = next((it for it in before if it.startswith("app_")), "")
            return (await store.endpoint_lookup(organisation_id, application_id, name)).id
        case "source":
            return (await store.source_lookup(organisation_id, name)).id
        case _:
            return name[:NAME_CHARS_MAX]


def _fields(body: bytes) -> tuple[str, ...]:
    """The names in a JSON object, never what they say."""
    try:
        given = msgspec.json.decode(body, type=dict[str, msgspec.Raw]) if body else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()
    return tuple(sorted(it[:NAME_CHARS_MAX] for it in given)[:FIELDS_MAX])
