"""What the steps ask of the world: gateways, transports and the store. Steps know these shapes and nothing else.

Every record of parameters is frozen; store methods are noun first, so that a list of them sorts by noun. Times are
milliseconds since 1970 (`_at_ms`). A store raises :class:`~paybell.errors.StoreUnavailable` when the same call may
succeed later.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from paybell.model.delivery import Attempt, Delivery, DeliveryJob, DeliveryState, Outcome
from paybell.model.endpoint import Endpoint, Transport
from paybell.model.fact import Fact, Parsed
from paybell.model.message import Application, EventType, Message
from paybell.model.migration import Migration
from paybell.model.node import Backlog, Node, Roll
from paybell.model.notification import (
    Answer,
    Notification,
    NotificationState,
    NotificationStatus,
    Refusal,
    Request,
    Verdict,
)
from paybell.model.payment import Payment
from paybell.model.source import ApiKey, Organisation, Source

T = TypeVar("T")
Step = Literal["record", "deliver", "reconcile"]
"""A step that looks into the store for what is due."""
STEPS: Final[tuple[Step, ...]] = ("record", "deliver", "reconcile")

# ------------------------------------------------------------------------------------------------ gateways


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


# ---------------------------------------------------------------------------------------------- transports


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

# --------------------------------------------------------------------------------------- parameter records


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
    """How a payment is found: the source and the gateway's own id."""

    source_id: str
    gateway_payment_id: str


class Known(Struct, frozen=True):
    """A payment and all its facts as the transaction found them."""

    payment: Payment
    facts: tuple[Fact, ...]


class Book(Struct, frozen=True, kw_only=True):
    """All that a decision about some readings needs, read in the transaction that will write its outcome."""

    readings: tuple[Reading, ...]
    known: Mapping[PaymentKey, Known]
    endpoints: Mapping[str, tuple[Endpoint, ...]]
    """By organisation."""


class NewFact(Struct, frozen=True):
    """A fact not seen before, of which payment, and which notification said it."""

    payment_id: str
    digest: bytes
    fact: Fact
    notification_id: str


class NotificationOutcome(Struct, frozen=True, kw_only=True):
    """What became of a notification."""

    notification_id: str
    state: NotificationState
    reason: str = ""
    event: str = ""


class Changes(Struct, frozen=True, kw_only=True):
    """What one transaction writes."""

    facts: tuple[NewFact, ...] = ()
    payments: tuple[Payment, ...] = ()
    messages: tuple[Message, ...] = ()
    deliveries: tuple[DeliveryJob, ...] = ()
    """Leased to this process where ``lease_no`` is 1, due for anybody where it is 0."""
    outcomes: tuple[NotificationOutcome, ...] = ()


Decide = Callable[[Book], Changes]


class Change(Struct, frozen=True, kw_only=True):
    """One change of one payment, as record hands it to route."""

    organisation_id: str
    payment_id: str
    version: int
    event_types: tuple[tuple[str, str], ...]
    """(event type, ref) pairs, most special first; the last is the fallback."""
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


class DeliveryClaim(Struct, frozen=True, kw_only=True):
    """Lease due deliveries: at most ``limit`` in all and ``per_endpoint`` each, none of ``busy`` endpoints."""

    now_ms: int
    lease_ends_at_ms: int
    limit: int
    per_endpoint: int
    busy: frozenset[str]


class AttemptNew(Struct, frozen=True, kw_only=True):
    """An attempt and the delivery's next state; written only while ``lease_no`` is still the delivery's own."""

    attempt: Attempt
    lease_no: int
    state: DeliveryState
    due_at_ms: int | None
    disable_endpoint_reason: str = ""


class Posting(Struct, frozen=True, kw_only=True):
    """A message that an application posts, with its deliveries."""

    message: Message
    deliveries: tuple[DeliveryJob, ...]


class PageQuery(Struct, frozen=True, kw_only=True):
    """A page of a list, newest first: up to ``limit`` rows after the row with id ``iterator`` ('' = from the top)."""

    organisation_id: str
    limit: int = 50
    iterator: str = ""
    filters: Mapping[str, str] = {}


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; ``iterator`` is the last row's id, '' for an empty page."""

    data: tuple[T, ...]
    iterator: str
    prev_iterator: str
    done: bool


