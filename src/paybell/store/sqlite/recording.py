"""The transaction of record: read the book, let the rule decide, write its changes."""

from collections.abc import Sequence

import apsw

from paybell.model.delivery import DeliveryJob
from paybell.model.message import Message
from paybell.model.notification import NotificationState
from paybell.ports import Book, Changes, Decide, Known, NewFact, NotificationOutcome, PaymentKey, Reading
from paybell.store.sqlite import rows
from paybell.store.sqlite.directory import DirectoryPart


class RecordingPart(DirectoryPart):
    """Facts, payments, messages and deliveries, written together."""

    async def notification_record(self, readings: Sequence[Reading], decide: Decide) -> Changes:
        """See the port."""

        def job(connection: apsw.Connection) -> Changes:
            changes = decide(self._book(connection, readings))
            self._write(connection, changes)
            return changes

        return await self.database.write(job)

    def _book(self, connection: apsw.Connection, readings: Sequence[Reading]) -> Book:
        pending = tuple(reading for reading in readings if self._is_pending(connection, reading))
        keys = {PaymentKey(reading.source.id, fact.aggregate) for reading in pending for fact in reading.parsed.facts}
        known = {key: found for key in keys if (found := self._known(connection, key)) is not None}
        return Book(readings=pending, known=known, endpoints=self.directory_in(connection).endpoints_by_organisation)

    def _is_pending(self, connection: apsw.Connection, reading: Reading) -> bool:
        row = connection.execute(self.sql["notification_state_get"], (reading.notification.id,)).fetchone()
        return row is not None and row[0] == NotificationState.PENDING

    def _known(self, connection: apsw.Connection, key: PaymentKey) -> Known | None:
        row = connection.execute(self.sql["payment_by_gateway"], (key.source_id, key.gateway_payment_id)).fetchone()
        if row is None:
            return None
        payment = rows.payment(row)
        facts = connection.execute(self.sql["fact_list"], (payment.id,))
        return Known(payment, tuple(rows.fact(fact) for (fact,) in facts))

    def _write(self, connection: apsw.Connection, changes: Changes) -> None:
        now_ms = self.clock.now_ms()
        for new in changes.facts:
            self._write_fact(connection, new, now_ms)
        for payment in changes.payments:
            connection.execute(self.sql["payment_upsert"], rows.payment_row(payment))
        for message in changes.messages:
            self.write_message(connection, message)
        for delivery in changes.deliveries:
            self.write_delivery(connection, delivery, now_ms)
        for outcome in changes.outcomes:
            self._write_outcome(connection, outcome, now_ms)

    def _write_fact(self, connection: apsw.Connection, new: NewFact, now_ms: int) -> None:
        row = (new.payment_id, new.digest, rows.fact_bytes(new.fact), new.notification_id, now_ms)
        connection.execute(self.sql["fact_insert"], row)

    def write_message(self, connection: apsw.Connection, message: Message) -> None:
        """Append a message; a second one for the same event id is an error of the caller."""
        connection.execute(self.sql["message_insert"], rows.message_row(message))

    def write_delivery(self, connection: apsw.Connection, job: DeliveryJob, now_ms: int) -> None:
        """Append a delivery, leased where it already has a lease number."""
        leased = job.lease_no > 0
        connection.execute(
            self.sql["delivery_insert"],
            (
                job.id,
                job.message_id,
                job.endpoint_id,
                job.application_id,
                job.organisation_id,
                job.event_type,
                "leased" if leased else "due",
                job.lease_no,
                job.lease_ends_at_ms if leased else job.due_at_ms,
                now_ms,
            ),
        )

    def _write_outcome(self, connection: apsw.Connection, outcome: NotificationOutcome, now_ms: int) -> None:
        values = (str(outcome.state), outcome.reason, outcome.event, now_ms, outcome.notification_id)
        connection.execute(self.sql["notification_finish"], values)
