"""Decide who hears of a message: pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, assert_never

from msgspec import Struct

from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint, Ordering
from paybell.model.message import Message
from paybell.ports import Change, Routed
from paybell.route.filters import Payload, lets_through

NewId = Callable[[str], str]
Telling = tuple[str, str]
"""An event type, and the refund or dispute that it is about ('' for none)."""
_ONE_LINE: Final = "*"
_KEY_LINE: Final = "="


class Mint(Struct, frozen=True, kw_only=True):
    """What route needs from outside: ids, the time, and who has room for a delivery at once.

    ``has_room(endpoint_id)`` decides whether a delivery is leased to this process until ``lease_ends_at_ms`` (and
    handed on in memory), or left due for whoever claims it.
    """

    new_id: NewId
    has_room: Callable[[str], bool]
    now_ms: int
    lease_ends_at_ms: int


def wants(endpoint: Endpoint, event_type: str) -> bool:
    """Whether an endpoint hears of the event type now."""
    return not endpoint.disabled and subscribed(endpoint, event_type)


def subscribed(endpoint: Endpoint, event_type: str) -> bool:
    """Whether an endpoint asked for the event type; no event type means all."""
    return not endpoint.event_types or event_type in endpoint.event_types


def takes(endpoint: Endpoint, message: Message, payload: Payload) -> bool:
    """Whether an endpoint that wants its event type takes a message: by its channels and its filter.

    With channels it takes messages that share one, without it takes all (as Svix's server has it, in
    ``server/svix-server/src/core/message_app.rs``).
    """
    return _shares(endpoint, message.channels) and lets_through(endpoint.options.filter, payload)


def may_take(endpoint: Endpoint, event_type: str, channels: frozenset[str]) -> bool:
    """Whether a message of that type on those channels would be for an endpoint, as far as no filter has a say."""
    return wants(endpoint, event_type) and _shares(endpoint, channels)


def _shares(endpoint: Endpoint, channels: frozenset[str]) -> bool:
    wanted = endpoint.options.channels
    return not wanted or not wanted.isdisjoint(channels)


def asked_for(endpoint: Endpoint, message: Message) -> bool:
    """Whether an endpoint asked for messages like that one, switched on or not."""
    return subscribed(endpoint, message.event_type) and takes(endpoint, message, Payload(message.payload))


def route_change(change: Change, endpoints: Iterable[Endpoint], mint: Mint) -> Routed:
    """Make one message per application and event type that an endpoint wants, and its deliveries.

    An endpoint gets the fallback (``payment.updated``) only when it wants it and gets nothing more special of the same
    change, so that nobody is told one thing twice.
    """
    messages: list[Message] = []
    deliveries: list[DeliveryJob] = []
    for application_id, theirs in _by_application(endpoints).items():
        drafts = _Drafts(change, application_id, mint)
        for telling, takers in _takers(change, theirs, drafts).items():
            message = drafts.message(telling)
            messages.append(message)
            deliveries += [deliver_to(it, message, mint) for it in takers if not it.options.polled]
    return Routed(messages=tuple(messages), deliveries=tuple(deliveries))


class _Drafts:
    """What one application may be told of a change, each message written when it is first asked for."""

    def __init__(self, change: Change, application_id: str, mint: Mint) -> None:
        self._change = change
        self._application_id = application_id
        self._mint = mint
        self._messages: dict[Telling, Message] = {}
        self._payloads: dict[Telling, Payload] = {}

    def message(self, telling: Telling) -> Message:
        """The message, with one id however often it is asked for."""
        if telling not in self._messages:
            self._messages[telling] = self._write(*telling)
        return self._messages[telling]

    def taken_by(self, endpoint: Endpoint, telling: Telling) -> bool:
        """Whether an endpoint takes it; without channels and a filter nothing need be written to know."""
        if not endpoint.options.channels and not endpoint.options.filter:
            return True
        message = self.message(telling)
        return takes(endpoint, message, self._payloads.setdefault(telling, Payload(message.payload)))

    def _write(self, event_type: str, ref: str) -> Message:
        change, message_id = self._change, self._mint.new_id("msg")
        return Message(
            id=message_id,
            organisation_id=change.organisation_id,
            application_id=self._application_id,
            event_type=event_type,
            event_id=_event_id(change, event_type, ref),
            payload=change.write(message_id, event_type, ref),
            payment_id=change.subject_id,
            created_at_ms=self._mint.now_ms,
        )


def _event_id(change: Change, event_type: str, ref: str) -> str:
    """The same thing told twice has one id, and is refused by the database."""
    version = f"{change.version}+{change.again}" if change.again else str(change.version)
    return ".".join((change.subject_id, version, event_type, *([ref] if ref else ())))


def route_message(message: Message, endpoints: Iterable[Endpoint], mint: Mint) -> tuple[DeliveryJob, ...]:
    """The deliveries of a message that an application posted."""
    payload = Payload(message.payload)
    return tuple(
        deliver_to(endpoint, message, mint)
        for endpoint in endpoints
        if endpoint.application_id == message.application_id
        and not endpoint.options.polled
        and wants(endpoint, message.event_type)
        and takes(endpoint, message, payload)
    )


def deliver_to(endpoint: Endpoint, message: Message, mint: Mint) -> DeliveryJob:
    """One delivery: leased where there is room to send it at once, else due. What has to wait is claimed."""
    order_key = line_of(endpoint, message)
    waits = order_key or endpoint.options.throttle_rate or message.deliver_at_ms
    leased = not waits and mint.has_room(endpoint.id)
    return DeliveryJob(
        id=mint.new_id("dlv"),
        message_id=message.id,
        endpoint_id=endpoint.id,
        application_id=message.application_id,
        organisation_id=message.organisation_id,
        event_type=message.event_type,
        payload=message.payload,
        told_at_ms=message.created_at_ms,
        trace=message.trace,
        attempt_count=0,
        lease_no=int(leased),
        lease_ends_at_ms=mint.lease_ends_at_ms if leased else 0,
        due_at_ms=max(mint.now_ms, message.deliver_at_ms),
        order_key=order_key,
    )


def line_of(endpoint: Endpoint, message: Message) -> str:
    """The line in which a message waits for earlier ones at an endpoint; '' for none.

    By key it is that of the key its application gave it, else that of its payment; with neither it waits for none.
    """
    match endpoint.options.ordering:
        case Ordering.NONE:
            return ""
        case Ordering.FIFO:
            return _ONE_LINE
        case Ordering.FIFO_BY_KEY:
            key = message.ordering_key or message.payment_id
            return f"{_KEY_LINE}{key}" if key else ""
        case _:
            assert_never(endpoint.options.ordering)


def _by_application(endpoints: Iterable[Endpoint]) -> Mapping[str, list[Endpoint]]:
    grouped: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        grouped.setdefault(endpoint.application_id, []).append(endpoint)
    return grouped


def _takers(change: Change, endpoints: list[Endpoint], drafts: _Drafts) -> Mapping[Telling, list[Endpoint]]:
    takers: dict[Telling, list[Endpoint]] = {}
    fallback = [(change.fallback, "")] if change.fallback else []
    for endpoint in endpoints:
        wanted = _wanted(endpoint, change.event_types, drafts) or _wanted(endpoint, fallback, drafts)
        for it in wanted:
            takers.setdefault(it, []).append(endpoint)
    return takers


def _wanted(endpoint: Endpoint, tellings: Sequence[Telling], drafts: _Drafts) -> list[Telling]:
    return [it for it in tellings if wants(endpoint, it[0]) and drafts.taken_by(endpoint, it)]
