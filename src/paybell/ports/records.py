"""What the steps and the store hand each other: frozen records."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from paybell.model.account import AccountItem
from paybell.model.answer import AnswerKey
from paybell.model.delivery import DeliveryJob, Standing
from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import CustomerKey, Entitlement, Grant, Product
from paybell.model.expectation import Expectation
from paybell.model.fact import Fact, Parsed, Subject
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.notification import (
    Notification,
    NotificationState,
    NotificationStatus,
)
from paybell.model.payment import Payment
from paybell.model.silence import Silence
from paybell.model.source import Source


class NotificationNew(Struct, frozen=True, kw_only=True):
    """A notification to append. It can be claimed from ``due_at_ms`` on, unless its step ends before."""

    notification: Notification
    state: NotificationState
    due_at_ms: int


class Appended(Struct, frozen=True):
    """The row's id (that of the first one, for a duplicate), now on stable storage."""

    notification_id: str
    duplicate: bool


class Reading(Struct, frozen=True, kw_only=True):
    """A pending notification as its gateway read it; ``error`` says why it could not ('' when it could)."""

    notification: Notification
    source: Source
    parsed: Parsed
    error: str = ""


class PaymentKey(Struct, frozen=True):
    """How a payment is found: the source and any of the gateway's ids of it."""

    source_id: str
    gateway_payment_id: str


class OrderKey(Struct, frozen=True, order=True):
    """An order of an organisation."""

    organisation_id: str
    order_id: str


class ItemKey(Struct, frozen=True, order=True):
    """How an account item is found: its source, what it is, and the gateway's id of it."""

    source_id: str
    subject: Subject
    gateway_id: str


Facts = Mapping[bytes, Fact]
"""Facts under their digests as stored: that of one whose personal data was erased is that of the whole fact."""


class Known(Struct, frozen=True):
    """A payment, all its facts and all its postings as the transaction found them."""

    payment: Payment
    facts: Facts
    postings: tuple[Posting, ...] = ()


class KnownItem(Struct, frozen=True):
    """The same of an account item."""

    item: AccountItem
    facts: Facts
    postings: tuple[Posting, ...] = ()


class Book(Struct, frozen=True, kw_only=True):
    """All that a decision about some readings needs, read in the transaction that will write its outcome."""

    readings: tuple[Reading, ...]
    known: Mapping[PaymentKey, Known]
    """By every id that the readings name; several may be of one payment."""
    endpoints: Mapping[str, tuple[Endpoint, ...]]
    """By organisation."""
    expectations: Mapping[OrderKey, tuple[Expectation, ...]] = {}
    """All that was said of the orders that the readings name; nothing under those of which nothing was."""
    items: Mapping[ItemKey, KnownItem] = {}
    """The account items that the readings name."""
    grants: Mapping[CustomerKey, tuple[Grant, ...]] = {}
    """All of the customers that the readings, or what they name, concern."""
    entitlements: Mapping[CustomerKey, tuple[Entitlement, ...]] = {}
    """Theirs."""
    products: Mapping[str, tuple[Product, ...]] = {}
    """By organisation."""
    tellers: Mapping[str, Mapping[bytes, str]] = {}
    """Of a rebuild: which notification told each fact, by digest, of each payment and item."""


class NewFact(Struct, frozen=True):
    """A fact not seen before: of which payment or account item, and the notification that said it."""

    subject_id: str
    digest: bytes
    fact: Fact
    notification_id: str
    """'' for what a merchant said."""


class Recorded(Struct, frozen=True):
    """A fact as it was recorded: by which notification ('' for a merchant's word), and when."""

    fact: Fact
    notification_id: str
    recorded_at_ms: int


class Subjects(Struct, frozen=True, kw_only=True):
    """What is to be rebuilt, and whether those who subscribed hear of it."""

    payments: tuple[PaymentKey, ...] = ()
    items: tuple[ItemKey, ...] = ()
    tell: bool = False


class FactDrop(Struct, frozen=True):
    """A fact that no notification says any more."""

    subject_id: str
    digest: bytes


class Personal(Struct, frozen=True, kw_only=True):
    """All of a payment or an account item that may hold personal data; or the same without it."""

    facts: Facts = {}
    notifications: tuple[Notification, ...] = ()
    messages: tuple[tuple[str, bytes], ...] = ()
    """Ids and payloads."""
    attempts: tuple[tuple[str, str, str], ...] = ()
    """Ids, what endpoints answered, and errors."""


class Erasure(Struct, frozen=True, kw_only=True):
    """That a customer's personal data was taken out: of how much, and under which of the gateways' ids."""

    id: str
    organisation_id: str
    customers: tuple[str, ...]
    payment_count: int
    notification_count: int
    message_count: int
    erased_at_ms: int


class AliasNew(Struct, frozen=True):
    """Another id by which the gateway names a payment, not known before."""

    source_id: str
    alias: str
    payment_id: str


