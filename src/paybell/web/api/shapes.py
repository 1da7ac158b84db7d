"""What all bodies share: camelCase names, times, pages, problems."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from paybell.errors import ConfigurationError
from paybell.model.text import STORABLE_PATTERN, UID_CHARS_MAX, UID_PATTERN
from paybell.ports import Page

T = TypeVar("T")
S = TypeVar("S")

LIMIT_MAX: Final = 250
METADATA_MAX: Final = 50
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_SHOWN_MIN: Final = 8

Uid = Annotated[str, Field(min_length=1, max_length=UID_CHARS_MAX, pattern=UID_PATTERN)]
"""The caller's own name for a thing; it can stand in a URL where the id can."""
EventTypeName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,256}$", examples=["payment.completed"])]
Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=256, pattern=STORABLE_PATTERN)],
        Annotated[str, Field(max_length=4096, pattern=STORABLE_PATTERN)],
    ],
    Field(max_length=METADATA_MAX, description="Your own notes, as text under names."),
]
MetadataChange = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=256, pattern=STORABLE_PATTERN)],
        Annotated[str, Field(max_length=4096, pattern=STORABLE_PATTERN)] | None,
    ],
    Field(max_length=METADATA_MAX),
]
"""Null takes a note away; what is not named stays."""
ThrottleRate = Annotated[int, Field(ge=1, le=65_535, description="Deliveries per second, at most.")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2024-06-26T11:08:07.000Z"])]
"""RFC 3339, UTC, milliseconds."""


class Shape(BaseModel):
    """A JSON object with camelCase names. What it does not know is refused: a misspelt filter must not mean 'all'."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", populate_by_name=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    for described in schema.get("properties", {}).values():
        described.pop("default", None)


class Patch(Shape):
    """A change: what is absent stays as it is, which null does not mean."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote, by our own names."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Problem(Shape):
    """Every answer that is not 2xx, but 422."""

    code: str
    detail: str


class Mistake(Shape):
    """What is wrong, and where."""

    loc: list[str | int]
    msg: str
    type: str


class Mistakes(Shape):
    """A request that cannot be understood or carried out as it is."""

    detail: list[Mistake]


class PageOut(Shape, Generic[T]):
    """A page of a list, newest first. Hand ``iterator`` back for the next page, until ``done``."""

    data: list[T]
    iterator: str | None
    prev_iterator: str | None
    done: bool


def page_out(page: Page[S], show: Callable[[S], T]) -> PageOut[T]:
    """A page of the store as it is shown."""
    return PageOut(data=[show(it) for it in page.data], **page_ends(page))


def page_ends(page: Page[S]) -> Mapping[str, Any]:
    """What a page says beside its data: where it ends, and whether the list does."""
    return {"iterator": page.iterator or None, "prev_iterator": page.prev_iterator or None, "done": page.done}


def when(at_ms: int) -> str:
    """Milliseconds since 1970 as a :data:`Time`."""
    at_s, rest_ms = divmod(at_ms, 1000)
    return f"{_second(at_s)}.{rest_ms:03d}Z"


@lru_cache(maxsize=256)
def _second(at_s: int) -> str:
    return (_EPOCH + timedelta(seconds=at_s)).isoformat().removesuffix("+00:00")


def when_or_none(at_ms: int | None) -> str | None:
    """The same; None for never."""
    return None if at_ms is None else when(at_ms)


def exact(shape: BaseModel, status_code: int = 200, **raw: bytes) -> Response:
    """A body in which decimals are numbers with all their digits, and ``raw`` fields the very bytes given."""
    body = shape.model_dump(by_alias=True) | {name: msgspec.Raw(value) for name, value in raw.items()}
    return Response(_ENCODER.encode(body), status_code, media_type="application/json")


def noted(old: tuple[tuple[str, str], ...], changes: Mapping[str, str | None]) -> tuple[tuple[str, str], ...]:
    """Metadata after a PATCH: null removes, and what is not named stays."""
    after = {name: value for name, value in (dict(old) | dict(changes)).items() if value is not None}
    if len(after) > METADATA_MAX:
        raise ConfigurationError(f"at most {METADATA_MAX} notes in metadata")
    return tuple(after.items())


def masked(secret: object) -> str:
    """Enough of a secret to tell it from another: its last four characters, of a long one."""
    text = secret if isinstance(secret, str) else ""
    return "****" + (text[-4:] if len(text) >= _SHOWN_MIN else "")


def merged(old: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """Options or headers after a PATCH: null removes, and a value sent back as it was shown (masked) stays."""
    kept = {name: value for name, value in old.items() if name not in changes}
    changed = {
        name: old[name] if name in old and value == masked(old[name]) else value
        for name, value in changes.items()
        if value is not None
    }
    return kept | changed
