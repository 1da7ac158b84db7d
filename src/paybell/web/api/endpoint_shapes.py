"""Bodies of endpoints, and what is checked of one."""

from typing import Annotated, Any, Final

from msgspec.structs import replace
from pydantic import Field, model_validator

from paybell.errors import ConfigurationError
from paybell.model.endpoint import Endpoint, EndpointOptions
from paybell.model.message import CHANNEL_PATTERN, CHANNELS_MAX
from paybell.model.text import STORABLE_PATTERN
from paybell.web.api.endpoint_content import CONTENT, Content, ContentOut, check_content, show_content
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import (
    EventTypeName,
    Metadata,
    MetadataChange,
    Patch,
    ThrottleRate,
    Time,
    Uid,
    masked,
    noted,
    when,
)
from paybell.web.context import WebContext

_BOTH: Final = "give either eventTypes or filterTypes (its older name), not both"
_HEADERS_MAX: Final = 32
_HEADERS_BYTES_MAX: Final = 16_384

Url = Annotated[str, Field(min_length=1, max_length=2048, examples=["https://example.com/hook"])]
Description = Annotated[str, Field(max_length=1024, pattern=STORABLE_PATTERN)]
EventTypes = Annotated[list[EventTypeName], Field(max_length=256, description="What it wants to hear; none means all.")]
HeaderValue = Annotated[str, Field(max_length=4096, pattern=r"^[\t\x20-\x7e\xa0-\xff]*$")]
HeadersChange = Annotated[dict[str, HeaderValue | None], Field(max_length=_HEADERS_MAX)]
Headers = Annotated[dict[str, HeaderValue], Field(max_length=_HEADERS_MAX, description="Sent with every delivery.")]


def _subscribed(event_types: list[str] | None, filter_types: list[str] | None) -> frozenset[str]:
    return frozenset(event_types or filter_types or ())


Channels = Annotated[
    list[Annotated[str, Field(pattern=CHANNEL_PATTERN)]],
    Field(min_length=1, max_length=CHANNELS_MAX, description="It gets only messages that share one; absent means all."),
]


class EndpointPut(Content):
    """An endpoint as a PUT writes it."""

    url: Url
    uid: Uid | None = None
    description: Description = ""
    event_types: EventTypes | None = None
    filter_types: EventTypes | None = None
    headers: Headers | None = None
    channels: Channels | None = None
    metadata: Metadata = Field(default_factory=dict)
    throttle_rate: ThrottleRate | None = None
    disabled: bool = False

    @model_validator(mode="after")
    def _one_name(self) -> "EndpointPut":
        if self.event_types and self.filter_types:
            raise ValueError(_BOTH)
        return self

    def subscribed(self) -> frozenset[str]:
        """The event types, under whichever name; none means all."""
        return _subscribed(self.event_types, self.filter_types)

    def options(self, before: EndpointOptions) -> EndpointOptions:
        """What it asks for."""
        return replace(
            self.applied(before),
            channels=frozenset(self.channels or ()),
            metadata=tuple(self.metadata.items()),
            throttle_rate=self.throttle_rate or 0,
        )


class EndpointIn(EndpointPut):
    """A new endpoint."""

    secret: (
        Annotated[str, Field(max_length=128, description="whsec_ or whsk_, and base64; a fresh one where absent.")]
        | None
    ) = None


class EndpointPatch(Content, Patch):
    """What may change; null takes away what need not be there."""

    url: Url = ""
    uid: Uid | None = None
    description: Description = ""
    event_types: EventTypes | None = None
    filter_types: EventTypes | None = None
    headers: HeadersChange = Field(default_factory=dict)
    channels: Channels | None = None
    metadata: MetadataChange = Field(default_factory=dict)
    throttle_rate: ThrottleRate | None = None
    disabled: bool = False

    @model_validator(mode="after")
    def _one_name(self) -> "EndpointPatch":
        if self.event_types and self.filter_types:
            raise ValueError(_BOTH)
        return self

    def subscribed(self) -> frozenset[str]:
        """The event types, under whichever name; none means all."""
        return _subscribed(self.event_types, self.filter_types)

    def options(self, before: EndpointOptions) -> EndpointOptions:
        """What it asks for after the change."""
        changes: dict[str, Any] = {}
        if "channels" in self.model_fields_set:
            changes["channels"] = frozenset(self.channels or ())
        if "metadata" in self.model_fields_set:
            changes["metadata"] = noted(before.metadata, self.metadata)
        if "throttle_rate" in self.model_fields_set:
            changes["throttle_rate"] = self.throttle_rate or 0
        return replace(self.applied(before), **changes)


