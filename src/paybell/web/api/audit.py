"""The audit log: who changed what."""

from typing import Annotated

from pydantic import Field

from paybell.model.audit import AuditLine
from paybell.web.api.caller import Calling, Filter, Paging, keyed_router
from paybell.web.api.shapes import PageOut, Shape, Time, page_out, when

router = keyed_router("audit")


class AuditOut(Shape):
    """One change. It says what was changed and never to what, since that may be secret."""

    id: str
    at: Time
    actor: Annotated[str, Field(description="The id of an API key or portal token, or `cli`.")]
    operation: Annotated[str, Field(description="As this document names it; of a command in the same words.")]
    objects: Annotated[list[str], Field(description="The ids of what was changed, the outermost first.")]
    fields: Annotated[list[str], Field(description="The names of the fields that were given.")]
    address: Annotated[str, Field(description="Where it came from; of a command the user and machine.")]


@router.get("/audit")
async def audit_list(
    caller: Calling,
    paging: Paging,
    actor: Filter = "",
    operation: Filter = "",
    object: Filter = "",  # noqa: A002 - the name in the URL
) -> PageOut[AuditOut]:
    """Who changed what, newest first; ``object`` is an id that is among a line's objects."""
    query = paging.query(actor=actor, operation=operation, object=object)
    return page_out(await caller.store.audit_page(query), _show)


def _show(it: AuditLine) -> AuditOut:
    return AuditOut(
        id=it.id,
        at=when(it.at_ms),
        actor=it.actor,
        operation=it.operation,
        objects=list(it.objects),
        fields=list(it.fields),
        address=it.address,
    )
