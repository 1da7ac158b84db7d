"""Event types, applications and messages: what we tell, and whom."""

import re
from typing import Final

from msgspec import Struct

EVENT_TYPES: Final[dict[str, str]] = {
    "payment.created": "A payment was started.",
    "payment.processing": "The gateway is working on it; nothing to do but wait.",
    "payment.requires_action": "The customer has to do something, such as a 3-D Secure step.",
    "payment.authorized": "The amount is reserved and can be captured.",
    "payment.completed": "The money is captured.",
    "payment.failed": "The last attempt failed and none has succeeded.",
    "payment.canceled": "Canceled or voided before any money moved.",
    "payment.expired": "It ran out of time before any money moved.",
    "payment.updated": "Something about the payment changed; sent to those who did not ask for the special event.",
    "payment.amount_mismatch": "What was captured is not what was expected: less, more, or another currency.",
    "refund.created": "A refund was started.",
    "refund.completed": "A refund went through.",
    "refund.failed": "A refund failed, perhaps after it had gone through.",
    "dispute.opened": "The customer's bank disputes the payment.",
    "dispute.won": "A dispute was decided for you.",
    "dispute.lost": "A dispute was decided against you.",
    "dispute.closed": "A dispute ended without a decision.",
    "payout.created": "The gateway sends money to your bank.",
    "payout.paid": "A payout arrived.",
    "payout.failed": "A payout failed, came back or was canceled.",
    "subscription.created": "A subscription runs, paid or on trial.",
    "subscription.renewed": "A subscription runs for another period.",
    "subscription.past_due": "A subscription is not paid.",
    "subscription.canceled": "A subscription ended.",
    "invoice.paid": "An invoice is paid.",
    "invoice.payment_failed": "A try to collect an invoice failed.",
    "membership.granted": "A customer may use a product, or may again.",
    "membership.renewed": "A customer may use it for longer than was said before.",
    "membership.grace": "It is not paid, and may be used for a while yet.",
    "membership.suspended": "It may not be used until it is paid.",
    "membership.revoked": "It may not be used any more.",
}
"""The event types Paybell sends by itself. Applications may add their own."""

CHANNEL_PATTERN: Final = r"^[a-zA-Z0-9_.-]{1,128}$"
CHANNELS_MAX: Final = 16
TAG_PATTERN: Final = r"^[^\x00-\x1f\x7f]{1,128}$"
TAGS_MAX: Final = 16
EVENT_TYPE_PATTERN: Final = re.compile(r"^[a-zA-Z0-9_.-]{1,256}$")


PAYLOAD_GONE: Final = "its payload was deleted"
"""Why what waits of a message is not sent."""
PAYLOAD_EXPIRED: Final = "its payload was to be kept no longer"
"""The same, where its sender had said so."""


class EventTypeOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of an event type beside its description."""

    schemas: str = ""
    """JSON Schemas of its payloads by version (``{"1": …}``), as JSON; '' for none."""
    is_enforced: bool = False
    """Whether a payload that its newest schema refuses is refused."""
    is_archived: bool = False
    is_deprecated: bool = False
    feature_flags: tuple[str, ...] = ()
    """Only callers with one of them see it; none means that all do."""
    group_name: str = ""
    retry_delays_s: tuple[int, ...] | None = None
    """Seconds to wait after the first, second … failed try; None for ours."""


class EventType(Struct, frozen=True, kw_only=True):
    """The topic subscribed to. ``organisation_id`` is '' for those of Paybell itself."""

    name: str
    organisation_id: str
    description: str
    created_at_ms: int
    updated_at_ms: int
    options: EventTypeOptions = EventTypeOptions()


class ApplicationOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of an application beside its names."""

    metadata: tuple[tuple[str, str], ...] = ()
    throttle_rate: int = 0
    """Deliveries per second to all of its endpoints, at most; 0 for no limit."""


class Application(Struct, frozen=True, kw_only=True):
    """A tenant that subscribes. ``uid`` is the caller's own name for it, '' when none was given."""

    id: str
    organisation_id: str
    uid: str
    name: str
    created_at_ms: int
    updated_at_ms: int
    options: ApplicationOptions = ApplicationOptions()


class Message(Struct, frozen=True, kw_only=True):
    """One occurrence of an event type for one application; its payload bytes are fixed for ever.

    ``event_id`` is unique per application. ``payment_id`` is the id of the payment (payout, subscription …)
    that it tells of, '' for messages an application posted.
    """

    id: str
    organisation_id: str
    application_id: str
    event_type: str
    event_id: str
    payload: bytes
    payment_id: str
    created_at_ms: int
    ordering_key: str = ""
    """Its line at endpoints that take one after the other by key, '' for that of its payment; not kept with it."""
    channels: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    """Its sender's own words, by which it is found."""
    deliver_at_ms: int = 0
    """When it is sent; 0 for at once."""
    payload_ends_at_ms: int = 0
    """When its payload is taken away; 0 for with the message. Not shown by the store."""
    trace: str = ""
    """The trace of the request that it was posted by, as :mod:`~paybell.model.trace` keeps it; '' for none."""

    @property
    def has_extras(self) -> bool:
        """Whether there is anything about it that hardly any message has."""
        return bool(self.tags or self.deliver_at_ms or self.payload_ends_at_ms)
