"""The audit log in SQLite."""

from paybell.model.audit import AuditLine
from paybell.store.sqlite.base import Part


class AuditPart(Part):
    """Each change writes its own line: see the base."""

    async def audit_append(self, line: AuditLine) -> None:
        """See the port."""
        await self.database.write(lambda connection: self.audit_in(connection, line))
