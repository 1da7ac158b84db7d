"""What the steps ask of gateways and of transports."""

from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct

from paybell.model.delivery import Outcome
from paybell.model.endpoint import Transport
from paybell.model.fact import Parsed
from paybell.model.notification import (
    Answer,
    Notification,
    Refused,
    Request,
    Verdict,
)
from paybell.model.source import Source


class Method(Protocol):
    """How a signature comes about. A secret that is no key of this method matches nothing."""

    @property
    def words(self) -> str:
        """For people: ``HMAC-SHA256``."""
        ...

    def matches(self, secret: str, signed: bytes, given: bytes) -> bool:
        """Whether ``given`` is right for ``signed``; compared in constant time."""
        ...

    def expected(self, secret: str, signed: bytes) -> bytes | None:
        """What would be right; None where only the gateway itself can tell (it holds the private key)."""
        ...


class Claim(Struct, frozen=True, kw_only=True):
    """What a request says proves that it is the gateway's own.

    ``signed`` are the bytes under the signature (a secret that is mixed into them left out), ``given`` the signatures
    of the request, decoded: one that is right is enough. ``secrets`` are those to try. ``timestamp`` is the signed
    time as it was written, in seconds or milliseconds since 1970; None where no time is signed.
    """

    method: Method
    signed: bytes
    given: tuple[bytes, ...]
    secrets: tuple[str, ...]
    timestamp: bytes | None = None
    tolerance_s: int = 0


Claims = tuple[Claim, ...]
"""All of them must be right; usually there is one."""


class About(Struct, frozen=True, kw_only=True):
    """A gateway for people: one row of ``paybell gateways`` and of the docs; and what its source needs."""

    name: str
    """The word in ``source.gateway``: lower case, digits and underscores."""
    title: str
    """The company's own spelling."""
    docs_url: str
    """Where it documents its webhooks."""
    credential: str
    """What the source's secret is, in the company's words; '' where it has none."""
    signed: str
    """What is signed and how: ``the raw body, HMAC-SHA256 in hex, header x-…``; ``nothing``."""
    time_signed: str = ""
    """The signed time and its tolerance; '' where none is signed."""
    dedupe: str
    """What the dedupe key is made of."""
    order: str = "not promised"
    """What is promised about the order of arrival."""
    retries: str
    """How long and how often it tries again; ``unknown`` where that is not published."""
    believed: str = "the body"
    """What of a webhook is believed; the rest is asked of the API."""
    unverified: tuple[str, ...] = ()
    """What no public document of the company confirms."""
    has_token: bool = False
    """Whether the source's URL ends in an unguessable token (the gateway signs nothing, or not the body)."""
    secret_options: frozenset[str] = frozenset()
    """Option names that hold credentials; shown masked."""
    secret_headers: frozenset[bytes] = frozenset()
    """Headers (lower case) that hold a credential; stored masked."""
    exponents: Mapping[str, int] = {}
    """Currencies whose smallest unit is not that of ISO 4217."""
    answer: Answer = Answer()
    """What it wants to hear."""


class Login(Struct, frozen=True, kw_only=True):
    """How to get an access token: a POST, answered with JSON that has ``access_token`` and perhaps a lifetime.

    The lifetime is ``expires_in`` (seconds) or ``expires_at`` (seconds since 1970); without one, the token serves once.
    The question is then asked with ``authorization: {scheme} {token}``.
    """

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    scheme: str = "Bearer"

    def __repr__(self) -> str:
        """Name the place, never the credentials."""
        return f"Login(url={self.url!r})"


class FetchPlan(Struct, frozen=True, kw_only=True):
    """One question to a gateway's API, perhaps after a login. ``subject`` is the id asked about."""

    url: str
    headers: tuple[tuple[str, str], ...]
    subject: str
    method: str = "GET"
    body: bytes = b""
    login: Login | None = None

    def __repr__(self) -> str:
        """Name the question, never the credentials in its headers."""
        return f"FetchPlan(url={self.url!r}, subject={self.subject!r})"


SUBJECT_HEADER: Final = "paybell-subject"
"""The header of a poll's notification that holds its plan's ``subject``."""


class Gateway(Protocol):
    """A payment company: pure, no I/O, no clock, no chance."""

    about: About

    def check(self, source: Source) -> None:
        """Refuse a source that cannot work, with :class:`~paybell.errors.ConfigurationError` that says why."""
        ...

    def claims(self, request: Request, source: Source) -> Claims | Refused:
        """What the request claims, unjudged; ``Refused`` where it claims nothing that could be judged. Never raises."""
        ...

    def verify(self, request: Request, source: Source, now_ms: int) -> Verdict:
        """Judge the raw bytes with every live secret, in constant time; never raises for bad input."""
        ...

    def parse(self, notification: Notification, source: Source) -> Parsed:
        """Read facts; :class:`~paybell.errors.MalformedPayload` or ``AmountError`` when they cannot be read."""
        ...


class GreetingGateway(Gateway, Protocol):
    """A gateway that tries an address out by a GET before it sends anything there."""

    def greet(self, request: Request, source: Source) -> Answer | None:
        """The answer it expects; None for a request that is no such try."""
        ...


class FetchingGateway(Gateway, Protocol):
    """A gateway whose notifications may be hints: the truth is asked of its API."""

    def plan_fetch(self, notification: Notification, source: Source) -> FetchPlan | None:
        """What to ask about this hint; None while the source has no credentials to ask with.

        :class:`~paybell.errors.MalformedPayload` where the hint names nothing that could be asked about.
        """
        ...

    def fetched_key(self, subject: str, body: bytes) -> str:
        """The dedupe key of an answer: equal for answers that say the same; ``MalformedPayload`` if unreadable."""
        ...


class Sending(Struct, frozen=True, kw_only=True):
    """One request to make. ``pool`` keeps connections of one endpoint apart from all others'.

    ``client_certificate`` is PEM (private key and certificates) to show to a server that asks for one, '' for none.
    """

    pool: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_s: float
    method: str = "POST"
    answer_bytes_max: int = 16_384
    client_certificate: str = ""

    def __repr__(self) -> str:
        """Name the request, never its headers, body or certificate."""
        return f"Sending(pool={self.pool!r}, method={self.method!r}, url={self.url!r})"


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
