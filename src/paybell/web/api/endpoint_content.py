"""What an endpoint asks for of its deliveries: filter, format, headers, schedule, order, or none at all."""

import json
from typing import Annotated, Any, Final

from msgspec.structs import replace
from pydantic import Field

from paybell.errors import ConfigurationError
from paybell.model.endpoint import EndpointOptions, Ordering, PayloadFormat
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import Shape
from paybell.web.context import WebContext

_RETRIES_MAX: Final = 20
_DELAY_MAX_S: Final = 7 * 86_400
_EXAMPLE: Final = {"data.currency": "EUR", "data.amount": {"$gte": 100}}

Filter = Annotated[dict[str, Any], Field(description="Of the payload; null for none.", examples=[_EXAMPLE])]
RetryDelays = Annotated[
    list[Annotated[int, Field(ge=1, le=_DELAY_MAX_S)]],
    Field(max_length=_RETRIES_MAX, description="Seconds before each further try; null for the event type's schedule."),
]

OrderingField = Annotated[
    Ordering,
    Field(description="fifo: each waits until the one before it has ended; fifo_by_key: those of one payment or key."),
]


class ContentOut(Shape):
    """What it asks for."""

    filter: Filter | None
    payload_format: PayloadFormat
    svix_headers: bool
    retry_delays: RetryDelays | None
    ordering: Ordering
    polled: bool


class Content(Shape):
    """A part of what PUT and PATCH write: what is absent stays as it is, null takes it away."""

    filter: Filter | None = None
    payload_format: PayloadFormat | None = None
    svix_headers: Annotated[bool, Field(description="Say the webhook-* headers under svix-*, too.")] | None = None
    retry_delays: RetryDelays | None = None
    ordering: OrderingField | None = None
    polled: Annotated[bool, Field(description="Send it nothing: its messages are fetched from …/poller.")] | None = None

    def applied(self, before: EndpointOptions) -> EndpointOptions:
        """What it asks for from now on; ``InvalidField`` for a filter that is no JSON."""
        changes: dict[str, Any] = {
            "filter": _text(self.filter),
            "payload_format": self.payload_format or PayloadFormat.PAYBELL,
            "svix_headers": bool(self.svix_headers),
            "retry_delays_s": None if self.retry_delays is None else tuple(self.retry_delays),
            "ordering": self.ordering or Ordering.NONE,
            "polled": bool(self.polled),
        }
        given = {name.replace("retry_delays", "retry_delays_s") for name in self.model_fields_set}
        return replace(before, **{name: value for name, value in changes.items() if name in given})


CONTENT: Final = frozenset(Content.model_fields)
"""The names of these fields."""


def check_content(context: WebContext, after: EndpointOptions, before: EndpointOptions | None) -> None:
    """Refuse, with :class:`InvalidField`, a filter that is none; what did not change was checked before."""
    if before is not None and before.filter == after.filter:
        return
    try:
        context.check_filter(after.filter)
    except ConfigurationError as error:
        raise InvalidField(str(error), "filter") from None


def show_content(options: EndpointOptions) -> dict[str, Any]:
    """The fields of :class:`ContentOut`."""
    return {
        "filter": json.loads(options.filter) if options.filter else None,
        "payload_format": options.payload_format,
        "svix_headers": options.svix_headers,
        "retry_delays": None if options.retry_delays_s is None else list(options.retry_delays_s),
        "ordering": options.ordering,
        "polled": options.polled,
    }


def _text(wanted: dict[str, Any] | None) -> str:
    if wanted is None:
        return ""
    try:
        return json.dumps(wanted, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise InvalidField("must be JSON, of numbers that are numbers", "filter") from None
