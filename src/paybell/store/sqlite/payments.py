"""Payments and their timelines, as people look at them."""

from typing import Final

import apsw

from paybell.errors import NotFound
from paybell.model.payment import Payment
from paybell.ports import Page, PageQuery, TimelineEntry
from paybell.store import rows
from paybell.store.sqlite.base import Part

_ATTEMPTS_MAX: Final = 1000


class PaymentPart(Part):
    """Reads of payments; what writes them is the transaction of record."""

    async def payment_page(self, query: PageQuery) -> Page[Payment]:
        """See the port."""
        named = rows.bindings(query, "source_id", "gateway_payment_id", "order_id", "status")

        def job(connection: apsw.Connection) -> Page[Payment]:
            found = connection.execute(self.sql[_query_for(query)], named)
            return rows.page(found, query, rows.payment, lambda it: it.id)

        return await self.database.read(job)

    async def payment_get(self, organisation_id: str, payment_id: str) -> Payment:
        """See the port."""
        return await self.database.read(lambda connection: self._get(connection, organisation_id, payment_id))

    def _get(self, connection: apsw.Connection, organisation_id: str, payment_id: str) -> Payment:
        row = connection.execute(self.sql["payment_get"], (organisation_id, payment_id)).fetchone()
        if row is None:
            raise NotFound(f"no payment {payment_id}")
        return rows.payment(row)

    async def payment_timeline(self, organisation_id: str, payment_id: str) -> tuple[TimelineEntry, ...]:
        """See the port."""

        def job(connection: apsw.Connection) -> tuple[TimelineEntry, ...]:
            self._get(connection, organisation_id, payment_id)
            entries = [
                *self._notifications(connection, payment_id),
                *self._facts(connection, payment_id),
                *self._messages(connection, organisation_id, payment_id),
            ]
            return tuple(sorted(entries, key=lambda entry: entry.at_ms))

        return await self.database.read(job)

    def _notifications(self, connection: apsw.Connection, payment_id: str) -> list[TimelineEntry]:
        return [
            TimelineEntry(
                at_ms=rows.number(received),
                kind="notification",
                id=rows.text(notification_id),
                text=f"{origin} {event or '(no event name)'}: {state}{': ' if reason else ''}{reason}",
                detail={"origin": origin, "event": event, "state": state, "reason": reason},
            )
            for notification_id, received, origin, event, state, reason in connection.execute(
                self.sql["timeline_notifications"], (payment_id,)
            )
        ]

    def _facts(self, connection: apsw.Connection, payment_id: str) -> list[TimelineEntry]:
        entries = []
        for stored, notification_id, recorded_at_ms in connection.execute(self.sql["timeline_facts"], (payment_id,)):
            fact = rows.fact(stored)
            amount = "" if fact.amount_minor is None else f" {fact.amount_minor} {fact.currency} (minor units)"
            entries.append(
                TimelineEntry(
                    at_ms=rows.number(recorded_at_ms),
                    kind="fact",
                    id=fact.digest().hex(),
                    text=f"{fact.kind}{' ' if fact.ref else ''}{fact.ref}{amount}",
                    detail={
                        "kind": str(fact.kind),
                        "ref": fact.ref,
                        "gatewayAtMs": fact.at_ms,
                        "amountMinor": fact.amount_minor,
                        "currency": fact.currency,
                        "notificationId": notification_id,
                        "detail": dict(fact.detail),
                    },
                )
            )
        return entries

    def _messages(self, connection: apsw.Connection, organisation_id: str, payment_id: str) -> list[TimelineEntry]:
        entries: list[TimelineEntry] = []
        for message_id, event_type, application_id, created in connection.execute(
            self.sql["timeline_messages"], (payment_id,)
        ):
            entries.append(
                TimelineEntry(
                    at_ms=rows.number(created),
                    kind="message",
                    id=rows.text(message_id),
                    text=f"{event_type} for {application_id}",
                    detail={"eventType": event_type, "applicationId": application_id},
                )
            )
            named: dict[str, str | int] = {
                "organisation_id": organisation_id,
                "application_id": rows.text(application_id),
                "message_id": rows.text(message_id),
                "endpoint_id": "",
                "iterator": rows.AFTER_ALL,
                "state": "",
                "limit": _ATTEMPTS_MAX,
            }
            entries += self._deliveries(connection, named)
            entries += self._attempts(connection, named)
        return entries

    def _deliveries(self, connection: apsw.Connection, named: dict[str, str | int]) -> list[TimelineEntry]:
        found = connection.execute(self.sql["delivery_page_of_message"], named)
        return [
            TimelineEntry(
                at_ms=delivery.created_at_ms,
                kind="delivery",
                id=delivery.id,
                text=f"{delivery.event_type} to {delivery.endpoint_id}: {delivery.state}",
                detail={"state": str(delivery.state), "attemptCount": delivery.attempt_count},
            )
            for delivery in map(rows.delivery, found)
        ]

    def _attempts(self, connection: apsw.Connection, named: dict[str, str | int]) -> list[TimelineEntry]:
        found = connection.execute(self.sql["attempt_page_of_message"], named)
        return [
            TimelineEntry(
                at_ms=attempt.started_at_ms,
                kind="attempt",
                id=attempt.id,
                text=f"try {attempt.attempt_no}: {attempt.status_code or attempt.error} in {attempt.duration_ms} ms",
                detail={"url": attempt.url, "statusCode": attempt.status_code, "error": attempt.error},
            )
            for attempt in map(rows.attempt, found)
        ]


def _query_for(query: PageQuery) -> str:
    """The query whose index serves the narrowest filter given."""
    if query.filters.get("gateway_payment_id"):
        return "payment_page_by_gateway"
    if query.filters.get("order_id"):
        return "payment_page_by_order"
    if query.filters.get("status"):
        return "payment_page_by_status"
    return "payment_page_all"
