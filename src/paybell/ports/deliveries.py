"""What deliver asks of the store about deliveries, and the records of it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from paybell.model.delivery import Attempt, DeadReason, DeliveryJob, DeliveryState
from paybell.model.endpoint import Endpoint
from paybell.model.message import EventType
from paybell.ports.isolation import IsolationStore, Weigh


class DeliveryClaim(Struct, frozen=True, kw_only=True):
    """Lease due deliveries: at most ``limit`` in all, and so many of each endpoint in ``rooms``, in that order."""

    now_ms: int
    lease_ends_at_ms: int
    limit: int
    rooms: Mapping[str, int]


class AttemptNew(Struct, frozen=True, kw_only=True):
    """An attempt and the delivery's next state; written only while ``lease_no`` is still the delivery's own."""

    attempt: Attempt
    lease_no: int
    state: DeliveryState
    due_at_ms: int | None
    dead_reason: DeadReason | None = None
    disable_endpoint_reason: str = ""
    failing_since_max_ms: int = 0
    """An endpoint whose every attempt has failed since then or before is disabled with this failure; 0 for none."""
    warning_since_max_ms: int = 0
    """Its organisation is told so if they have since then or before; 0 for none."""
    event_type: str = ""
    """What its organisation is told of the message: one of ``message.attempt.…``, '' for nothing."""
    order_key: str = ""
    """The line that the delivery leaves when it ends; '' for none."""
    weigh: Weigh | None = None
    """What the attempt makes of its endpoint's state; None where that is well and stays so."""


class DeliverStore(IsolationStore, Protocol):
    """What deliver asks."""

    async def endpoint_get(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id; from memory, never staler than 1 s."""
        ...

    async def event_type_find(self, organisation_id: str, name: str) -> EventType | None:
        """One of the organisation's own event types; from memory, never staler than 1 s."""
        ...

    async def delivery_waiting(self) -> Mapping[str, int]:
        """When each endpoint's next delivery falls due, soonest first; under '' when to look again if nothing happens.

        Of an endpoint in it nothing may be due before: what is leased counts as due when its lease ends, and where
        leases are apart, '' does. Where many wait, what other processes made due may be missing, until '' at most.
        """
        ...

    async def delivery_claim(self, claim: DeliveryClaim) -> list[DeliveryJob]:
        """Lease due deliveries, each endpoint's oldest first; a lease that ran out is due again.

        Where more of an endpoint are due than are taken, first tries have half of its room.
        """
        ...

    async def delivery_release(self, jobs: Sequence[DeliveryJob], *, due_at_ms: int) -> None:
        """Give leases back untried."""
        ...

    async def delivery_abandon(self, job: DeliveryJob, *, reason: DeadReason, error: str, now_ms: int) -> None:
        """End a leased delivery untried as a dead letter; ``error`` says in words why."""
        ...

    async def attempt_append(self, new: AttemptNew) -> bool:
        """Record an attempt and its verdict; False (and nothing written) when the lease has passed on."""
        ...
