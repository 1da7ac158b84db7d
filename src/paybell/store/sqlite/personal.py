"""Erasure of personal data."""

import apsw

from paybell.ports import Erasure, Personal
from paybell.store import alias_rows, personal_rows, rows
from paybell.store.sqlite.base import Part


class PersonalPart(Part):
    """What is overwritten is overwritten in the file, too."""

    async def personal_list(self, organisation_id: str, subject_id: str) -> Personal:
        """See the port."""

        def job(connection: apsw.Connection) -> Personal:
            run = connection.execute
            merged = [alias_rows.merged(row).id for row in run(self.sql["merge_list"], (subject_id,))]
            told = [
                personal_rows.message(row)
                for it in (subject_id, *merged)
                for row in run(self.sql["personal_messages"], (it,))
            ]
            attempts = [row for message_id, _ in told for row in run(self.sql["personal_attempts"], (message_id,))]
            notified = run(self.sql["notification_told"], (subject_id, organisation_id))
            return Personal(
                facts=personal_rows.facts(run(self.sql["personal_facts"], (subject_id,))),
                notifications=tuple(map(rows.notification, notified)),
                messages=tuple(told),
                attempts=tuple(map(personal_rows.attempt, attempts)),
            )

        return await self.database.read(job)

    async def personal_replace(self, subject_id: str, without: Personal) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            connection.pragma("secure_delete", 1)
            for name, values in personal_rows.replacements(subject_id, without):
                connection.execute(self.sql[name], values)

        await self.database.write(job)

    async def entitlement_rename(self, organisation_id: str, customer: str, pseudonym: str) -> None:
        """See the port."""

        def job(connection: apsw.Connection) -> None:
            for name in ("entitlement_rename", "grant_rename"):
                connection.execute(self.sql[name], (pseudonym, organisation_id, customer))

        await self.database.write(job)

    async def erasure_insert(self, erasure: Erasure) -> None:
        """See the port. The log of changes is written into the file and emptied, where nobody reads from it now."""
        await self.database.write(
            lambda connection: connection.execute(self.sql["erasure_insert"], personal_rows.erasure_row(erasure))
        )
        await self.database.tidy()
