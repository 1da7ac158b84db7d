"""All sources and endpoints as the stores keep them in memory, read from their rows; secrets sealed."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec
from msgspec import Struct

from paybell.errors import NotFound
from paybell.model.endpoint import Endpoint
from paybell.model.source import ApiKey, Organisation, Source
from paybell.ports import Page, PageQuery
from paybell.store import rows
from paybell.store.seal import Seal

_SIGN_ROW: Final = "this database"


def sealed_sign(seal: Seal) -> bytes:
    """A box that only the key of ``seal`` opens."""
    return seal.close(b"", _SIGN_ROW)


def open_sign(seal: Seal, box: bytes) -> None:
    """``ConfigurationError`` when the box was closed under another key."""
    seal.open(box, _SIGN_ROW)


class _SourceBox(Struct):
    secrets: tuple[str, ...]
    token: str
    options: dict[str, object]


class _EndpointBox(Struct):
    secrets: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]


class Directory(Struct, frozen=True, kw_only=True):
    """All sources and endpoints at one version."""

    version: int
    sources: Mapping[str, Source]
    sources_by_name: Mapping[str, Source]
    """By id, and by uid for those of the default organisation."""
    endpoints: Mapping[str, Endpoint]
    endpoints_by_organisation: Mapping[str, tuple[Endpoint, ...]]

    def source_page(self, query: PageQuery) -> Page[Source]:
        """See the port."""
        mine = (it for it in reversed(list(self.sources.values())) if it.organisation_id == query.organisation_id)
        kept = [it for it in mine if not query.iterator or it.id < query.iterator]
        return rows.cut(kept, query, lambda it: it.id)

    def source_lookup(self, organisation_id: str, name: str) -> Source:
        """See the port."""
        for source in self.sources.values():
            if source.organisation_id == organisation_id and name in (source.id, source.uid):
                return source
        raise NotFound(f"no source {name}")

    def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """See the port."""
        mine = reversed(self.endpoints_by_organisation.get(query.organisation_id, ()))
        of_application = (it for it in mine if it.application_id == query.filters.get("application_id"))
        kept = [it for it in of_application if not query.iterator or it.id < query.iterator]
        return rows.cut(kept, query, lambda it: it.id)

    def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """See the port."""
        for endpoint in self.endpoints_by_organisation.get(organisation_id, ()):
            if endpoint.application_id == application_id and name and name in (endpoint.id, endpoint.uid):
                return endpoint
        raise NotFound(f"no endpoint {name}")


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

    async def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """See the port."""
        return (await self.directory_known()).endpoint_page(query)

    async def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """See the port."""
        return (await self.directory_known()).endpoint_lookup(organisation_id, application_id, name)

    async def endpoint_list(self, organisation_id: str) -> tuple[Endpoint, ...]:
        """See the port."""
        return (await self.directory_known()).endpoints_by_organisation.get(organisation_id, ())

    async def endpoint_get(self, endpoint_id: str) -> Endpoint | None:
        """See the port."""
        return (await self.directory_known()).endpoints.get(endpoint_id)


def directory_of(
    version: int,
    first_organisation_id: str,
    source_rows: Iterable[Sequence[object]],
    endpoint_rows: Iterable[Sequence[object]],
    seal: Seal,
) -> Directory:
    """The directory in these rows, which come in the order of their ids."""
    sources = [_source(row, seal) for row in source_rows]
    endpoints = [_endpoint(row, seal) for row in endpoint_rows]
    by_id = {source.id: source for source in sources}
    by_uid = {source.uid: source for source in sources if source.organisation_id == first_organisation_id}
    by_organisation = groupby(sorted(endpoints, key=_organisation_id), key=_organisation_id)
    return Directory(
        version=version,
        sources=by_id,
        sources_by_name=by_uid | by_id,
        endpoints={endpoint.id: endpoint for endpoint in endpoints},
        endpoints_by_organisation={key: tuple(group) for key, group in by_organisation},
    )


def source_row(source: Source, seal: Seal) -> rows.Row:
    """A source's eight columns."""
    return (
        source.id,
        source.organisation_id,
        source.uid,
        source.gateway,
        int(source.livemode),
        _source_box(source, seal),
        int(source.enabled),
        source.created_at_ms,
    )


