"""A message as it is posted and as it is shown: shared by the router and by the door before it."""

import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct
from pydantic import Field

from paybell.errors import ConfigurationError
from paybell.model.answer import AnswerKey
from paybell.model.message import (
    CHANNEL_PATTERN,
    CHANNELS_MAX,
    EVENT_TYPE_PATTERN,
    TAG_PATTERN,
    TAGS_MAX,
    Application,
    Message,
)
from paybell.model.trace import trace_in
from paybell.ports import MessageNew
from paybell.web.api.payload_schemas import check_payload
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import Shape, Time, when
from paybell.web.context import WebContext

EVENT_ID_PATTERN: Final = re.compile(r"^[a-zA-Z0-9_.:-]{1,256}$")
PAYLOAD_DAYS_MAX: Final = 90
_DELIVER_MIN_MS: Final = 60_000
_DELIVER_MAX_MS: Final = 24 * 3_600_000
KEPT_MS: Final = 24 * 3_600_000
"""How long an answer is kept under an idempotency key."""
_PLACE: Final = re.compile(r" - at `\$\.?(\w*)")


class Posted(Struct, forbid_unknown_fields=True, rename="camel"):
    """Decoded without a look into the payload, whose bytes are kept as they came."""

    event_type: Annotated[str, Meta(pattern=EVENT_TYPE_PATTERN.pattern)]
    payload: msgspec.Raw
    event_id: Annotated[str, Meta(pattern=EVENT_ID_PATTERN.pattern)] | None = None
    channels: Annotated[list[str], Meta(max_length=CHANNELS_MAX)] | None = None
    application: msgspec.Raw = msgspec.Raw(b"null")
    """The application to make where there is none of that uid; read by the router alone."""
    ordering_key: Annotated[str, Meta(pattern=EVENT_ID_PATTERN.pattern)] | None = None
    tags: Annotated[list[str], Meta(max_length=TAGS_MAX)] | None = None
    deliver_at: datetime | None = None
    payload_retention_period: Annotated[int, Meta(ge=1, le=PAYLOAD_DAYS_MAX)] | None = None
    payload_retention_hours: Annotated[int, Meta(ge=1, le=PAYLOAD_DAYS_MAX * 24)] | None = None
    transformations_params: msgspec.Raw = msgspec.Raw(b"null")
    """Of Svix's clients; refused, so that nobody takes a payload that is none for one."""

    def payload_kept_ms(self) -> int:
        """For how long the payload is to be kept; 0 where nothing is said."""
        hours = self.payload_retention_hours or (self.payload_retention_period or 0) * 24
        return hours * 3_600_000


class MessageOut(Shape):
    """A message."""

    id: str
    event_type: str
    event_id: str | None
    payload: dict[str, Any]
    channels: list[str] | None
    timestamp: Time
    tags: list[str] | None
    deliver_at: Annotated[Time | None, Field(description="When it is sent, where that is not at once.")]


class _Shown(Struct, rename="camel"):
    """The fields of :class:`MessageOut`, in its order."""

    id: str
    event_type: str
    event_id: str | None
    payload: msgspec.Raw
    channels: list[str] | None
    timestamp: str
    tags: tuple[str, ...] | None
    deliver_at: str | None


_DECODER: Final = msgspec.json.Decoder(Posted)
_ENCODER: Final = msgspec.json.Encoder()
_NO_PAYLOAD: Final = msgspec.Raw(b"{}")
_NULL: Final = msgspec.Raw(b"null")
_TAG: Final = re.compile(TAG_PATTERN)


def decode(body: bytes) -> Posted:
    """What a body says; ``InvalidField`` where it says something else."""
    try:
        posted = _DECODER.decode(body)
    except (UnicodeDecodeError, RecursionError):
        raise InvalidField("the body is not valid JSON") from None
    except msgspec.MsgspecError as error:
        text, place = str(error), _PLACE.search(str(error))
        raise InvalidField(_PLACE.split(text)[0], *((place[1],) if place and place[1] else ())) from None
    _check(posted)
    _check_extras(posted)
    return posted


