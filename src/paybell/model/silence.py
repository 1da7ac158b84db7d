"""A silence: what was not told, and why."""

from msgspec import Struct


class Silence(Struct, frozen=True, kw_only=True):
    """What nobody was told of a payment, an account item or an entitlement at one version of it."""

    subject_id: str
    version: int
    organisation_id: str
    event_types: tuple[str, ...]
    reason: str
    at_ms: int
