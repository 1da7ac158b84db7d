"""What deliver asks of the store to keep endpoints and applications apart, and the records of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from paybell.model.endpoint_state import EndpointState

Weigh = Callable[[EndpointState | None], EndpointState | None]
"""The state of an endpoint, before and after an attempt; None for one that is well. It may be asked more than once."""


class EndpointRule(Struct, frozen=True, kw_only=True):
    """Whose an endpoint is, and how many deliveries a second may be sent: to it, and to its application; 0 for any."""

    application_id: str
    rate: int = 0
    application_rate: int = 0


class TurnAsk(Struct, frozen=True, kw_only=True):
    """So many turns to send, at ``rate`` a second, of an endpoint or an application."""

    name: str
    count: int
    rate: float


class IsolationStore(Protocol):
    """What deliver asks about endpoints beside their deliveries."""

    async def endpoint_rules(self) -> Mapping[str, EndpointRule]:
        """Of every endpoint; from memory, never staler than 1 s."""
        ...

    async def endpoint_state_list(self) -> tuple[EndpointState, ...]:
        """Of every endpoint that is not well."""
        ...

    async def endpoint_state_get(self, endpoint_id: str) -> EndpointState | None:
        """Of one endpoint; None for one that is well."""
        ...

    async def delivery_waiting_count(self, endpoint_id: str, *, count_max: int) -> int:
        """How many deliveries wait for an endpoint and are not being sent, counted no further than that."""
        ...

    async def endpoint_probe(self, before: EndpointState, during: EndpointState) -> bool:
        """Take the next probe of an endpoint whose breaker is not closed; False when somebody else has."""
        ...

    async def turn_take(self, asks: Sequence[TurnAsk], *, now_ms: int, slack_ms: int) -> frozenset[str]:
        """Take turns of those whose last ones are over; their names.

        Turns that were due at most ``slack_ms`` ago may still be taken.
        """
        ...
