"""Erasure of personal data."""

from paybell.ports import Erasure, Personal
from paybell.store import alias_rows, personal_rows, rows
from paybell.store.postgres.base import Part


class PersonalPart(Part):
    """What is overwritten is gone from the tables once PostgreSQL has vacuumed them."""

    async def personal_list(self, organisation_id: str, subject_id: str) -> Personal:
        """See the port."""
        async with self.database.transaction("repeatable_read") as session:
            merged = [alias_rows.merged(row).id for row in await session.rows("merge_list", subject_id)]
            told = [
                personal_rows.message(row)
                for it in (subject_id, *merged)
                for row in await session.rows("personal_messages", it)
            ]
            attempts = [row for message_id, _ in told for row in await session.rows("personal_attempts", message_id)]
            return Personal(
                facts=personal_rows.facts(await session.rows("personal_facts", subject_id)),
                notifications=tuple(
                    map(rows.notification, await session.rows("notification_told", subject_id, organisation_id))
                ),
                messages=tuple(told),
                attempts=tuple(map(personal_rows.attempt, attempts)),
            )

    async def personal_replace(self, subject_id: str, without: Personal) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            for name, values in personal_rows.replacements(subject_id, without):
                await session.rows(name, *values)

    async def entitlement_rename(self, organisation_id: str, customer: str, pseudonym: str) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("entitlement_rename", pseudonym, organisation_id, customer)
            await session.rows("grant_rename", pseudonym, organisation_id, customer)

    async def erasure_insert(self, erasure: Erasure) -> None:
        """See the port."""
        async with self.database.transaction() as session:
            await session.rows("erasure_insert", *personal_rows.erasure_row(erasure))
