"""The pages of what is in the database, read alike from every store."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from paybell.model.account import AccountItem
from paybell.model.audit import AuditLine
from paybell.model.delivery import Attempt, DeadReason, Delivery, DeliveryState, Standing, standing_of
from paybell.model.endpoint import Endpoint
from paybell.model.entitlement import Entitlement
from paybell.model.expectation import Expectation
from paybell.model.key import ApiKey
from paybell.model.ledger import Posting
from paybell.model.message import Message
from paybell.model.notification import Refusal
from paybell.model.payment import Payment
from paybell.model.task import Task
from paybell.ports import AddressedMessage, AttemptCount, DeadLetterCount, NotificationView, Page, PageQuery
from paybell.store import (
    account_rows,
    audit_rows,
    expectation_rows,
    extra_rows,
    key_rows,
    ledger_rows,
    member_rows,
    rows,
    task_rows,
    timeline,
)
from paybell.store.paging import bindings, page, page_name

T = TypeVar("T")
_DEAD_FILTERS: Final = ("application_id", "endpoint_id", "reason", "event_types")


class PageReads(ABC):
    """Each asks one named query, the one whose index serves the narrowest filter given; see the port for each."""

    @abstractmethod
    async def page_rows(self, name: str, named: Mapping[str, str | int]) -> Sequence[Sequence[object]]:
        """Run one named query with named values."""

    async def notification_page(self, query: PageQuery) -> Page[NotificationView]:
        """See the port."""
        named = bindings(query, "source_id", "state")
        found = await self.page_rows(page_name("notification_page", query), named)
        return page(found, query, rows.notification_view, lambda view: view.notification.id)

    async def refusal_page(self, query: PageQuery) -> Page[Refusal]:
        """See the port."""
        return await self._page("refusal_page", query, rows.refusal, lambda it: it.id, "source_id")

    async def payment_page(self, query: PageQuery) -> Page[Payment]:
        """See the port."""
        name = timeline.page_query(query.filters)
        filters = ("source_id", "gateway_payment_id", "order_id", "status")
        return await self._page(name, query, rows.payment, lambda it: it.id, *filters)

    async def expectation_page(self, query: PageQuery) -> Page[Expectation]:
        """See the port."""
        name = expectation_rows.page_query(query)
        return await self._page(name, query, expectation_rows.expectation, lambda it: it.id, "order_id")

    async def account_item_page(self, query: PageQuery) -> Page[AccountItem]:
        """See the port."""
        name = account_rows.page_query(query)
        filters = ("subject", "source_id", "gateway_id", "status")
        return await self._page(name, query, account_rows.item, lambda it: it.id, *filters)

    async def entitlement_page(self, query: PageQuery) -> Page[Entitlement]:
        """See the port."""
        return await self._page(
            "entitlement_page", query, member_rows.entitlement, lambda it: it.id, "product", "state"
        )

    async def posting_page(self, query: PageQuery) -> Page[Posting]:
        """See the port."""
        name = timeline.posting_query(query.filters)
        filters = ("payment_id", "source_id", "currency", "account")
        return await self._page(name, query, ledger_rows.posting, lambda it: it.id, *filters)

    async def message_page(self, query: PageQuery) -> Page[Message]:
        """See the port."""
        filters = ("application_id", "event_types", "channel", "tag")
        return await self._page(
            "message_page", extra_rows.sought(query), extra_rows.message, lambda it: it.id, *filters
        )

    async def message_page_of_endpoint(self, query: PageQuery) -> Page[AddressedMessage]:
        """See the port."""
        filters = ("application_id", "endpoint_id", "standing", "event_types", "channel", "tag")
        name = "message_page_of_endpoint"
        return await self._page(
            name, extra_rows.sought(query), extra_rows.addressed_message, lambda it: it.message.id, *filters
        )

    async def delivery_count_of(self, endpoint: Endpoint, *, after: str, before: str) -> Mapping[Standing, int]:
        """See the port."""
        counts: Counter[Standing] = Counter()
        for state, tried, count in await self.page_rows("delivery_count_of", _between(endpoint, after, before)):
            counts[standing_of(DeliveryState(rows.text(state)), tried=bool(tried))] += rows.number(count)
        return counts

    async def attempt_count_of(self, endpoint: Endpoint, *, after: str, before: str) -> AttemptCount:
        """See the port."""
        found = await self.page_rows("attempt_count_of", _between(endpoint, after, before))
        counts = {(bool(row[0]), bool(row[1])): rows.number(row[2]) for row in found}
        return AttemptCount(
            delivered=counts.get((True, False), 0),
            failed=counts.get((False, False), 0) + counts.get((False, True), 0),
            canceled=counts.get((True, True), 0),
        )

    async def delivery_page(self, query: PageQuery) -> Page[Delivery]:
        """See the port."""
        name = "delivery_page_of_message" if query.filters.get("message_id") else "delivery_page"
        filters = ("application_id", "endpoint_id", "message_id", "state")
        return await self._page(name, query, rows.delivery, lambda it: it.id, *filters)

    async def dead_letter_page(self, query: PageQuery) -> Page[Delivery]:
        """See the port."""
        name = "dead_letter_page_of_endpoint" if query.filters.get("endpoint_id") else "dead_letter_page"
        return await self._page(name, query, rows.delivery, lambda it: it.id, *_DEAD_FILTERS)

    async def dead_letter_count(self, query: PageQuery, *, count_max: int) -> DeadLetterCount:
        """See the port."""
        named = {**bindings(query, *_DEAD_FILTERS), "count_max": count_max}
        name = "dead_letter_count_of_endpoint" if query.filters.get("endpoint_id") else "dead_letter_count"
        found = await self.page_rows(name, named)
        counts = {rows.text(reason): rows.number(count) for reason, count in found}
        total = sum(counts.values())
        by_reason = {it: counts.get(it, 0) for it in DeadReason}
        return DeadLetterCount(total=total, by_reason=by_reason, complete=total < count_max)

    async def attempt_page(self, query: PageQuery) -> Page[Attempt]:
        """See the port."""
        name = "attempt_page_of_message" if query.filters.get("message_id") else "attempt_page_of_endpoint"
        narrow = ("application_id", "endpoint_id", "message_id", "delivered", "status_class")
        of_message = ("event_types", "channel", "tag")
        return await self._page(name, extra_rows.sought(query), rows.attempt, lambda it: it.id, *narrow, *of_message)

    async def api_key_page(self, query: PageQuery) -> Page[ApiKey]:
        """See the port."""
        return await self._page("api_key_page", query, key_rows.api_key, lambda it: it.id)

    async def task_page(self, query: PageQuery) -> Page[Task]:
        """See the port."""
        return await self._page("task_page", query, task_rows.task, lambda it: it.id, "kind", "state", "application_id")

    async def audit_page(self, query: PageQuery) -> Page[AuditLine]:
        """See the port."""
        asked = audit_rows.sought(query)
        return await self._page("audit_page", asked, audit_rows.line, lambda it: it.id, "actor", "operation", "object")

    async def _page(
        self,
        name: str,
        query: PageQuery,
        read: Callable[[Sequence[object]], T],
        id_of: Callable[[T], str],
        *filters: str,
    ) -> Page[T]:
        found = await self.page_rows(page_name(name, query), bindings(query, *filters))
        return page(found, query, read, id_of)


def _between(endpoint: Endpoint, after: str, before: str) -> Mapping[str, str]:
    return {
        "organisation_id": endpoint.organisation_id,
        "application_id": endpoint.application_id,
        "endpoint_id": endpoint.id,
        "after_id": after,
        "before_id": before,
    }
