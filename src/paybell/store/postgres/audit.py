"""The audit log in PostgreSQL."""

from paybell.model.audit import AuditLine
from paybell.store import audit_rows
from paybell.store.postgres.base import Part


class AuditPart(Part):
    """Each transaction writes the line of its change."""

    async def audit_append(self, line: AuditLine) -> None:
        """See the port."""
        await self.database.rows("audit_insert", *audit_rows.line_row(line))