OF_OPTIONS: Final = CONTENT | {"channels", "metadata", "throttle_rate"}
"""Fields of a PATCH that are an endpoint's options."""


class EndpointOut(ContentOut):
    """An endpoint. Header values show their last four characters."""

    id: str
    uid: str | None
    url: str
    description: str
    event_types: list[str]
    filter_types: list[str]
    headers: dict[str, str]
    disabled: bool
    disabled_reason: str
    version: int = 1
    channels: list[str] | None
    metadata: Metadata
    throttle_rate: ThrottleRate | None
    created_at: Time
    updated_at: Time


def disabling(before: Endpoint, *, disabled: bool) -> dict[str, Any]:
    """What changes when somebody switches an endpoint on or off; the reason it went off by itself stays."""
    reason = (before.disabled_reason or "switched off by its owner") if disabled else ""
    return {"disabled": disabled, "disabled_reason": reason}


def check_endpoint(context: WebContext, after: Endpoint, before: Endpoint | None) -> None:
    """Refuse, with :class:`InvalidField`, what could never be delivered; what did not change was checked before."""
    try:
        if before is None or before.url != after.url:
            context.check_url(after.url)
            if after.client_certificate:
                check_https(after.url)
    except ConfigurationError as error:
        raise InvalidField(str(error), "url") from None
    try:
        if before is None or before.headers != after.headers:
            _check_headers(context, after.headers)
    except ConfigurationError as error:
        raise InvalidField(str(error), "headers") from None
    check_content(context, after.options, None if before is None else before.options)
    if before is None:
        check_secret(context, after.secrets[0], "secret")


def check_https(url: str) -> None:
    """Refuse, with ``ConfigurationError``, a URL over which no client certificate may be shown."""
    if not url.lower().startswith("https://"):
        raise ConfigurationError("a client certificate is shown over https only; change the URL, or delete it first")


def check_secret(context: WebContext, secret: str, field: str) -> None:
    """Refuse, with :class:`InvalidField`, a signing secret of the wrong form."""
    try:
        context.check_secret(secret)
    except ConfigurationError as error:
        raise InvalidField(str(error), field) from None


def _check_headers(context: WebContext, headers: tuple[tuple[str, str], ...]) -> None:
    context.check_headers(headers)
    names = [name.lower() for name, _ in headers]
    if len(set(names)) < len(names):
        raise ConfigurationError("two headers have the same name; keep one")
    if len(names) > _HEADERS_MAX or sum(len(name) + len(value) for name, value in headers) > _HEADERS_BYTES_MAX:
        raise ConfigurationError(f"at most {_HEADERS_MAX} headers of {_HEADERS_BYTES_MAX} characters altogether")


def show(it: Endpoint) -> EndpointOut:
    """An endpoint as it is shown."""
    subscribed = sorted(it.event_types)
    return EndpointOut(
        id=it.id,
        uid=it.uid or None,
        url=it.url,
        description=it.description,
        event_types=subscribed,
        filter_types=subscribed,
        headers={name: masked(value) for name, value in it.headers},
        disabled=it.disabled,
        disabled_reason=it.disabled_reason,
        **show_content(it.options),
        channels=sorted(it.options.channels) or None,
        metadata=dict(it.options.metadata),
        throttle_rate=it.options.throttle_rate or None,
        created_at=when(it.created_at_ms),
        updated_at=when(it.updated_at_ms),
    )