def source_change(source: Source, seal: Seal) -> rows.Row:
    """What may change of a source, then its ids."""
    return (source.uid, _source_box(source, seal), int(source.enabled), source.id, source.organisation_id)


def endpoint_row(endpoint: Endpoint, seal: Seal) -> rows.Row:
    """An endpoint's twelve columns."""
    it = endpoint
    return (
        it.id,
        it.organisation_id,
        it.application_id,
        *_endpoint_values(it, seal),
        it.created_at_ms,
        it.updated_at_ms,
    )


def endpoint_change(endpoint: Endpoint, seal: Seal) -> rows.Row:
    """What may change of an endpoint, then its ids."""
    return (*_endpoint_values(endpoint, seal), endpoint.updated_at_ms, endpoint.id, endpoint.organisation_id)


def organisation(row: Sequence[object]) -> Organisation:
    """A row of organisations."""
    return Organisation(id=rows.text(row[0]), name=rows.text(row[1]), created_at_ms=rows.number(row[2]))


def api_key(row: Sequence[object]) -> ApiKey:
    """A row of api_keys, without the hash."""
    return ApiKey(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        name=rows.text(row[2]),
        created_at_ms=rows.number(row[3]),
        expires_at_ms=rows.number_or_none(row[4]),
        revoked_at_ms=rows.number_or_none(row[5]),
    )


def api_key_row(key: ApiKey, key_hash: bytes) -> rows.Row:
    """A key's six columns."""
    return (key.id, key.organisation_id, key.name, key_hash, key.created_at_ms, key.expires_at_ms)


def _source(row: Sequence[object], seal: Seal) -> Source:
    source_id = rows.text(row[0])
    box = msgspec.json.decode(seal.open(rows.blob(row[5]), source_id), type=_SourceBox)
    return Source(
        id=source_id,
        organisation_id=rows.text(row[1]),
        uid=rows.text(row[2]),
        gateway=rows.text(row[3]),
        livemode=bool(row[4]),
        secrets=box.secrets,
        token=box.token,
        options=box.options,
        enabled=bool(row[6]),
        created_at_ms=rows.number(row[7]),
    )


def _source_box(source: Source, seal: Seal) -> bytes:
    box = _SourceBox(source.secrets, source.token, dict(source.options))
    return seal.close(msgspec.json.encode(box), source.id)


def _endpoint(row: Sequence[object], seal: Seal) -> Endpoint:
    endpoint_id = rows.text(row[0])
    box = msgspec.json.decode(seal.open(rows.blob(row[7]), endpoint_id), type=_EndpointBox)
    return Endpoint(
        id=endpoint_id,
        organisation_id=rows.text(row[1]),
        application_id=rows.text(row[2]),
        uid=rows.text(row[3]),
        url=rows.text(row[4]),
        description=rows.text(row[5]),
        event_types=frozenset(rows.text(row[6]).split(",")) - {""},
        secrets=box.secrets,
        headers=box.headers,
        disabled=bool(row[8]),
        disabled_reason=rows.text(row[9]),
        created_at_ms=rows.number(row[10]),
        updated_at_ms=rows.number(row[11]),
    )


def _endpoint_values(it: Endpoint, seal: Seal) -> rows.Row:
    box = seal.close(msgspec.json.encode(_EndpointBox(it.secrets, it.headers)), it.id)
    event_types = ",".join(sorted(it.event_types))
    return (it.uid, it.url, it.description, event_types, box, int(it.disabled), it.disabled_reason)


def _organisation_id(endpoint: Endpoint) -> str:
    return endpoint.organisation_id
