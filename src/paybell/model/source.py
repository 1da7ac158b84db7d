"""A source: one account at a gateway, live or test, with its secrets and its URL."""

from collections.abc import Mapping

from msgspec import Struct


class Organisation(Struct, frozen=True, kw_only=True):
    """Who owns sources, applications and keys; nothing crosses from one to another."""

    id: str
    name: str
    created_at_ms: int


class Source(Struct, frozen=True, kw_only=True):
    """One account at a gateway.

    ``secrets`` are all live signing secrets, newest first: each verifies, so that a rotation drops nothing.
    ``token`` is the unguessable last part of the URL, for gateways that sign nothing ('' where none is needed).
    ``options`` are the gateway's own settings (JSON values); some hold credentials, so ``repr`` shows neither.
    """

    id: str
    organisation_id: str
    uid: str
    gateway: str
    livemode: bool
    secrets: tuple[str, ...]
    token: str
    options: Mapping[str, object]
    enabled: bool
    created_at_ms: int

    def __repr__(self) -> str:
        """Name the source, never its secrets."""
        return f"Source(id={self.id!r}, uid={self.uid!r}, gateway={self.gateway!r})"
