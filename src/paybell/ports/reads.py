"""What people ask of the store who look."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from paybell.model.account import AccountItem
from paybell.model.answer import Beginning
from paybell.model.delivery import Attempt, Delivery, Standing
from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import Entitlement
from paybell.model.expectation import Expectation
from paybell.model.fact import Subject
from paybell.model.ledger import Balance, Posting
from paybell.model.message import Message
from paybell.model.notification import Refusal
from paybell.model.payment import Payment
from paybell.ports.counting import AttemptCount
from paybell.ports.paging import Page, PageQuery
from paybell.ports.records import AddressedMessage, MessageNew, NotificationView, Recorded, StoreStatus, TimelineEntry


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

    async def message_post(self, new: MessageNew) -> Beginning:
        """Write a message, its deliveries and its key in one transaction; what is under the key where it is taken.

        Conflict when the event id is taken. A key that the same request has begun to be answered under is its own.
        """
        ...

    async def message_page(self, query: PageQuery) -> Page[Message]:
        """Filters: application_id, event_types (joined by commas), channel, tag. Newest first."""
        ...

    async def message_page_of_endpoint(self, query: PageQuery) -> Page[AddressedMessage]:
        """Newest first. Filters: application_id, endpoint_id (must be given), standing, event_types, channel, tag."""
        ...

    async def message_expunge(self, message: Message, *, reason: str, now_ms: int) -> None:
        """Take its payload away, and end what waits of it as a dead letter for that reason; its id and times stay."""
        ...

    async def message_lookup(self, organisation_id: str, application_id: str, name: str) -> Message:
        """By id or event id; NotFound otherwise."""
        ...

    async def message_list(self, organisation_id: str, ids: Sequence[str]) -> list[Message]:
        """Those of the organisation's messages that are kept, in any order."""
        ...

    async def delivery_page(self, query: PageQuery) -> Page[Delivery]:
        """Filters: application_id, endpoint_id, message_id, state. Newest first."""
        ...

    async def delivery_resend(self, organisation_id: str, message_id: str, endpoint_id: str, *, now_ms: int) -> None:
        """Make the message due for the endpoint once more, on its schedule from the begin.

        NotFound when it never was for it; Conflict while it is being sent.
        """
        ...

    async def attempt_page(self, query: PageQuery) -> Page[Attempt]:
        """Newest first.

        Filters: application_id, endpoint_id, message_id, delivered (0, 1), status_class (2 for 2xx), event_types,
        channel and tag (of its message).
        """
        ...

    async def attempt_expunge(self, organisation_id: str, attempt_id: str) -> None:
        """Take away what the endpoint answered; NotFound when there is no such attempt."""
        ...

    async def delivery_count_of(self, endpoint: Endpoint, *, after: str, before: str) -> Mapping[Standing, int]:
        """How many of the messages whose ids lie between these stand how for the endpoint."""
        ...

    async def attempt_count_of(self, endpoint: Endpoint, *, after: str, before: str) -> AttemptCount:
        """How the attempts at an endpoint ended whose ids lie between these."""
        ...

    async def attempt_get(self, organisation_id: str, attempt_id: str) -> Attempt:
        """NotFound when there is none."""
        ...

    async def status(self) -> StoreStatus:
        """Counts and sizes, for people and metrics."""
        ...