class GrantChange(Struct, frozen=True):
    """What a payment, subscription or invoice says now; None for nothing any more."""

    subject_id: str
    grant: Grant | None


class Merge(Struct, frozen=True, kw_only=True):
    """A payment that turned out to be another one: whatever is its own becomes that one's."""

    payment_id: str
    organisation_id: str
    source_id: str
    merged_into: str
    merged_at_ms: int


class Mention(Struct, frozen=True):
    """A notification that told of a subject nothing that was not known already."""

    subject_id: str
    notification_id: str


class NotificationOutcome(Struct, frozen=True, kw_only=True):
    """What became of a notification."""

    notification_id: str
    state: NotificationState
    reason: str = ""
    event: str = ""


class Changes(Struct, frozen=True, kw_only=True):
    """What one transaction writes; merges first, since they make room for the rest."""

    now_ms: int = 0
    """When it was decided; 0 for when it is written."""
    merges: tuple[Merge, ...] = ()
    aliases: tuple[AliasNew, ...] = ()
    facts: tuple[NewFact, ...] = ()
    dropped: tuple[FactDrop, ...] = ()
    payments: tuple[Payment, ...] = ()
    items: tuple[AccountItem, ...] = ()
    grants: tuple[GrantChange, ...] = ()
    entitlements: tuple[Entitlement, ...] = ()
    postings: tuple[Posting, ...] = ()
    messages: tuple[Message, ...] = ()
    silences: tuple[Silence, ...] = ()
    mentions: tuple[Mention, ...] = ()
    deliveries: tuple[DeliveryJob, ...] = ()
    """Leased to this process where ``lease_no`` is 1, due for anybody where it is 0."""
    outcomes: tuple[NotificationOutcome, ...] = ()
    expectations: tuple[Expectation, ...] = ()


class Said(Struct, frozen=True):
    """What an order is expected to pay, and whether that is news."""

    expectation: Expectation
    is_new: bool


Decide = Callable[[Book], Changes]


class Change(Struct, frozen=True, kw_only=True):
    """One change of a payment or of another subject, as record hands it to route."""

    organisation_id: str
    subject_id: str
    version: int
    event_types: tuple[tuple[str, str], ...]
    """(event type, ref) pairs, most special first."""
    again: str = ""
    """What sets it apart from what was told of the same version before; '' for the first time."""
    fallback: str = ""
    """The event type for those who want none of these; '' where there is none."""
    write: Callable[[str, str, str], bytes]
    """(message id, event type, ref) -> payload."""


class Routed(Struct, frozen=True, kw_only=True):
    """What route made of one change: messages and their deliveries."""

    messages: tuple[Message, ...]
    deliveries: tuple[DeliveryJob, ...]


Route = Callable[[Change, tuple[Endpoint, ...]], Routed]


class FetchJob(Struct, frozen=True, kw_only=True):
    """A leased hint. ``wanted_no`` rises when the same hint comes again meanwhile: then the answer may be old."""

    notification: Notification
    attempt_count: int
    wanted_no: int


class FetchDone(Struct, frozen=True, kw_only=True):
    """The end of one try to fetch: the answer to append (if any) and what becomes of the hint."""

    notification_id: str
    wanted_no: int
    state: NotificationState
    reason: str
    attempt_count: int
    due_at_ms: int
    answer: NotificationNew | None = None


class MessageNew(Struct, frozen=True, kw_only=True):
    """A message that an application posts, with its deliveries."""

    message: Message
    deliveries: tuple[DeliveryJob, ...]
    key: AnswerKey | None = None
    """Its idempotency key, taken in the same transaction."""
    key_ends_at_ms: int = 0


class AddressedMessage(Struct, frozen=True):
    """A message that was for an endpoint, how that stands, and when it is tried next (None for never)."""

    message: Message
    standing: Standing
    due_at_ms: int | None


class NotificationView(Struct, frozen=True):
    """A notification with what became of it."""

    notification: Notification
    status: NotificationStatus


TIMELINE_KINDS: Final = (
    "notification",
    "fact",
    "merge",
    "transition",
    "posting",
    "silence",
    "message",
    "delivery",
    "attempt",
)
"""What can stand in a timeline, in the order in which one follows from another."""


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to a payment, of one of :data:`TIMELINE_KINDS`."""

    at_ms: int
    kind: str
    id: str
    text: str
    detail: Mapping[str, object]


class Held(Struct, frozen=True, kw_only=True):
    """The ids of all that a process has leased and has in hand."""

    notifications: frozenset[str]
    deliveries: frozenset[str]


class StoreStatus(Struct, frozen=True, kw_only=True):
    """How the database is: its place, schema, size and the rows of each table and state."""

    url: str
    schema_version: int
    size_bytes: int
    counts: Mapping[str, int]
