"""Decide who hears of a message: pure."""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from paybell.model.delivery import DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.message import Message
from paybell.ports import Change, Routed

NewId = Callable[[str], str]


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
    """Whether an endpoint subscribed to the event type; no filter means all."""
    return not endpoint.disabled and (not endpoint.event_types or event_type in endpoint.event_types)


def route_change(change: Change, endpoints: Iterable[Endpoint], mint: Mint) -> Routed:
    """Make one message per application and event type that an endpoint wants, and its deliveries.

    An endpoint gets the fallback (``payment.updated``) only when it wants it and gets nothing more special of the same
    change, so that nobody is told one thing twice.
    """
    messages: list[Message] = []
    deliveries: list[DeliveryJob] = []
    for application_id, theirs in _by_application(endpoints).items():
        for (event_type, ref), takers in _takers(change, theirs).items():
            message_id = mint.new_id("msg")
            message = Message(
                id=message_id,
                organisation_id=change.organisation_id,
                application_id=application_id,
                event_type=event_type,
                event_id=_event_id(change, event_type, ref),
                payload=change.write(message_id, event_type, ref),
                payment_id=change.subject_id,
                created_at_ms=mint.now_ms,
            )
            messages.append(message)
            deliveries += [deliver_to(endpoint, message, mint) for endpoint in takers]
    return Routed(messages=tuple(messages), deliveries=tuple(deliveries))


def _event_id(change: Change, event_type: str, ref: str) -> str:
    """The same thing told twice has one id, and is refused by the database."""
    version = f"{change.version}+{change.again}" if change.again else str(change.version)
    return ".".join((change.subject_id, version, event_type, *([ref] if ref else ())))


def route_message(message: Message, endpoints: Iterable[Endpoint], mint: Mint) -> tuple[DeliveryJob, ...]:
    """The deliveries of a message that an application posted."""
    return tuple(
        deliver_to(endpoint, message, mint)
        for endpoint in endpoints
        if endpoint.application_id == message.application_id and wants(endpoint, message.event_type)
    )


def deliver_to(endpoint: Endpoint, message: Message, mint: Mint) -> DeliveryJob:
    """One delivery: leased where there is room to send it at once, else due."""
    leased = mint.has_room(endpoint.id)
    return DeliveryJob(
        id=mint.new_id("dlv"),
        message_id=message.id,
        endpoint_id=endpoint.id,
        application_id=message.application_id,
        organisation_id=message.organisation_id,
        event_type=message.event_type,
        payload=message.payload,
        attempt_count=0,
        lease_no=int(leased),
        lease_ends_at_ms=mint.lease_ends_at_ms if leased else 0,
        due_at_ms=mint.now_ms,
    )


def _by_application(endpoints: Iterable[Endpoint]) -> Mapping[str, list[Endpoint]]:
    grouped: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        grouped.setdefault(endpoint.application_id, []).append(endpoint)
    return grouped


def _takers(change: Change, endpoints: list[Endpoint]) -> Mapping[tuple[str, str], list[Endpoint]]:
    takers: dict[tuple[str, str], list[Endpoint]] = {}
    for endpoint in endpoints:
        wanted = [it for it in change.event_types if wants(endpoint, it[0])]
        if not wanted and change.fallback and wants(endpoint, change.fallback):
            wanted = [(change.fallback, "")]
        for it in wanted:
            takers.setdefault(it, []).append(endpoint)
    return takers
