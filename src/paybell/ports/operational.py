"""What happens to endpoints and deliveries, as the store hands it to route."""

from collections.abc import Callable

from msgspec import Struct

from paybell.model.delivery import Attempt
from paybell.model.endpoint import Endpoint
from paybell.ports.records import Routed


class Occurrence(Struct, frozen=True, kw_only=True):
    """Something that happened to an endpoint, or to a delivery to it, of which its organisation may want to hear."""

    event_type: str
    """One of :data:`~paybell.model.operational.OPERATIONAL_EVENT_TYPES`."""
    key: str
    """Sets it apart from all others of its event type: what has one key happened once."""
    endpoint: Endpoint
    application_uid: str
    reason: str = ""
    """Why the endpoint was disabled."""
    failing_since_ms: int = 0
    disabled_from_ms: int = 0
    """When an endpoint that goes on failing will be disabled; 0 where it is not about that."""
    attempt: Attempt | None = None
    message_event_id: str = ""
    """The event id of the attempt's message, '' where it has none."""


RouteOccurrence = Callable[[Occurrence, tuple[Endpoint, ...]], Routed]
"""What is told of it to these operational endpoints."""
