"""``paybell audit``."""

from typing import Annotated

import typer

from paybell.cli.shared import After, AsJson, Database, Limit, OfOrganisation, desk, show_rows, work
from paybell.cli.views import time_text
from paybell.model.audit import AuditLine
from paybell.ports import PageQuery


def audit(
    actor: Annotated[str, typer.Option(help="The id of a key or token, or cli.")] = "",
    operation: Annotated[str, typer.Option(help="What was done, such as endpoint_patch.")] = "",
    about: Annotated[str, typer.Option("--object", help="The id of what was changed.")] = "",
    *,
    limit: Limit = 50,
    after: After = "",
    organisation: OfOrganisation = None,
    database: Database = None,
    json: AsJson = False,
) -> None:
    """Who changed what, newest first."""
    filters = {"actor": actor, "operation": operation, "object": about}
    found = work(_list(filters, limit, after, organisation, database))
    columns = ("at", "actor", "operation", "objects", "fields", "address", "id")
    show_rows(found, {name: name for name in columns}, json=json)


async def _list(
    filters: dict[str, str], limit: int, after: str, organisation: str | None, database: str | None
) -> list[dict[str, object]]:
    async with desk(database, organisation=organisation) as at:
        query = PageQuery(organisation_id=at.organisation.id, limit=limit, iterator=after, filters=filters)
        return [_view(it) for it in (await at.store.audit_page(query)).data]


def _view(it: AuditLine) -> dict[str, object]:
    return {
        "id": it.id,
        "at": time_text(it.at_ms),
        "actor": it.actor,
        "operation": it.operation,
        "objects": list(it.objects),
        "fields": list(it.fields),
        "address": it.address,
    }
