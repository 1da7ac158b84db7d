"""What keeping house is told, and what it tells."""

from msgspec import Struct


class Retention(Struct, frozen=True, kw_only=True):
    """How long things are kept, in milliseconds; 0 for ever. What still waits is never dropped."""

    notifications_ms: int = 0
    messages_ms: int = 0
    """With their deliveries and attempts."""
    audit_ms: int = 0


class Tended(Struct, frozen=True, kw_only=True):
    """What one round of keeping house has done; ``more`` is left to do."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    more: bool = False
