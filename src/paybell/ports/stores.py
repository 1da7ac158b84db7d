"""What each step, the keeping and the people who look ask of the store."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from paybell.model.answer import AnswerKey, AnswerNew, Beginning
from paybell.model.entitlement import CustomerKey
from paybell.model.migration import Migration
from paybell.model.node import Backlog, Node, Roll
from paybell.model.notification import (
    Notification,
    Refusal,
)
from paybell.model.source import Source
from paybell.ports.keeping import Retention, Tended
from paybell.ports.records import (
    Appended,
    Changes,
    Decide,
    Erasure,
    FetchDone,
    FetchJob,
    Held,
    NotificationNew,
    OrderKey,
    Personal,
    Reading,
    Subjects,
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

    async def payload_expire(self, *, now_ms: int, limit: int) -> int:
        """Take away, as an expunging does, payloads that were to be kept no longer; how many that were."""
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
