"""Rows of sources, tenants and keys to records and back; secrets sealed."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.model.message import Application, ApplicationOptions, EventType, EventTypeOptions
from paybell.model.source import Organisation, Source
from paybell.store import rows
from paybell.store.seal import Seal

_SIGN_ROW: Final = "this database"
_ENDPOINT_OPTIONS: Final = msgspec.json.Decoder(EndpointOptions)
_APPLICATION_OPTIONS: Final = msgspec.json.Decoder(ApplicationOptions)
_EVENT_TYPE_OPTIONS: Final = msgspec.json.Decoder(EventTypeOptions)
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class _SourceBox(Struct):
    secrets: tuple[str, ...]
    token: str
    options: dict[str, object]


class _EndpointBox(Struct, omit_defaults=True):
    secrets: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    client_certificate: str = ""
    secrets_end_at_ms: tuple[int | None, ...] = ()


def sealed_sign(seal: Seal) -> bytes:
    """A box that only the key of ``seal`` opens."""
    return seal.close(b"", _SIGN_ROW)


def open_sign(seal: Seal, box: bytes) -> None:
    """``ConfigurationError`` when the box was closed under another key."""
    seal.open(box, _SIGN_ROW)


def source(row: Sequence[object], seal: Seal) -> Source:
    """A row of sources."""
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


def source_row(it: Source, seal: Seal) -> rows.Row:
    """A source's eight columns."""
    return (
        it.id,
        it.organisation_id,
        it.uid,
        it.gateway,
        int(it.livemode),
        _source_box(it, seal),
        int(it.enabled),
        it.created_at_ms,
    )


def source_change(it: Source, seal: Seal) -> rows.Row:
    """What may change of a source, then its ids."""
    return (it.uid, _source_box(it, seal), int(it.enabled), it.id, it.organisation_id)


def _source_box(it: Source, seal: Seal) -> bytes:
    box = _SourceBox(it.secrets, it.token, dict(it.options))
    return seal.close(msgspec.json.encode(box), it.id)


def endpoint(row: Sequence[object], seal: Seal) -> Endpoint:
    """A row of endpoints."""
    endpoint_id = rows.text(row[0])
    box = msgspec.json.decode(seal.open(rows.blob(row[7]), endpoint_id), type=_EndpointBox)
    return Endpoint(
        id=endpoint_id,
        organisation_id=rows.text(row[1]),
        application_id=rows.text(row[2]),
        uid=rows.text(row[3]),
        url=rows.text(row[4]),
        description=rows.text(row[5]),
        event_types=rows.words(row[6]),
        secrets=box.secrets,
        headers=box.headers,
        client_certificate=box.client_certificate,
        secrets_end_at_ms=box.secrets_end_at_ms,
        disabled=bool(row[8]),
        disabled_reason=rows.text(row[9]),
        options=_ENDPOINT_OPTIONS.decode(rows.text(row[10])),
        created_at_ms=rows.number(row[11]),
        updated_at_ms=rows.number(row[12]),
    )


def endpoint_row(it: Endpoint, seal: Seal) -> rows.Row:
    """An endpoint's thirteen columns."""
    ids = (it.id, it.organisation_id, it.application_id)
    return (*ids, *_endpoint_values(it, seal), it.created_at_ms, it.updated_at_ms)


def endpoint_change(it: Endpoint, seal: Seal) -> rows.Row:
    """What may change of an endpoint, then its ids."""
    return (*_endpoint_values(it, seal), it.updated_at_ms, it.id, it.organisation_id)


def _endpoint_values(it: Endpoint, seal: Seal) -> rows.Row:
    box = seal.close(msgspec.json.encode(_endpoint_box(it)), it.id)
    words = rows.joined(it.event_types)
    return (it.uid, it.url, it.description, words, box, int(it.disabled), it.disabled_reason, _options(it.options))


def _endpoint_box(it: Endpoint) -> _EndpointBox:
    return _EndpointBox(it.secrets, it.headers, it.client_certificate, it.secrets_end_at_ms)


def _options(value: Struct) -> str:
    return _ENCODER.encode(value).decode()


def application(row: Sequence[object]) -> Application:
    """A row of applications."""
    return Application(
        id=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        uid=rows.text(row[2]),
        name=rows.text(row[3]),
        created_at_ms=rows.number(row[4]),
        updated_at_ms=rows.number(row[5]),
        options=_APPLICATION_OPTIONS.decode(rows.text(row[6])),
    )


def application_row(it: Application) -> rows.Row:
    """An application's seven columns."""
    return (it.id, it.organisation_id, it.uid, it.name, it.created_at_ms, it.updated_at_ms, _options(it.options))


def application_change(it: Application) -> rows.Row:
    """What may change of an application, then its ids."""
    return (it.uid, it.name, _options(it.options), it.updated_at_ms, it.id, it.organisation_id)


def event_type(row: Sequence[object]) -> EventType:
    """A row of event_types."""
    return EventType(
        name=rows.text(row[0]),
        organisation_id=rows.text(row[1]),
        description=rows.text(row[2]),
        created_at_ms=rows.number(row[3]),
        updated_at_ms=rows.number(row[4]),
        options=_EVENT_TYPE_OPTIONS.decode(rows.text(row[5])),
    )


def event_type_row(it: EventType) -> rows.Row:
    """An event type's six columns."""
    return (it.organisation_id, it.name, it.description, it.created_at_ms, it.updated_at_ms, _options(it.options))


def event_type_change(it: EventType) -> rows.Row:
    """What may change of an event type, then its key."""
    return (it.description, _options(it.options), it.updated_at_ms, it.organisation_id, it.name)


def organisation(row: Sequence[object]) -> Organisation:
    """A row of organisations."""
    return Organisation(id=rows.text(row[0]), name=rows.text(row[1]), created_at_ms=rows.number(row[2]))