class NotificationView(Struct, frozen=True):
    """A notification with what became of it."""

    notification: Notification
    status: NotificationStatus


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to a payment. ``kind`` is notification, fact, message, delivery or attempt."""

    at_ms: int
    kind: str
    id: str
    text: str
    detail: Mapping[str, object]


class Retention(Struct, frozen=True, kw_only=True):
    """How long things are kept, in milliseconds; 0 for ever. What still waits is never dropped."""

    notifications_ms: int = 0
    messages_ms: int = 0
    """With their deliveries and attempts."""


class Held(Struct, frozen=True, kw_only=True):
    """The ids of all that a process has leased and has in hand."""

    notifications: frozenset[str]
    deliveries: frozenset[str]


class Tended(Struct, frozen=True, kw_only=True):
    """What one round of keeping house has done; ``more`` is left to do."""

    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    more: bool = False


class StoreStatus(Struct, frozen=True, kw_only=True):
    """How the database is: its place, schema, size and the rows of each table and state."""

    url: str
    schema_version: int
    size_bytes: int
    counts: Mapping[str, int]


# --------------------------------------------------------------------------------------------------- store


class ReceiveStore(Protocol):
    """What receive asks."""

    async def source_find(self, name: str) -> Source | None:
        """The source with that id, or that uid in the default organisation; from memory, never staler than 1 s."""
        ...

    async def notification_append(self, new: NotificationNew) -> Appended:
        """Return once the row is on stable storage; a hint seen before is opened again."""
        ...

    async def refusal_append(self, refusal: Refusal, keep_max: int) -> None:
        """Keep a sample of a refused request, dropping the source's oldest beyond ``keep_max``."""
        ...


class RecordStore(Protocol):
    """What record asks."""

    async def source_get(self, source_id: str) -> Source | None:
        """The source with that id; from memory, never staler than 1 s."""
        ...

    async def notification_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[Notification]:
        """Lease pending notifications that are due, oldest first."""
        ...

    async def notification_record(self, readings: Sequence[Reading], decide: Decide) -> Changes:
        """Read the book for those still pending, let ``decide`` decide, write its changes: one transaction."""
        ...


class ReconcileStore(Protocol):
    """What reconcile asks."""

    async def source_get(self, source_id: str) -> Source | None:
        """The source with that id; from memory, never staler than 1 s."""
        ...

    async def fetch_claim(self, *, limit: int, now_ms: int, lease_ends_at_ms: int) -> list[FetchJob]:
        """Lease hints that are due to be fetched, oldest first."""
        ...

    async def fetch_finish(self, done: FetchDone) -> Appended | None:
        """Append the answer and close (or postpone) the hint, in one transaction."""
        ...


