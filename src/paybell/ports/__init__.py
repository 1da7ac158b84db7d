"""What the steps ask of the world: gateways, transports and the store. Steps know these shapes and nothing else.

Every record of parameters is frozen; store methods are noun first, so that a list of them sorts by noun. Times are
milliseconds since 1970 (`_at_ms`). A store raises :class:`~paybell.errors.StoreUnavailable` when the same call may
succeed later.
"""

from collections.abc import Callable
from typing import Final, Literal, Protocol

from paybell.ports.archive import ArchiveReader, ArchiveRow, ArchiveSpan, ArchiveStore, ArchiveWriter
from paybell.ports.audit import AuditStore, Changing, changing, riding
from paybell.ports.certificates import ClientCertificate
from paybell.ports.counting import AttemptCount
from paybell.ports.dead_letters import DeadLetterCount, DeadLetterStore
from paybell.ports.deliveries import AttemptNew, DeliverStore, DeliveryClaim
from paybell.ports.directory import DirectoryStore
from paybell.ports.errands import Advance, ErrandStore, Tally, Tallying
from paybell.ports.gateways import (
    SUBJECT_HEADER,
    About,
    Claim,
    Claims,
    FetchingGateway,
    FetchPlan,
    Gateway,
    GreetingGateway,
    Login,
    Method,
    Sender,
    Senders,
    Sending,
)
from paybell.ports.isolation import EndpointRule, IsolationStore, TurnAsk, Weigh
from paybell.ports.keeping import Retention, Tended
from paybell.ports.keys import KeyStore
from paybell.ports.looping import Looping
from paybell.ports.operational import Occurrence, RouteOccurrence
from paybell.ports.paging import AFTER_ALL, BACK, Page, PageQuery, cut, page_of
from paybell.ports.polling import Numbered, Numbering, PollStore, Position
from paybell.ports.reads import ReadStore
from paybell.ports.records import (
    TIMELINE_KINDS,
    AddressedMessage,
    AliasNew,
    Appended,
    Book,
    Change,
    Changes,
    Decide,
    Erasure,
    FactDrop,
    Facts,
    FetchDone,
    FetchJob,
    GrantChange,
    Held,
    ItemKey,
    Known,
    KnownItem,
    Mention,
    Merge,
    MessageNew,
    NewFact,
    NotificationNew,
    NotificationOutcome,
    NotificationView,
    OrderKey,
    PaymentKey,
    Personal,
    Reading,
    Recorded,
    Route,
    Routed,
    Said,
    StoreStatus,
    Subjects,
    TimelineEntry,
)
from paybell.ports.stores import (
    AnswerStore,
    EraseStore,
    KeepStore,
    ReceiveStore,
    ReconcileStore,
    RecordStore,
    SchemaStore,
)
from paybell.ports.tasks import Candidate, Choose, Look, Moves, ReplayStore, TaskNew, TaskStore
from paybell.ports.transforming import Fault, Transformed, Transformer, Webhook

__all__ = [
    "AFTER_ALL",
    "BACK",
    "STEPS",
    "SUBJECT_HEADER",
    "TIMELINE_KINDS",
    "About",
    "AddressedMessage",
    "Advance",
    "AliasNew",
    "Appended",
    "ArchiveReader",
    "ArchiveRow",
    "ArchiveSpan",
    "ArchiveStore",
    "ArchiveWriter",
    "AttemptCount",
    "AttemptNew",
    "AuditStore",
    "Book",
    "Candidate",
    "Change",
    "Changes",
    "Changing",
    "Choose",
    "Claim",
    "Claims",
    "ClientCertificate",
    "DeadLetterCount",
    "DeadLetterStore",
    "Decide",
    "DeliverStore",
    "DeliveryClaim",
    "DirectoryStore",
    "EndpointRule",
    "Erasure",
    "ErrandStore",
    "FactDrop",
    "Facts",
    "Fault",
    "FetchDone",
    "FetchJob",
    "FetchPlan",
    "FetchingGateway",
    "Gateway",
    "GrantChange",
    "GreetingGateway",
    "Held",
    "IsolationStore",
    "ItemKey",
    "KeepStore",
    "KeyStore",
    "Known",
    "KnownItem",
    "Login",
    "Look",
    "Looping",
    "Mention",
    "Merge",
    "MessageNew",
    "Method",
    "Moves",
    "NewFact",
    "NotificationNew",
    "NotificationOutcome",
    "NotificationView",
    "Numbered",
    "Numbering",
    "Occurrence",
    "OrderKey",
    "Page",
    "PageQuery",
    "PaymentKey",
    "Personal",
    "PollStore",
    "Position",
    "ReadStore",
    "Reading",
    "ReceiveStore",
    "ReconcileStore",
    "RecordStore",
    "Recorded",
    "ReplayStore",
    "Retention",
    "Route",
    "RouteOccurrence",
    "Routed",
    "Said",
    "SchemaStore",
    "Sender",
    "Senders",
    "Sending",
    "Step",
    "Store",
    "StoreStatus",
    "Subjects",
    "Tally",
    "Tallying",
    "TaskNew",
    "TaskStore",
    "Tended",
    "TimelineEntry",
    "Transformed",
    "Transformer",
    "TurnAsk",
    "Webhook",
    "Weigh",
    "changing",
    "cut",
    "page_of",
    "riding",
]

Step = Literal["record", "deliver", "reconcile"]
"""A step that looks into the store for what is due."""
STEPS: Final[tuple[Step, ...]] = ("record", "deliver", "reconcile")


class Store(
    ReceiveStore,
    RecordStore,
    ReconcileStore,
    DeliverStore,
    DirectoryStore,
    KeyStore,
    AuditStore,
    KeepStore,
    SchemaStore,
    AnswerStore,
    EraseStore,
    ReplayStore,
    ErrandStore,
    ReadStore,
    DeadLetterStore,
    PollStore,
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

    def on_occurrence(self, route: RouteOccurrence) -> None:
        """Have what happens to endpoints and deliveries told as ``route`` says, in the transaction in which it does.

        It may be called more than once for one occurrence, and its deliveries must be left due.
        """
        ...
