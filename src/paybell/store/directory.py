"""Who may send and who wants to hear, in memory: all sources, applications, endpoints and event types.

Every change raises the version that the database itself keeps, and the next look reads all rows again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from msgspec import Struct

from paybell.errors import NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.message import Application, EventType
from paybell.model.operational import is_operational
from paybell.model.source import Source
from paybell.ports import EndpointRule, Page, PageQuery, page_of
from paybell.store import directory_rows
from paybell.store.seal import Seal

T = TypeVar("T")


class DirectoryRows(Struct, frozen=True, kw_only=True):
    """What the directory is made of, each in the order of its key."""

    version: int
    first_organisation_id: str
    sources: Iterable[Sequence[object]]
    applications: Iterable[Sequence[object]]
    endpoints: Iterable[Sequence[object]]
    event_types: Iterable[Sequence[object]]


class Directory(Struct, frozen=True, kw_only=True):
    """All of it at one version. What belongs to an organisation or an application is in the order of its ids.

    The applications of operational endpoints are not in it, and their endpoints by id and application alone.
    """

    version: int
    sources: Mapping[str, Source]
    sources_by_name: Mapping[str, Source]
    """By id, and by uid for those of the default organisation."""
    applications_by_organisation: Mapping[str, tuple[Application, ...]]
    applications_by_name: Mapping[tuple[str, str], Application]
    """By organisation, and id or uid."""
    endpoints: Mapping[str, Endpoint]
    endpoints_by_organisation: Mapping[str, tuple[Endpoint, ...]]
    endpoints_by_application: Mapping[str, tuple[Endpoint, ...]]
    event_types: Mapping[str, Mapping[str, EventType]]
    """By organisation and name."""
    rules: Mapping[str, EndpointRule]

    def source_page(self, query: PageQuery) -> Page[Source]:
        """See the port."""
        mine = [it for it in self.sources.values() if it.organisation_id == query.organisation_id]
        return page_of(mine, query, lambda it: it.id)

    def source_lookup(self, organisation_id: str, name: str) -> Source:
        """See the port."""
        for source in self.sources.values():
            if source.organisation_id == organisation_id and name in (source.id, source.uid):
                return source
        raise NotFound(f"no source {name}")

    def application_page(self, query: PageQuery) -> Page[Application]:
        """See the port."""
        mine = self.applications_by_organisation.get(query.organisation_id, ())
        if query.filters.get("with_endpoints"):
            mine = tuple(it for it in mine if self.endpoints_by_application.get(it.id))
        if query.filters.get("all_enabled"):
            mine = tuple(it for it in mine if not any(e.disabled for e in self.endpoints_by_application.get(it.id, ())))
        return page_of(mine, query, lambda it: it.id)

    def application_lookup(self, organisation_id: str, name: str) -> Application:
        """See the port."""
        found = self.applications_by_name.get((organisation_id, name))
        if found is None:
            raise NotFound(f"no application {name}")
        return found

    def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """See the port."""
        mine = self._endpoints_of(query.organisation_id, query.filters.get("application_id", ""))
        return page_of(mine, query, lambda it: it.id)

    def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """See the port."""
        for endpoint in self._endpoints_of(organisation_id, application_id):
            if name and name in (endpoint.id, endpoint.uid):
                return endpoint
        raise NotFound(f"no endpoint {name}")

    def _endpoints_of(self, organisation_id: str, application_id: str) -> Sequence[Endpoint]:
        found = self.endpoints_by_application.get(application_id, ())
        return [it for it in found if it.organisation_id == organisation_id]


class DirectoryReads(ABC):
    """What every store answers from the directory in memory; see the port for each."""

    @abstractmethod
    async def directory_known(self) -> Directory:
        """The directory in memory, read first where it is not there."""

    async def source_find(self, name: str) -> Source | None:
        """See the port."""
        return (await self.directory_known()).sources_by_name.get(name)

    async def source_get(self, source_id: str) -> Source | None:
        """See the port."""
        return (await self.directory_known()).sources.get(source_id)

    async def source_page(self, query: PageQuery) -> Page[Source]:
        """See the port."""
        return (await self.directory_known()).source_page(query)

    async def source_lookup(self, organisation_id: str, name: str) -> Source:
        """See the port."""
        return (await self.directory_known()).source_lookup(organisation_id, name)

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """See the port."""
        return (await self.directory_known()).application_page(query)

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """See the port."""
        return (await self.directory_known()).application_lookup(organisation_id, name)

    async def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """See the port."""
        return (await self.directory_known()).endpoint_page(query)

    async def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """See the port."""
        return (await self.directory_known()).endpoint_lookup(organisation_id, application_id, name)

    async def endpoint_list(self, organisation_id: str) -> tuple[Endpoint, ...]:
        """See the port."""
        return (await self.directory_known()).endpoints_by_organisation.get(organisation_id, ())

    async def endpoint_list_of(self, application_id: str) -> tuple[Endpoint, ...]:
        """See the port."""
        return (await self.directory_known()).endpoints_by_application.get(application_id, ())

    async def endpoint_rules(self) -> Mapping[str, EndpointRule]:
        """See the port."""
        return (await self.directory_known()).rules

    async def endpoint_get(self, endpoint_id: str) -> Endpoint | None:
        """See the port."""
        return (await self.directory_known()).endpoints.get(endpoint_id)

    async def event_type_list(self, organisation_id: str) -> tuple[EventType, ...]:
        """See the port."""
        return tuple((await self.directory_known()).event_types.get(organisation_id, {}).values())

    async def event_type_find(self, organisation_id: str, name: str) -> EventType | None:
        """See the port."""
        return (await self.directory_known()).event_types.get(organisation_id, {}).get(name)


def directory_of(read: DirectoryRows, seal: Seal) -> Directory:
    """The directory in these rows."""
    sources = [directory_rows.source(row, seal) for row in read.sources]
    endpoints = [directory_rows.endpoint(row, seal) for row in read.endpoints]
    every = [directory_rows.application(row) for row in read.applications]
    applications = [it for it in every if not is_operational(it.id)]
    event_types = [directory_rows.event_type(row) for row in read.event_types]
    by_id = {it.id: it for it in sources}
    by_uid = {it.uid: it for it in sources if it.organisation_id == read.first_organisation_id}
    named = {(it.organisation_id, name): it for it in applications for name in (it.uid, it.id) if name}
    types_of = _grouped(event_types, lambda it: it.organisation_id)
    return Directory(
        version=read.version,
        sources=by_id,
        sources_by_name=by_uid | by_id,
        applications_by_organisation=_grouped(applications, lambda it: it.organisation_id),
        applications_by_name=named,
        endpoints={it.id: it for it in endpoints},
        endpoints_by_organisation=_grouped(
            (it for it in endpoints if not is_operational(it.application_id)), lambda it: it.organisation_id
        ),
        endpoints_by_application=_grouped(endpoints, lambda it: it.application_id),
        event_types={key: {it.name: it for it in group} for key, group in types_of.items()},
        rules=_rules(endpoints, applications),
    )


def _grouped(found: Iterable[T], key: Callable[[T], str]) -> Mapping[str, tuple[T, ...]]:
    return {name: tuple(group) for name, group in groupby(sorted(found, key=key), key=key)}


def _rules(endpoints: Iterable[Endpoint], applications: Iterable[Application]) -> Mapping[str, EndpointRule]:
    rates = {it.id: it.options.throttle_rate for it in applications}
    return {
        it.id: EndpointRule(
            application_id=it.application_id,
            rate=it.options.throttle_rate,
            application_rate=rates.get(it.application_id, 0),
        )
        for it in endpoints
    }
