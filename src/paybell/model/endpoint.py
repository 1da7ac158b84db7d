"""An endpoint: where an application's messages go."""

from enum import StrEnum
from itertools import zip_longest
from typing import Final

from msgspec import Struct

MAIL_PREFIX: Final = "mailto:"


class Transport(StrEnum):
    """How a delivery leaves."""

    HTTP = "http"
    FUNCTION = "function"
    MAIL = "mail"


class Ordering(StrEnum):
    """Whether a delivery waits for earlier ones: for none, for all of its endpoint, or for those of its key."""

    NONE = "none"
    FIFO = "fifo"
    FIFO_BY_KEY = "fifo_by_key"


class PayloadFormat(StrEnum):
    """What the body of a delivery looks like."""

    PAYBELL = "paybell"
    STANDARD = "standard"
    CLOUDEVENTS = "cloudevents"


class EndpointOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an endpoint asks for beside its event types; what is not said is as for any other."""

    metadata: tuple[tuple[str, str], ...] = ()
    channels: frozenset[str] = frozenset()
    """It gets only messages that share one of them; none means all messages."""
    throttle_rate: int = 0
    """Deliveries per second, at most; 0 for no limit."""
    filter: str = ""
    """A condition on the payload, as JSON; '' for none."""
    retry_delays_s: tuple[int, ...] | None = None
    """Seconds to wait after the first, second … failed try; None for the event type's or ours."""
    ordering: Ordering = Ordering.NONE
    payload_format: PayloadFormat = PayloadFormat.PAYBELL
    svix_headers: bool = False
    """Whether ``svix-*`` headers stand beside ``webhook-*``."""
    transformation: str = ""
    transformation_enabled: bool = False
    applications: frozenset[str] = frozenset()
    """Of an operational endpoint: it hears only of what happens in these; none means all of the organisation."""
    polled: bool = False
    """Whether nothing is sent to it: its owner fetches its messages."""


FAILED_FOR_LONG: Final = "every attempt has failed for {days} days"
"""Why an endpoint went off by itself."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an application's messages go.

    ``url`` is an http(s) URL, ``function:NAME`` for a Python function of this process, or ``mailto:ADDRESS``.
    ``event_types`` empty means all. ``secrets`` are the signing secrets (``whsec_`` or ``whsk_``, and base64), newest
    first.
    """

    id: str
    organisation_id: str
    application_id: str
    url: str
    secrets: tuple[str, ...]
    created_at_ms: int
    updated_at_ms: int
    uid: str = ""
    description: str = ""
    event_types: frozenset[str] = frozenset()
    headers: tuple[tuple[str, str], ...] = ()
    disabled: bool = False
    disabled_reason: str = ""
    options: EndpointOptions = EndpointOptions()
    secrets_end_at_ms: tuple[int | None, ...] = ()
    """When each of the old secrets stops to sign; None, and what is not there, is never."""
    client_certificate: str = ""
    """A private key and its certificates as PEM, to show to the endpoint; '' for none."""

    @property
    def old_secrets(self) -> tuple[tuple[str, int | None], ...]:
        """All but the newest, each with the time at which it stops to sign."""
        return tuple(zip_longest(self.secrets[1:], self.secrets_end_at_ms))

    def signing_secrets(self, now_ms: int) -> tuple[str, ...]:
        """Those that sign now, newest first."""
        if not self.secrets_end_at_ms:
            return self.secrets
        return (self.secrets[0], *(old for old, end_ms in self.old_secrets if end_ms is None or now_ms < end_ms))

    @property
    def transport(self) -> Transport:
        """Decided by the URL's scheme."""
        if self.url.startswith(MAIL_PREFIX):
            return Transport.MAIL
        return Transport.FUNCTION if self.url.startswith("function:") else Transport.HTTP

    def __repr__(self) -> str:
        """Name the endpoint, never its secrets."""
        return f"Endpoint(id={self.id!r}, url={self.url!r})"