class DeliverStore(Protocol):
    """What deliver asks."""

    async def endpoint_get(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint with that id; from memory, never staler than 1 s."""
        ...

    async def delivery_claim(self, claim: DeliveryClaim) -> list[DeliveryJob]:
        """Lease due deliveries, each endpoint's oldest first; a lease that ran out is due again."""
        ...

    async def delivery_release(self, jobs: Sequence[DeliveryJob], *, due_at_ms: int) -> None:
        """Give leases back untried."""
        ...

    async def delivery_abandon(self, job: DeliveryJob, *, reason: str, now_ms: int) -> None:
        """End a leased delivery untried as a dead letter (its endpoint is gone or disabled)."""
        ...

    async def delivery_next_due(self, *, busy: frozenset[str]) -> int | None:
        """When the next delivery of an endpoint not in ``busy`` falls due (or its lease ends); None for never."""
        ...

    async def attempt_append(self, new: AttemptNew) -> bool:
        """Record an attempt and its verdict; False (and nothing written) when the lease has passed on."""
        ...


class DirectoryStore(Protocol):
    """Organisations, keys, sources, applications, endpoints, event types."""

    async def key_check(self) -> None:
        """``ConfigurationError`` for a key that does not open what is sealed; the first that opens all is kept to."""
        ...

    async def organisation_default(self) -> Organisation:
        """The organisation that a fresh installation has."""
        ...

    async def api_key_create(self, key: ApiKey, key_hash: bytes) -> None:
        """Keep a key's hash; a hash already kept is left as it is."""
        ...

    async def api_key_find(self, key_hash: bytes) -> ApiKey | None:
        """The key with that hash."""
        ...

    async def source_create(self, source: Source) -> None:
        """Conflict when the uid is taken."""
        ...

    async def source_update(self, source: Source) -> None:
        """Write uid, secrets, options, enabled."""
        ...

    async def source_delete(self, organisation_id: str, source_id: str) -> None:
        """Forget a source; its notifications and payments stay."""
        ...

    async def source_page(self, query: PageQuery) -> Page[Source]:
        """Sources, newest first."""
        ...

    async def source_lookup(self, organisation_id: str, name: str) -> Source:
        """By id or uid; NotFound otherwise."""
        ...

    async def application_create(self, application: Application) -> None:
        """Conflict when the uid is taken."""
        ...

    async def application_update(self, application: Application) -> None:
        """Write name and uid."""
        ...

    async def application_delete(self, organisation_id: str, application_id: str) -> None:
        """Delete an application and its endpoints; waiting deliveries become dead letters."""
        ...

    async def application_page(self, query: PageQuery) -> Page[Application]:
        """Applications, newest first."""
        ...

    async def application_lookup(self, organisation_id: str, name: str) -> Application:
        """By id or uid; NotFound otherwise."""
        ...

    async def endpoint_create(self, endpoint: Endpoint) -> None:
        """Conflict when the uid is taken in the application."""
        ...

    async def endpoint_update(self, endpoint: Endpoint) -> None:
        """Write everything but its ids."""
        ...

    async def endpoint_delete(self, organisation_id: str, endpoint_id: str) -> None:
        """Delete an endpoint; its waiting deliveries become dead letters."""
        ...

    async def endpoint_page(self, query: PageQuery) -> Page[Endpoint]:
        """Endpoints of the application in ``filters['application_id']``, newest first."""
        ...

    async def endpoint_lookup(self, organisation_id: str, application_id: str, name: str) -> Endpoint:
        """By id or uid; NotFound otherwise."""
        ...

    async def endpoint_list(self, organisation_id: str) -> tuple[Endpoint, ...]:
        """All endpoints of an organisation; from memory, never staler than 1 s."""
        ...

    async def event_type_create(self, event_type: EventType) -> None:
        """Conflict when the name is taken."""
        ...

    async def event_type_list(self, organisation_id: str) -> tuple[EventType, ...]:
        """The organisation's own event types, by name."""
        ...


class SchemaStore(Protocol):
    """What upgrades ask. Each call opens the database and closes it again."""

    async def schema_pending(self) -> tuple[Migration, ...]:
        """What the schema lacks; ``SchemaError`` when it is newer than this program."""
        ...

    async def schema_migrate(self) -> tuple[Migration, ...]:
        """Bring the schema up to date, one transaction per number, one process at a time; what that took."""
        ...


class KeepStore(Protocol):
    """What keep asks."""

    async def node_join(self, node: Node) -> None:
        """Serve as that node: what is leased from now on is its."""
        ...

    async def node_beat(self, node_id: str, *, now_ms: int, figures: Mapping[str, int]) -> Roll | None:
        """Give a sign of life; None when others have taken the node for dead, and its leases from it."""
        ...

    async def node_list(self) -> Roll:
        """All nodes, oldest first, and who leads."""
        ...

    async def now_ms(self) -> int:
        """The time by which the nodes' signs of life are dated: the database's."""
        ...

    async def node_bury(self, nodes: Sequence[Node], *, now_ms: int) -> tuple[str, ...]:
        """Forget those that have not beaten since, and make due what they had leased; the ids of those forgotten."""
        ...

    async def node_leave(self, node_id: str, *, now_ms: int) -> None:
        """Forget the node and make due what it still has leased; what is leased afterwards is nobody's."""
        ...

    async def lease_reclaim(self, held: Callable[[], Held], *, lease_ms: int, now_ms: int) -> int:
        """Make due what was leased to this node before the database was last away, and never reached it; how many.

        A claim's or a commit's answer may have been lost then. ``lease_ms`` is the longest lease; ``held`` is asked
        only when there may be anything.
        """
        ...

    async def leader_take(self, node_id: str, term: int) -> bool:
        """Lead in the term after that one; False when somebody has begun it already."""
        ...

    async def backlog_list(self, *, now_ms: int, count_max: int) -> tuple[Backlog, ...]:
        """What is due and nobody's yet, by step, each counted up to ``count_max``."""
        ...

    async def tend(self, retention: Retention, *, now_ms: int) -> Tended:
        """Make room for what is to come, and drop what has been kept long enough; payments and facts stay."""
        ...


class ReadStore(Protocol):
    """What people look at."""

    async def notification_page(self, query: PageQuery) -> Page[NotificationView]:
        """Filters: source_id, state. Newest first; bodies included."""
        ...

    async def notification_get(self, organisation_id: str, notification_id: str) -> NotificationView:
        """NotFound when there is none."""
        ...

    async def notification_replay(self, organisation_id: str, notification_id: str, *, now_ms: int) -> NotificationView:
        """Take it back to pending (a hint to needs_fetch), due now; Conflict while it is still in work."""
        ...

    async def refusal_page(self, query: PageQuery) -> Page[Refusal]:
        """Filters: source_id. Newest first."""
        ...

    async def payment_page(self, query: PageQuery) -> Page[Payment]:
        """Filters: source_id, gateway_payment_id, order_id, status. Newest first."""
        ...

    async def payment_get(self, organisation_id: str, payment_id: str) -> Payment:
        """By our id; NotFound when there is none."""
        ...

    async def payment_timeline(self, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
        """Everything that happened to a payment, oldest first."""
        ...

    async def message_post(self, posting: Posting) -> None:
        """Write a message and its deliveries in one transaction; Conflict when the event id is taken."""
        ...

    async def message_page(self, query: PageQuery) -> Page[Message]:
        """Filters: application_id, event_type. Newest first."""
        ...

    async def message_lookup(self, organisation_id: str, application_id: str, name: str) -> Message:
        """By id or event id; NotFound otherwise."""
        ...

    async def delivery_page(self, query: PageQuery) -> Page[Delivery]:
        """Filters: application_id, endpoint_id, message_id, state. Newest first."""
        ...

    async def delivery_resend(self, organisation_id: str, message_id: str, endpoint_id: str, *, now_ms: int) -> None:
        """Make the message due for the endpoint once more; NotFound when it never was for it."""
        ...

    async def attempt_page(self, query: PageQuery) -> Page[Attempt]:
        """Filters: application_id, endpoint_id, message_id. Newest first."""
        ...

    async def attempt_get(self, organisation_id: str, attempt_id: str) -> Attempt:
        """NotFound when there is none."""
        ...

    async def status(self) -> StoreStatus:
        """Counts and sizes, for people and metrics."""
        ...


ArchiveRow = tuple[str | int | bytes | None, ...]


class ArchiveSpan(Struct, frozen=True):
    """The time in which everything was made that a database holds."""

    first_ms: int
    last_ms: int


class ArchiveReader(Protocol):
    """One snapshot of a whole database."""

    dialect: str
    """Which named queries it knows: sqlite or postgres."""

    def batches(self, query: str, rows_max: int) -> AsyncIterator[Sequence[ArchiveRow]]:
        """The rows of a named query, up to so many at once; several may be read side by side."""
        ...

    def open_box(self, box: bytes, row_id: str) -> bytes:
        """What the row's box holds; ``ConfigurationError`` when it was closed under another key."""
        ...


class ArchiveWriter(ArchiveReader, Protocol):
    """One transaction that fills a database."""

    async def clear(self) -> None:
        """Take the default organisation out."""
        ...

    async def write(self, table: str, batch: Sequence[ArchiveRow]) -> None:
        """Add rows of a logical table as they are; ``Conflict`` when the database cannot hold them."""
        ...

    def close_box(self, content: bytes, row_id: str) -> bytes:
        """A box for the row, under this database's key."""
        ...


class ArchiveStore(Protocol):
    """What copying and checking ask."""

    def archive_read(self, *, alone: bool) -> AbstractAsyncContextManager[ArchiveReader]:
        """A snapshot, until the end of the block. ``alone``: ``Conflict`` while anybody serves from the database."""
        ...

    def archive_write(self, span: ArchiveSpan | None) -> AbstractAsyncContextManager[ArchiveWriter]:
        """A transaction, committed at the end of the block, undone by an error; room is made for the span before.

        ``Conflict`` while anybody serves, and where anything is besides the default organisation.
        """
        ...


class Store(
    ReceiveStore,
    RecordStore,
    ReconcileStore,
    DeliverStore,
    DirectoryStore,
    KeepStore,
    SchemaStore,
    ReadStore,
    ArchiveStore,
    Protocol,
):
    """The whole port. One implementation per database, one contract suite for all."""

    async def open(self) -> None:
        """Connect, bring the schema up to date, take back what a dead predecessor had leased."""
        ...

    async def close(self) -> None:
        """Finish what was handed in, then disconnect."""
        ...

    @property
    def waiting_count(self) -> int:
        """Writes handed in and not yet begun: the measure of overload."""
        ...

    def on_change(self, step: Step, callback: Callable[[], None]) -> None:
        """Call back (a hint, nothing more) when work may have become due for that step from outside of it."""
        ...