def _check(posted: Posted) -> None:
    if not EVENT_TYPE_PATTERN.fullmatch(posted.event_type):
        raise InvalidField(f"must match {EVENT_TYPE_PATTERN.pattern}", "eventType")
    if posted.event_id is not None and not EVENT_ID_PATTERN.fullmatch(posted.event_id):
        raise InvalidField(f"must match {EVENT_ID_PATTERN.pattern}", "eventId")
    if not all(re.fullmatch(CHANNEL_PATTERN, it) for it in posted.channels or ()):
        raise InvalidField(f"each must match {CHANNEL_PATTERN}", "channels")
    if posted.ordering_key is not None and not EVENT_ID_PATTERN.fullmatch(posted.ordering_key):
        raise InvalidField(f"must match {EVENT_ID_PATTERN.pattern}", "orderingKey")
    if not bytes(posted.payload).startswith(b"{"):
        raise InvalidField("must be a JSON object", "payload")


def _check_extras(posted: Posted) -> None:
    if posted.tags is not None and not all(_TAG.fullmatch(it) for it in posted.tags):
        raise InvalidField(f"each must match {TAG_PATTERN}", "tags")
    if posted.payload_retention_period and posted.payload_retention_hours:
        raise InvalidField("give payloadRetentionPeriod (days) or payloadRetentionHours, not both")
    if posted.transformations_params != _NULL:
        text = "is not served: what is sent is the payload, as the endpoint's own transformation shapes it"
        raise InvalidField(text, "transformationsParams")


def _deliver_at_ms(posted: Posted, now_ms: int) -> int:
    """When to send it, 0 for at once; ``InvalidField`` for a time that Svix would not take either."""
    if posted.deliver_at is None:
        return 0
    if posted.deliver_at.tzinfo is None:
        raise InvalidField("needs its zone: write Z at its end for UTC", "deliverAt")
    at_ms = int(posted.deliver_at.timestamp() * 1000)
    if not now_ms + _DELIVER_MIN_MS <= at_ms <= now_ms + _DELIVER_MAX_MS:
        raise InvalidField("must lie a minute ahead at least, and 24 hours at most", "deliverAt")
    kept_ms = posted.payload_kept_ms()
    if kept_ms and at_ms >= now_ms + kept_ms:
        raise InvalidField("lies behind the time for which the payload is to be kept", "deliverAt")
    return at_ms


async def posting(
    context: WebContext, application: Application, posted: Posted, key: AnswerKey | None, traceparent: str
) -> MessageNew:
    """The message with its deliveries, ready to be written; ``traceparent`` is the request's, '' where it has none."""
    now_ms = context.clock.now_ms()
    kept_ms = posted.payload_kept_ms()
    message = Message(
        id=context.clock.new_id("msg"),
        organisation_id=application.organisation_id,
        application_id=application.id,
        event_type=posted.event_type,
        event_id=posted.event_id or "",
        ordering_key=posted.ordering_key or "",
        payload=bytes(posted.payload),
        payment_id="",
        created_at_ms=now_ms,
        channels=frozenset(posted.channels or ()),
        tags=tuple(posted.tags or ()),
        deliver_at_ms=_deliver_at_ms(posted, now_ms),
        payload_ends_at_ms=now_ms + kept_ms if kept_ms else 0,
        trace=trace_in(traceparent),
    )
    await _check_payload(context, message)
    endpoints = await context.store.endpoint_list_of(application.id)
    deliveries = context.route(message, endpoints)
    return MessageNew(message=message, deliveries=deliveries, key=key, key_ends_at_ms=now_ms + KEPT_MS)


async def _check_payload(context: WebContext, message: Message) -> None:
    """Refuse, with ``InvalidField``, a payload that its event type's schema refuses, where that is enforced."""
    event_type = await context.store.event_type_find(message.organisation_id, message.event_type)
    if event_type is not None and event_type.options.is_enforced:
        try:
            check_payload(event_type.options.schemas, message.payload)
        except ConfigurationError as error:
            raise InvalidField(str(error), "payload") from None


def shown(it: Message, *, with_content: bool = True) -> bytes:
    """A message's JSON, its payload byte for byte; ``{}`` for one that was expunged or is not to be shown."""
    payload = msgspec.Raw(it.payload) if with_content and it.payload else _NO_PAYLOAD
    channels = sorted(it.channels) or None
    deliver_at = when(it.deliver_at_ms) if it.deliver_at_ms else None
    event_id, told_at = it.event_id or None, when(it.created_at_ms)
    shape = _Shown(it.id, it.event_type, event_id, payload, channels, told_at, it.tags or None, deliver_at)
    return _ENCODER.encode(shape)
