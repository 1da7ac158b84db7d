"""What the steps ask of gateways and of transports."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from paybell.model.delivery import Outcome
from paybell.model.endpoint import Transport
from paybell.model.fact import Parsed
from paybell.model.notification import (
    Answer,
    Notification,
    Request,
    Verdict,
)
from paybell.model.source import Source


class FetchPlan(Struct, frozen=True, kw_only=True):
    """One question to a gateway's API: a GET of ``url`` with ``headers``. ``subject`` is the id asked about."""

    url: str
    headers: tuple[tuple[str, str], ...]
    subject: str

    def __repr__(self) -> str:
        """Name the question, never the credentials in its headers."""
        return f"FetchPlan(url={self.url!r}, subject={self.subject!r})"


class Gateway(Protocol):
    """A payment company: pure, no I/O, no clock, no chance."""

    name: str
    """The word in ``source.gateway``: lower case, digits and underscores."""
    title: str
    """The company's own spelling."""
    docs_url: str
    """Where it documents its webhooks."""
    has_token: bool
    """Whether the source's URL ends in an unguessable token (the gateway signs nothing, or not the body)."""
    secret_options: frozenset[str]
    """Option names that hold credentials; shown masked."""
    answer: Answer
    """What it wants to hear."""

    def check(self, source: Source) -> None:
        """Refuse a source that cannot work, with :class:`~paybell.errors.ConfigurationError` that says why."""
        ...

    def verify(self, request: Request, source: Source, now_ms: int) -> Verdict:
        """Judge the raw bytes with every live secret, in constant time; never raises for bad input."""
        ...

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Read facts; :class:`~paybell.errors.MalformedPayload` or ``AmountError`` when they cannot be read."""
        ...


class FetchingGateway(Gateway, Protocol):
    """A gateway whose notifications may be hints: the truth is asked of its API."""

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """What to ask about this hint; None while the source has no credentials to ask with."""
        ...

    def fetched_key(self, subject: str, body: bytes) -> str:
        """The dedupe key of an answer: equal for answers that say the same; ``MalformedPayload`` if unreadable."""
        ...


class Sending(Struct, frozen=True, kw_only=True):
    """One request to make. ``pool`` keeps connections of one endpoint apart from all others'."""

    pool: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_s: float
    method: str = "POST"
    answer_bytes_max: int = 16_384


class Sender(Protocol):
    """How a delivery leaves. Every failure is an :data:`~paybell.model.delivery.Outcome`, never an exception."""

    async def send(self, sending: Sending) -> Outcome:
        """Make the request within ``timeout_s`` altogether."""
        ...

    def serves(self, url: str) -> bool:
        """Whether this process can send to it; a function may be another one's."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


Senders = Mapping[Transport, Sender]
