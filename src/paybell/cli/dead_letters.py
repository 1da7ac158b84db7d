"""``paybell deliveries dead``."""

from typing import Annotated, Final

import typer
from msgspec import Struct

from paybell.cli.narrowing import EventTypes, event_types_of, time_ms
from paybell.cli.shared import After, AsJson, Database, Desk, Limit, desk, show_rows, work
from paybell.cli.views import delivery_view
from paybell.clock import id_at
from paybell.errors import NotFound
from paybell.model.delivery import DeadReason
from paybell.ports import AFTER_ALL, PageQuery

_COLUMNS: Final = {
    "delivery": "id",
    "reason": "deadReason",
    "event type": "eventType",
    "endpoint": "endpointId",
    "message": "messageId",
    "tries": "attemptCount",
    "ended": "finishedAt",
    "last error": "lastError",
}
_COUNTS: Final = {"reason": "reason", "dead letters": "count"}
_COUNT_MAX: Final = 100_000


def dead(
    application: Annotated[str, typer.Argument(help="The application's id or uid.")],
    *,
    reason: Annotated[DeadReason | None, typer.Option(help="Only those that are dead for it.")] = None,
    endpoint: Annotated[str, typer.Option(help="Only those for that endpoint, by id or uid.")] = "",
    event_type: EventTypes = None,
    since: Annotated[str, typer.Option(help="Made from then on, such as 2024-06-26T11:08:07Z.")] = "",
    until: Annotated[str, typer.Option(help="Made before.")] = "",
    count: Annotated[bool, typer.Option("--count", help="Only say how many there are for each reason.")] = False,
    limit: Limit = 50,
    after: After = "",
    database: Database = None,
    json: AsJson = False,
) -> None:
    """List an application's dead letters, newest first, each with its reason."""
    wanted = _Wanted(
        application=application,
        endpoint=endpoint,
        reason=reason or "",
        event_types=event_type or [],
        since=since,
        until=until,
    )
    if count:
        show_rows(work(_count(wanted, database)), _COUNTS, json=json)
    else:
        show_rows(work(_list(wanted, limit, after, database)), _COLUMNS, json=json)


class _Wanted(Struct, frozen=True, kw_only=True):
    """Which dead letters, as they were asked for."""

    application: str
    endpoint: str
    reason: str
    event_types: list[str]
    since: str
    until: str

    async def query(self, at: Desk, limit: int = 1, after: str = "") -> PageQuery:
        """The same as the store's."""
        application = await at.store.application_lookup(at.organisation.id, self.application)
        filters = {
            "application_id": application.id,
            "endpoint_id": await _endpoint_id(at, application.id, self.endpoint),
            "reason": self.reason,
            "event_types": ",".join(event_types_of(self.event_types)),
        }
        return PageQuery(
            organisation_id=at.organisation.id,
            limit=limit,
            iterator=after,
            filters=filters,
            after=id_at("dlv", time_ms(self.since, "--since")) if self.since else "",
            before=id_at("dlv", time_ms(self.until, "--until")) if self.until else AFTER_ALL,
        )


async def _list(wanted: _Wanted, limit: int, after: str, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        page = await at.store.dead_letter_page(await wanted.query(at, limit, after))
        return [delivery_view(it) for it in page.data]


async def _count(wanted: _Wanted, database: str | None) -> list[dict[str, object]]:
    async with desk(database) as at:
        found = await at.store.dead_letter_count(await wanted.query(at), count_max=_COUNT_MAX)
        return [{"reason": reason, "count": count} for reason, count in found.by_reason.items() if count]


async def _endpoint_id(at: Desk, application_id: str, name: str) -> str:
    """The id behind a uid; the name itself where there is none, since dead letters outlive an endpoint."""
    try:
        return name and (await at.store.endpoint_lookup(at.organisation.id, application_id, name)).id
    except NotFound:
        return name
