"""Bodies of operational endpoints."""

from typing import Annotated, Final

from pydantic import Field

from paybell.model.endpoint import MAIL_PREFIX, Endpoint, EndpointOptions
from paybell.model.operational import MAILED_EVENT_TYPES, OPERATIONAL_EVENT_TYPES
from paybell.model.text import STORABLE_PATTERN
from paybell.web.api.endpoint_shapes import Description, Headers, Url
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import EventTypeName, Shape, Time, Uid, when

_METADATA_MAX: Final = 50

EventTypes = Annotated[
    list[EventTypeName], Field(max_length=64, description="Operational event types it wants to hear; none means all.")
]
MetadataValue = Annotated[str, Field(max_length=512, pattern=STORABLE_PATTERN)]
MetadataName = Annotated[str, Field(min_length=1, max_length=128, pattern=STORABLE_PATTERN)]
Metadata = Annotated[dict[MetadataName, MetadataValue], Field(max_length=_METADATA_MAX)]
AppIds = Annotated[
    list[Uid],
    Field(
        min_length=1,
        max_length=64,
        description="It hears of these applications (ids or uids) alone; null for all. Absent, it stays.",
    ),
]
Rate = Annotated[int, Field(ge=1, le=65_535, description="Deliveries per second, at most.")]


class OperationalEndpointPut(Shape):
    """An operational endpoint as a PUT writes it."""

    url: Url
    uid: Uid | None = None
    description: Description | None = None
    disabled: bool | None = None
    event_types: EventTypes | None = None
    metadata: Metadata | None = None
    throttle_rate: Rate | None = None
    app_ids: AppIds | None = None

    def subscribed(self) -> frozenset[str]:
        """The event types; :class:`InvalidField` for one that is never told, or not by mail."""
        mailed = self.url.startswith(MAIL_PREFIX)
        known = MAILED_EVENT_TYPES if mailed else OPERATIONAL_EVENT_TYPES.keys()
        for name in self.event_types or ():
            if name not in known:
                told = "told by mail" if mailed else "an operational event type"
                raise InvalidField(f"{name} is not {told}; choose of {', '.join(sorted(known))}", "eventTypes")
        return frozenset(self.event_types or (MAILED_EVENT_TYPES if mailed else ()))

    def options(self) -> EndpointOptions:
        """What it asks for beside."""
        pairs = tuple(sorted((self.metadata or {}).items()))
        return EndpointOptions(metadata=pairs, throttle_rate=self.throttle_rate or 0)


class OperationalEndpointIn(OperationalEndpointPut):
    """A new operational endpoint."""

    secret: (
        Annotated[str, Field(max_length=128, description="whsec_ or whsk_, and base64; a fresh one where absent.")]
        | None
    ) = None
    headers: Headers | None = None


class OperationalEndpointOut(Shape):
    """An operational endpoint."""

    id: str
    uid: str | None
    app_ids: Annotated[list[str] | None, Field(description="The applications that it hears of; null for all.")]
    url: str
    description: str
    disabled: bool
    disabled_reason: str
    event_types: list[str] | None
    metadata: dict[str, str]
    throttle_rate: int | None
    created_at: Time
    updated_at: Time


class OperationalHeadersIn(Shape):
    """Headers to send with every delivery, instead of those before."""

    headers: Headers


class OperationalHeadersOut(Shape):
    """Headers that are sent with every delivery; values show their last four characters."""

    headers: dict[str, str]
    sensitive: list[str] = Field(default_factory=list, description="Always empty: every value is masked.")


def show(it: Endpoint) -> OperationalEndpointOut:
    """An operational endpoint as it is shown."""
    return OperationalEndpointOut(
        id=it.id,
        uid=it.uid or None,
        url=it.url,
        description=it.description,
        disabled=it.disabled,
        disabled_reason=it.disabled_reason,
        event_types=sorted(it.event_types) or None,
        app_ids=sorted(it.options.applications) or None,
        metadata=dict(it.options.metadata),
        throttle_rate=it.options.throttle_rate or None,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
