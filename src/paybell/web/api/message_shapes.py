"""A message as it is posted and as it is shown: shared by the router and by the door before it."""

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from paybell.errors import ConfigurationError
from paybell.model.answer import AnswerKey
from paybell.model.message import CHANNEL_PATTERN, CHANNELS_MAX, EVENT_TYPE_PATTERN, Application, Message
from paybell.model.trace import trace_in
from paybell.ports import MessageNew
from paybell.web.api.payload_schemas import check_payload
from paybell.web.api.problems import InvalidField
from paybell.web.api.shapes import Shape, Time, when
from paybell.web.context import WebContext

EVENT_ID_PATTERN: Final = re.compile(r"^[a-zA-Z0-9_.:-]{1,256}$")
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


class MessageOut(Shape):
    """A message."""

    id: str
    event_type: str
    event_id: str | None
    payload: dict[str, Any]
    channels: list[str] | None
    timestamp: Time


class _Shown(Struct, rename="camel"):
    """The fields of :class:`MessageOut`, in its order."""

    id: str
    event_type: str
    event_id: str | None
    payload: msgspec.Raw
    channels: list[str] | None
    timestamp: str


_DECODER: Final = msgspec.json.Decoder(Posted)
_ENCODER: Final = msgspec.json.Encoder()
_NO_PAYLOAD: Final = msgspec.Raw(b"{}")


def decode(body: bytes) -> Posted:
    """What a body says; ``InvalidField`` where it says something else."""
    try:
        posted = _DECODER.decode(body)
    except msgspec.MsgspecError as error:
        text, place = str(error), _PLACE.search(str(error))
        raise InvalidField(_PLACE.split(text)[0], *((place[1],) if place and place[1] else ())) from None
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
    return posted


async def posting(
    context: WebContext, application: Application, posted: Posted, key: AnswerKey | None, traceparent: str
) -> MessageNew:
    """The message with its deliveries, ready to be written; ``traceparent`` is the request's, '' where it has none."""
    now_ms = context.clock.now_ms()
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
    return _ENCODER.encode(_Shown(it.id, it.event_type, it.event_id or None, payload, channels, when(it.created_at_ms)))
