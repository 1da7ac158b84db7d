"""What each step, the keeping and the people who look ask of the store."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from paybell.model.account import AccountItem
from paybell.model.answer import AnswerKey, AnswerNew, Beginning
from paybell.model.delivery import Attempt, Delivery, DeliveryJob
from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import CustomerKey, Entitlement, Product
from paybell.model.expectation import Expectation
from paybell.model.fact import Subject
from paybell.model.ledger import Balance, Posting
from paybell.model.message import Application, EventType, Message
from paybell.model.migration import Migration
from paybell.model.node import Backlog, Node, Roll
from paybell.model.notification import (
    Notification,
    Refusal,
)
from paybell.model.payment import Payment
from paybell.model.source import ApiKey, Organisation, Source
from paybell.ports.records import (
    Appended,
    AttemptNew,
    Changes,
    Decide,
    DeliveryClaim,
    Erasure,
    FetchDone,
    FetchJob,
    Held,
    MessageNew,
    NotificationNew,
    NotificationView,
    OrderKey,
    Page,
    PageQuery,
    Personal,
    Reading,
    Recorded,
    Retention,
    StoreStatus,
    Subjects,
    Tended,
    TimelineEntry,
)


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

    async def subject_rebuild(self, asked: Subjects, decide: Decide) -> Changes:
        """The same for those payments and account items, with no readings, and with who told each fact."""
        ...

    async def notification_renormalise(self, readings: Sequence[Reading], decide: Decide, *, tell: bool) -> Changes:
        """The same for notifications that were recorded, unmapped or parked before, which may be something else now."""
        ...

    async def notification_told(self, organisation_id: str, subject_id: str) -> tuple[Notification, ...]:
        """The notifications that are kept of those that told of a payment or an account item, oldest first."""
        ...

    async def entitlement_due(self, *, now_ms: int, limit: int) -> Sequence[CustomerKey]:
        """Customers of whose entitlements time has changed one, the longest due first."""
        ...

    async def entitlement_turn(self, keys: Sequence[CustomerKey], decide: Decide) -> Changes:
        """The same for what some customers may use, with no readings and no payments."""
        ...

    async def expectation_record(self, order: OrderKey, decide: Decide) -> Changes:
        """The same for all payments of an order, with no readings; ``ConfigurationError`` when they are too many."""
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

    async def product_put(self, product: Product) -> None:
        """Write a product; what is bought of it is computed anew at once."""
        ...

    async def product_delete(self, organisation_id: str, uid: str) -> None:
        """Forget a product, and compute anew what was bought of it; NotFound when there is none."""
        ...

    async def product_list(self, organisation_id: str) -> tuple[Product, ...]:
        """An organisation's products, by uid."""
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


class AnswerStore(Protocol):
    """What idempotency keys ask."""

    async def answer_begin(self, key: AnswerKey, *, now_ms: int, ends_at_ms: int) -> Beginning:
        """Take a key, unless it is taken: then what is kept under it. It is free again at ``ends_at_ms``."""
        ...

    async def answer_keep(self, new: AnswerNew) -> None:
        """Keep the answer of a request that was begun."""
        ...

    async def answer_forget(self, key: AnswerKey) -> None:
        """Free the key of a request that was begun."""
        ...


class EraseStore(Protocol):
    """What the erasure of a customer's personal data asks."""

    async def personal_list(self, organisation_id: str, subject_id: str) -> Personal:
        """All of a payment (and of those merged into it) or an account item that may hold personal data."""
        ...

    async def personal_replace(self, subject_id: str, without: Personal) -> None:
        """Put that in its place, under the same ids and digests, so that no trace of the old is in the database."""
        ...

    async def entitlement_rename(self, organisation_id: str, customer: str, pseudonym: str) -> None:
        """Whoever was called by an e-mail address goes by another name from now on."""
        ...

    async def erasure_insert(self, erasure: Erasure) -> None:
        """Keep that it was done."""
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
        """Filters: source_id, gateway_payment_id (or an alias), order_id, status. Newest first."""
        ...

    async def payment_get(self, organisation_id: str, payment_id: str) -> Payment:
        """By our id; of one that was merged, the payment it became; NotFound when there is none."""
        ...

    async def payment_timeline(self, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
        """Everything that happened to a payment, and to those that were merged into it, oldest first."""
        ...

    async def fact_list(self, subject_id: str) -> tuple[Recorded, ...]:
        """All facts of a payment or an account item, in the order in which they were recorded."""
        ...

    async def expectation_page(self, query: PageQuery) -> Page[Expectation]:
        """Filters: order_id. Newest first."""
        ...

    async def account_item_page(self, query: PageQuery) -> Page[AccountItem]:
        """Filters: subject (must be given), source_id, gateway_id, status. Newest first."""
        ...

    async def account_item_get(self, organisation_id: str, subject: Subject, item_id: str) -> AccountItem:
        """By our id; NotFound when there is none."""
        ...

    async def account_item_timeline(
        self, organisation_id: str, subject: Subject, item_id: str
    ) -> tuple[TimelineEntry, ...]:
        """Everything that happened to it, oldest first."""
        ...

    async def entitlement_page(self, query: PageQuery) -> Page[Entitlement]:
        """Filters: product, state. Newest first."""
        ...

    async def entitlement_of(self, organisation_id: str, customer: str) -> tuple[Entitlement, ...]:
        """All of a customer's, named by a gateway's id, an e-mail address or the merchant's own name."""
        ...

    async def posting_page(self, query: PageQuery) -> Page[Posting]:
        """Filters: payment_id (with those merged into it), source_id, currency, account (either side). Newest first."""
        ...

    async def ledger_balances(self, organisation_id: str) -> tuple[Balance, ...]:
        """The sums of every account that has postings, by source and currency."""
        ...

    async def message_post(self, new: MessageNew) -> None:
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
