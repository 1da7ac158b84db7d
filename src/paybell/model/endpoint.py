"""An endpoint: where an application's messages go."""

from enum import StrEnum
from typing import Final

from msgspec import Struct


class Transport(StrEnum):
    """How a delivery leaves."""

    HTTP = "http"
    FUNCTION = "function"


FAILED_FOR_LONG: Final = "every attempt has failed for {days} days"
"""Why an endpoint went off by itself."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an application's messages go.

    ``url`` is an http(s) URL, or ``function:NAME`` for a Python function of this process. ``event_types`` empty
    means all. ``secrets`` are the signing secrets (``whsec_`` and base64), newest first: all sign.
    """

    id: str
    organisation_id: str
    application_id: str
    uid: str
    url: str
    description: str
    event_types: frozenset[str]
    secrets: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    disabled: bool
    disabled_reason: str
    created_at_ms: int
    updated_at_ms: int

    @property
    def transport(self) -> Transport:
        """Decided by the URL's scheme."""
        return Transport.FUNCTION if self.url.startswith("function:") else Transport.HTTP

    def __repr__(self) -> str:
        """Name the endpoint, never its secrets."""
        return f"Endpoint(id={self.id!r}, url={self.url!r})"
